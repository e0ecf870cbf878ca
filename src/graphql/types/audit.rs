//! The audit log as GraphQL shows it.

use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};
use onedoor_domain::audit::{AuditAction as DomainAction, AuditEntry, AuditOutcome as DomainOutcome};
use onedoor_domain::id::OrganizationId;

use super::case_enums::ActorKind;
use super::organization::Organization;

macro_rules! action_enum {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What was done or tried.
        #[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
        #[graphql(remote = "DomainAction")]
        pub enum AuditAction { $($(#[$doc])* $name,)* }
    };
}
onedoor_domain::audit_actions!(action_enum);

/// How it ended.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "DomainOutcome")]
pub enum AuditOutcome {
    /// It was done.
    Done,
    /// It was not allowed.
    Denied,
}

/// An entry of the audit log (审计记录): an administrative act, a denied access or a look at personal data. It holds no
/// personal data.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct AuditLogEntry {
    /// Opaque key.
    id: ID,
    /// When; where `times` is more than 1, the last time.
    at: DateTime<Utc>,
    /// Who, by kind.
    actor_kind: ActorKind,
    /// Subject of the token (a kiosk: the device); null without one.
    subject: Option<String>,
    /// What.
    action: AuditAction,
    /// On what: an opaque id, a root field, or a name of the configuration; null where there is none or there were several.
    object: Option<String>,
    /// How it ended.
    outcome: AuditOutcome,
    /// Why, as a code.
    reason: Option<String>,
    /// The correlation id of the request, where it came by one.
    correlation_id: Option<String>,
    /// How often: alike denials of one minute beyond the first twenty are one entry.
    times: i32,
    #[graphql(skip)]
    works_for: Option<OrganizationId>,
}

/// Who it was.
#[ComplexObject]
impl AuditLogEntry {
    /// The organization the actor worked for.
    async fn organization(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        super::case::organization(ctx, self.works_for).await
    }
}

impl AuditLogEntry {
    pub(crate) fn of(entry: AuditEntry) -> Self {
        Self {
            id: ID(entry.id.to_string()),
            at: entry.at,
            actor_kind: entry.actor.into(),
            subject: (!entry.subject.is_empty()).then_some(entry.subject),
            action: entry.action.into(),
            object: entry.object,
            outcome: entry.outcome.into(),
            reason: entry.reason,
            correlation_id: entry.correlation,
            times: i32::try_from(entry.times).unwrap_or(i32::MAX),
            works_for: entry.organization,
        }
    }
}
