//! What the outbox remembers: what was sent of a case, and how much waits where.

use chrono::{DateTime, Utc};
use onedoor_domain::delivery::{DeliveryKind, DeliveryState};
use onedoor_domain::id::{CaseId, HandoffId};
use onedoor_entity::delivery;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, JoinType, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};

use crate::store::case::CaseStore;
use crate::store::delivery_list::{reports_owed, to_handoff};
use crate::store::error::StoreError;
use crate::store::names::name_of;
use crate::store::parse::{Row, number};

/// How many deliveries to one system are in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxCount {
    /// Name of the upstream system.
    pub upstream: String,
    /// State.
    pub state: DeliveryState,
    /// How many.
    pub count: u64,
    /// When the oldest of them was asked for.
    pub oldest: DateTime<Utc>,
}

impl CaseStore {
    /// The handoff of a case that was last sent to a system, whatever came of it; `None`: none was.
    ///
    /// # Errors
    /// As any query.
    pub async fn last_sent(&self, case: CaseId, upstream: &str) -> Result<Option<HandoffId>, StoreError> {
        let row = delivery::Entity::find()
            .filter(delivery::Column::CaseId.eq(case.uuid()))
            .filter(delivery::Column::Upstream.eq(upstream))
            .filter(delivery::Column::Attempts.gt(0))
            .filter(delivery::Column::Operation.is_in(handing_over()?))
            .order_by_desc(delivery::Column::Revision)
            .one(self.database().read())
            .await?;
        Ok(row.map(|row| HandoffId::from_uuid(row.handoff_id)))
    }

    /// How many deliveries are in which state, by system.
    ///
    /// # Errors
    /// As any query.
    pub async fn outbox_counts(&self) -> Result<Vec<OutboxCount>, StoreError> {
        #[derive(FromQueryResult)]
        struct Counted {
            upstream: String,
            state: String,
            count: i64,
            oldest: i64,
        }
        let rows = delivery::Entity::find()
            .select_only()
            .column(delivery::Column::Upstream)
            .column(delivery::Column::State)
            .column_as(delivery::Column::Id.count(), "count")
            .column_as(delivery::Column::CreatedAt.min(), "oldest")
            .group_by(delivery::Column::Upstream)
            .group_by(delivery::Column::State)
            .into_model::<Counted>()
            .all(self.database().read())
            .await?;
        let counted = |row: Counted| {
            let parse = Row::of("delivery", &row.upstream);
            Ok(OutboxCount {
                state: parse.word("state", &row.state)?,
                count: number(row.count)?,
                oldest: parse.instant("created_at", row.oldest)?,
                upstream: row.upstream,
            })
        };
        rows.into_iter().map(counted).collect()
    }

    /// How many handoffs each system took over with the promise of a report that it owes beyond its day; systems that owe
    /// none are left out.
    ///
    /// # Errors
    /// As any query.
    pub async fn silent_counts(&self, now: DateTime<Utc>) -> Result<Vec<(String, u64)>, StoreError> {
        let rows: Vec<(String, i64)> = delivery::Entity::find()
            .join(JoinType::InnerJoin, to_handoff())
            .filter(reports_owed(now)?)
            .select_only()
            .column(delivery::Column::Upstream)
            .column_as(delivery::Column::Id.count(), "count")
            .group_by(delivery::Column::Upstream)
            .into_tuple()
            .all(self.database().read())
            .await?;
        rows.into_iter()
            .map(|(upstream, count)| Ok((upstream, number(count)?)))
            .collect()
    }

    /// Whether a handoff ever left for its system: an attempt was made that was not a business no.
    ///
    /// # Errors
    /// As any query.
    pub async fn has_left(&self, handoff: HandoffId) -> Result<bool, StoreError> {
        let count = delivery::Entity::find()
            .filter(delivery::Column::HandoffId.eq(handoff.uuid()))
            .filter(delivery::Column::Operation.is_in(handing_over()?))
            .filter(delivery::Column::Attempts.gt(0))
            .filter(delivery::Column::State.ne(name_of(DeliveryState::Rejected)?))
            .count(self.database().read())
            .await?;
        Ok(count > 0)
    }
}

/// Names of the kinds that carry a handoff.
fn handing_over() -> Result<Vec<String>, StoreError> {
    [DeliveryKind::Submit, DeliveryKind::Transition]
        .map(name_of)
        .into_iter()
        .collect()
}
