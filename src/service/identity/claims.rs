//! The claims of a token, parsed into what a role must say of itself.

use chrono::{DateTime, Utc};
use clap::ValueEnum;
use onedoor_domain::actor::ActorKind;
use serde::{Deserialize, Serialize};

use super::verifier::TokenRefusal;

/// Longest subject; it stands in keys and columns.
const SUBJECT_MAX_BYTES: usize = 128;

/// The claim `role`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// A resident.
    Citizen,
    /// A self-service terminal.
    Kiosk,
    /// A clerk at a window.
    Clerk,
    /// An officer, who may decide.
    Officer,
    /// A supervisor of a division.
    Supervisor,
    /// An auditor.
    Auditor,
    /// The system administrator.
    SystemAdmin,
    /// The security administrator.
    SecurityAdmin,
    /// The audit administrator.
    AuditAdmin,
}

impl Role {
    /// The word in the claim.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Citizen => "citizen",
            Self::Kiosk => "kiosk",
            Self::Clerk => "clerk",
            Self::Officer => "officer",
            Self::Supervisor => "supervisor",
            Self::Auditor => "auditor",
            Self::SystemAdmin => "system-admin",
            Self::SecurityAdmin => "security-admin",
            Self::AuditAdmin => "audit-admin",
        }
    }

    /// The column of the policy table.
    #[must_use]
    pub const fn kind(self) -> ActorKind {
        match self {
            Self::Citizen => ActorKind::Citizen,
            Self::Kiosk => ActorKind::Kiosk,
            Self::Clerk => ActorKind::Clerk,
            Self::Officer => ActorKind::Officer,
            Self::Supervisor => ActorKind::Supervisor,
            Self::Auditor => ActorKind::Auditor,
            Self::SystemAdmin => ActorKind::SystemAdmin,
            Self::SecurityAdmin => ActorKind::SecurityAdmin,
            Self::AuditAdmin => ActorKind::AuditAdmin,
        }
    }

    /// Whether a token of this role must name its organization.
    #[must_use]
    pub const fn needs_organization(self) -> bool {
        match self {
            Self::Kiosk | Self::Clerk | Self::Officer => true,
            Self::Citizen
            | Self::Supervisor
            | Self::Auditor
            | Self::SystemAdmin
            | Self::SecurityAdmin
            | Self::AuditAdmin => false,
        }
    }

    /// Whether a token of this role must name its division.
    #[must_use]
    pub const fn needs_division(self) -> bool {
        match self {
            Self::Supervisor => true,
            Self::Citizen
            | Self::Kiosk
            | Self::Clerk
            | Self::Officer
            | Self::Auditor
            | Self::SystemAdmin
            | Self::SecurityAdmin
            | Self::AuditAdmin => false,
        }
    }
}

/// Claims as they stand in a token.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RawClaims {
    pub(super) iss: String,
    pub(super) aud: Audience,
    pub(super) sub: String,
    pub(super) exp: i64,
    pub(super) nbf: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) iat: Option<i64>,
    /// A text, so that an unknown role is told from a broken token.
    pub(super) role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) organization: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) division: Option<String>,
    #[serde(default)]
    pub(super) approver: bool,
}

/// The claim `aud`: one or several.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    pub(super) fn includes(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Several(several) => several.iter().any(|one| one == name),
        }
    }
}

/// Claims that a role may have, with codes still to be resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who.
    pub subject: String,
    /// As what.
    pub role: Role,
    /// Code of the organization; always there for kiosks, clerks and officers.
    pub organization: Option<String>,
    /// Code of the division; always there for supervisors.
    pub division: Option<String>,
    /// Officers only: may extend a case.
    pub approver: bool,
    /// When the token ends.
    pub expires_at: DateTime<Utc>,
}

impl Claims {
    pub(super) fn parse(raw: RawClaims, expires_at: DateTime<Utc>) -> Result<Self, TokenRefusal> {
        let fits = (1..=SUBJECT_MAX_BYTES).contains(&raw.sub.len()) && !raw.sub.chars().any(char::is_control);
        if !fits {
            return Err(TokenRefusal::Subject);
        }
        let known = Role::value_variants().iter().find(|role| role.name() == raw.role);
        let role = *known.ok_or(TokenRefusal::UnknownRole)?;
        let said = |code: Option<String>| code.filter(|code| !code.is_empty());
        let (organization, division) = (said(raw.organization), said(raw.division));
        if role.needs_organization() && organization.is_none() {
            return Err(TokenRefusal::MissingOrganization);
        }
        if role.needs_division() && division.is_none() {
            return Err(TokenRefusal::MissingDivision);
        }
        Ok(Self {
            subject: raw.sub,
            role,
            organization,
            division,
            approver: raw.approver && role == Role::Officer,
            expires_at,
        })
    }
}
