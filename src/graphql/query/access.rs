//! Who looked at personal data, over all cases that the viewer oversees.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use onedoor_domain::id::OrganizationId;
use onedoor_domain::page::PageArgs;

use super::cases::optional;
use crate::graphql::paging::Connected;
use crate::graphql::types::access::{AccessOutcome, AccessPurpose, AccessRecord, search};
use crate::service::privacy::records::AccessFilter;

/// Which looks at personal data; what is left out does not narrow.
#[derive(InputObject, Default)]
#[graphql(name = "AccessRecordFilter")]
pub struct AccessRecordFilterInput {
    /// Of this person, by account.
    subject: Option<String>,
    /// Of people of this organization.
    organization: Option<ID>,
    /// At this instant or later.
    from: Option<DateTime<Utc>>,
    /// Before this instant.
    to: Option<DateTime<Utc>>,
    /// For this purpose.
    purpose: Option<AccessPurpose>,
    /// With this outcome.
    outcome: Option<AccessOutcome>,
}

/// Looks at personal data.
#[derive(Default)]
pub struct AccessQueries;

/// Looks at personal data.
#[Object]
impl AccessQueries {
    /// Who looked at personal data (查阅记录) of the cases that the viewer oversees, or looked for people in vain, the last
    /// first: supervisors for their division, auditors for all. `totalCount` is counted only when it is asked for.
    #[expect(
        clippy::too_many_arguments,
        reason = "a Relay connection has four page arguments beside its filter"
    )]
    async fn access_records(
        &self,
        ctx: &Context<'_>,
        filter: Option<AccessRecordFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<Connected<AccessRecord>>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
        };
        Some(list(ctx, filter.unwrap_or_default(), &args).await)
    }
}

async fn list(
    ctx: &Context<'_>,
    filter: AccessRecordFilterInput,
    args: &PageArgs,
) -> Result<Connected<AccessRecord>> {
    let filter = AccessFilter {
        subject: filter.subject,
        organization: optional::<OrganizationId>(ctx, filter.organization.as_ref())?,
        from: filter.from,
        to: filter.to,
        purpose: filter.purpose.map(Into::into),
        outcome: filter.outcome.map(Into::into),
    };
    search(ctx, &filter, args).await
}
