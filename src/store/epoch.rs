//! Epochs: counters that move in the transaction that changes reference data, so that caches can be dated.

use std::collections::BTreeMap;

use onedoor_entity::reference_epoch;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ActiveValue::Set, EntityTrait as _};

use super::database::Database;
use super::error::StoreError;
use super::tx::Tx;

/// Moves an epoch by one, inside the transaction that changes what it dates.
///
/// # Errors
/// As any write.
pub async fn bump(tx: &Tx, name: &str) -> Result<(), StoreError> {
    insert_or_add(tx, name, 1, 1).await
}

/// Name of the row whose value tells one database from another; what its epochs date is worth nothing elsewhere.
pub const INSTANCE: &str = "instance";

/// Gives a new database its number.
pub(super) async fn ensure_instance(tx: &Tx) -> Result<(), StoreError> {
    insert_or_add(tx, INSTANCE, rand::random_range(1..i64::MAX), 0).await
}

/// Writes a row without changing it: proof that the database takes writes.
pub(super) async fn touch(tx: &Tx) -> Result<(), StoreError> {
    insert_or_add(tx, "writable", 1, 0).await
}

async fn insert_or_add(tx: &Tx, name: &str, first: i64, step: i64) -> Result<(), StoreError> {
    let row = reference_epoch::ActiveModel {
        name: Set(name.to_owned()),
        value: Set(first),
    };
    let value = Expr::col((reference_epoch::Entity, reference_epoch::Column::Value)).add(step);
    reference_epoch::Entity::insert(row)
        .on_conflict(
            OnConflict::column(reference_epoch::Column::Name)
                .value(reference_epoch::Column::Value, value)
                .to_owned(),
        )
        .exec_without_returning(tx.connection())
        .await?;
    Ok(())
}

/// All epochs as committed now; an epoch that never moved is absent.
///
/// # Errors
/// As any query.
pub async fn read_all(database: &Database) -> Result<BTreeMap<String, i64>, StoreError> {
    let rows = reference_epoch::Entity::find().all(database.read()).await?;
    Ok(rows.into_iter().map(|row| (row.name, row.value)).collect())
}
