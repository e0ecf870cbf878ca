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
    /// An administrator of the system.
    Admin,
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
