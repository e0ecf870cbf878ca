//! The one way a case changes: a command becomes events, or a refusal.

use super::apply::{apply, begin};
use super::available::{Act, possible};
use super::command::{By, Command, Context, Submit};
use super::event::{Event, NewEvent, Submitted};
use super::refusal::{Refusal, Why};
use super::state::Case;
use crate::actor::ActorKind;
use crate::handoff::Handoff;
use crate::id::{HandoffId, OrganizationId};

/// What a decision leads to: the case as it will be, and the events that make it so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The case after all events.
    pub case: Case,
    /// The events, in order.
    pub events: Vec<NewEvent>,
}

/// Takes a new case in.
///
/// # Errors
/// A [`Refusal`] when a due date lies outside the calendar.
pub fn submit(command: Submit, cx: Context<'_>) -> Result<Outcome, Refusal> {
    let opening = Submitted {
        case: command.id,
        tracking: command.tracking,
        item: cx.item.id,
        item_code: cx.item.code.clone(),
        kind: cx.item.case_kind,
        division: command.division,
        division_code: command.division_code,
        division_name: command.division_name,
        route: command.route,
        first_contact: command.first_contact,
        channel: command.channel,
        applicant_subject: command.applicant_subject,
        papers: command.papers,
    };
    let case = begin(&opening, cx.now, &cx.by);
    let mut work = Work {
        case,
        events: Vec::new(),
        cx,
    };
    work.emit(Event::Submitted(Box::new(opening)));
    work.take_in()?;
    Ok(work.finish())
}

/// Acts on an existing case.
///
/// # Errors
/// A [`Refusal`] that says why, and what is possible instead.
pub fn decide(case: &Case, command: &Command, cx: Context<'_>) -> Result<Outcome, Refusal> {
    let mut work = Work {
        case: case.clone(),
        events: Vec::new(),
        cx,
    };
    match command {
        Command::Accept { advance } => work.accept(*advance)?,
        Command::HandOff { to, originals, slip } => work.hand_off(*to, *originals, slip.as_deref())?,
        Command::Acknowledge { handoff } => work.acknowledge_by_hand(*handoff)?,
        Command::Finish {
            handoff,
            opinion,
            text,
        } => work.finish_beside(*handoff, *opinion, text.as_deref())?,
        Command::Decide {
            outcome,
            reasons,
            remedy,
        } => {
            work.decide_by_hand(*outcome, reasons.as_deref(), remedy.as_deref())?;
        }
        Command::Deliver { note } => work.deliver(note.as_deref())?,
        Command::Tick => work.tick()?,
        Command::Upstream(news) => work.hear(news)?,
    }
    Ok(work.finish())
}

/// A decision in the making: a working copy of the case, changed only by the events it emits.
pub(super) struct Work<'a> {
    pub(super) case: Case,
    pub(super) events: Vec<NewEvent>,
    pub(super) cx: Context<'a>,
}

impl Work<'_> {
    fn finish(self) -> Outcome {
        Outcome {
            case: self.case,
            events: self.events,
        }
    }

    pub(super) fn emit(&mut self, event: Event) {
        self.emit_with(event, None);
    }

    pub(super) fn emit_with(&mut self, event: Event, private: Option<serde_json::Value>) {
        let new = NewEvent {
            event,
            at: self.cx.now,
            by: self.cx.by.clone(),
            private,
        };
        apply(&mut self.case, &new);
        self.events.push(new);
    }

    pub(super) fn illegal(&self, why: Why) -> Refusal {
        Refusal::IllegalAct {
            status: self.case.status,
            possible: possible(&self.case, self.cx.item, &self.cx.by),
            why,
        }
    }

    /// The organization acting; an act without one is nobody's.
    pub(super) fn acting(&self) -> Result<OrganizationId, Refusal> {
        self.cx.by.organization.ok_or(Refusal::WrongOrganization)
    }

    pub(super) fn handoff(&self, id: HandoffId) -> Result<Handoff, Refusal> {
        self.case.handoff(id).cloned().ok_or(Refusal::UnknownHandoff)
    }

    /// Runs a part of a decision in the name of another actor: the gateway's own consequences.
    pub(super) fn as_system(
        &mut self,
        what: &str,
        run: impl FnOnce(&mut Self) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let system = By {
            kind: ActorKind::System,
            subject: what.to_owned(),
            organization: None,
        };
        let by = std::mem::replace(&mut self.cx.by, system);
        let result = run(self);
        self.cx.by = by;
        result
    }

    /// Refuses, with what is possible instead, unless the condition holds.
    pub(super) fn require(&self, holds: bool, why: Why) -> Result<(), Refusal> {
        if holds { Ok(()) } else { Err(self.illegal(why)) }
    }
}

impl Command {
    /// The act this command is, for policy and idempotency; `None` for clocks and upstream news.
    #[must_use]
    pub const fn act(&self) -> Option<Act> {
        match self {
            Self::Accept { .. } => Some(Act::AcceptCase),
            Self::HandOff { .. } => Some(Act::HandOff),
            Self::Acknowledge { .. } => Some(Act::AcknowledgeHandoff),
            Self::Finish { .. } => Some(Act::FinishHandoff),
            Self::Decide { .. } => Some(Act::DecideCase),
            Self::Deliver { .. } => Some(Act::DeliverResult),
            Self::Tick | Self::Upstream(_) => None,
        }
    }
}
