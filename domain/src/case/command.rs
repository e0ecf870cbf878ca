//! What can be asked of a case, and in which circumstances.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::state::{Channel, Outcome};
use crate::actor::{Actor, ActorKind};
use crate::calendar::WorkCalendar;
use crate::handoff::Opinion;
use crate::id::{CaseId, DivisionId, HandoffId, OrganizationId};
use crate::item::ItemVersion;
use crate::route::Step;
use crate::tracking::TrackingCode;

/// Who did something, as it stands in the ledger: kind, opaque subject and organization, no name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// Kind of actor.
    pub kind: ActorKind,
    /// Subject of the token, name of the upstream system, or part of the gateway.
    pub subject: String,
    /// The organization acted for.
    pub organization: Option<OrganizationId>,
}

impl From<&Actor> for By {
    fn from(actor: &Actor) -> Self {
        Self {
            kind: actor.kind,
            subject: actor.subject.clone(),
            organization: actor.organization,
        }
    }
}

/// The circumstances of a decision: everything it needs besides the state and the command.
pub struct Context<'a> {
    /// The instant of the act.
    pub now: DateTime<Utc>,
    /// Version of the item the case pins.
    pub item: &'a ItemVersion,
    /// The working-day calendar in force.
    pub calendar: &'a WorkCalendar,
    /// Who acts.
    pub by: By,
    /// Source of fresh time-ordered ids.
    pub ids: &'a mut dyn FnMut() -> Uuid,
    /// The upstream system an organization is bound to.
    pub upstream_of: &'a dyn Fn(OrganizationId) -> Option<String>,
    /// Whether an organization is one of those that a CHOSEN step leaves to choose from, for the case's division.
    pub may_be_chosen: &'a dyn Fn(&Step, DivisionId, OrganizationId) -> bool,
}

/// A new case, its papers already checked.
#[derive(Debug, Clone)]
pub struct Submit {
    /// Key of the new case.
    pub id: CaseId,
    /// Its tracking code.
    pub tracking: TrackingCode,
    /// Division it belongs to.
    pub division: DivisionId,
    /// Code of the division today.
    pub division_code: String,
    /// Name of the division today.
    pub division_name: String,
    /// Organization of each route step; `None` where it is chosen later, or for an unused intake.
    pub route: Vec<Option<OrganizationId>>,
    /// Organization that takes the papers in.
    pub first_contact: OrganizationId,
    /// Through what it came in.
    pub channel: Channel,
    /// Subject of the applicant's own account.
    pub applicant_subject: Option<String>,
    /// Salted commitment to applicant, form and materials (hex), for the ledger.
    pub papers: String,
}

/// An act on an existing case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// 受理.
    Accept {
        /// Also hand the case to the next step.
        advance: bool,
    },
    /// Hand the case to the next step of its route.
    HandOff {
        /// The organization, only where the step leaves the choice.
        to: Option<OrganizationId>,
        /// Number of paper originals handed over.
        originals: u32,
        /// Number of the transfer slip.
        slip: Option<String>,
    },
    /// 签收.
    Acknowledge {
        /// Which handoff.
        handoff: HandoffId,
    },
    /// A beside-handoff or a step after the decision is done.
    Finish {
        /// Which handoff.
        handoff: HandoffId,
        /// Opinion, where the step asks for one.
        opinion: Option<Opinion>,
        /// Text of the opinion.
        text: Option<String>,
    },
    /// 决定.
    Decide {
        /// What is decided.
        outcome: Outcome,
        /// Reasons; required when the answer is no.
        reasons: Option<String>,
        /// Remedy: review and suit; required when the answer is no.
        remedy: Option<String>,
    },
    /// 送达.
    Deliver {
        /// How and to whom the result was handed over.
        note: Option<String>,
    },
    /// Let the clocks of the case speak; of the gateway itself, and idempotent: nothing to say, no events.
    Tick,
    /// What an upstream system says of a handoff it was given.
    Upstream(UpstreamNews),
}

/// News from an upstream system: a proposal, never an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamNews {
    /// Name of the upstream system.
    pub upstream: String,
    /// The handoff it speaks of.
    pub handoff: HandoffId,
    /// Its number for the case.
    pub number: Option<String>,
    /// What it says.
    pub said: Said,
}

/// What an upstream system can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The bytes are leaving; its answer is not known yet. (Said by the driver.)
    Sent,
    /// It has taken the case over: 签收.
    Received,
    /// It will not take the case.
    Rejected {
        /// Its reason, as text.
        reason: String,
    },
    /// It has decided.
    Decided {
        /// What it decided.
        outcome: Outcome,
        /// Its reasons, as text.
        reasons: Option<String>,
    },
    /// Something that changes nothing here.
    Note {
        /// Its word for it.
        text: String,
    },
}
