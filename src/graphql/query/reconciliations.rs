//! Comparisons with agencies' systems (对账), and what differs now.

use async_graphql::{Context, InputObject, Object, Result};
use onedoor_domain::page::PageArgs;

use super::cases::distinct;
use crate::graphql::paging::{Connected, connection, page_request};
use crate::graphql::reach::{cases, failed, request};
use crate::graphql::types::reconciliation::{
    Reconciliation, ReconciliationDifference, ReconciliationDifferenceKind, differences,
};
use crate::service::reconciliations::{DifferenceFilter, RUNS_BY_REQUESTED};

/// Which differences; what is left out does not narrow.
#[derive(InputObject, Default)]
#[graphql(name = "DifferenceFilter")]
pub struct DifferenceFilterInput {
    /// At this system.
    upstream: Option<String>,
    /// Of one of these kinds.
    kind: Option<Vec<ReconciliationDifferenceKind>>,
}

/// Comparisons with agencies' systems.
#[derive(Default)]
pub struct ReconciliationQueries;

/// Comparisons with agencies' systems.
#[Object]
impl ReconciliationQueries {
    /// The comparisons (对账) of open cases with agencies' systems, the last asked for first, each with the differences
    /// that the viewer may see.
    #[expect(
        clippy::too_many_arguments,
        reason = "a Relay connection has four page arguments beside its filter"
    )]
    async fn reconciliations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "With this system alone.")] upstream: Option<String>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<Connected<Reconciliation>>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
        };
        Some(runs(ctx, upstream.as_deref(), &args).await)
    }

    /// The differences (对账差异) that stand now on cases which the viewer's office handed over, or of its divisions; the
    /// first found last first. `totalCount` is counted only when it is asked for.
    #[expect(
        clippy::too_many_arguments,
        reason = "a Relay connection has four page arguments beside its filter"
    )]
    async fn open_differences(
        &self,
        ctx: &Context<'_>,
        filter: Option<DifferenceFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<Connected<ReconciliationDifference>>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
        };
        let filter = filter.unwrap_or_default();
        let filter = DifferenceFilter {
            run: None,
            open: true,
            upstream: filter.upstream,
            kinds: distinct(filter.kind.as_deref().unwrap_or_default()),
        };
        Some(differences(ctx, &filter, &args).await)
    }
}

async fn runs(
    ctx: &Context<'_>,
    upstream: Option<&str>,
    args: &PageArgs,
) -> Result<Connected<Reconciliation>> {
    let page = page_request(ctx, args, RUNS_BY_REQUESTED, 2)?;
    let actor = &request(ctx)?.actor;
    let found = cases(ctx)?.list_reconciliations(actor, upstream, &page).await;
    let found = found.map_err(|error| failed(ctx, error))?;
    Ok(connection(found, None, Reconciliation::of))
}
