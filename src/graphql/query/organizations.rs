//! Organizations (单位) for everybody.

use async_graphql::{Context, ID, Object, OneofObject, Result};
use onedoor_domain::page::PageArgs;

use crate::graphql::paging::Connected;
use crate::graphql::reach::catalogue;
use crate::graphql::types::organization::{self, Organization, OrganizationFilter, OrganizationOrder};
use crate::service::organizations;

/// Which organization: exactly one of these.
#[derive(OneofObject, Debug)]
pub enum OrganizationBy {
    /// By opaque id.
    Id(ID),
    /// By code, for example 340302001000:township.service-center.
    Code(String),
}

/// Fields of Query about organizations.
#[derive(Debug, Default, Clone, Copy)]
pub struct OrganizationQuery;

#[Object]
impl OrganizationQuery {
    /// Organizations (单位), by code.
    #[expect(
        clippy::too_many_arguments,
        reason = "Relay's four page arguments, filter and order"
    )]
    async fn organizations(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<OrganizationFilter>,
        order_by: Option<OrganizationOrder>,
    ) -> Option<Result<Connected<Organization>>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
        };
        Some(list(ctx, filter.unwrap_or_default(), order_by, &args).await)
    }

    /// One organization (单位); null when there is none.
    async fn organization(&self, ctx: &Context<'_>, by: OrganizationBy) -> Option<Result<Organization>> {
        find(ctx, &by).transpose()
    }
}

async fn list(
    ctx: &Context<'_>,
    filter: OrganizationFilter,
    order: Option<OrganizationOrder>,
    args: &PageArgs,
) -> Result<Connected<Organization>> {
    let direction = order.map(|order| order.direction.into()).unwrap_or_default();
    let filter = organizations::OrganizationFilter {
        direction,
        ..filter.parse(ctx)?
    };
    organization::page(ctx, filter, args).await
}

fn find(ctx: &Context<'_>, by: &OrganizationBy) -> Result<Option<Organization>> {
    let directory = catalogue(ctx)?.directories.current();
    let found = match by {
        OrganizationBy::Id(id) => id.parse().ok().and_then(|id| directory.organization(id)),
        OrganizationBy::Code(code) => directory.organization_by_code(code),
    };
    Ok(found.cloned().map(Into::into))
}
