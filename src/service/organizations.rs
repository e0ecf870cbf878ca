//! Organizations (单位) for everybody to read.

use std::sync::Arc;

use onedoor_domain::organization::Organization;
use onedoor_domain::page::{Page, PageArgs, PageRequest};
use serde::Serialize;

use super::Services;
use crate::cache::Cached;
use crate::cache::epochs::Epoch;
use crate::error::AppError;
use crate::store;

pub use crate::store::organization::OrganizationFilter;

#[derive(Serialize)]
struct PageKey<'a> {
    filter: &'a OrganizationFilter,
    args: &'a PageArgs,
}

impl Cached for PageKey<'_> {
    type Value = Page<Organization>;
    const NAME: &'static str = "organizations.page/1";
    const EPOCHS: &'static [Epoch] = &[Epoch::Organizations];
}

/// One page of organizations by code. Their upstream systems, which are configuration, are not in it.
///
/// # Errors
/// `BAD_USER_INPUT` for page arguments that cannot be, else as any query.
pub async fn page(
    cx: &Services,
    filter: OrganizationFilter,
    args: &PageArgs,
) -> Result<Arc<Page<Organization>>, AppError> {
    let request = PageRequest::parse(args, store::organization::order_by_code(filter.direction), 1)
        .map_err(super::bad_page)?;
    let load = {
        let (database, filter) = (cx.database.clone(), filter.clone());
        move || async move { Ok(store::organization::page(&database, &filter, &request).await?) }
    };
    cx.cache
        .get_or_load(
            &PageKey {
                filter: &filter,
                args,
            },
            load,
        )
        .await
}
