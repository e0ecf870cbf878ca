//! The statements of one write set, in one transaction.
//!
//! The order is the order of locks: caller's key, case, then what belongs to the case.

use onedoor_domain::digest::Digest;
use onedoor_entity::{
    applicant_index, case_card, case_clock, case_party, case_private, cases, change, data_key, delivery,
    draft, external_number, handoff, idempotency, ledger_event, ledger_head, ledger_private,
    provisional_number, receipt,
};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait as _, EntityTrait, IntoActiveModel, Iterable as _, QueryFilter as _,
    TryInsertResult,
};

use super::Verdict;
use super::plan::Plan;
use crate::store::error::StoreError;
use crate::store::tx::Tx;
use crate::store::{audit, document, inbox, outbox};

/// Runs all statements of a set; anything but `Stored` is to be rolled back.
pub(super) async fn write(tx: &Tx, plan: &Plan) -> Result<Verdict, StoreError> {
    if !claim_key(tx, plan).await? {
        return Ok(Verdict::KeyTaken);
    }
    if !write_case(tx, plan).await? {
        return Ok(Verdict::Stale);
    }
    for result in plan.withdrawn.iter().chain(&plan.delivery_result) {
        if !outbox::apply_result(tx, result, plan.now).await? {
            return Ok(Verdict::Overtaken);
        }
    }
    if let Some(mark) = &plan.inbox
        && !inbox::settle(tx, mark, plan.now).await?
    {
        return Ok(Verdict::Overtaken);
    }
    if !insert_free(tx, &plan.numbers).await? {
        return Ok(Verdict::NumberTaken);
    }
    insert::<provisional_number::Entity, _>(tx, &plan.provisional).await?;
    insert::<data_key::Entity, _>(tx, plan.data_key.as_slice()).await?;
    if !document::join(tx, plan.case.id, &plan.documents, plan.now).await? {
        return Ok(Verdict::DocumentTaken);
    }
    insert::<case_private::Entity, _>(tx, plan.private.as_slice()).await?;
    insert::<applicant_index::Entity, _>(tx, plan.applicant.as_slice()).await?;
    insert_parties(tx, &plan.parties).await?;
    upsert::<handoff::Entity, _>(tx, &plan.handoffs, handoff::Column::Id).await?;
    fail::fail_point!("commit.middle", |_| Err(super::failed("commit.middle")));
    upsert::<case_clock::Entity, _>(tx, &plan.clocks, case_clock::Column::Id).await?;
    upsert::<case_card::Entity, _>(tx, &plan.cards, case_card::Column::Id).await?;
    write_head(tx, plan).await?;
    insert::<ledger_event::Entity, _>(tx, &plan.lines).await?;
    insert::<ledger_private::Entity, _>(tx, &plan.texts).await?;
    insert::<receipt::Entity, _>(tx, &plan.receipts).await?;
    outbox::cancel_unsent(tx, &plan.unwanted, plan.now).await?;
    outbox::settle_answered(tx, &plan.answered, plan.now).await?;
    insert::<delivery::Entity, _>(tx, &plan.deliveries).await?;
    // only its author ends a draft; who names another's is not told that it exists
    if let (Some(draft), Some((claim, _))) = (plan.finished_draft, &plan.claim) {
        draft::Entity::delete_many()
            .filter(draft::Column::Id.eq(draft.uuid()))
            .filter(draft::Column::Author.eq(claim.principal.as_str()))
            .exec(tx.connection())
            .await?;
    }
    if let Some(entry) = &plan.audit {
        audit::write(tx, entry).await?;
    }
    change::Entity::insert(plan.change.clone())
        .exec_without_returning(tx.connection())
        .await?;
    Ok(Verdict::Stored)
}

/// Takes the caller's key; waits for a transaction that is about to take it.
async fn claim_key(tx: &Tx, plan: &Plan) -> Result<bool, StoreError> {
    let Some((_, row)) = &plan.claim else {
        return Ok(true);
    };
    let inserted = idempotency::Entity::insert(row.clone().into_active_model())
        .on_conflict_do_nothing_on([idempotency::Column::Principal, idempotency::Column::Key])
        .exec_without_returning(tx.connection())
        .await?;
    Ok(matches!(inserted, TryInsertResult::Inserted(1)))
}

/// Inserts a new case, or moves an existing one from the revision it was loaded at.
async fn write_case(tx: &Tx, plan: &Plan) -> Result<bool, StoreError> {
    let row = plan.case.clone().into_active_model().reset_all();
    let Some((revision, _)) = plan.expected else {
        cases::Entity::insert(row)
            .exec_without_returning(tx.connection())
            .await?;
        return Ok(true);
    };
    let updated = cases::Entity::update_many()
        .set(row)
        .filter(cases::Column::Id.eq(plan.case.id))
        .filter(cases::Column::Revision.eq(revision))
        .exec(tx.connection())
        .await?;
    Ok(updated.rows_affected == 1)
}

/// Writes the head of the chain. The case's revision fits, so a head that does not is damage, not a race.
async fn write_head(tx: &Tx, plan: &Plan) -> Result<(), StoreError> {
    let head = &plan.head;
    let Some((_, before)) = plan.expected else {
        ledger_head::Entity::insert(head.clone().into_active_model())
            .exec_without_returning(tx.connection())
            .await?;
        return Ok(());
    };
    let updated = ledger_head::Entity::update_many()
        .col_expr(ledger_head::Column::Seq, Expr::value(head.seq))
        .col_expr(ledger_head::Column::Hash, Expr::value(head.hash.clone()))
        .filter(ledger_head::Column::Chain.eq(head.chain))
        .filter(ledger_head::Column::Hash.eq(before.hash.as_bytes().to_vec()))
        .exec(tx.connection())
        .await?;
    if updated.rows_affected == 1 {
        Ok(())
    } else {
        Err(StoreError::corrupt("ledger_head", &head.chain, "hash"))
    }
}

async fn insert<E, A>(tx: &Tx, rows: &[E::Model]) -> Result<(), StoreError>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<A>,
    A: ActiveModelTrait<Entity = E> + Send,
{
    if rows.is_empty() {
        return Ok(());
    }
    E::insert_many(rows.iter().cloned().map(IntoActiveModel::into_active_model))
        .exec_without_returning(tx.connection())
        .await?;
    Ok(())
}

/// Inserts the parties of a case; a succession may have made one of them a party before.
async fn insert_parties(tx: &Tx, rows: &[case_party::Model]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    case_party::Entity::insert_many(rows.iter().cloned().map(IntoActiveModel::into_active_model))
        .on_conflict_do_nothing_on([
            case_party::Column::OrganizationId,
            case_party::Column::SubmittedAt,
            case_party::Column::CaseId,
        ])
        .exec_without_returning(tx.connection())
        .await?;
    Ok(())
}

/// Inserts new rows and overwrites changed ones, in one statement.
async fn upsert<E, A>(tx: &Tx, rows: &[E::Model], key: E::Column) -> Result<(), StoreError>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<A>,
    A: ActiveModelTrait<Entity = E> + Send,
{
    if rows.is_empty() {
        return Ok(());
    }
    E::insert_many(rows.iter().cloned().map(IntoActiveModel::into_active_model))
        .on_conflict(
            OnConflict::column(key)
                .update_columns(E::Column::iter())
                .to_owned(),
        )
        .exec_without_returning(tx.connection())
        .await?;
    Ok(())
}

/// Inserts numbers that no other case has; a number this case already had is free for it.
async fn insert_free(tx: &Tx, rows: &[external_number::Model]) -> Result<bool, StoreError> {
    for row in rows {
        // the update changes nothing; it makes the row count only if it is this case's own
        let written = external_number::Entity::insert(row.clone().into_active_model())
            .on_conflict(
                OnConflict::columns([external_number::Column::Upstream, external_number::Column::Number])
                    .update_column(external_number::Column::CaseId)
                    .action_and_where(
                        Expr::col((external_number::Entity, external_number::Column::CaseId)).eq(row.case_id),
                    )
                    .to_owned(),
            )
            .exec_without_returning(tx.connection())
            .await;
        match written {
            Ok(1) => {}
            Ok(_) | Err(sea_orm::DbErr::RecordNotInserted) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

/// Asks for a lock that the lost transaction of this set holds while it is at work.
pub(super) async fn wait_for_lost(tx: &Tx, plan: &Plan) -> Result<(), StoreError> {
    claim_key(tx, plan).await?;
    let chain = plan.head.chain;
    ledger_head::Entity::update_many()
        .col_expr(ledger_head::Column::Chain, Expr::value(chain))
        .filter(ledger_head::Column::Chain.eq(chain))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Whether the set's rows are there: by its last line of the ledger, else by the revision.
pub(super) async fn is_stored(tx: &Tx, plan: &Plan) -> Result<bool, StoreError> {
    let Some(last) = plan.lines.last() else {
        let row = cases::Entity::find_by_id(plan.case.id)
            .one(tx.connection())
            .await?;
        return Ok(row.as_ref() == Some(&plan.case));
    };
    let row = ledger_event::Entity::find_by_id((last.chain, last.seq))
        .one(tx.connection())
        .await?;
    Ok(row.is_some_and(|row| Digest::from_column(&row.hash) == Digest::from_column(&last.hash)))
}
