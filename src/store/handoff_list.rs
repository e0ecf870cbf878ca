//! The board: handoffs by due date, cut to the reader's scope in SQL, and how many there are.

use chrono::{DateTime, Utc};
use onedoor_domain::board::{HandoffCount, HandoffEntry};
use onedoor_domain::handoff::HandoffState;
use onedoor_domain::id::{CaseId, DivisionId, HandoffId, OrganizationId};
use onedoor_domain::page::{KeyPart, Page, PageRequest, Position};
use onedoor_domain::proof::{ReadProof, ReadScope};
use onedoor_domain::route::HandoffKind;
use onedoor_entity::{cases, handoff};
use sea_orm::sea_query::{CaseStatement, Condition, Expr, Func};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, JoinType, QueryFilter as _, QuerySelect as _,
    RelationDef, Select,
};

use super::case::{CaseStore, rows};
use super::error::StoreError;
use super::names::name_of;
use super::page::{ascending, keyset};
use super::parse::{Row, number};
use super::reach;

/// The order of the board: due first, those without a date last. Positions have 2 parts.
pub const HANDOFFS_BY_DUE: &str = "handoff.due";

/// Which handoffs of the scope; an empty or missing part does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HandoffFilter {
    /// Handed to this organization: its desk.
    pub organization: Option<OrganizationId>,
    /// Handed on by this organization.
    pub sender: Option<OrganizationId>,
    /// Of this case.
    pub case: Option<CaseId>,
    /// In one of these states.
    pub states: Vec<HandoffState>,
    /// Open and due at or before this instant.
    pub late_at: Option<DateTime<Utc>>,
    /// Of this kind.
    pub kind: Option<HandoffKind>,
    /// To organizations bound to this upstream system.
    pub upstream: Option<String>,
}

impl CaseStore {
    /// A page of the board, in the order [`HANDOFFS_BY_DUE`].
    ///
    /// # Errors
    /// As any query; `Corrupt` when a row does not parse.
    pub async fn list_handoffs(
        &self,
        proof: &ReadProof,
        filter: &HandoffFilter,
        page: &PageRequest,
    ) -> Result<Page<HandoffEntry>, StoreError> {
        let keys = [ascending(handoff::Column::DueAt), ascending(handoff::Column::Id)];
        let rows = keyset(board(proof, filter)?, &keys, page)?
            .select_also(cases::Entity)
            .all(self.database().read())
            .await?;
        let entries = rows
            .iter()
            .map(|(handoff, case)| entry(handoff, case.as_ref()))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(page.page(entries, |entry| {
            Position(vec![
                KeyPart::Integer(entry.due_at.map_or(rows::NO_DATE, |due| due.timestamp_micros())),
                KeyPart::Uuid(entry.handoff.id.uuid()),
            ])
        }))
    }

    /// How many open handoffs of the list are in which state at `now`; states without any are left out.
    ///
    /// # Errors
    /// As any query.
    pub async fn count_handoffs(
        &self,
        proof: &ReadProof,
        filter: &HandoffFilter,
        now: DateTime<Utc>,
    ) -> Result<Vec<HandoffCount>, StoreError> {
        #[derive(FromQueryResult)]
        struct Counted {
            state: String,
            count: i64,
            late: i64,
        }
        let late = handoff::Column::DueAt.lte(now.timestamp_micros());
        let late = CaseStatement::new().case(late, 1).finally(0);
        let rows = counted_board(proof, filter)?
            .filter(is_open())
            .select_only()
            .column(handoff::Column::State)
            .column_as(handoff::Column::Id.count(), "count")
            // a sum of integers is a bigint on both databases
            .expr_as(Func::sum(late), "late")
            .group_by(handoff::Column::State)
            .into_model::<Counted>()
            .all(self.database().read())
            .await?;
        let counted = |row: Counted| {
            Ok(HandoffCount {
                state: Row::of("handoff", &row.state).word("state", &row.state)?,
                count: number(row.count)?,
                late: number(row.late)?,
            })
        };
        rows.into_iter().map(counted).collect()
    }
}

fn board(proof: &ReadProof, filter: &HandoffFilter) -> Result<Select<handoff::Entity>, StoreError> {
    let to_case: RelationDef = handoff::Entity::belongs_to(cases::Entity)
        .from(handoff::Column::CaseId)
        .to(cases::Column::Id)
        .into();
    Ok(handoff::Entity::find()
        .join(JoinType::InnerJoin, to_case)
        .filter(within(proof, filter))
        .filter(narrowed(proof, filter)?))
}

/// The board without its cases where nothing is asked of them: an own desk is then counted from its index alone.
fn counted_board(proof: &ReadProof, filter: &HandoffFilter) -> Result<Select<handoff::Entity>, StoreError> {
    if is_own_desk(proof, filter) {
        Ok(handoff::Entity::find().filter(narrowed(proof, filter)?))
    } else {
        board(proof, filter)
    }
}

fn is_own_desk(proof: &ReadProof, filter: &HandoffFilter) -> bool {
    matches!(proof.scope(), ReadScope::ByOrganization(own) if filter.organization == Some(*own))
}

/// What of the board a scope shows. An organization sees its own part: what it was handed or handed on, and every
/// handoff of the cases it holds or took in.
fn within(proof: &ReadProof, filter: &HandoffFilter) -> Condition {
    match proof.scope() {
        // its own desk: the addressee alone leads to the desk's index
        ReadScope::ByOrganization(_) if is_own_desk(proof, filter) => Condition::all(),
        ReadScope::ByOrganization(own) => Condition::any()
            .add(reach::is_of(proof, handoff::Column::ToId, *own))
            .add(reach::is_of(proof, handoff::Column::FromId, *own))
            .add(reach::is_of(proof, cases::Column::OwnerId, *own))
            .add(reach::is_of(proof, cases::Column::FirstContactId, *own)),
        ReadScope::BySubject(_) | ReadScope::ByDevice(_) | ReadScope::BySubtree(_) | ReadScope::All => {
            reach::cases_within(proof)
        }
    }
}

fn narrowed(proof: &ReadProof, filter: &HandoffFilter) -> Result<Condition, StoreError> {
    let mut all = Condition::all();
    if !filter.states.is_empty() {
        let names = filter.states.iter().map(name_of).collect::<Result<Vec<_>, _>>()?;
        all = all.add(handoff::Column::State.is_in(names));
    }
    if filter.late_at.is_some()
        || (!filter.states.is_empty() && filter.states.iter().all(|state| state.is_open()))
    {
        all = all.add(is_open());
    }
    Ok(all
        .add_option(
            filter
                .organization
                .map(|to| reach::is_of(proof, handoff::Column::ToId, to)),
        )
        .add_option(
            filter
                .sender
                .map(|from| reach::is_of(proof, handoff::Column::FromId, from)),
        )
        .add_option(filter.case.map(|case| handoff::Column::CaseId.eq(case.uuid())))
        .add_option(
            filter
                .late_at
                .map(|now| handoff::Column::DueAt.lte(now.timestamp_micros())),
        )
        .add_option(
            filter
                .kind
                .map(name_of)
                .transpose()?
                .map(|kind| handoff::Column::Kind.eq(kind)),
        )
        .add_option(
            filter
                .upstream
                .as_ref()
                .map(|upstream| handoff::Column::Upstream.eq(upstream)),
        ))
}

/// The predicate of the partial indexes, word for word.
fn is_open() -> Expr {
    Expr::col((handoff::Entity, handoff::Column::Open))
}

fn entry(row: &handoff::Model, case: Option<&cases::Model>) -> Result<HandoffEntry, StoreError> {
    let id = HandoffId::from_uuid(row.id);
    let parse = Row::of("handoff", &id);
    let case = case.ok_or_else(|| parse.corrupt("case_id"))?;
    let case_id = CaseId::from_uuid(case.id);
    let of_case = Row::of("cases", &case_id);
    let due_at = (row.due_at != rows::NO_DATE).then_some(row.due_at);
    Ok(HandoffEntry {
        handoff: rows::handoff(row)?,
        due_at: parse.instant_opt("due_at", due_at)?,
        case: case_id,
        case_version: case.version,
        tracking: of_case.text("tracking_code", &case.tracking_code)?,
        item_code: case.item_code.clone(),
        case_kind: of_case.word("kind", &case.kind)?,
        case_status: of_case.word("status", &case.status)?,
        division: DivisionId::from_uuid(case.division_id),
        division_name: case.division_name.clone(),
        owner: case.owner_id.map(OrganizationId::from_uuid),
    })
}

#[cfg(test)]
mod tests {
    use onedoor_domain::actor::{Actor, ActorKind};
    use onedoor_domain::policy::Act;
    use onedoor_domain::proof;
    use sea_orm::{ConnectionTrait as _, QueryTrait as _, Statement};
    use uuid::Uuid;

    use super::*;
    use crate::store::database::{Database, DatabaseSettings};

    #[actix_web::test]
    async fn a_desk_is_read_from_its_index_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/onedoor.db?mode=rwc", folder.path().display());
        let database = Database::connect(&DatabaseSettings::for_url(url), None)
            .await
            .unwrap();
        database.migrate().await.unwrap();
        let desk = OrganizationId::from_uuid(Uuid::from_u128(1));
        let clerk = Actor {
            kind: ActorKind::Clerk,
            organization: Some(desk),
            ..Actor::anonymous()
        };
        let proof = proof::read(&clerk, Act::ReadHandoffs).unwrap();
        let filter = HandoffFilter {
            organization: Some(desk),
            states: vec![HandoffState::Offered, HandoffState::Acknowledged],
            ..HandoffFilter::default()
        };
        let keys = [ascending(handoff::Column::DueAt), ascending(handoff::Column::Id)];
        let page = PageRequest::first(HANDOFFS_BY_DUE, 50);
        let backend = database.read().get_database_backend();
        let query = keyset(board(&proof, &filter).unwrap(), &keys, &page)
            .unwrap()
            .build(backend);
        let explain = Statement {
            sql: format!("explain query plan {}", query.sql),
            ..query
        };
        let rows = database.read().query_all_raw(explain).await.unwrap();
        let plan: Vec<String> = rows
            .iter()
            .map(|row| row.try_get("", "detail").unwrap())
            .collect();
        let plan = plan.join("\n");
        assert!(plan.contains("ix_handoff_desk (to_id=?"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "no sorting: {plan}");
    }
}
