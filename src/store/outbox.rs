//! The outbox: deliveries are rows before they are acts, claimed with a lease and a fence.
//!
//! A fence moves with every claim and every result. A worker that stalled past its lease holds an old one, and what
//! it reports then is refused. Deliveries of one case to one system go out in the order they were asked for.

use std::time::Duration;

use chrono::{DateTime, Utc};
use onedoor_domain::delivery::{DeliveryKind, DeliveryState};
use onedoor_domain::id::{CaseId, DeliveryId, HandoffId};
use onedoor_entity::{delivery, delivery_attempt};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{
    Expr, ExprTrait as _, LockBehavior, LockType, Order, Query, SelectStatement, SimpleExpr,
};
use sea_orm::{ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, QueryFilter as _};

use super::case::CaseStore;
use super::dialect;
use super::error::StoreError;
use super::names::name_of;
use super::parse::{Row, number};

mod records;
mod rows;

pub use records::OutboxCount;
pub(super) use rows::{apply_result, cancel_unsent, rows, settle_answered};

/// What a worker asks for.
#[derive(Debug, Clone)]
pub struct ClaimRequest<'a> {
    /// Only deliveries to this system; `None`: to any.
    pub upstream: Option<&'a str>,
    /// None to these systems: they rest, or have no capacity left.
    pub except: &'a [String],
    /// Now.
    pub now: DateTime<Utc>,
    /// How long the claim holds; longer than the longest attempt.
    pub lease: Duration,
    /// How many at most.
    pub max: u32,
    /// Which of them.
    pub tried: Tried,
}

/// Whether deliveries are claimed that were tried before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// All.
    Either,
    /// Only those never tried.
    Never,
    /// Only those tried before.
    Before,
}

/// A delivery in the hands of one worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedDelivery {
    /// Key.
    pub id: DeliveryId,
    /// The case.
    pub case: CaseId,
    /// The handoff it carries out.
    pub handoff: HandoffId,
    /// Name of the upstream system.
    pub upstream: String,
    /// What the system is asked to do.
    pub kind: DeliveryKind,
    /// The line of the case's ledger that it tells of; `None`: it carries the handoff.
    pub tells: Option<u64>,
    /// Idempotency key, the same on every attempt.
    pub key: String,
    /// The trace in which it was asked for, as W3C writes it.
    pub traceparent: Option<String>,
    /// Proof of the claim; every result names it.
    pub fence: i64,
    /// Number of the attempt to be started, from 1.
    pub attempt: u32,
    /// Attempts so far that count towards giving up.
    pub tries_spent: u32,
    /// An earlier attempt may have acted: it was ambiguous, or was started and its outcome never stored.
    pub earlier_attempt_unknown: bool,
    /// Why the last attempt did not settle it, as a code; `None` before the first, and after a crash.
    pub reason: Option<String>,
}

/// Whether an attempt counts towards giving up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tries {
    /// It does not: nothing left the house.
    Keep,
    /// It does.
    Spend,
    /// The count starts anew: a person sends it again.
    Reset,
}

/// What came of a delivery, by an attempt or by a person's decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryResult {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The fence under which it was learnt.
    pub fence: i64,
    /// Number of the attempt that ended; `None`: no attempt was started.
    pub attempt: Option<u32>,
    /// What came of it, as a code for the record of the attempt: `ACCEPTED`, `NOT_SENT` …
    pub outcome: String,
    /// What the answer says of itself for later proof; `None`: nothing.
    pub evidence: Option<String>,
    /// The new state.
    pub state: DeliveryState,
    /// Why it waits or ended: a code, no text of a person.
    pub reason: Option<String>,
    /// When it is tried again, at the earliest; `None`: not by itself.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Whether it counts.
    pub tries: Tries,
    /// Whether the upstream system may have acted without our knowing.
    pub in_doubt: bool,
}

impl DeliveryResult {
    /// A person has it sent again, at once. A doubt about an earlier attempt stays, unless they know what came of it.
    #[must_use]
    pub fn again(delivery: DeliveryId, fence: i64, now: DateTime<Utc>, in_doubt: bool) -> Self {
        Self {
            delivery,
            fence,
            attempt: None,
            outcome: "REDELIVER".to_owned(),
            evidence: None,
            state: DeliveryState::Pending,
            reason: None,
            next_attempt_at: Some(now),
            tries: Tries::Reset,
            in_doubt,
        }
    }
}

impl CaseStore {
    /// Claims deliveries whose time has come, the longest waiting first; one whose lease ended is claimed again.
    ///
    /// # Errors
    /// As any write.
    pub async fn claim_deliveries(
        &self,
        request: &ClaimRequest<'_>,
    ) -> Result<Vec<ClaimedDelivery>, StoreError> {
        let read = self.database().read();
        // a look first: most of the time nothing waits, and the writer has other things to do
        if read.query_one(&claimable(request)?).await?.is_none() {
            return Ok(Vec::new());
        }
        let lease = chrono::Duration::from_std(request.lease).map_err(StoreError::other)?;
        let mut chosen = claimable(request)?;
        // this speaks to PostgreSQL; on SQLite the whole statement runs alone
        chosen.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        let claim = delivery::Entity::update_many()
            .col_expr(
                delivery::Column::State,
                Expr::value(name_of(DeliveryState::Sending)?),
            )
            .col_expr(delivery::Column::Fence, Expr::col(delivery::Column::Fence).add(1))
            .col_expr(
                delivery::Column::NextAttemptAt,
                Expr::value((request.now + lease).timestamp_micros()),
            )
            .col_expr(
                delivery::Column::ChangedAt,
                Expr::value(request.now.timestamp_micros()),
            )
            .filter(dialect::is_one_of(read, Expr::col(delivery::Column::Id), chosen));
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            let claimed = claim.exec_with_returning(tx.connection()).await?;
            tx.commit().await?;
            Ok(claimed)
        };
        let mut claimed = self.database().in_turn(write).await?;
        claimed.sort_by_key(|row| (row.created_at, row.id));
        claimed.into_iter().map(claimed_delivery).collect()
    }

    /// Gives claims back that nothing was done about: others may take them at once. Those that were overtaken stay.
    ///
    /// # Errors
    /// As any write.
    pub async fn give_back(&self, claims: &[ClaimedDelivery], now: DateTime<Utc>) -> Result<(), StoreError> {
        let (pending, sending) = (name_of(DeliveryState::Pending)?, name_of(DeliveryState::Sending)?);
        let (database, now) = (self.database().clone(), now.timestamp_micros());
        let held: Vec<_> = claims
            .iter()
            .map(|claim| (claim.id.uuid(), claim.fence))
            .collect();
        let write = async move {
            let tx = database.write_tx().await?;
            for (id, fence) in held {
                delivery::Entity::update_many()
                    .col_expr(delivery::Column::State, Expr::value(pending.as_str()))
                    .col_expr(delivery::Column::Fence, Expr::col(delivery::Column::Fence).add(1))
                    .col_expr(delivery::Column::NextAttemptAt, Expr::value(now))
                    .filter(delivery::Column::Id.eq(id))
                    .filter(delivery::Column::Fence.eq(fence))
                    .filter(delivery::Column::State.eq(sending.as_str()))
                    .exec(tx.connection())
                    .await?;
            }
            tx.commit().await?;
            Ok(())
        };
        self.database().in_turn(write).await
    }

    /// Records that an attempt begins; call it before anything is sent. `false`: the claim is no longer held, do not
    /// send.
    ///
    /// # Errors
    /// As any write.
    pub async fn start_attempt(
        &self,
        claimed: &ClaimedDelivery,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let (attempt, now) = (number(claimed.attempt)?, now.timestamp_micros());
        let (id, fence) = (claimed.id.uuid(), claimed.fence);
        let sending = name_of(DeliveryState::Sending)?;
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            let held = delivery::Entity::update_many()
                .col_expr(delivery::Column::Attempts, Expr::value(attempt))
                .col_expr(delivery::Column::InDoubt, Expr::value(true))
                .col_expr(delivery::Column::ChangedAt, Expr::value(now))
                .filter(delivery::Column::Id.eq(id))
                .filter(delivery::Column::Fence.eq(fence))
                .filter(delivery::Column::State.eq(sending))
                .exec(tx.connection())
                .await?;
            if held.rows_affected == 0 {
                tx.rollback().await?;
                return Ok(false);
            }
            let row = delivery_attempt::ActiveModel {
                delivery_id: Set(id),
                number: Set(attempt),
                fence: Set(fence),
                started_at: Set(now),
                finished_at: Set(None),
                outcome: Set(None),
                evidence: Set(None),
            };
            delivery_attempt::Entity::insert(row)
                .exec_without_returning(tx.connection())
                .await?;
            tx.commit().await?;
            Ok(true)
        };
        self.database().in_turn(write).await
    }

    /// Stores a result that changes no case: try again later, held, given up, sent again by a person. `false`: the
    /// fence has moved on, the result is dropped.
    ///
    /// # Errors
    /// As any write.
    pub async fn finish_delivery(
        &self,
        result: &DeliveryResult,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let (database, result) = (self.database().clone(), result.clone());
        let write = async move {
            let tx = database.write_tx().await?;
            if apply_result(&tx, &result, now.timestamp_micros()).await? {
                tx.commit().await?;
                Ok(true)
            } else {
                tx.rollback().await?;
                Ok(false)
            }
        };
        self.database().in_turn(write).await
    }
}

/// Ids that can be claimed.
fn claimable(request: &ClaimRequest<'_>) -> Result<SelectStatement, StoreError> {
    let column = |column: delivery::Column| Expr::col(("d", column));
    let mut select = Query::select();
    select
        .column(("d", delivery::Column::Id))
        .from_as(delivery::Entity, "d")
        .and_where(column(delivery::Column::Waiting))
        .and_where(column(delivery::Column::NextAttemptAt).lte(request.now.timestamp_micros()))
        .and_where(earlier_unfinished()?.not())
        .order_by(("d", delivery::Column::NextAttemptAt), Order::Asc)
        .order_by(("d", delivery::Column::Id), Order::Asc)
        .limit(request.max.into());
    match request.tried {
        Tried::Either => {}
        Tried::Never => {
            select.and_where(column(delivery::Column::Attempts).eq(0));
        }
        Tried::Before => {
            select.and_where(column(delivery::Column::Attempts).gt(0));
        }
    }
    if let Some(upstream) = request.upstream {
        select.and_where(column(delivery::Column::Upstream).eq(upstream));
    }
    if !request.except.is_empty() {
        select.and_where(column(delivery::Column::Upstream).is_not_in(request.except.iter().cloned()));
    }
    Ok(select)
}

/// Whether an earlier delivery of the same case to the same system is not finished.
fn earlier_unfinished() -> Result<SimpleExpr, StoreError> {
    let this = |column: delivery::Column| Expr::col(("d", column));
    let other = |column: delivery::Column| Expr::col(("e", column));
    let before = other(delivery::Column::Revision)
        .lt(this(delivery::Column::Revision))
        .or(other(delivery::Column::Revision)
            .eq(this(delivery::Column::Revision))
            .and(other(delivery::Column::Id).lt(this(delivery::Column::Id))));
    let earlier = Query::select()
        .expr(Expr::value(1))
        .from_as(delivery::Entity, "e")
        .and_where(other(delivery::Column::CaseId).eq(this(delivery::Column::CaseId)))
        .and_where(other(delivery::Column::Upstream).eq(this(delivery::Column::Upstream)))
        .and_where(before)
        .and_where(other(delivery::Column::State).is_in(states(DeliveryState::is_unfinished)?))
        .to_owned();
    Ok(Expr::exists(earlier))
}

pub(super) fn states(fits: impl Fn(DeliveryState) -> bool) -> Result<Vec<String>, StoreError> {
    DeliveryState::ALL
        .into_iter()
        .filter(|state| fits(*state))
        .map(name_of)
        .collect()
}

fn claimed_delivery(row: delivery::Model) -> Result<ClaimedDelivery, StoreError> {
    let id = DeliveryId::from_uuid(row.id);
    let parse = Row::of("delivery", &id);
    Ok(ClaimedDelivery {
        id,
        case: CaseId::from_uuid(row.case_id),
        handoff: HandoffId::from_uuid(row.handoff_id),
        upstream: row.upstream,
        kind: parse.word("operation", &row.operation)?,
        tells: row.ledger_seq.map(number).transpose()?,
        key: row.key,
        traceparent: row.traceparent,
        fence: row.fence,
        attempt: parse.number("attempts", i64::from(row.attempts) + 1)?,
        tries_spent: parse.number("tries_spent", row.tries_spent)?,
        earlier_attempt_unknown: row.in_doubt,
        reason: row.reason,
    })
}
