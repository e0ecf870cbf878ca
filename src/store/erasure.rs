//! Crypto-erasure: the data keys of a closed case are destroyed, and what they sealed is taken away.
//!
//! The lines of the ledger, their commitments and the signatures of receipts stay as they are, so the ledger verifies as
//! before. Older backups hold the wrapped keys still: they are out of reach when they are gone, or when their master key is.

use chrono::{DateTime, Utc};
use onedoor_domain::audit::AuditEntry;
use onedoor_domain::id::CaseId;
use onedoor_entity::{
    applicant_index, case_private, cases, data_key, delivery, document, idempotency, ledger_private, receipt,
};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};

use super::audit;
use super::case::{CaseStore, Loaded};
use super::error::StoreError;
use super::outbox::states;
use super::tx::Tx;

/// What became of an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erased {
    /// The personal data is gone; so many data keys were destroyed.
    Done {
        /// Data keys.
        keys: u64,
    },
    /// Another system has not heard yet what it must be told of the case. Nothing was erased.
    DeliveriesOpen,
    /// The case moved on. Nothing was erased.
    Stale,
}

impl CaseStore {
    /// Erases the personal data of a case as it was loaded, with its audit entry, in one transaction. Whether it may be
    /// erased is for the caller to decide. Doing it again takes away what came since.
    ///
    /// # Errors
    /// As any write.
    pub async fn erase_case(
        &self,
        loaded: &Loaded,
        now: DateTime<Utc>,
        entry: AuditEntry,
    ) -> Result<Erased, StoreError> {
        let (database, case, revision) = (self.database().clone(), loaded.case.id, loaded.revision);
        let write = async move {
            let tx = database.write_tx().await?;
            let erased = erase(&tx, case, revision, now).await?;
            if !matches!(erased, Erased::Done { .. }) {
                tx.rollback().await?;
                return Ok(erased);
            }
            audit::write(&tx, &entry).await?;
            fail::fail_point!("erase.before", |_| Err(StoreError::other(
                "failpoint erase.before"
            )));
            tx.commit().await?;
            Ok(erased)
        };
        let erased = self.database().in_turn(write).await?;
        self.key_cache().forget();
        Ok(erased)
    }
}

async fn erase(tx: &Tx, case: CaseId, revision: i64, now: DateTime<Utc>) -> Result<Erased, StoreError> {
    // the row is locked by a write that changes nothing, so that no act comes between
    let held = cases::Entity::update_many()
        .col_expr(cases::Column::Revision, Expr::value(revision))
        .filter(cases::Column::Id.eq(case.uuid()))
        .filter(cases::Column::Revision.eq(revision))
        .exec(tx.connection())
        .await?;
    if held.rows_affected != 1 {
        return Ok(Erased::Stale);
    }
    let open = delivery::Entity::find()
        .filter(delivery::Column::CaseId.eq(case.uuid()))
        .filter(delivery::Column::State.is_in(states(|state| state.is_undelivered())?))
        .count(tx.connection())
        .await?;
    if open > 0 {
        return Ok(Erased::DeliveriesOpen);
    }
    let nothing = || Expr::value(Vec::<u8>::new());
    let keys = data_key::Entity::update_many()
        .col_expr(data_key::Column::Wrapped, Expr::value(Option::<Vec<u8>>::None))
        .col_expr(data_key::Column::DestroyedAt, Expr::value(now.timestamp_micros()))
        .filter(data_key::Column::CaseId.eq(case.uuid()))
        .filter(data_key::Column::DestroyedAt.is_null())
        .exec(tx.connection())
        .await?;
    case_private::Entity::update_many()
        .col_expr(case_private::Column::Applicant, nothing())
        .col_expr(case_private::Column::Form, nothing())
        .col_expr(case_private::Column::Materials, nothing())
        .col_expr(case_private::Column::Salt, nothing())
        .filter(case_private::Column::CaseId.eq(case.uuid()))
        .exec(tx.connection())
        .await?;
    ledger_private::Entity::delete_many()
        .filter(ledger_private::Column::Chain.eq(case.uuid()))
        .exec(tx.connection())
        .await?;
    receipt::Entity::update_many()
        .col_expr(receipt::Column::Body, nothing())
        .filter(receipt::Column::CaseId.eq(case.uuid()))
        .exec(tx.connection())
        .await?;
    idempotency::Entity::update_many()
        .col_expr(idempotency::Column::Answer, Expr::value(Option::<Vec<u8>>::None))
        .filter(idempotency::Column::CaseId.eq(case.uuid()))
        .exec(tx.connection())
        .await?;
    applicant_index::Entity::update_many()
        .col_expr(
            applicant_index::Column::Hash,
            Expr::value(Option::<Vec<u8>>::None),
        )
        .filter(applicant_index::Column::CaseId.eq(case.uuid()))
        .exec(tx.connection())
        .await?;
    // without their keys the files are noise; the sweep of storage takes them away
    document::Entity::update_many()
        .col_expr(document::Column::FileKey, Expr::value(Option::<Vec<u8>>::None))
        .col_expr(document::Column::FileName, nothing())
        .col_expr(document::Column::Swept, Expr::value(false))
        .filter(document::Column::CaseId.eq(case.uuid()))
        .exec(tx.connection())
        .await?;
    Ok(Erased::Done {
        keys: keys.rows_affected,
    })
}
