//! The board: handoffs in the order of a desk, cut to the reader's scope in SQL, and how many there are, in one statement.
//!
//! A page is continued behind the values its last entry was read at. A handoff that moves between two pages, because its
//! due date changed or it was closed, can be met twice or not at all; one that did not move is met exactly once.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use onedoor_domain::board::{BoardCounts, BoardEntry, BoardKey, BoardOrder, DayCount, HandoffCount};
use onedoor_domain::card::Rung;
use onedoor_domain::delivery::DeliveryState;
use onedoor_domain::handoff::HandoffState;
use onedoor_domain::id::{CaseId, DivisionId, HandoffId, OrganizationId};
use onedoor_domain::page::{Direction, End, KeyPart, Page, PageRequest, Position};
use onedoor_domain::proof::ReadProof;
use onedoor_domain::route::HandoffKind;
use onedoor_entity::handoff;
use sea_orm::sea_query::{Expr, Query, SelectStatement, UnionType};
use sea_orm::{EntityTrait, FromQueryResult, QueryFilter as _, QuerySelect as _, QueryTrait as _, Select};
use uuid::Uuid;

use super::case::{CaseStore, rows};
use super::error::StoreError;
use super::page::{Key, keyset, towards};
use super::parse::{Row, number};

mod scope;

/// Which handoffs of the scope; an empty or missing part does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HandoffFilter {
    /// Handed to this organization: its desk.
    pub organization: Option<OrganizationId>,
    /// With it the desks of all organizations in the divisions below this one, which is the organization's own.
    pub and_below: Option<DivisionId>,
    /// Handed on by this organization.
    pub sender: Option<OrganizationId>,
    /// Of this case.
    pub case: Option<CaseId>,
    /// In one of these states.
    pub states: Vec<HandoffState>,
    /// With a delivery in one of these states.
    pub deliveries: Vec<DeliveryState>,
    /// Open and due at or before this instant.
    pub late_at: Option<DateTime<Utc>>,
    /// Due at or after this instant.
    pub due_from: Option<DateTime<Utc>>,
    /// Due before this instant.
    pub due_before: Option<DateTime<Utc>>,
    /// Of this kind.
    pub kind: Option<HandoffKind>,
    /// To organizations bound to this upstream system.
    pub upstream: Option<String>,
    /// Of cases on which a card of one of these rungs stands.
    pub cards: Vec<Rung>,
    /// Of cases of this item.
    pub item_code: Option<String>,
    /// Of cases of this division and all below it.
    pub division: Option<DivisionId>,
    /// Of cases that this organization took in.
    pub first_contact: Option<OrganizationId>,
}

/// A page of the board, with its counts when they were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardPage {
    /// The page.
    pub page: Page<BoardEntry>,
    /// How many open handoffs the whole list has.
    pub counts: Option<BoardCounts>,
}

/// Microseconds of a day, and how far Beijing is ahead of UTC.
const DAY_US: i64 = 86_400_000_000;
const BEIJING_US: i64 = 28_800_000_000;

impl CaseStore {
    /// A page of the board, and with `count_at` how many open handoffs the list has, late ones told by that instant.
    /// Both are one statement: they tell of the same moment.
    ///
    /// # Errors
    /// As any query; `Corrupt` when a row does not parse.
    pub async fn list_handoffs(
        &self,
        proof: &ReadProof,
        filter: &HandoffFilter,
        order: BoardOrder,
        page: &PageRequest,
        count_at: Option<DateTime<Utc>>,
    ) -> Result<BoardPage, StoreError> {
        let read = self.database().read();
        let statement = page_and_counts(proof, filter, order, page, count_at)?;
        let rows = BoardRow::find_by_statement(read.get_database_backend().build(&statement))
            .all(read)
            .await?;
        let (places, groups): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.part == 0);
        let mut entries = places
            .iter()
            .map(BoardRow::entry)
            .collect::<Result<Vec<_>, _>>()?;
        // the parts of a union come in any order
        entries.sort_by_key(|entry| (entry.key, entry.handoff.uuid()));
        if (order.direction == Direction::Descending) != (page.end == End::Last) {
            entries.reverse();
        }
        Ok(BoardPage {
            page: page.page(entries, |entry| {
                Position(vec![
                    KeyPart::Integer(entry.key),
                    KeyPart::Uuid(entry.handoff.uuid()),
                ])
            }),
            counts: count_at.map(|_| counts(groups)).transpose()?,
        })
    }

    /// How many open handoffs a list has, late ones told by `now`.
    ///
    /// # Errors
    /// As any query.
    pub async fn count_handoffs(
        &self,
        proof: &ReadProof,
        filter: &HandoffFilter,
        now: DateTime<Utc>,
    ) -> Result<BoardCounts, StoreError> {
        let read = self.database().read();
        let statement = groups(proof, filter, now)?;
        let groups = BoardRow::find_by_statement(read.get_database_backend().build(&statement))
            .all(read)
            .await?;
        counts(groups)
    }
}

/// A line of the answer: an entry of the page (part 0), or a group of the counts (part 1).
#[derive(FromQueryResult)]
struct BoardRow {
    part: i32,
    id: Option<Uuid>,
    case_id: Option<Uuid>,
    place: Option<i64>,
    state: Option<String>,
    day: Option<i64>,
    count: Option<i64>,
    late: Option<i64>,
}

impl BoardRow {
    fn entry(&self) -> Result<BoardEntry, StoreError> {
        match (self.id, self.case_id, self.place) {
            (Some(id), Some(case), Some(key)) => Ok(BoardEntry {
                handoff: HandoffId::from_uuid(id),
                case: CaseId::from_uuid(case),
                key,
            }),
            _ => Err(StoreError::other("an entry of the board has no place")),
        }
    }
}

fn counts(groups: Vec<BoardRow>) -> Result<BoardCounts, StoreError> {
    let mut states: BTreeMap<HandoffState, (u64, u64)> = BTreeMap::new();
    // the key sorts those without a date last
    let mut days: BTreeMap<(bool, Option<i64>), (u64, u64)> = BTreeMap::new();
    for group in groups {
        let state = group.state.as_deref().unwrap_or_default();
        let state = Row::of("handoff", &"group").word("state", state)?;
        let (count, late) = (
            number(group.count.unwrap_or_default())?,
            number(group.late.unwrap_or_default())?,
        );
        for sum in [
            states.entry(state).or_default(),
            days.entry((group.day.is_none(), group.day)).or_default(),
        ] {
            *sum = (sum.0.saturating_add(count), sum.1.saturating_add(late));
        }
    }
    let date = |day: Option<i64>| -> Result<Option<NaiveDate>, StoreError> {
        let Some(day) = day else { return Ok(None) };
        let date = NaiveDate::default().checked_add_signed(Duration::days(day));
        let row = Row::of("handoff", &day);
        date.map(Some).ok_or_else(|| row.corrupt("due_at"))
    };
    Ok(BoardCounts {
        states: states
            .into_iter()
            .map(|(state, (count, late))| HandoffCount { state, count, late })
            .collect(),
        days: days
            .into_iter()
            .map(|((_, day), (count, late))| {
                Ok(DayCount {
                    due: date(day)?,
                    count,
                    late,
                })
            })
            .collect::<Result<_, StoreError>>()?,
    })
}

/// The columns of an order.
const fn keys(order: BoardOrder) -> [Key<handoff::Column>; 2] {
    let first = match order.key {
        BoardKey::Due => handoff::Column::DueAt,
        BoardKey::Offered => handoff::Column::OfferedAt,
    };
    [
        towards(first, order.direction),
        towards(handoff::Column::Id, order.direction),
    ]
}

fn page_and_counts(
    proof: &ReadProof,
    filter: &HandoffFilter,
    order: BoardOrder,
    page: &PageRequest,
    count_at: Option<DateTime<Utc>>,
) -> Result<SelectStatement, StoreError> {
    let place = match order.key {
        BoardKey::Due => handoff::Column::DueAt,
        BoardKey::Offered => handoff::Column::OfferedAt,
    };
    let places = keyset(board(proof, filter)?, &keys(order), page)?
        .select_only()
        .column(handoff::Column::Id)
        .column(handoff::Column::CaseId)
        .column_as(place, "place")
        .into_query();
    let absent = || Expr::cust("null");
    // the limited part stands in brackets of its own, or the limit would be the union's
    let mut statement = Query::select()
        .expr_as(Expr::cust("0"), "part")
        .columns(["id", "case_id", "place"])
        .expr_as(absent(), "state")
        .expr_as(absent(), "day")
        .expr_as(absent(), "count")
        .expr_as(absent(), "late")
        .from_subquery(places, "places")
        .to_owned();
    if let Some(now) = count_at {
        statement.union(UnionType::All, groups(proof, filter, now)?);
    }
    Ok(statement)
}

/// The open handoffs of the list by state and by the last day that is in time.
///
/// Most of a desk is due at one of a few midnights: tallied by instant first, the days are reckoned for few lines only.
fn groups(
    proof: &ReadProof,
    filter: &HandoffFilter,
    now: DateTime<Utc>,
) -> Result<SelectStatement, StoreError> {
    let tallies = board(proof, filter)?
        .filter(scope::is_open())
        .select_only()
        .column_as(handoff::Column::State, "state")
        .column_as(handoff::Column::DueAt, "due_at")
        .expr_as(Expr::cust("count(*)"), "tally")
        .group_by(handoff::Column::State)
        .group_by(handoff::Column::DueAt)
        .into_query();
    let absent = || Expr::cust("null");
    let (none, ahead, now) = (rows::NO_DATE, BEIJING_US - 1, now.timestamp_micros());
    let day = || {
        Expr::cust(format!(
            "case when due_at = {none} then null else (due_at + {ahead}) / {DAY_US} end"
        ))
    };
    // a sum of bigints is a numeric on PostgreSQL
    let sum = |of: String| Expr::cust(format!("cast(sum({of}) as bigint)"));
    Ok(Query::select()
        .expr_as(Expr::cust("1"), "part")
        .expr_as(absent(), "id")
        .expr_as(absent(), "case_id")
        .expr_as(absent(), "place")
        .column("state")
        .expr_as(day(), "day")
        .expr_as(sum("tally".to_owned()), "count")
        .expr_as(
            sum(format!("case when due_at <= {now} then tally else 0 end")),
            "late",
        )
        .from_subquery(tallies, "tallies")
        .add_group_by([Expr::col("state"), day()])
        .to_owned())
}

fn board(proof: &ReadProof, filter: &HandoffFilter) -> Result<Select<handoff::Entity>, StoreError> {
    Ok(handoff::Entity::find()
        .filter(scope::within(proof, filter))
        .filter(scope::narrowed(proof, filter)?))
}

#[cfg(test)]
mod tests;
