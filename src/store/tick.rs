//! Cases whose clocks are to speak: found by an index, claimed for a while, put off when they fail.
//!
//! The column is a hint that every write of a case maintains; what the clocks say is decided from the case itself, and
//! stored only if nothing was written since. So a claim only spares two replicas the same work.

use std::time::Duration;

use chrono::{DateTime, Utc};
use onedoor_domain::case::state::CaseStatus;
use onedoor_domain::id::CaseId;
use onedoor_entity::cases;
use sea_orm::sea_query::{Expr, ExprTrait as _, LockBehavior, LockType, Order, Query, SelectStatement};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use uuid::Uuid;

use super::case::CaseStore;
use super::dialect;
use super::error::StoreError;
use super::names::name_of;
use super::parse::number;

/// A case whose clocks are to speak, in the hands of one worker for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimedTick {
    /// The case.
    pub case: CaseId,
    /// How often in a row it failed before.
    pub failures: u32,
}

impl CaseStore {
    /// Claims cases whose clocks are to speak by now. One whose worker vanished is claimed again after the lease.
    ///
    /// # Errors
    /// As any write.
    pub async fn claim_ticks(
        &self,
        now: DateTime<Utc>,
        lease: Duration,
        max: u32,
    ) -> Result<Vec<ClaimedTick>, StoreError> {
        let lease = chrono::Duration::from_std(lease).map_err(StoreError::other)?;
        // most looks find nothing; they must not take the one write lock of SQLite
        let any = cases::Entity::find()
            .filter(cases::Column::NextTickAt.lte(now.timestamp_micros()))
            .select_only()
            .column(cases::Column::Id)
            .limit(1)
            .into_tuple::<Uuid>()
            .one(self.database().read())
            .await?;
        if any.is_none() {
            return Ok(Vec::new());
        }
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            let claimed = cases::Entity::update_many()
                .col_expr(
                    cases::Column::NextTickAt,
                    Expr::value((now + lease).timestamp_micros()),
                )
                .filter(dialect::is_one_of(
                    tx.connection(),
                    Expr::col(cases::Column::Id),
                    speaking(now, max),
                ))
                .exec_with_returning(tx.connection())
                .await?;
            tx.commit().await?;
            Ok(claimed)
        };
        self.database()
            .in_turn(write)
            .await?
            .into_iter()
            .map(|row| {
                Ok(ClaimedTick {
                    case: CaseId::from_uuid(row.id),
                    failures: number(row.tick_failures)?,
                })
            })
            .collect()
    }

    /// Puts a case off that could not be heard, whatever is wrong with it.
    ///
    /// # Errors
    /// As any write.
    pub async fn put_tick_off(&self, case: CaseId, until: DateTime<Utc>) -> Result<(), StoreError> {
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            cases::Entity::update_many()
                .col_expr(cases::Column::NextTickAt, Expr::value(until.timestamp_micros()))
                .col_expr(
                    cases::Column::TickFailures,
                    Expr::col(cases::Column::TickFailures).add(1),
                )
                .filter(cases::Column::Id.eq(case.uuid()))
                .exec(tx.connection())
                .await?;
            tx.commit().await
        };
        self.database().in_turn(write).await
    }

    /// Notes when the clocks of a case speak next, of a case that had nothing to say. A case that was written since
    /// knows better.
    ///
    /// # Errors
    /// As any write.
    pub async fn note_next_tick(
        &self,
        case: CaseId,
        revision: i64,
        at: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            cases::Entity::update_many()
                .col_expr(
                    cases::Column::NextTickAt,
                    Expr::value(at.map(|at| at.timestamp_micros())),
                )
                .col_expr(cases::Column::TickFailures, Expr::value(0))
                .filter(cases::Column::Id.eq(case.uuid()))
                .filter(cases::Column::Revision.eq(revision))
                .exec(tx.connection())
                .await?;
            tx.commit().await
        };
        self.database().in_turn(write).await
    }

    /// Whether a case at this revision is known to speak next at that time. Asking takes no turn of the one writer.
    ///
    /// # Errors
    /// As any query.
    pub async fn speaks_next_at(
        &self,
        case: CaseId,
        revision: i64,
        at: Option<DateTime<Utc>>,
    ) -> Result<bool, StoreError> {
        let found = cases::Entity::find_by_id(case.uuid())
            .filter(cases::Column::Revision.eq(revision))
            .filter(cases::Column::TickFailures.eq(0))
            .select_only()
            .column(cases::Column::NextTickAt)
            .into_tuple::<Option<i64>>()
            .one(self.database().read())
            .await?;
        Ok(found == Some(at.map(|at| at.timestamp_micros())))
    }

    /// The case with the last key, open or not; `None`: there is none.
    ///
    /// # Errors
    /// As any query.
    pub async fn newest_case(&self) -> Result<Option<CaseId>, StoreError> {
        let id = cases::Entity::find()
            .select_only()
            .column(cases::Column::Id)
            .order_by_desc(cases::Column::Id)
            .into_tuple::<Uuid>()
            .one(self.database().read())
            .await?;
        Ok(id.map(CaseId::from_uuid))
    }

    /// Open cases in the order of their keys, after one of them and up to another: for work on all of them, piece by
    /// piece.
    ///
    /// # Errors
    /// As any query.
    pub async fn open_cases(
        &self,
        after: Option<CaseId>,
        up_to: CaseId,
        max: u64,
    ) -> Result<Vec<CaseId>, StoreError> {
        let closed = [
            CaseStatus::Delivered,
            CaseStatus::NotAccepted,
            CaseStatus::Lapsed,
            CaseStatus::Withdrawn,
            CaseStatus::Voided,
        ]
        .into_iter()
        .map(name_of)
        .collect::<Result<Vec<_>, _>>()?;
        let mut find = cases::Entity::find()
            .filter(cases::Column::Status.is_not_in(closed))
            .filter(cases::Column::Id.lte(up_to.uuid()));
        if let Some(after) = after {
            find = find.filter(cases::Column::Id.gt(after.uuid()));
        }
        let ids = find
            .select_only()
            .column(cases::Column::Id)
            .order_by_asc(cases::Column::Id)
            .limit(max)
            .into_tuple::<Uuid>()
            .all(self.database().read())
            .await?;
        Ok(ids.into_iter().map(CaseId::from_uuid).collect())
    }
}

fn speaking(now: DateTime<Utc>, max: u32) -> SelectStatement {
    Query::select()
        .column(cases::Column::Id)
        .from(cases::Entity)
        .and_where(Expr::col(cases::Column::NextTickAt).lte(now.timestamp_micros()))
        .order_by(cases::Column::NextTickAt, Order::Asc)
        .limit(max.into())
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .to_owned()
}
