//! The audit log (审计日志), for auditors and the audit administrator.

use async_graphql::{Context, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use onedoor_domain::page::PageArgs;

use super::cases::distinct;
use crate::graphql::paging::{Connected, connection, page_request};
use crate::graphql::reach::{failed, request, services};
use crate::graphql::types::audit::{AuditAction, AuditLogEntry, AuditOutcome};
use crate::service::audit::{AuditFilter, ENTRIES_BY_TIME};

/// Which entries; what is left out does not narrow.
#[derive(InputObject, Default)]
#[graphql(name = "AuditLogFilter")]
pub struct AuditLogFilterInput {
    /// At this instant or later.
    from: Option<DateTime<Utc>>,
    /// Before this instant.
    to: Option<DateTime<Utc>>,
    /// By this subject of a token.
    subject: Option<String>,
    /// One of these actions.
    action: Option<Vec<AuditAction>>,
    /// That ended so.
    outcome: Option<AuditOutcome>,
}

/// The audit log.
#[derive(Default)]
pub struct AuditQueries;

/// The audit log.
#[Object]
impl AuditQueries {
    /// The audit log (审计日志), the last entry first: administrative acts, denied accesses and looks at personal data, kept
    /// at least 180 days. `totalCount` is counted only when it is asked for.
    #[expect(
        clippy::too_many_arguments,
        reason = "a Relay connection has four page arguments beside its filter"
    )]
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        filter: Option<AuditLogFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<Connected<AuditLogEntry>>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
        };
        let filter = filter.unwrap_or_default();
        let filter = AuditFilter {
            from: filter.from,
            to: filter.to,
            subject: filter.subject,
            actions: distinct(filter.action.as_deref().unwrap_or_default()),
            outcome: filter.outcome.map(Into::into),
        };
        Some(entries(ctx, &filter, &args).await)
    }
}

async fn entries(
    ctx: &Context<'_>,
    filter: &AuditFilter,
    args: &PageArgs,
) -> Result<Connected<AuditLogEntry>> {
    let page = page_request(ctx, args, ENTRIES_BY_TIME, 2)?;
    let (services, actor) = (services(ctx)?, &request(ctx)?.actor);
    let found = services.list_audit(actor, filter, &page).await;
    let found = found.map_err(|error| failed(ctx, error))?;
    let total = if ctx.look_ahead().field("totalCount").exists() {
        let counted = services.count_audit(actor, filter).await;
        Some(counted.map_err(|error| failed(ctx, error))?)
    } else {
        None
    };
    Ok(connection(found, total, AuditLogEntry::of))
}
