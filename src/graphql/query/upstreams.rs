//! The agencies' systems, for whoever runs the gateway.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};

use crate::graphql::reach::{failed, request};
use crate::graphql::types::upstream::UpstreamSystem;
use crate::service::upstreams::Upstreams;

/// The agencies' systems.
#[derive(Default)]
pub struct UpstreamQueries;

/// The agencies' systems.
#[Object]
impl UpstreamQueries {
    /// The agencies' systems (业务系统) behind the gateway, by name: how they are, and how much waits for them.
    async fn upstreams(&self, ctx: &Context<'_>) -> Option<Result<Vec<UpstreamSystem>>> {
        Some(upstreams(ctx).await)
    }
}

async fn upstreams(ctx: &Context<'_>) -> Result<Vec<UpstreamSystem>> {
    let all = ctx.data::<Arc<Upstreams>>()?.list(&request(ctx)?.actor).await;
    let all = all.map_err(|error| failed(ctx, error))?;
    Ok(all.into_iter().map(UpstreamSystem::of).collect())
}
