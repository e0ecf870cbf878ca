//! Copies a whole database into an empty one, of the same kind or the other: how a county grows, and how a backup is read
//! back elsewhere.
//!
//! Rows go over as they are: what is sealed stays sealed, what was hashed keeps its bytes. All of it is one transaction.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::TryStreamExt as _;
use onedoor_entity::{
    access_budget, access_record, admission, applicant_index, audit_entry, calendar_day, calendar_version,
    case_card, case_clock, case_party, case_private, cases, change, data_key, delivery, delivery_attempt,
    division, division_code, document, document_ticket, draft, external_number, handoff, idempotency, inbox,
    kiosk, ledger_checkpoint, ledger_checkpoint_head, ledger_event, ledger_head, ledger_private,
    organization, organization_name, provisional_number, receipt, reconciliation, reconciliation_difference,
    reference_epoch, revocation, service_item, service_item_version, tracking_failure, upstream_watch,
};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait as _, EntityName as _, EntityTrait, IntoActiveModel, Iterable as _,
    PaginatorTrait as _, QuerySelect as _,
};
use uuid::Uuid;

use super::database::Database;
use super::dialect;
use super::error::StoreError;
use super::tx::Tx;

/// How many rows of each table went over.
pub type Copied = BTreeMap<String, u64>;

/// Every table that is copied, what is referred to before what refers to it. Left out: `write_probe`, which holds nothing,
/// `session`, `sign_in` and what kiosks hold for minutes: whoever was signed in signs in again.
macro_rules! tables {
    ($($table:ident),* $(,)?) => {
        /// Names of the tables that are copied.
        #[must_use]
        pub fn tables() -> BTreeSet<String> {
            BTreeSet::from([$($table::Entity.table_name().to_owned()),*])
        }

        async fn copy_tables(from: &Database, tx: &Tx, copied: &mut Copied) -> Result<(), StoreError> {
            $(copied.insert($table::Entity.table_name().to_owned(), copy::<$table::Entity>(from, tx).await?);)*
            Ok(())
        }
    };
}

tables! {
    access_budget, access_record, admission, applicant_index, audit_entry, calendar_version, calendar_day,
    division_code, organization_name, service_item, service_item_version, reference_epoch, data_key, cases,
    case_private, case_party, case_clock, case_card, handoff, external_number, provisional_number, kiosk,
    delivery, delivery_attempt, inbox, upstream_watch, document, document_ticket, draft, idempotency, receipt,
    change,
    ledger_head, ledger_event, ledger_private, ledger_checkpoint, ledger_checkpoint_head, reconciliation,
    reconciliation_difference, revocation, tracking_failure,
}

/// Copies everything. The source must not be written to meanwhile: stop its gateways first.
///
/// # Errors
/// `Other` when the target holds something already; else as any query or write, and nothing was copied.
pub async fn copy_all(from: &Database, to: &Database) -> Result<Copied, StoreError> {
    let tx = to.write_tx().await?;
    dialect::be_patient(&tx).await?;
    if cases::Entity::find().limit(1).count(tx.connection()).await? > 0
        || division::Entity::find().limit(1).count(tx.connection()).await? > 0
    {
        return Err(StoreError::other("the database to copy to is not empty"));
    }
    // a new database has its epochs already
    reference_epoch::Entity::delete_many()
        .exec(tx.connection())
        .await?;
    let mut copied = Copied::new();
    let divisions = division::Entity::find().all(from.read()).await?;
    let divisions = parents_first(divisions, |row| row.id, |row| row.parent_id)?;
    copied.insert(
        "division".to_owned(),
        insert::<division::Entity>(&tx, divisions).await?,
    );
    let offices = organization::Entity::find().all(from.read()).await?;
    let offices = parents_first(offices, |row| row.id, |row| row.successor_id)?;
    copied.insert(
        "organization".to_owned(),
        insert::<organization::Entity>(&tx, offices).await?,
    );
    copy_tables(from, &tx, &mut copied).await?;
    dialect::number_on(&tx, "change").await?;
    tx.commit().await?;
    Ok(copied)
}

async fn copy<E>(from: &Database, tx: &Tx) -> Result<u64, StoreError>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel> + Send + Sync,
    E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
{
    let rows = E::find().stream(from.read()).await?;
    let mut pages = rows.try_chunks(rows_at_once::<E>(tx));
    let mut count = 0_u64;
    while let Some(page) = pages.try_next().await.map_err(|cut| cut.1)? {
        count = count.saturating_add(insert::<E>(tx, page).await?);
    }
    Ok(count)
}

async fn insert<E>(tx: &Tx, rows: Vec<E::Model>) -> Result<u64, StoreError>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel> + Send + Sync,
    E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
{
    let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let page: Vec<E::ActiveModel> = rows
            .by_ref()
            .take(rows_at_once::<E>(tx))
            .map(IntoActiveModel::into_active_model)
            .collect();
        E::insert_many(page)
            .exec_without_returning(tx.connection())
            .await?;
    }
    Ok(count)
}

/// One statement binds a value per column and row, and there are only so many.
fn rows_at_once<E: EntityTrait>(tx: &Tx) -> usize {
    const VALUES_MAX: usize = 30_000;
    const ROWS_MAX: usize = 1_000;
    let columns = E::Column::iter().count().max(1);
    dialect::rows_per_statement(tx.connection().get_database_backend(), columns)
        .min(VALUES_MAX / columns)
        .clamp(1, ROWS_MAX)
}

/// Rows in an order in which none comes before what it refers to. A row that refers to itself refers to nothing.
fn parents_first<M>(
    rows: Vec<M>,
    key: impl Fn(&M) -> Uuid,
    refers_to: impl Fn(&M) -> Option<Uuid>,
) -> Result<Vec<M>, StoreError> {
    let mut ordered = Vec::with_capacity(rows.len());
    let (mut known, mut waiting) = (BTreeSet::new(), rows);
    while !waiting.is_empty() {
        let ready = |row: &M| refers_to(row).is_none_or(|other| other == key(row) || known.contains(&other));
        let (now, later): (Vec<M>, Vec<M>) = waiting.into_iter().partition(ready);
        if now.is_empty() {
            return Err(StoreError::other("rows refer to each other in a circle"));
        }
        known.extend(now.iter().map(&key));
        ordered.extend(now);
        waiting = later;
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_referred_to_comes_first_and_a_circle_is_refused() {
        let id = Uuid::from_u128;
        let rows = vec![(3, Some(2)), (2, Some(1)), (1, None), (4, Some(4))];
        let order = |rows| parents_first(rows, |row: &(u128, Option<u128>)| id(row.0), |row| row.1.map(id));
        let ordered: Vec<u128> = order(rows).unwrap().into_iter().map(|row| row.0).collect();
        assert_eq!(ordered, [1, 4, 2, 3]);
        assert!(order(vec![(1, Some(2)), (2, Some(1))]).is_err());
    }
}
