//! What the claims of a token mean: a role, and what a role must say of itself.

use clap::ValueEnum;
use onedoor_domain::actor::{Actor, ActorKind};
use onedoor_domain::directory::Directory;
use serde::Serialize;

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

    /// The role of a word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::value_variants()
            .iter()
            .find(|role| role.name() == word)
            .copied()
    }

    /// Whether it is one of the three administrators.
    #[must_use]
    pub const fn is_administrator(self) -> bool {
        match self {
            Self::SystemAdmin | Self::SecurityAdmin | Self::AuditAdmin => true,
            Self::Citizen | Self::Kiosk | Self::Clerk | Self::Officer | Self::Supervisor | Self::Auditor => {
                false
            }
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

/// Claims as the demo issuer writes them.
#[derive(Debug, Serialize)]
pub(super) struct DemoClaims<'a> {
    pub(super) iss: &'a str,
    pub(super) aud: &'a str,
    pub(super) sub: String,
    pub(super) exp: i64,
    pub(super) nbf: i64,
    pub(super) iat: i64,
    pub(super) role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) organization: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) division: Option<&'a str>,
    pub(super) approver: bool,
}

/// Claims that a role may have, with codes still to be resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who, qualified by the issuer.
    pub subject: String,
    /// As what.
    pub role: Role,
    /// Code of the organization; always there for kiosks, clerks and officers.
    pub organization: Option<String>,
    /// Code of the division; always there for supervisors.
    pub division: Option<String>,
    /// Officers only: may extend a case.
    pub approver: bool,
}

impl Claims {
    /// Claims that say what their role must say.
    ///
    /// # Errors
    /// They do not.
    pub fn checked(self) -> Result<Self, TokenRefusal> {
        let subject = &self.subject;
        let fits = (1..=SUBJECT_MAX_BYTES).contains(&subject.len()) && !subject.chars().any(char::is_control);
        if !fits {
            return Err(TokenRefusal::Subject);
        }
        if self.role.needs_organization() && self.organization.is_none() {
            return Err(TokenRefusal::MissingOrganization);
        }
        if self.role.needs_division() && self.division.is_none() {
            return Err(TokenRefusal::MissingDivision);
        }
        Ok(Self {
            approver: self.approver && self.role == Role::Officer,
            ..self
        })
    }

    /// The actor of these claims. Codes mean the organizations that do the work today; the division of a kiosk, clerk or
    /// officer is their organization's, whatever else the token says.
    ///
    /// # Errors
    /// A code means nobody.
    pub fn actor(self, directory: &Directory) -> Result<Actor, TokenRefusal> {
        let organization = self.organization.map(|code| {
            let named = directory.organization_by_code(&code);
            let living = named.and_then(|named| directory.organization(directory.living(named.id)));
            living.ok_or(TokenRefusal::UnknownOrganization)
        });
        let organization = organization.transpose()?;
        let division = match self.division.filter(|_| self.role.needs_division()) {
            Some(code) => {
                let named = directory.division_by_code(&code);
                Some(named.ok_or(TokenRefusal::UnknownDivision)?.id)
            }
            None => organization.map(|organization| organization.division),
        };
        Ok(Actor {
            kind: self.role.kind(),
            subject: self.subject,
            organization: organization.map(|organization| organization.id),
            division,
            approver: self.approver,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::issuer::ROLES;

    #[test]
    fn the_configuration_knows_every_role() {
        let names: Vec<_> = Role::value_variants().iter().map(|role| role.name()).collect();
        assert_eq!(names, ROLES);
        assert_eq!(Role::named("auditor"), Some(Role::Auditor));
        assert_eq!(Role::named("admin"), None);
    }
}
