//! How the permission to read reads in SQL: a list is cut to what its reader may see before a row leaves the database.

use onedoor_domain::id::{DivisionId, OrganizationId};
use onedoor_domain::proof::{ReadProof, ReadScope};
use onedoor_entity::{case_party, cases, division};
use sea_orm::sea_query::{
    Alias, CommonTableExpression, Condition, Expr, ExprTrait as _, Query, SelectStatement, UnionType,
    WithClause,
};
use sea_orm::{ColumnTrait as _, IntoSimpleExpr as _};

/// A condition on `cases`.
pub(super) fn cases_within(proof: &ReadProof) -> Condition {
    match proof.scope() {
        ReadScope::BySubject(subject) => Condition::all().add(cases::Column::ApplicantSubject.eq(subject)),
        ReadScope::ByDevice(subject) => Condition::all().add(cases::Column::SubmittedBy.eq(subject)),
        ReadScope::ByOrganization(organization) => {
            Condition::all().add(cases::Column::Id.in_subquery(cases_of(*organization)))
        }
        ReadScope::BySubtree(division) => {
            Condition::all().add(cases::Column::DivisionId.in_subquery(subtree(*division)))
        }
        ReadScope::All => Condition::all(),
    }
}

/// Ids of the cases an organization ever held or was handed.
fn cases_of(organization: OrganizationId) -> SelectStatement {
    Query::select()
        .column(case_party::Column::CaseId)
        .from(case_party::Entity)
        .and_where(case_party::Column::OrganizationId.eq(organization.uuid()))
        .to_owned()
}

/// Ids of a division and all below it. UNION drops what was seen before, so a row that is its own parent ends it.
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
                    Expr::col((division::Entity, division::Column::ParentId)).equals((below(), id())),
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
