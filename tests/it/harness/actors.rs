//! Tokens for everybody who acts in a story, made with the demo issuer's key of the world's gateway.

use chrono::TimeDelta;
use onedoor::clock::Clock;
use onedoor::config::auth::AuthConfig;
use onedoor::service::identity::claims::Role;
use onedoor::service::identity::demo::{DemoIssuer, TokenRequest};

use super::world::World;

/// Makes tokens that the gateways of one world accept.
pub(crate) struct Actors<C> {
    issuer: DemoIssuer,
    auth: AuthConfig,
    clock: C,
}

impl<C: Clock> Actors<C> {
    /// Tokens that begin to count at the clock's time; a held clock when the gateway's is held.
    pub(crate) fn of(world: &World, clock: C) -> Self {
        let config = world.config(&[]);
        std::fs::create_dir_all(config.keys_dir()).unwrap();
        Self {
            issuer: DemoIssuer::open(&config.keys_dir()).unwrap(),
            auth: config.auth,
            clock,
        }
    }

    /// A resident by name of the identity system, never of the person.
    pub(crate) fn citizen(&self, subject: &str) -> String {
        self.issue(&TokenRequest {
            subject: Some(subject.to_owned()),
            ..of_role(Role::Citizen)
        })
    }

    /// The terminal of a village station.
    pub(crate) fn kiosk(&self, station: &str) -> String {
        self.issue(&TokenRequest {
            subject: Some(format!("device-of-{station}")),
            organization: Some(station.to_owned()),
            ..of_role(Role::Kiosk)
        })
    }

    /// A clerk at an organization's window.
    pub(crate) fn clerk(&self, organization: &str) -> String {
        self.issue(&TokenRequest {
            organization: Some(organization.to_owned()),
            ..of_role(Role::Clerk)
        })
    }

    /// An officer, who decides for an organization.
    pub(crate) fn officer(&self, organization: &str) -> String {
        self.issue(&TokenRequest {
            organization: Some(organization.to_owned()),
            ..of_role(Role::Officer)
        })
    }

    /// A supervisor of a division and everything below it.
    pub(crate) fn supervisor(&self, division: &str) -> String {
        self.issue(&TokenRequest {
            division: Some(division.to_owned()),
            ..of_role(Role::Supervisor)
        })
    }

    /// An auditor.
    pub(crate) fn auditor(&self) -> String {
        self.issue(&of_role(Role::Auditor))
    }

    /// The system administrator.
    pub(crate) fn admin(&self) -> String {
        self.issue(&of_role(Role::SystemAdmin))
    }

    /// The security administrator.
    pub(crate) fn security_admin(&self) -> String {
        self.issue(&of_role(Role::SecurityAdmin))
    }

    /// The audit administrator.
    pub(crate) fn audit_admin(&self) -> String {
        self.issue(&of_role(Role::AuditAdmin))
    }

    /// Any token, for what the others do not say.
    pub(crate) fn issue(&self, request: &TokenRequest) -> String {
        self.issuer.issue(request, &self.auth, self.clock.now()).unwrap()
    }
}

/// A token of a role that says nothing else, good for a day.
pub(crate) fn of_role(role: Role) -> TokenRequest {
    TokenRequest {
        role,
        subject: None,
        organization: None,
        division: None,
        approver: false,
        lifetime: TimeDelta::days(1),
    }
}
