//! Who acts: the kinds of actor and what a verified token says of one.

use serde::{Deserialize, Serialize};

use crate::id::{DivisionId, OrganizationId};

/// The kinds of actor of the policy table (DOMAIN §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ActorKind {
    /// No token.
    Anonymous,
    /// A resident, by an account of their own.
    Citizen,
    /// A self-service terminal (自助终端) bound to one station.
    Kiosk,
    /// A clerk at a window of one organization.
    Clerk,
    /// An officer of one organization, who may decide.
    Officer,
    /// A supervisor of a division and all below it (督办).
    Supervisor,
    /// An auditor: reads everything masked, changes nothing.
    Auditor,
    #[serde(alias = "ADMIN")]
    /// The system administrator (系统管理员): kiosks, issuers, upstream systems; never content.
    SystemAdmin,
    /// The security administrator (安全保密管理员): roles and their revocation.
    SecurityAdmin,
    /// The audit administrator (安全审计员): the audit log, and nothing it tells of.
    AuditAdmin,
    /// An upstream system, by a verified notice.
    Upstream,
    /// The gateway itself: a clock that ran out, a completion that follows.
    System,
}

/// An authenticated actor, as every service receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The kind; decides which row of the policy table applies.
    pub kind: ActorKind,
    /// Subject of the token (a kiosk: the device); empty for anonymous. Opaque, never a person's name or number.
    pub subject: String,
    /// The organization the actor works for; a kiosk: its station.
    pub organization: Option<OrganizationId>,
    /// The division a supervisor oversees, a kiosk or window stands in.
    pub division: Option<DivisionId>,
    /// The claim `approver`: may extend a case.
    pub approver: bool,
}

impl ActorKind {
    /// All kinds, in the order of the policy table.
    pub const ALL: &'static [Self] = &[
        Self::Anonymous,
        Self::Citizen,
        Self::Kiosk,
        Self::Clerk,
        Self::Officer,
        Self::Supervisor,
        Self::Auditor,
        Self::SystemAdmin,
        Self::SecurityAdmin,
        Self::AuditAdmin,
        Self::Upstream,
        Self::System,
    ];

    /// The name as logs, columns and the audit log have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "ANONYMOUS",
            Self::Citizen => "CITIZEN",
            Self::Kiosk => "KIOSK",
            Self::Clerk => "CLERK",
            Self::Officer => "OFFICER",
            Self::Supervisor => "SUPERVISOR",
            Self::Auditor => "AUDITOR",
            Self::SystemAdmin => "SYSTEM_ADMIN",
            Self::SecurityAdmin => "SECURITY_ADMIN",
            Self::AuditAdmin => "AUDIT_ADMIN",
            Self::Upstream => "UPSTREAM",
            Self::System => "SYSTEM",
        }
    }
}

impl Actor {
    /// An actor without a token.
    #[must_use]
    pub const fn anonymous() -> Self {
        Self {
            kind: ActorKind::Anonymous,
            subject: String::new(),
            organization: None,
            division: None,
            approver: false,
        }
    }

    /// The gateway itself.
    #[must_use]
    pub fn system(what: &str) -> Self {
        Self {
            kind: ActorKind::System,
            subject: what.to_owned(),
            organization: None,
            division: None,
            approver: false,
        }
    }
}
