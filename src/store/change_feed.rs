//! The change feed: which cases changed, and whom it concerns. Read by polling, so nothing is lost in an outage.
//!
//! A row can become visible behind one that was read already; [`FeedCursor`] remembers what was passed over, and each
//! read looks there again.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use onedoor_domain::feed::{FeedCursor, LATE};
use onedoor_domain::id::{CaseId, DivisionId, OrganizationId};
use onedoor_entity::change;
use sea_orm::sea_query::Condition;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use super::case::CaseStore;
use super::error::StoreError;
use super::parse::Row;
use super::retention;

/// How far behind the last position a row that is still on its way may stand.
const LATE_POSITIONS: i64 = 10_000;

/// A change of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Position in the feed.
    pub id: i64,
    /// The case.
    pub case: CaseId,
    /// Its revision after the change.
    pub revision: i64,
    /// Every organization it concerns: first contact, owner before and after, ends of all handoffs.
    pub organizations: Vec<OrganizationId>,
    /// Division of the case.
    pub division: DivisionId,
    /// When.
    pub at: DateTime<Utc>,
}

/// Whether all that a cursor was not told is still in the feed.
#[must_use]
pub fn reaches_back_to(cursor: &FeedCursor, now: DateTime<Utc>) -> bool {
    cursor.read_at() - LATE >= now - retention::FEED
}

impl CaseStore {
    /// A cursor that was told all there is now.
    ///
    /// # Errors
    /// As any query.
    pub async fn feed_now(&self, now: DateTime<Utc>) -> Result<FeedCursor, StoreError> {
        let latest = self.greatest_change(Condition::all()).await?;
        let near = latest.saturating_sub(LATE_POSITIONS);
        let settled = Condition::all()
            .add(change::Column::Id.gt(near))
            .add(change::Column::At.lt((now - LATE).timestamp_micros()));
        // behind this one every position was given too long ago to appear still
        let begin = self.greatest_change(settled).await?.max(near);
        let visible: Vec<i64> = change::Entity::find()
            .select_only()
            .column(change::Column::Id)
            .filter(change::Column::Id.gt(begin))
            .filter(change::Column::Id.lte(latest))
            .order_by_asc(change::Column::Id)
            .into_tuple()
            .all(self.database().read())
            .await?;
        let mut cursor = FeedCursor::at(begin, now);
        for id in visible {
            cursor.tell(id, now);
        }
        Ok(cursor)
    }

    /// The changes that a cursor was not told yet, those that were late first; at most `max` new ones. The cursor is
    /// left as it was: tell it what was told on, and let it settle once all of these were.
    ///
    /// # Errors
    /// As any query.
    pub async fn changes_behind(&self, cursor: &FeedCursor, max: u64) -> Result<Vec<Change>, StoreError> {
        let mut found = Vec::new();
        let gaps = cursor.gaps().fold(Condition::any(), |any, (first, last)| {
            any.add(change::Column::Id.between(first, last))
        });
        if !gaps.is_empty() {
            found = change::Entity::find()
                .filter(gaps)
                .order_by_asc(change::Column::Id)
                .all(self.database().read())
                .await?;
        }
        let new = change::Entity::find()
            .filter(change::Column::Id.gt(cursor.position()))
            .order_by_asc(change::Column::Id)
            .limit(max)
            .all(self.database().read())
            .await?;
        found.extend(new);
        found.iter().map(change).collect()
    }

    async fn greatest_change(&self, among: Condition) -> Result<i64, StoreError> {
        let found: Option<Option<i64>> = change::Entity::find()
            .select_only()
            .column_as(change::Column::Id.max(), "greatest")
            .filter(among)
            .into_tuple()
            .one(self.database().read())
            .await?;
        Ok(found.flatten().unwrap_or_default())
    }
}

/// The last change of each case among some, in the order of these.
#[must_use]
pub fn last_of_each(changes: Vec<Change>) -> Vec<Change> {
    let mut last = BTreeMap::new();
    for change in changes {
        last.insert(change.case, change);
    }
    let mut last: Vec<Change> = last.into_values().collect();
    last.sort_by_key(|change| change.id);
    last
}

fn change(row: &change::Model) -> Result<Change, StoreError> {
    let parse = Row::of("change", &row.id);
    Ok(Change {
        id: row.id,
        case: CaseId::from_uuid(row.case_id),
        revision: row.revision,
        organizations: parse.json("organizations", &row.organizations)?,
        division: DivisionId::from_uuid(row.division_id),
        at: parse.instant("at", row.at)?,
    })
}
