//! The audit log: one entry for each administrative act, each denied access and each look at personal data.
//!
//! An entry names who, what, on what, when and how it ended, and nothing else: no name, number or text of a person, so
//! that it can be kept, exported and read by people who may not see a case.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::actor::{Actor, ActorKind};
use crate::id::{AuditEntryId, OrganizationId};

/// What was done or tried. The list is closed; each value stands in the log by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuditAction {
    /// A root field was asked for.
    Access,
    /// Cases of a person were looked for by the identity number.
    ApplicantLookedUp,
    /// Personal data of a case was shown.
    PersonalDataRevealed,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuditOutcome {
    /// It was done.
    Done,
    /// It was not allowed.
    Denied,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its key.
    pub id: AuditEntryId,
    /// When.
    pub at: DateTime<Utc>,
    /// Who, by kind.
    pub actor: ActorKind,
    /// Subject of the token (a kiosk: the device); empty for anonymous.
    pub subject: String,
    /// The organization the actor works for.
    pub organization: Option<OrganizationId>,
    /// What.
    pub action: AuditAction,
    /// On what: an opaque id in its text form, or a name of our own configuration; never a person's text.
    pub object: Option<String>,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// Why: a code of a closed list, such as a purpose or the reason of a denial.
    pub reason: Option<String>,
    /// The correlation id of the request.
    pub correlation: Option<String>,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "callers hand over ids and codes, which cost nothing to copy"
)]
impl AuditEntry {
    /// An entry of an act that was done.
    #[must_use]
    pub fn done(id: AuditEntryId, at: DateTime<Utc>, actor: &Actor, action: AuditAction) -> Self {
        Self {
            id,
            at,
            actor: actor.kind,
            subject: actor.subject.clone(),
            organization: actor.organization,
            action,
            object: None,
            outcome: AuditOutcome::Done,
            reason: None,
            correlation: None,
        }
    }

    /// The same, of something that was not allowed.
    #[must_use]
    pub fn denied(self) -> Self {
        Self {
            outcome: AuditOutcome::Denied,
            ..self
        }
    }

    /// The same, on a thing.
    #[must_use]
    pub fn on(self, object: impl ToString) -> Self {
        Self {
            object: Some(object.to_string()),
            ..self
        }
    }

    /// The same, with a reason of a closed list.
    #[must_use]
    pub fn because(self, reason: impl ToString) -> Self {
        Self {
            reason: Some(reason.to_string()),
            ..self
        }
    }

    /// The same, with the number of the request.
    #[must_use]
    pub fn of_request(self, correlation: impl ToString) -> Self {
        Self {
            correlation: Some(correlation.to_string()),
            ..self
        }
    }
}
