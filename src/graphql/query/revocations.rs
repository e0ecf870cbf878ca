//! Access that was taken back.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};
use onedoor_domain::page::PageArgs;

use crate::graphql::paging::{Connected, connection, page_request};
use crate::graphql::reach::{failed, request};
use crate::graphql::types::revocation::Revocation;
use crate::service::revocations::{REVOCATIONS_BY_TIME, Revocations};

/// Access that was taken back.
#[derive(Default)]
pub struct RevocationQueries;

/// Access that was taken back.
#[Object]
impl RevocationQueries {
    /// The revocations of access (撤销访问) that stand, the last first; for the security administrator.
    async fn revocations(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<Connected<Revocation>>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
        };
        Some(standing(ctx, &args).await)
    }
}

async fn standing(ctx: &Context<'_>, args: &PageArgs) -> Result<Connected<Revocation>> {
    let page = page_request(ctx, args, REVOCATIONS_BY_TIME, 2)?;
    let revocations = ctx.data::<Arc<Revocations>>()?;
    let found = revocations.list(&request(ctx)?.actor, &page).await;
    Ok(connection(
        found.map_err(|error| failed(ctx, error))?,
        None,
        Revocation::of,
    ))
}
