//! What is removed once its time is over: callers' keys, drafts of kiosks, the old end of the change feed.

use chrono::{DateTime, Duration, Utc};
use onedoor_entity::{change, draft, idempotency};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::case::CaseStore;
use super::error::StoreError;

/// A caller's key with its answer is kept at least so long (DOMAIN §2).
pub const IDEMPOTENCY_MIN: Duration = Duration::days(30);
/// A kiosk's draft is wiped so long after it was begun (DOMAIN §2).
pub const EPHEMERAL_DRAFT: Duration = Duration::hours(24);
/// The change feed reaches back so far; a reader that was away longer starts anew.
pub const FEED: Duration = Duration::days(7);

/// How many rows were removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed {
    /// Callers' keys.
    pub idempotency: u64,
    /// Drafts.
    pub drafts: u64,
    /// Rows of the change feed.
    pub changes: u64,
}

impl CaseStore {
    /// Removes what is over at `now`. Safe to run at any time and on several replicas.
    ///
    /// # Errors
    /// As any write.
    pub async fn remove_expired(
        &self,
        now: DateTime<Utc>,
        keep_idempotency: Duration,
    ) -> Result<Removed, StoreError> {
        let tx = self.database().write_tx().await?;
        let before = |age: Duration| (now - age).timestamp_micros();
        let idempotency = idempotency::Entity::delete_many()
            .filter(idempotency::Column::CreatedAt.lt(before(keep_idempotency.max(IDEMPOTENCY_MIN))))
            .exec(tx.connection())
            .await?;
        let drafts = draft::Entity::delete_many()
            .filter(draft::Column::Ephemeral.eq(true))
            .filter(draft::Column::CreatedAt.lt(before(EPHEMERAL_DRAFT)))
            .exec(tx.connection())
            .await?;
        let changes = change::Entity::delete_many()
            .filter(change::Column::At.lt(before(FEED)))
            .exec(tx.connection())
            .await?;
        tx.commit().await?;
        Ok(Removed {
            idempotency: idempotency.rows_affected,
            drafts: drafts.rows_affected,
            changes: changes.rows_affected,
        })
    }
}
