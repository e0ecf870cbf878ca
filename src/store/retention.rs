//! What is removed once its time is over: callers' keys, drafts of kiosks, the old end of the change feed, what is finished
//! in the outbox and the inbox, and comparisons with upstream systems.
//!
//! Rows go in batches, the oldest first, each in a short write of its own: whoever hands something in meanwhile waits for
//! one batch at most.

use chrono::{DateTime, Duration, Utc};
use onedoor_domain::delivery::{DeliveryState, NoticeState};
use onedoor_entity::{
    cases, change, delivery, delivery_attempt, draft, idempotency, inbox, reconciliation,
    reconciliation_difference,
};
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{
    ColumnTrait as _, Condition, DeleteMany, EntityTrait, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::case::CaseStore;
use super::error::StoreError;
use super::names::name_of;

/// A caller's key with its answer is kept at least so long (DOMAIN §2).
pub const IDEMPOTENCY_MIN: Duration = Duration::days(30);
/// A kiosk's draft is wiped so long after it was begun (DOMAIN §2).
pub const EPHEMERAL_DRAFT: Duration = Duration::hours(24);
/// The change feed reaches back so far; a reader that was away longer starts anew.
pub const FEED: Duration = Duration::days(7);
/// A notice is known again at least so long: longer than any upstream system goes on repeating it (PROTOCOLS §7), and
/// a finished delivery is kept as long.
pub const EXCHANGE_MIN: Duration = Duration::days(30);

/// Rows of one batch.
const BATCH: u64 = 500;
/// Batches of one table in one pass; the rest is left to the next.
const BATCHES_MAX: u32 = 40;

/// How long is kept what has no fixed time.
#[derive(Debug, Clone, Copy)]
pub struct Keeping {
    /// Callers' keys; [`IDEMPOTENCY_MIN`] at least.
    pub idempotency: Duration,
    /// Finished deliveries of closed cases, settled notices and comparisons; [`EXCHANGE_MIN`] at least.
    pub exchanges: Duration,
}

/// How many rows were removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed {
    /// Callers' keys.
    pub idempotency: u64,
    /// Drafts.
    pub drafts: u64,
    /// Rows of the change feed.
    pub changes: u64,
    /// Deliveries, with the records of their attempts.
    pub deliveries: u64,
    /// Notices.
    pub notices: u64,
    /// Comparisons with upstream systems, and differences that are gone.
    pub reconciliations: u64,
}

impl Removed {
    /// Whether there was nothing to remove.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

impl CaseStore {
    /// Removes what is over at `now`. Safe to run at any time and on several replicas.
    ///
    /// # Errors
    /// As any write; what was removed before stays removed.
    pub async fn remove_expired(&self, now: DateTime<Utc>, keep: Keeping) -> Result<Removed, StoreError> {
        let before = |age: Duration| (now - age).timestamp_micros();
        let exchanges = before(keep.exchanges.max(EXCHANGE_MIN));
        let keys = idempotency::Column::CreatedAt.lt(before(keep.idempotency.max(IDEMPOTENCY_MIN)));
        let drafts = Condition::all()
            .add(draft::Column::Ephemeral.eq(true))
            .add(draft::Column::CreatedAt.lt(before(EPHEMERAL_DRAFT)));
        let changes = change::Column::At.lt(before(FEED));
        Ok(Removed {
            idempotency: self
                .remove_all::<idempotency::Entity>(idempotency::Column::CreatedAt, keys.into())
                .await?,
            drafts: self
                .remove_all::<draft::Entity>(draft::Column::CreatedAt, drafts)
                .await?,
            changes: self
                .remove_all::<change::Entity>(change::Column::At, changes.into())
                .await?,
            deliveries: self.remove_deliveries(exchanges).await?,
            notices: self
                .remove_all::<inbox::Entity>(inbox::Column::ReceivedAt, settled_before(exchanges)?)
                .await?,
            reconciliations: self
                .remove_all::<reconciliation::Entity>(
                    reconciliation::Column::EndedAt,
                    reconciliation::Column::EndedAt.lt(exchanges).into(),
                )
                .await?
                + self
                    .remove_all::<reconciliation_difference::Entity>(
                        reconciliation_difference::Column::ResolvedAt,
                        reconciliation_difference::Column::ResolvedAt.lt(exchanges).into(),
                    )
                    .await?,
        })
    }

    /// Removes the rows of a table that are over, in batches by their age.
    async fn remove_all<E: EntityTrait>(&self, age: E::Column, over: Condition) -> Result<u64, StoreError> {
        let mut removed = 0;
        for _ in 0..BATCHES_MAX {
            let Some(batch) = self.next_batch::<E>(age, over.clone()).await? else {
                break;
            };
            let (database, delete) = (self.database().clone(), E::delete_many().filter(batch.rows));
            let write = async move {
                let tx = database.write_tx().await?;
                let deleted = delete.exec(tx.connection()).await?;
                tx.commit().await?;
                Ok(deleted.rows_affected)
            };
            removed += self.database().in_turn(write).await?;
            if batch.is_last {
                break;
            }
        }
        Ok(removed)
    }

    /// The same for deliveries, each with the records of its attempts.
    async fn remove_deliveries(&self, before: i64) -> Result<u64, StoreError> {
        let mut removed = 0;
        for _ in 0..BATCHES_MAX {
            let over = finished_before(before)?;
            let Some(batch) = self
                .next_batch::<delivery::Entity>(delivery::Column::ChangedAt, over)
                .await?
            else {
                break;
            };
            let (attempts, deliveries) = delivery_deletes(batch.rows);
            let database = self.database().clone();
            let write = async move {
                let tx = database.write_tx().await?;
                attempts.exec(tx.connection()).await?;
                let deleted = deliveries.exec(tx.connection()).await?;
                tx.commit().await?;
                Ok(deleted.rows_affected)
            };
            removed += self.database().in_turn(write).await?;
            if batch.is_last {
                break;
            }
        }
        Ok(removed)
    }

    /// The oldest rows that are over, read before the writer is asked for its turn; `None`: there are none.
    async fn next_batch<E: EntityTrait>(
        &self,
        age: E::Column,
        over: Condition,
    ) -> Result<Option<Batch>, StoreError> {
        let ages: Vec<i64> = E::find()
            .select_only()
            .column(age)
            .filter(over.clone())
            .order_by_asc(age)
            .limit(BATCH)
            .into_tuple()
            .all(self.database().read())
            .await?;
        let is_last = u64::try_from(ages.len()).is_ok_and(|count| count < BATCH);
        Ok(ages.last().map(|youngest| Batch {
            rows: over.add(age.lte(*youngest)),
            is_last,
        }))
    }
}

/// Rows to be removed together.
struct Batch {
    rows: Condition,
    is_last: bool,
}

fn delivery_deletes(rows: Condition) -> (DeleteMany<delivery_attempt::Entity>, DeleteMany<delivery::Entity>) {
    let ids = Query::select()
        .column((delivery::Entity, delivery::Column::Id))
        .from(delivery::Entity)
        .cond_where(rows.clone())
        .to_owned();
    let attempts =
        delivery_attempt::Entity::delete_many().filter(delivery_attempt::Column::DeliveryId.in_subquery(ids));
    (attempts, delivery::Entity::delete_many().filter(rows))
}

/// Deliveries that nobody waits for any more: answered or no longer wanted, and of a case that is closed (nobody owns
/// it). What is open, uncertain or given up stays until somebody has settled it.
fn finished_before(before: i64) -> Result<Condition, StoreError> {
    let finished = DeliveryState::ALL
        .into_iter()
        .filter(|state| !state.is_undelivered())
        .map(name_of)
        .collect::<Result<Vec<_>, _>>()?;
    let closed = Query::select()
        .expr(Expr::value(1))
        .from(cases::Entity)
        .and_where(
            Expr::col((cases::Entity, cases::Column::Id))
                .equals((delivery::Entity, delivery::Column::CaseId)),
        )
        .and_where(Expr::col((cases::Entity, cases::Column::OwnerId)).is_null())
        .to_owned();
    Ok(Condition::all()
        .add(Expr::col((delivery::Entity, delivery::Column::Waiting)).not())
        .add(delivery::Column::State.is_in(finished))
        .add(delivery::Column::ChangedAt.lt(before))
        .add(Expr::exists(closed)))
}

/// Notices that were acted upon or kept. One that still waits for its case stays.
fn settled_before(before: i64) -> Result<Condition, StoreError> {
    let settled = [name_of(NoticeState::Applied)?, name_of(NoticeState::Kept)?];
    Ok(Condition::all()
        .add(inbox::Column::State.is_in(settled))
        .add(inbox::Column::SettledAt.lt(before))
        // implied, and what the index knows
        .add(inbox::Column::ReceivedAt.lt(before)))
}
