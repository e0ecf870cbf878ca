//! Rows of the outbox as a transaction writes them: new ones, what came of one, and those nobody wants any more.

use onedoor_domain::delivery::{DeliveryKind, DeliveryState};
use onedoor_domain::id::{CaseId, HandoffId};
use onedoor_domain::timeline::StoredEvent;
use onedoor_entity::{delivery, delivery_attempt};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::{DeliveryResult, Tries, states};
use crate::store::error::StoreError;
use crate::store::names::name_of;
use crate::store::parse::number;
use crate::store::tx::Tx;
use crate::store::write_set::NewDelivery;
use crate::telemetry::traces;

/// Rows of new deliveries.
pub(in crate::store) fn rows(
    new: Vec<NewDelivery>,
    (case, revision): (CaseId, i64),
    events: &[StoredEvent],
    now: i64,
) -> Result<Vec<delivery::Model>, StoreError> {
    let line = |index: usize| {
        let event = events
            .get(index)
            .ok_or_else(|| StoreError::other("a delivery tells of an event that is not in its set"))?;
        number(event.seq)
    };
    // every attempt, however late and on whichever replica, is part of the trace in which it was asked for
    let traceparent = traces::traceparent();
    let row = |new: NewDelivery| {
        Ok(delivery::Model {
            ledger_seq: new.tells.map(line).transpose()?,
            traceparent: traceparent.clone(),
            id: new.id.uuid(),
            case_id: case.uuid(),
            revision,
            handoff_id: new.handoff.uuid(),
            upstream: new.upstream,
            operation: name_of(new.kind)?,
            key: new.key,
            state: name_of(DeliveryState::Pending)?,
            waiting: DeliveryState::Pending.is_claimable(),
            fence: 0,
            attempts: 0,
            tries_spent: 0,
            in_doubt: false,
            next_attempt_at: now,
            reason: None,
            created_at: now,
            changed_at: now,
        })
    };
    new.into_iter().map(row).collect()
}

/// Applies a result if its fence is still the delivery's; moves the fence, so that no result is applied twice.
pub(in crate::store) async fn apply_result(
    tx: &Tx,
    result: &DeliveryResult,
    now: i64,
) -> Result<bool, StoreError> {
    let tries = Expr::col(delivery::Column::TriesSpent);
    let updated = delivery::Entity::update_many()
        .col_expr(delivery::Column::State, Expr::value(name_of(result.state)?))
        .col_expr(
            delivery::Column::Waiting,
            Expr::value(result.state.is_claimable()),
        )
        .col_expr(delivery::Column::Fence, Expr::col(delivery::Column::Fence).add(1))
        .col_expr(delivery::Column::Reason, Expr::value(result.reason.clone()))
        .col_expr(
            delivery::Column::NextAttemptAt,
            Expr::value(result.next_attempt_at.map_or(now, |at| at.timestamp_micros())),
        )
        .col_expr(
            delivery::Column::TriesSpent,
            match result.tries {
                Tries::Keep => tries,
                Tries::Spend => tries.add(1),
                Tries::Reset => Expr::value(0),
            },
        )
        .col_expr(delivery::Column::InDoubt, Expr::value(result.in_doubt))
        .col_expr(delivery::Column::ChangedAt, Expr::value(now))
        .filter(delivery::Column::Id.eq(result.delivery.uuid()))
        .filter(delivery::Column::Fence.eq(result.fence))
        .exec(tx.connection())
        .await?;
    if updated.rows_affected == 0 {
        return Ok(false);
    }
    if let Some(attempt) = result.attempt {
        delivery_attempt::Entity::update_many()
            .col_expr(delivery_attempt::Column::FinishedAt, Expr::value(now))
            .col_expr(
                delivery_attempt::Column::Outcome,
                Expr::value(result.outcome.clone()),
            )
            .col_expr(
                delivery_attempt::Column::Evidence,
                Expr::value(result.evidence.clone()),
            )
            .filter(delivery_attempt::Column::DeliveryId.eq(result.delivery.uuid()))
            .filter(delivery_attempt::Column::Number.eq(number::<_, i32>(attempt)?))
            .exec(tx.connection())
            .await?;
    }
    Ok(true)
}

/// Cancels the deliveries of handoffs that are no longer wanted, but only those of which surely nothing left: a system
/// that may have acted is asked, or its answer kept, as before. The fence moves, so that a worker that holds one and
/// has not begun sends nothing.
pub(in crate::store) async fn cancel_unsent(
    tx: &Tx,
    unwanted: &[HandoffId],
    now: i64,
) -> Result<(), StoreError> {
    if unwanted.is_empty() {
        return Ok(());
    }
    let cancellable = |state: DeliveryState| state.is_claimable() || state == DeliveryState::Dead;
    delivery::Entity::update_many()
        .col_expr(
            delivery::Column::State,
            Expr::value(name_of(DeliveryState::Cancelled)?),
        )
        .col_expr(delivery::Column::Waiting, Expr::value(false))
        .col_expr(delivery::Column::Fence, Expr::col(delivery::Column::Fence).add(1))
        .col_expr(delivery::Column::Reason, Expr::value(Some("RECALLED".to_owned())))
        .col_expr(delivery::Column::ChangedAt, Expr::value(now))
        .filter(delivery::Column::HandoffId.is_in(unwanted.iter().map(|handoff| handoff.uuid())))
        .filter(delivery::Column::InDoubt.eq(false))
        .filter(delivery::Column::State.is_in(states(cancellable)?))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Settles deliveries of handoffs that their systems answered by a notice meanwhile: what was uncertain or given up has
/// arrived, and nobody need resolve it any more.
pub(in crate::store) async fn settle_answered(
    tx: &Tx,
    answered: &[HandoffId],
    now: i64,
) -> Result<(), StoreError> {
    if answered.is_empty() {
        return Ok(());
    }
    let handing_over = [DeliveryKind::Submit, DeliveryKind::Transition].map(name_of);
    delivery::Entity::update_many()
        .col_expr(
            delivery::Column::State,
            Expr::value(name_of(DeliveryState::Delivered)?),
        )
        .col_expr(delivery::Column::Waiting, Expr::value(false))
        .col_expr(delivery::Column::Fence, Expr::col(delivery::Column::Fence).add(1))
        .col_expr(delivery::Column::Reason, Expr::value(Some("ANSWERED".to_owned())))
        .col_expr(delivery::Column::InDoubt, Expr::value(false))
        .col_expr(delivery::Column::ChangedAt, Expr::value(now))
        .filter(delivery::Column::HandoffId.is_in(answered.iter().map(|handoff| handoff.uuid())))
        .filter(delivery::Column::Operation.is_in(handing_over.into_iter().collect::<Result<Vec<_>, _>>()?))
        .filter(delivery::Column::State.is_in(states(|state| {
            matches!(state, DeliveryState::Uncertain | DeliveryState::Dead)
        })?))
        .exec(tx.connection())
        .await?;
    Ok(())
}
