//! The change feed: which cases changed, and whom it concerns. Read by polling, so nothing is lost in an outage.
//!
//! Positions are given when a row is inserted and rows become visible when their transaction commits, so on
//! PostgreSQL a row can turn up behind one that was read already. A reader therefore looks again at the positions and
//! the time that a late transaction can still fill, and remembers what it has told, so that callers get each
//! change once.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use onedoor_domain::id::{CaseId, DivisionId, OrganizationId};
use onedoor_entity::change;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use super::case::CaseStore;
use super::error::StoreError;
use super::parse::Row;

/// How long after its position was given a row may still appear; longer than any transaction is allowed to last.
const LATE: Duration = Duration::seconds(60);
/// How far behind the last position a late row may stand.
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

/// Where a reader of the feed stands, and what it has told of the part that may still fill.
#[derive(Debug, Clone)]
pub struct FeedReader {
    after: i64,
    told: BTreeSet<i64>,
}

impl FeedReader {
    /// A reader that tells what changes from now on.
    ///
    /// # Errors
    /// As any query.
    pub async fn from_now(store: &CaseStore, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let after = store.latest_change().await?;
        let visible = store
            .late_changes(after.saturating_sub(LATE_POSITIONS), after, now - LATE)
            .await?;
        Ok(Self {
            after,
            told: visible.into_iter().map(|change| change.id).collect(),
        })
    }

    /// A reader that goes on behind a position where another one stood. It may tell changes of the last minute again,
    /// because it does not know which of them the other one had seen.
    #[must_use]
    pub const fn after(position: i64) -> Self {
        Self {
            after: position,
            told: BTreeSet::new(),
        }
    }

    /// The last position it has told.
    #[must_use]
    pub const fn position(&self) -> i64 {
        self.after
    }

    /// The changes that it has not told yet, about in their order; at most `max` new ones, and those that were late.
    ///
    /// # Errors
    /// As any query; then nothing counts as told.
    pub async fn next(
        &mut self,
        store: &CaseStore,
        now: DateTime<Utc>,
        max: u64,
    ) -> Result<Vec<Change>, StoreError> {
        let begin = self.after.saturating_sub(LATE_POSITIONS);
        let mut found = store.late_changes(begin, self.after, now - LATE).await?;
        found.retain(|change| !self.told.contains(&change.id));
        found.extend(store.changes_since(self.after, max).await?);
        self.told.extend(found.iter().map(|change| change.id));
        self.after = found.iter().map(|change| change.id).fold(self.after, i64::max);
        self.told = self.told.split_off(&self.after.saturating_sub(LATE_POSITIONS));
        Ok(found)
    }
}

impl CaseStore {
    /// The last position of the feed; 0 while it is empty.
    ///
    /// # Errors
    /// As any query.
    pub async fn latest_change(&self) -> Result<i64, StoreError> {
        let row = change::Entity::find()
            .order_by_desc(change::Column::Id)
            .one(self.database().read())
            .await?;
        Ok(row.map_or(0, |row| row.id))
    }

    /// Changes behind a position as they are visible now, in order. Rows of transactions that commit late can be
    /// missing between them: use a [`FeedReader`] where each change counts.
    ///
    /// # Errors
    /// As any query.
    pub async fn changes_since(&self, position: i64, max: u64) -> Result<Vec<Change>, StoreError> {
        let rows = change::Entity::find()
            .filter(change::Column::Id.gt(position))
            .order_by_asc(change::Column::Id)
            .limit(max)
            .all(self.database().read())
            .await?;
        rows.iter().map(told).collect()
    }

    async fn late_changes(
        &self,
        after: i64,
        until: i64,
        since: DateTime<Utc>,
    ) -> Result<Vec<Change>, StoreError> {
        let rows = change::Entity::find()
            .filter(change::Column::Id.gt(after))
            .filter(change::Column::Id.lte(until))
            .filter(change::Column::At.gte(since.timestamp_micros()))
            .order_by_asc(change::Column::Id)
            .all(self.database().read())
            .await?;
        rows.iter().map(told).collect()
    }
}

fn told(row: &change::Model) -> Result<Change, StoreError> {
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
