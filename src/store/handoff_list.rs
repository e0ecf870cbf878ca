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
use onedoor_domain::proof::{ReadProof, ReadScope};
use onedoor_domain::route::HandoffKind;
use onedoor_entity::{cases, handoff};
use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, Query, SelectStatement, UnionType};
use sea_orm::{
    ColumnTrait as _, DbBackend, EntityTrait, FromQueryResult, JoinType, Order, QueryFilter as _,
    QuerySelect as _, QueryTrait as _, Select,
};
use uuid::Uuid;

use super::case::{CaseStore, rows};
use super::error::StoreError;
use super::page::{Key, keyset, towards};
use super::parse::{Row, number};
use super::{dialect, reach};

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
    /// Taken over by a system that promised a report and owes it beyond its day, told by this instant.
    pub silent_at: Option<DateTime<Utc>>,
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

/// The divisions of a list, one by one.
const BELOW: &str = "below";
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
        let backend = read.get_database_backend();
        let statement = page_and_counts(backend, proof, filter, order, page, count_at)?;
        let rows = BoardRow::find_by_statement(backend.build(&statement))
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
        let statement = groups(read.get_database_backend(), proof, filter, now)?;
        let groups = BoardRow::find_by_statement(read.get_database_backend().build(&statement))
            .all(read)
            .await?;
        counts(groups)
    }
}

impl CaseStore {
    /// Gives open handoffs that an older binary wrote the division of their case, by which supervisors' boards find
    /// them. Without such, nothing is written.
    ///
    /// # Errors
    /// As any write.
    pub async fn complete_handoffs(&self) -> Result<(), StoreError> {
        let incomplete = Condition::all()
            .add(handoff::Column::DivisionId.is_null())
            .add(scope::is_open());
        let any = handoff::Entity::find().filter(incomplete.clone());
        if any.one(self.database().read()).await?.is_none() {
            return Ok(());
        }
        let of_the_case = Query::select()
            .column(cases::Column::DivisionId)
            .from(cases::Entity)
            .and_where(
                Expr::col((cases::Entity, cases::Column::Id))
                    .equals((handoff::Entity, handoff::Column::CaseId)),
            )
            .to_owned();
        let database = self.database().clone();
        let write = async move {
            let tx = database.write_tx().await?;
            handoff::Entity::update_many()
                .col_expr(
                    handoff::Column::DivisionId,
                    Expr::SubQuery(None, Box::new(of_the_case.into())),
                )
                .filter(incomplete)
                .exec(tx.connection())
                .await?;
            tx.commit().await
        };
        self.database().in_turn(write).await
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
    backend: DbBackend,
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
    let shown = |part| {
        let page = keyset(part, &keys(order), page)?.select_only();
        let page = page.column(handoff::Column::Id).column(handoff::Column::CaseId);
        Ok::<_, StoreError>(page.column_as(place, "place").into_query())
    };
    let in_ranges = order.key == BoardKey::Due && scope::is_of_open_work(filter);
    let places = match ranges(backend, proof, filter).filter(|_| in_ranges) {
        None => shown(board(proof, filter)?)?,
        Some(root) => {
            let reversed = (order.direction == Direction::Descending) != (page.end == End::Last);
            let towards = if reversed { Order::Desc } else { Order::Asc };
            // the first entries of all are among the first of each
            each_division(root, shown(part_of_division(proof, filter, root)?)?)
                .columns([("part", "id"), ("part", "case_id"), ("part", "place")])
                .order_by(("part", "place"), towards.clone())
                .order_by(("part", "id"), towards)
                .limit(u64::from(page.size) + 1)
                .to_owned()
        }
    };
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
        statement.union(UnionType::All, groups(backend, proof, filter, now)?);
    }
    Ok(statement)
}

/// The open handoffs of the list by state and by the last day that is in time.
///
/// Most of a desk is due at one of a few midnights: tallied by instant first, the days are reckoned for few lines only.
fn groups(
    backend: DbBackend,
    proof: &ReadProof,
    filter: &HandoffFilter,
    now: DateTime<Utc>,
) -> Result<SelectStatement, StoreError> {
    let tallied = |part: Select<handoff::Entity>| {
        part.filter(scope::is_open())
            .select_only()
            .column_as(handoff::Column::State, "state")
            .column_as(handoff::Column::DueAt, "due_at")
            .expr_as(Expr::cust("count(*)"), "tally")
            .group_by(handoff::Column::State)
            .group_by(handoff::Column::DueAt)
            .into_query()
    };
    let tallies = match ranges(backend, proof, filter) {
        None => tallied(board(proof, filter)?),
        Some(root) => each_division(root, tallied(part_of_division(proof, filter, root)?))
            .columns([("part", "state"), ("part", "due_at"), ("part", "tally")])
            .to_owned(),
    };
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

/// The root of a list that is read range by range, where the database can be asked so. In one list of all divisions
/// below a root no order of an index is left, and all of it would be sorted for a page.
fn ranges(backend: DbBackend, proof: &ReadProof, filter: &HandoffFilter) -> Option<DivisionId> {
    scope::root(proof, filter).filter(|_| dialect::joins_laterally(backend))
}

/// A part, asked anew for each division below a root; the part names the division `below`.
fn each_division(root: DivisionId, part: SelectStatement) -> SelectStatement {
    let all = Condition::all().add(Expr::cust("true"));
    Query::select()
        .from_subquery(reach::subtree(root), BELOW)
        .join_lateral(JoinType::InnerJoin, part, "part", all)
        .to_owned()
}

/// What of a list belongs to one division.
fn part_of_division(
    proof: &ReadProof,
    filter: &HandoffFilter,
    root: DivisionId,
) -> Result<Select<handoff::Entity>, StoreError> {
    let rest = HandoffFilter {
        division: filter.division.filter(|other| *other != root),
        ..filter.clone()
    };
    let of_it = Expr::col((handoff::Entity, handoff::Column::DivisionId)).equals((BELOW, "id"));
    let part = handoff::Entity::find()
        .filter(scope::narrowed(proof, &rest)?)
        .filter(of_it);
    Ok(match proof.scope() {
        ReadScope::BySubtree(own) if *own == root => part,
        ReadScope::BySubtree(_)
        | ReadScope::All
        | ReadScope::ByOrganization(_)
        | ReadScope::BySubject(_)
        | ReadScope::ByDevice(_) => part.filter(scope::within(proof, &rest)?),
    })
}

fn board(proof: &ReadProof, filter: &HandoffFilter) -> Result<Select<handoff::Entity>, StoreError> {
    Ok(handoff::Entity::find()
        .filter(scope::within(proof, filter)?)
        .filter(scope::narrowed(proof, filter)?))
}

#[cfg(test)]
mod tests;
