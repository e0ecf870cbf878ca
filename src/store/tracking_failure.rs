//! Wrong tracking secrets that count towards the delay of a code, so that they hold over replicas and restarts.
//!
//! They are counted in buckets, of codes that exist and codes that do not alike: the table has an end whatever is guessed,
//! and how slowly a code answers tells nobody whether it exists.

use chrono::{DateTime, Utc};
use onedoor_domain::digest::Digest;
use onedoor_entity::tracking_failure;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ActiveValue::Set, EntityTrait as _};

use super::database::Database;
use super::error::StoreError;

/// A few bits of a hash of a code. Two codes of one bucket only answer a little more slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket(u16);

impl Bucket {
    /// The bucket of what was typed as a code.
    #[must_use]
    pub fn of(code: &str) -> Self {
        let [first, second, ..] = *Digest::of(code.as_bytes()).as_bytes();
        Self(u16::from_be_bytes([first, second]))
    }
}

/// How many there were, if counting began at `since` or later.
///
/// # Errors
/// As any query.
pub async fn failures(database: &Database, of: Bucket, since: DateTime<Utc>) -> Result<u32, StoreError> {
    let row = tracking_failure::Entity::find_by_id(i32::from(of.0))
        .one(database.read())
        .await?;
    let counted = row.filter(|row| row.since >= since.timestamp_micros());
    Ok(counted.map_or(0, |row| u32::try_from(row.failures).unwrap_or(0)))
}

/// Adds one; counting that began before `since` begins anew.
///
/// # Errors
/// As any write.
pub async fn add(
    database: &Database,
    to: Bucket,
    now: DateTime<Utc>,
    since: DateTime<Utc>,
) -> Result<(), StoreError> {
    let column = |column: tracking_failure::Column| Expr::col((tracking_failure::Entity, column));
    let over = || column(tracking_failure::Column::Since).lt(since.timestamp_micros());
    let row = tracking_failure::ActiveModel {
        bucket: Set(i32::from(to.0)),
        failures: Set(1),
        since: Set(now.timestamp_micros()),
    };
    let failures = Expr::case(over(), 1).finally(column(tracking_failure::Column::Failures).add(1));
    let begun = Expr::case(over(), now.timestamp_micros()).finally(column(tracking_failure::Column::Since));
    let insert = tracking_failure::Entity::insert(row).on_conflict(
        OnConflict::column(tracking_failure::Column::Bucket)
            .value(tracking_failure::Column::Failures, failures)
            .value(tracking_failure::Column::Since, begun)
            .to_owned(),
    );
    let own = database.clone();
    let write = async move {
        let tx = own.write_tx().await?;
        insert.exec_without_returning(tx.connection()).await?;
        tx.commit().await
    };
    database.in_turn(write).await
}
