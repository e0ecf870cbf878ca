//! Records of looks at personal data, written in one transaction with their audit entry, their budget and their key, before
//! anything is shown.

use chrono::NaiveDate;
use onedoor_domain::access::{AccessKind, AccessRecord};
use onedoor_domain::audit::AuditEntry;
use onedoor_domain::id::AccessRecordId;
use onedoor_entity::{access_budget, access_record};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait as _, Condition, EntityTrait as _, IntoActiveModel as _, QueryFilter as _};

use super::audit;
use super::case::CaseStore;
use super::data_key::{Owner, Sealing};
use super::error::StoreError;
use super::idempotency::{row as key_row, take};
use super::names::name_of;
use super::parse::{json, number};
use super::tx::Tx;
use super::write_set::IdempotencyClaim;
use crate::secret::seal::{SealPlace, Sealed};

/// Refusals of one person, day and kind of look that leave a record each; a script that goes on asking fills no disk.
pub const REFUSALS_RECORDED_MAX: i32 = 10;

/// What is written before personal data is shown.
#[derive(Debug, Clone)]
pub struct AccessSet {
    /// One record for each case that will be shown, or one that names none.
    pub records: Vec<AccessRecord>,
    /// The entry of the audit log.
    pub audit: AuditEntry,
    /// The caller's key.
    pub claim: IdempotencyClaim,
    /// What it counts towards; `None`: it is not counted.
    pub budget: Option<BudgetClaim>,
}

/// One look of a person's budget of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetClaim {
    /// Whose.
    pub subject: String,
    /// Of which kind.
    pub kind: AccessKind,
    /// The day in Beijing.
    pub day: NaiveDate,
    /// How many there are.
    pub limit: u32,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// All of it is stored: what was recorded may be shown.
    Kept,
    /// The key is taken. Nothing was stored.
    KeyTaken,
    /// The budget is used up. Nothing was stored.
    Exhausted,
}

impl CaseStore {
    /// Stores a look: key, count, records and audit entry together, or nothing.
    ///
    /// # Errors
    /// As any write; then nothing may be shown.
    pub async fn record_access(&self, set: AccessSet) -> Result<Recorded, StoreError> {
        let rows = self.access_rows(&set.records).await?;
        let ids: Vec<AccessRecordId> = set.records.iter().map(|record| record.id).collect();
        let now = set.audit.at.timestamp_micros();
        // ids alone: what is shown is read again for a repetition, and lies in no record of a key
        let answer = json(&ids)?;
        // which cases were found is nobody's personal data: it outlives what is erased
        let sealing = self.answer_key(set.audit.at).await?;
        let key = key_row(&set.claim, None, Some(answer.as_bytes()), now, &sealing)?;
        let (database, budget, entry) = (self.database().clone(), set.budget, set.audit);
        let write = Box::pin(async move {
            let tx = database.write_tx().await?;
            if !take(&tx, key).await? {
                tx.rollback().await?;
                return Ok(Recorded::KeyTaken);
            }
            if let Some(budget) = &budget
                && !use_up(&tx, budget).await?
            {
                tx.rollback().await?;
                return Ok(Recorded::Exhausted);
            }
            insert(&tx, rows).await?;
            audit::write(&tx, &entry).await?;
            tx.commit().await?;
            Ok(Recorded::Kept)
        });
        self.database().in_turn(write).await
    }

    /// Stores that a look was refused, with its audit entry; the first [`REFUSALS_RECORDED_MAX`] of a day.
    ///
    /// # Errors
    /// As any write.
    pub async fn record_refusal(
        &self,
        record: &AccessRecord,
        entry: AuditEntry,
        budget: BudgetClaim,
    ) -> Result<(), StoreError> {
        let rows = self.access_rows(std::slice::from_ref(record)).await?;
        let database = self.database().clone();
        let write = Box::pin(async move {
            let tx = database.write_tx().await?;
            let counted = access_budget::Entity::update_many()
                .col_expr(
                    access_budget::Column::Refused,
                    Expr::col(access_budget::Column::Refused).add(1),
                )
                .filter(of(&budget)?)
                .filter(access_budget::Column::Refused.lt(REFUSALS_RECORDED_MAX))
                .exec(tx.connection())
                .await?;
            if counted.rows_affected == 0 {
                return tx.rollback().await;
            }
            insert(&tx, rows).await?;
            audit::write(&tx, &entry).await?;
            tx.commit().await
        });
        self.database().in_turn(write).await
    }

    /// Rows with their words sealed: under the key of their case, so that they are erased with it.
    async fn access_rows(&self, records: &[AccessRecord]) -> Result<Vec<access_record::Model>, StoreError> {
        let mut rows = Vec::with_capacity(records.len());
        for record in records {
            let owner = record.case.map_or(Owner::Kind(Sealing::Access), Owner::Case);
            let sealed = match &record.purpose_text {
                Some(text) => Some(
                    self.sealing_key(owner, record.at)
                        .await?
                        .seal(&text_place(record.id), text.as_bytes())
                        .map_err(StoreError::other)?,
                ),
                None => None,
            };
            rows.push(row(record, sealed)?);
        }
        Ok(rows)
    }

    /// How many looks of a budget are used up.
    ///
    /// # Errors
    /// As any query.
    pub async fn used_up(&self, budget: &BudgetClaim) -> Result<u32, StoreError> {
        let row = access_budget::Entity::find()
            .filter(of(budget)?)
            .one(self.database().read())
            .await?;
        row.map_or(Ok(0), |row| number(row.used))
    }
}

/// Takes one look; `false`: there is none left. The row is locked until the end of the transaction, so that no replica
/// takes the same one.
async fn use_up(tx: &Tx, budget: &BudgetClaim) -> Result<bool, StoreError> {
    let first = access_budget::Model {
        subject: budget.subject.clone(),
        day: budget.day.to_string(),
        kind: name_of(budget.kind)?,
        used: 0,
        refused: 0,
    };
    access_budget::Entity::insert(first.into_active_model())
        .on_conflict_do_nothing_on([
            access_budget::Column::Subject,
            access_budget::Column::Day,
            access_budget::Column::Kind,
        ])
        .exec_without_returning(tx.connection())
        .await?;
    let limit: i32 = number(budget.limit)?;
    let used = access_budget::Entity::update_many()
        .col_expr(
            access_budget::Column::Used,
            Expr::col(access_budget::Column::Used).add(1),
        )
        .filter(of(budget)?)
        .filter(access_budget::Column::Used.lt(limit))
        .exec(tx.connection())
        .await?;
    Ok(used.rows_affected == 1)
}

fn of(budget: &BudgetClaim) -> Result<Condition, StoreError> {
    Ok(Condition::all()
        .add(access_budget::Column::Subject.eq(&budget.subject))
        .add(access_budget::Column::Day.eq(budget.day.to_string()))
        .add(access_budget::Column::Kind.eq(name_of(budget.kind)?)))
}

async fn insert(tx: &Tx, rows: Vec<access_record::Model>) -> Result<(), StoreError> {
    for row in rows {
        access_record::Entity::insert(row.into_active_model())
            .exec_without_returning(tx.connection())
            .await?;
    }
    Ok(())
}

/// Where the words of a purpose are sealed for.
pub(super) fn text_place(id: AccessRecordId) -> SealPlace {
    SealPlace::new("access_record", "purpose_text", id)
}

fn row(record: &AccessRecord, sealed: Option<Sealed>) -> Result<access_record::Model, StoreError> {
    Ok(access_record::Model {
        id: record.id.uuid(),
        at: record.at.timestamp_micros(),
        kind: name_of(record.kind)?,
        outcome: name_of(record.outcome)?,
        actor: record.actor.name().to_owned(),
        subject: record.subject.clone(),
        organization_id: record.organization.map(|id| id.uuid()),
        case_id: record.case.map(|id| id.uuid()),
        division_id: record.division.map(|id| id.uuid()),
        purpose: name_of(record.purpose)?,
        purpose_text: sealed.map(Sealed::into_bytes),
        fields: json(&record.fields)?,
    })
}
