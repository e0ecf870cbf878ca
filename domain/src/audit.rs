//! The audit log: one entry for each administrative act, each denied access and each look at personal data.
//!
//! An entry names who, what, on what, when and how it ended, and nothing else: no name, number or text of a person, so
//! that it can be kept, exported and read by people who may not see a case.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::actor::{Actor, ActorKind};
use crate::id::{AuditEntryId, OrganizationId};

/// Gives the list of actions to a macro that makes an enum of them, here and where the schema shows them: one list, so that
/// neither can lack one.
#[macro_export]
macro_rules! audit_actions {
    ($make:ident) => {
        $make! {
            /// A thing or an operation was asked for.
            Access,
            /// Code and secret of a case were tried.
            TrackingSecretTried,
            /// A token or a session was presented.
            Authentication,
            /// A notice of an upstream system was sent in.
            NoticeReceived,
            /// A comparison of open cases with an upstream system was asked for (对账).
            ReconciliationRequested,
            /// A delivery was sent again.
            DeliveryRedelivered,
            /// It was said what became of a delivery.
            DeliveryResolved,
            /// Reference data were imported.
            ReferenceDataImported,
            /// The database was copied into this one.
            DatabaseCopied,
            /// The ledger was exported.
            LedgerExported,
            /// A checkpoint of the ledger was signed by hand.
            LedgerCheckpointed,
            /// A session was begun.
            SignIn,
            /// A session was ended by whoever held it.
            SignOut,
            /// Access was taken back.
            RevokeAccess,
            /// A revocation was taken back.
            RestoreAccess,
            /// An enrolment code was given out for a kiosk.
            KioskInvited,
            /// A device used a code and gave its key.
            KioskEnrolled,
            /// A kiosk whose key two devices used was suspended.
            KioskSuspended,
            /// A kiosk was revoked.
            KioskRevoked,
            /// The personal data of a case was erased.
            EraseCase,
            /// Data keys were retired, and what they sealed is sealed anew.
            RotateKeys,
            /// Cases of a person were looked for by the identity number.
            ApplicantLookedUp,
            /// Personal data of a case was shown.
            PersonalDataRevealed,
            /// An uploaded document was handed out.
            DocumentRead,
            /// The audit log was exported.
            AuditLogExported,
        }
    };
}

macro_rules! action_enum {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What was done or tried. The list is closed; each value stands in the log by its name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum AuditAction { $($(#[$doc])* $name,)* }
    };
}
audit_actions!(action_enum);

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
    /// The correlation id of the request; of the last one, where there were several.
    pub correlation: Option<String>,
    /// How often within a minute: a flood of alike denials is one entry.
    pub times: u32,
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
            times: 1,
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
