//! Divisions (区划) for everybody.

use async_graphql::{Context, ID, Object, OneofObject, Result};
use onedoor_domain::page::PageArgs;

use crate::graphql::paging::Connected;
use crate::graphql::reach::{catalogue, failed};
use crate::graphql::types::division::{self, Division, DivisionFilter, DivisionOrder};
use crate::graphql::types::organization::known_division;
use crate::graphql::types::scalars::DivisionCode;
use crate::service::divisions;

/// Which division: exactly one of these.
#[derive(OneofObject, Debug)]
pub enum DivisionBy {
    /// By opaque id.
    Id(ID),
    /// By statistical code (统计用区划代码), of today or of former days.
    Code(DivisionCode),
}

/// Fields of Query about divisions.
#[derive(Debug, Default, Clone, Copy)]
pub struct DivisionQuery;

#[Object]
impl DivisionQuery {
    /// Divisions (区划), by code.
    #[expect(
        clippy::too_many_arguments,
        reason = "Relay's four page arguments, filter and order"
    )]
    async fn divisions(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<DivisionFilter>,
        order_by: Option<DivisionOrder>,
    ) -> Option<Result<Connected<Division>>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
        };
        Some(list(ctx, filter.unwrap_or_default(), order_by, &args).await)
    }

    /// One division (区划), by its code of today or, when nobody bears it now, by one of former days; null when there is
    /// none.
    async fn division(&self, ctx: &Context<'_>, by: DivisionBy) -> Option<Result<Division>> {
        find(ctx, &by).transpose()
    }
}

async fn list(
    ctx: &Context<'_>,
    filter: DivisionFilter,
    order: Option<DivisionOrder>,
    args: &PageArgs,
) -> Result<Connected<Division>> {
    let search = filter
        .name_contains
        .as_deref()
        .map(divisions::search_text)
        .transpose();
    let filter = divisions::DivisionFilter {
        level: filter.level.map(Into::into),
        parent: match filter.parent {
            Some(code) => Some(known_division(ctx, &code)?.id),
            None => None,
        },
        setting: filter.setting.map(Into::into),
        counted: filter.counted,
        name_contains: search.map_err(|error| failed(ctx, error))?,
        direction: order.map(|order| order.direction.into()).unwrap_or_default(),
    };
    division::page(ctx, filter, args).await
}

fn find(ctx: &Context<'_>, by: &DivisionBy) -> Result<Option<Division>> {
    let directory = catalogue(ctx)?.directories.current();
    let found = match by {
        DivisionBy::Id(id) => id.parse().ok().and_then(|id| directory.division(id)),
        DivisionBy::Code(code) => directory.division_of_any_day(&code.0),
    };
    Ok(found.cloned().map(Into::into))
}
