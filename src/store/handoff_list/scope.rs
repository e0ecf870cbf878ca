//! What of the board a reader sees and a filter leaves, as conditions that lead to the indexes of the desks.

use chrono::{DateTime, Utc};
use onedoor_domain::delivery::{AWAITS_CALLBACK, DeliveryKind, DeliveryState};
use onedoor_domain::handoff::HandoffState;
use onedoor_domain::id::{DivisionId, OrganizationId};
use onedoor_domain::organization::OrganizationKind;
use onedoor_domain::proof::{ReadProof, ReadScope};
use onedoor_entity::{cases, delivery, handoff, organization};
use sea_orm::ColumnTrait as _;
use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, Query, SelectStatement, SimpleExpr, UnionType};

use super::HandoffFilter;
use crate::store::error::StoreError;
use crate::store::names::name_of;
use crate::store::reach;

/// What of the board a scope shows. An organization sees its own part: what it was handed, and every handoff of the cases
/// it holds, took in, or acts in for a holder that cannot. What it handed on and was signed for is the next one's work.
pub(super) fn within(proof: &ReadProof, filter: &HandoffFilter) -> Result<Condition, StoreError> {
    Ok(match proof.scope() {
        // narrowed to its own part anyway: the narrowing alone leads to an index
        ReadScope::ByOrganization(own) if is_own_part(*own, filter) => Condition::all(),
        ReadScope::ByOrganization(own) if filter.sender == Some(*own) => {
            Condition::all().add(handed_on_at_present(proof, *own)?)
        }
        ReadScope::ByOrganization(own) => {
            Condition::all().add(handoff::Column::Id.in_subquery(part_of(proof, *own)?))
        }
        ReadScope::All => Condition::all(),
        ReadScope::BySubtree(root) => of_divisions(*root),
        ReadScope::BySubject(_) | ReadScope::ByDevice(_) => of_cases(reach::cases_within(proof)),
    })
}

/// Of what an organization handed on, that of cases of which it has more than an ended part; by a look at each case.
fn handed_on_at_present(proof: &ReadProof, own: OrganizationId) -> Result<SimpleExpr, StoreError> {
    let case = Query::select()
        .expr(Expr::value(1))
        .from(cases::Entity)
        .and_where(
            Expr::col((cases::Entity, cases::Column::Id)).equals((handoff::Entity, handoff::Column::CaseId)),
        )
        .cond_where(
            Condition::any()
                .add(reach::is_of(proof, cases::Column::OwnerId, own))
                .add(reach::is_of(proof, cases::Column::FirstContactId, own)),
        )
        .to_owned();
    let outside = Query::select()
        .column(organization::Column::Id)
        .from(organization::Entity)
        .and_where(organization::Column::Kind.eq(name_of(OrganizationKind::External)?))
        .to_owned();
    // whoever handed it to a holder that cannot act here acts for it, until that handoff ends and their part with it
    let acts_for = Condition::all()
        .add(Expr::col((handoff::Entity, handoff::Column::Owning)))
        .add(
            Condition::any()
                .add(handoff::Column::Upstream.is_not_null())
                .add(handoff::Column::ToId.in_subquery(outside)),
        );
    Ok(Expr::exists(case).or(SimpleExpr::from(acts_for)))
}

/// The division of which, with all below it, the whole list is: each of these has its part as a range of one index.
pub(super) fn root(proof: &ReadProof, filter: &HandoffFilter) -> Option<DivisionId> {
    let narrower = filter.organization.is_some()
        || filter.sender.is_some()
        || filter.case.is_some()
        || filter.first_contact.is_some();
    match (filter.division, proof.scope()) {
        _ if narrower => None,
        (Some(root), ReadScope::BySubtree(_) | ReadScope::All) => Some(root),
        (None, ReadScope::BySubtree(own)) => Some(*own),
        (_, ReadScope::ByOrganization(_) | ReadScope::BySubject(_) | ReadScope::ByDevice(_))
        | (None, ReadScope::All) => None,
    }
}

/// Whether a filter leaves open work alone.
pub(super) fn is_of_open_work(filter: &HandoffFilter) -> bool {
    filter.late_at.is_some()
        || filter.silent_at.is_some()
        || (!filter.states.is_empty() && filter.states.iter().all(|state| state.is_open()))
}

fn of_divisions(root: DivisionId) -> Condition {
    Condition::all().add(handoff::Column::DivisionId.in_subquery(reach::subtree(root)))
}

/// The filter as a condition.
pub(super) fn narrowed(proof: &ReadProof, filter: &HandoffFilter) -> Result<Condition, StoreError> {
    let mut all = Condition::all();
    let every_open = OPEN.iter().all(|state| filter.states.contains(state));
    if !filter.states.is_empty() && (!every_open || filter.states.len() > OPEN.len()) {
        let names = filter.states.iter().map(name_of).collect::<Result<Vec<_>, _>>()?;
        all = all.add(handoff::Column::State.is_in(names));
    }
    if is_of_open_work(filter) {
        all = all.add(is_open());
    }
    let micros = |at: DateTime<Utc>| at.timestamp_micros();
    let kind = filter.kind.map(name_of).transpose()?;
    if !filter.cards.is_empty() {
        // cards of a case that went on are not told by what is over
        if let ReadScope::ByOrganization(own) = proof.scope() {
            let present = Condition::any()
                .add(is_open())
                .add(handed_on_at_present(proof, *own)?);
            all = all.add(present);
        }
        all = all.add(handoff::Column::CaseId.in_subquery(reach::carded(&filter.cards)?));
    }
    if !filter.deliveries.is_empty() {
        all = all.add(handoff::Column::Id.in_subquery(delivered_so(&filter.deliveries)?));
    }
    if let Some(now) = filter.silent_at {
        all = all
            .add(handoff::Column::DueAt.lte(micros(now)))
            .add(Expr::exists(promised_report()?));
    }
    Ok(all
        .add_option(desks(proof, filter))
        .add_option(
            filter
                .sender
                .map(|from| reach::is_of(proof, handoff::Column::FromId, from)),
        )
        .add_option(filter.case.map(|case| handoff::Column::CaseId.eq(case.uuid())))
        .add_option(filter.late_at.map(|now| handoff::Column::DueAt.lte(micros(now))))
        .add_option(
            filter
                .due_from
                .map(|from| handoff::Column::DueAt.gte(micros(from))),
        )
        .add_option(
            filter
                .due_before
                .map(|before| handoff::Column::DueAt.lt(micros(before))),
        )
        .add_option(kind.map(|kind| handoff::Column::Kind.eq(kind)))
        .add_option(
            filter
                .upstream
                .as_ref()
                .map(|upstream| handoff::Column::Upstream.eq(upstream)),
        )
        .add_option(filter.division.map(of_divisions))
        .add_option(of_cases_like(proof, filter)))
}

/// All states that are open: asked for together, the index of open work says it already.
const OPEN: [HandoffState; 4] = [
    HandoffState::Offered,
    HandoffState::Sent,
    HandoffState::Expired,
    HandoffState::Acknowledged,
];

/// The predicate of the partial indexes, word for word.
pub(super) fn is_open() -> Expr {
    Expr::col((handoff::Entity, handoff::Column::Open))
}

fn is_own_part(own: OrganizationId, filter: &HandoffFilter) -> bool {
    let desk = filter.organization == Some(own) && filter.and_below.is_none();
    desk || filter.first_contact == Some(own)
}

/// Ids of the handoffs that are an organization's part. Each way has an index; joined by OR they would have none.
fn part_of(proof: &ReadProof, own: OrganizationId) -> Result<SelectStatement, StoreError> {
    let ids = || {
        Query::select()
            .column(handoff::Column::Id)
            .from(handoff::Entity)
            .to_owned()
    };
    let of_cases = |column: cases::Column| {
        ids()
            .and_where(
                handoff::Column::CaseId.in_subquery(
                    Query::select()
                        .column(cases::Column::Id)
                        .from(cases::Entity)
                        .and_where(reach::is_of(proof, column, own))
                        .to_owned(),
                ),
            )
            .to_owned()
    };
    Ok(ids()
        .and_where(reach::is_of(proof, handoff::Column::ToId, own))
        .union(
            UnionType::Distinct,
            ids()
                .and_where(reach::is_of(proof, handoff::Column::FromId, own))
                .and_where(handed_on_at_present(proof, own)?)
                .to_owned(),
        )
        .union(UnionType::Distinct, of_cases(cases::Column::OwnerId))
        .union(UnionType::Distinct, of_cases(cases::Column::FirstContactId))
        .to_owned())
}

/// Ids of the handoffs with a delivery in one of these states.
fn delivered_so(states: &[DeliveryState]) -> Result<SelectStatement, StoreError> {
    let names = states.iter().map(name_of).collect::<Result<Vec<_>, _>>()?;
    Ok(Query::select()
        .column(delivery::Column::HandoffId)
        .from(delivery::Entity)
        .and_where(delivery::Column::State.is_in(names))
        // a handoff is not undelivered because news did not arrive
        .and_where(delivery::Column::Operation.ne(name_of(DeliveryKind::Notify)?))
        .to_owned())
}

/// The delivery of a handoff whose system promised a report. Asked for each handoff that is late, of which there are few,
/// and not the other way round: most that was ever delivered was promised a report.
fn promised_report() -> Result<SelectStatement, StoreError> {
    Ok(Query::select()
        .expr(Expr::value(1))
        .from(delivery::Entity)
        .and_where(
            Expr::col((delivery::Entity, delivery::Column::HandoffId))
                .equals((handoff::Entity, handoff::Column::Id)),
        )
        .and_where(delivery::Column::State.eq(name_of(DeliveryState::Delivered)?))
        .and_where(delivery::Column::Reason.eq(AWAITS_CALLBACK))
        .to_owned())
}

fn desks(proof: &ReadProof, filter: &HandoffFilter) -> Option<Condition> {
    let own = filter.organization?;
    let to_own = reach::is_of(proof, handoff::Column::ToId, own);
    Some(match filter.and_below {
        None => Condition::all().add(to_own),
        Some(division) => Condition::any()
            .add(to_own)
            .add(handoff::Column::ToId.in_subquery(offices_below(division))),
    })
}

fn offices_below(division: DivisionId) -> SelectStatement {
    Query::select()
        .column(organization::Column::Id)
        .from(organization::Entity)
        .and_where(organization::Column::DivisionId.ne(division.uuid()))
        .and_where(organization::Column::DivisionId.in_subquery(reach::subtree(division)))
        .to_owned()
}

fn of_cases_like(proof: &ReadProof, filter: &HandoffFilter) -> Option<Condition> {
    let wanted = Condition::all()
        .add_option(
            filter
                .item_code
                .as_ref()
                .map(|code| cases::Column::ItemCode.eq(code)),
        )
        .add_option(
            filter
                .first_contact
                .map(|contact| reach::is_of(proof, cases::Column::FirstContactId, contact)),
        );
    (!wanted.is_empty()).then(|| of_cases(wanted))
}

/// Handoffs whose case is so; the planner is free to begin at either end.
fn of_cases(wanted: Condition) -> Condition {
    let ids = Query::select()
        .column(cases::Column::Id)
        .from(cases::Entity)
        .cond_where(wanted)
        .to_owned();
    Condition::all().add(handoff::Column::CaseId.in_subquery(ids))
}
