//! How the permission to read reads in SQL: a list is cut to what its reader may see before a row leaves the database.

use onedoor_domain::card::{CardState, Rung};
use onedoor_domain::division::CodeSystem;
use onedoor_domain::handoff::HandoffState;
use onedoor_domain::id::{DivisionId, OrganizationId};
use onedoor_domain::organization::OrganizationKind;
use onedoor_domain::proof::{ReadProof, ReadScope};
use onedoor_entity::{
    case_card, case_party, cases, division, division_code, external_number, handoff, organization,
};
use sea_orm::sea_query::{
    Alias, CaseStatement, CommonTableExpression, Condition, Expr, ExprTrait as _, Func, Query,
    SelectStatement, SimpleExpr, UnionType, WithClause,
};
use sea_orm::{ColumnTrait as _, DbBackend, IntoSimpleExpr as _};

use super::dialect;
use super::error::StoreError;
use super::names::name_of;

/// A condition that a column names an organization, or one whose work it took over. Of one without predecessors it
/// stays a plain equality, which keeps the order of an index.
pub(super) fn is_of(proof: &ReadProof, column: impl sea_orm::ColumnTrait, id: OrganizationId) -> SimpleExpr {
    let line = proof.line_of(id);
    match line.as_slice() {
        [] | [_] => column.eq(id.uuid()),
        [_, _, ..] => column.is_in(line.iter().map(|id| id.uuid())),
    }
}

/// A condition on `cases`.
pub(super) fn cases_within(proof: &ReadProof) -> Condition {
    match proof.scope() {
        ReadScope::BySubject(subject) => Condition::all().add(cases::Column::ApplicantSubject.eq(subject)),
        ReadScope::ByDevice(subject) => Condition::all().add(cases::Column::SubmittedBy.eq(subject)),
        ReadScope::ByOrganization(organization) => {
            Condition::all().add(cases::Column::Id.in_subquery(cases_of(proof, *organization)))
        }
        ReadScope::BySubtree(division) => {
            Condition::all().add(cases::Column::DivisionId.in_subquery(subtree(*division)))
        }
        ReadScope::All => Condition::all(),
    }
}

/// A condition on `cases`, that an organization has more of it than a part which ended before the case did: it took the case
/// in, holds it or held it to its end, was handed it, or acts for a holder that cannot act here. What changes after the
/// end of a part is not its reader's business, so nothing that a list tells or counts by may depend on it.
pub(super) fn present_of(proof: &ReadProof, own: OrganizationId) -> Result<Condition, StoreError> {
    let acknowledged = || -> Result<Condition, StoreError> {
        Ok(Condition::all()
            .add(Expr::col((handoff::Entity, handoff::Column::Owning)))
            .add(handoff::Column::State.eq(name_of(HandoffState::Acknowledged)?)))
    };
    let outside = Query::select()
        .column(organization::Column::Id)
        .from(organization::Entity)
        .and_where(organization::Column::Kind.eq(name_of(OrganizationKind::External)?))
        .to_owned();
    let handed = Condition::all()
        .add(is_of(proof, handoff::Column::ToId, own))
        .add(
            Condition::any()
                .add(Expr::col((handoff::Entity, handoff::Column::Open)))
                .add(acknowledged()?)
                .add(
                    Condition::all()
                        .add(Expr::col((handoff::Entity, handoff::Column::Owning)))
                        .add(ended_with_the_case()?),
                ),
        );
    let acts_for = Condition::all()
        .add(is_of(proof, handoff::Column::FromId, own))
        .add(Expr::col((handoff::Entity, handoff::Column::Owning)))
        .add(Condition::any().add(acknowledged()?).add(ended_with_the_case()?))
        .add(
            Condition::any()
                .add(handoff::Column::Upstream.is_not_null())
                .add(handoff::Column::ToId.in_subquery(outside)),
        );
    let with_it = Query::select()
        .expr(Expr::value(1))
        .from(handoff::Entity)
        .and_where(
            Expr::col((handoff::Entity, handoff::Column::CaseId)).equals((cases::Entity, cases::Column::Id)),
        )
        .cond_where(Condition::any().add(handed).add(acts_for))
        .to_owned();
    Ok(Condition::any()
        .add(is_of(proof, cases::Column::OwnerId, own))
        .add(is_of(proof, cases::Column::FirstContactId, own))
        .add(Expr::exists(with_it)))
}

/// A condition on `cases` and `handoff`: the handoff was closed by the end of its case, which closes all that are open.
fn ended_with_the_case() -> Result<Condition, StoreError> {
    let other = || Alias::new("other");
    let column = |column| Expr::col((other(), column));
    let held_on = Condition::all()
        .add(column(handoff::Column::Owning))
        .add(column(handoff::Column::State).eq(name_of(HandoffState::Acknowledged)?));
    let later = column(handoff::Column::ClosedAt).gt(Expr::col((handoff::Entity, handoff::Column::ClosedAt)));
    let outlived = Query::select()
        .expr(Expr::value(1))
        .from_as(handoff::Entity, other())
        .and_where(column(handoff::Column::CaseId).equals((handoff::Entity, handoff::Column::CaseId)))
        .cond_where(Condition::any().add(held_on).add(later))
        .to_owned();
    Ok(Condition::all()
        .add(cases::Column::OwnerId.is_null())
        .add(handoff::Column::ClosedAt.is_not_null())
        .add(Expr::exists(outlived).not()))
}

/// A condition on `cases`: those of a scope of which its reader sees the present. What is counted must be of these.
pub(super) fn present_within(proof: &ReadProof) -> Result<Condition, StoreError> {
    let present = match proof.scope() {
        ReadScope::ByOrganization(own) => Some(present_of(proof, *own)?),
        ReadScope::BySubject(_) | ReadScope::ByDevice(_) | ReadScope::BySubtree(_) | ReadScope::All => None,
    };
    Ok(Condition::all().add(cases_within(proof)).add_option(present))
}

/// A condition on `cases` and `handoff`, of what an organization handed to a system; of the first handoff of a case, what
/// it took in.
pub(super) fn sent_within(proof: &ReadProof) -> Condition {
    match proof.scope() {
        ReadScope::ByOrganization(own) => Condition::any()
            .add(is_of(proof, handoff::Column::FromId, *own))
            .add(Condition::all().add(handoff::Column::FromId.is_null()).add(is_of(
                proof,
                cases::Column::FirstContactId,
                *own,
            ))),
        ReadScope::BySubject(_) | ReadScope::ByDevice(_) | ReadScope::BySubtree(_) | ReadScope::All => {
            cases_within(proof)
        }
    }
}

/// Ids of the cases on which a card of one of these rungs stands.
pub(super) fn carded(rungs: &[Rung]) -> Result<SelectStatement, StoreError> {
    let rungs = rungs.iter().map(name_of).collect::<Result<Vec<_>, _>>()?;
    Ok(Query::select()
        .column(case_card::Column::CaseId)
        .from(case_card::Entity)
        .and_where(case_card::Column::Rung.is_in(rungs))
        .and_where(case_card::Column::State.ne(name_of(CardState::Cancelled)?))
        .to_owned())
}

/// Ids of the cases that an upstream system knows by a number.
pub(super) fn numbered(number: &str) -> SelectStatement {
    Query::select()
        .column(external_number::Column::CaseId)
        .from(external_number::Entity)
        .and_where(external_number::Column::Number.eq(number))
        .to_owned()
}

/// Ids of the cases an organization, or one whose work it took over, ever held or was handed.
fn cases_of(proof: &ReadProof, organization: OrganizationId) -> SelectStatement {
    Query::select()
        .column(case_party::Column::CaseId)
        .from(case_party::Entity)
        .and_where(is_of(proof, case_party::Column::OrganizationId, organization))
        .to_owned()
}

/// Ids of a division and all below it, those that ended and were succeeded within it included: they stand where their
/// successor stands. UNION drops what was seen before, so a row that is its own parent ends it.
pub(super) fn subtree(root: DivisionId) -> SelectStatement {
    let below = || Alias::new("below");
    let id = || Alias::new("id");
    let walk = Query::select()
        .column(division::Column::Id)
        .from(division::Entity)
        .and_where(division::Column::Id.eq(root.uuid()))
        .union(
            UnionType::Distinct,
            Query::select()
                .expr(division::Column::Id.into_simple_expr())
                .from(division::Entity)
                .inner_join(
                    below(),
                    Condition::any()
                        .add(
                            Expr::col((division::Entity, division::Column::ParentId))
                                .equals((below(), id()))
                                .and(Expr::col((division::Entity, division::Column::SuccessorId)).is_null()),
                        )
                        .add(
                            Expr::col((division::Entity, division::Column::SuccessorId))
                                .equals((below(), id())),
                        ),
                )
                .to_owned(),
        )
        .to_owned();
    let table = CommonTableExpression::new()
        .table_name(below())
        .column(id())
        .query(walk)
        .to_owned();
    Query::select()
        .column(id())
        .from(below())
        .with_cte(WithClause::new().recursive(true).cte(table).to_owned())
        .to_owned()
}

/// Whether a case belonged, on the day it was handed in, to a division or one that stood below it by the codes of
/// that day. A case bears the code of that day; where a code outlives what stood above it, the day decides which of
/// those it is, so that a case is counted under one of them. A code that came into force later, or ended before, speaks
/// for its own nearest day.
pub(super) fn of_the_day(backend: DbBackend, root: DivisionId) -> Result<SimpleExpr, StoreError> {
    const NO_END: &str = "9999-12-31";
    let then = |column: &'static str| Expr::col((Alias::new("then"), Alias::new(column)));
    let column = |column| Expr::col((division_code::Entity, column));
    let since = || column(division_code::Column::ValidFrom);
    let until = || {
        Expr::expr(Func::coalesce([
            column(division_code::Column::ValidTo),
            Expr::value(NO_END),
        ]))
    };
    let system = name_of(CodeSystem::Statistics)?;
    let rows = || {
        Query::select()
            .expr(column(division_code::Column::DivisionId))
            .expr(column(division_code::Column::Code))
            .expr(since())
            .expr(until())
            .from(division_code::Entity)
            .and_where(column(division_code::Column::System).eq(system.clone()))
            .to_owned()
    };
    let below = Condition::all()
        .add(column(division_code::Column::ParentId).eq(then("id")))
        .add(since().lte(then("until")))
        .add(until().gte(then("since")));
    // the days on which everything down to here stood so
    let later = CaseStatement::new()
        .case(since().gt(then("since")), since())
        .finally(then("since"));
    let earlier = CaseStatement::new()
        .case(until().lt(then("until")), until())
        .finally(then("until"));
    let walk = rows()
        .expr(since())
        .expr(until())
        .and_where(column(division_code::Column::DivisionId).eq(root.uuid()))
        .union(
            UnionType::Distinct,
            rows()
                .expr(later)
                .expr(earlier)
                .inner_join(Alias::new("then"), below)
                .to_owned(),
        )
        .to_owned();
    let table = CommonTableExpression::new()
        .table_name(Alias::new("then"))
        .columns(["id", "code", "own_since", "own_until", "since", "until"].map(Alias::new))
        .query(walk)
        .to_owned();
    let handed_in = || dialect::beijing_day(backend, "cases.submitted_at");
    let day: SimpleExpr = CaseStatement::new()
        .case(handed_in().lt(then("own_since")), then("own_since"))
        .case(handed_in().gt(then("own_until")), then("own_until"))
        .finally(handed_in())
        .into();
    let bears = Query::select()
        .expr(Expr::value(1))
        .from(Alias::new("then"))
        .and_where(then("id").equals((cases::Entity, cases::Column::DivisionId)))
        .and_where(then("code").equals((cases::Entity, cases::Column::DivisionCode)))
        .and_where(day.between(then("since"), then("until")))
        .with_cte(WithClause::new().recursive(true).cte(table).to_owned())
        .to_owned();
    Ok(Expr::exists(bears))
}
