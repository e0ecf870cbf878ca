//! Service items (事项) for everybody.

use async_graphql::{Context, ID, Object, OneofObject, Result};
use onedoor_domain::page::PageArgs;

use crate::graphql::paging::{Connected, connection};
use crate::graphql::reach::{catalogue as services, failed};
use crate::graphql::types::service_item::{ServiceItem, ServiceItemFilter, ServiceItemOrder};
use crate::service::{catalogue, divisions};

/// Which service item: exactly one of these.
#[derive(OneofObject, Debug)]
pub enum ServiceItemBy {
    /// By opaque id: that version, published now or before.
    Id(ID),
    /// By code, for example pension-enroll: the version that is published now.
    Code(String),
}

/// Fields of Query about service items.
#[derive(Debug, Default, Clone, Copy)]
pub struct CatalogueQuery;

#[Object]
impl CatalogueQuery {
    /// Service items (事项) that are offered now, by code.
    #[expect(
        clippy::too_many_arguments,
        reason = "Relay's four page arguments, filter and order"
    )]
    async fn service_items(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<ServiceItemFilter>,
        order_by: Option<ServiceItemOrder>,
    ) -> Option<Result<Connected<ServiceItem>>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
        };
        Some(list(ctx, filter.unwrap_or_default(), order_by, &args).await)
    }

    /// One service item (事项); null when there is none.
    async fn service_item(&self, ctx: &Context<'_>, by: ServiceItemBy) -> Option<Result<ServiceItem>> {
        find(ctx, by).await.transpose()
    }
}

async fn list(
    ctx: &Context<'_>,
    filter: ServiceItemFilter,
    order: Option<ServiceItemOrder>,
    args: &PageArgs,
) -> Result<Connected<ServiceItem>> {
    let search = filter
        .name_contains
        .as_deref()
        .map(divisions::search_text)
        .transpose();
    let filter = catalogue::ItemFilter {
        item_type: filter.item_type.map(Into::into),
        processing: filter.processing_type.map(Into::into),
        applicant: filter.applicant.map(Into::into),
        role: filter.role,
        name_contains: search.map_err(|error| failed(ctx, error))?,
        direction: order.map(|order| order.direction.into()).unwrap_or_default(),
    };
    let page = catalogue::page(services(ctx)?, &filter, args)
        .await
        .map_err(|error| failed(ctx, error))?;
    let total = page.total;
    Ok(connection(page, total, ServiceItem::from))
}

async fn find(ctx: &Context<'_>, by: ServiceItemBy) -> Result<Option<ServiceItem>> {
    match by {
        ServiceItemBy::Id(id) => match id.parse() {
            Ok(id) => ServiceItem::find(ctx, id).await,
            Err(_) => Ok(None),
        },
        ServiceItemBy::Code(code) => {
            let found = catalogue::item(services(ctx)?, &code)
                .await
                .map_err(|error| failed(ctx, error))?;
            Ok(found.map(Into::into))
        }
    }
}
