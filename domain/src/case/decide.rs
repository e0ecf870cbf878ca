//! The one way a case changes: a command becomes events, or a refusal.

use chrono::{DateTime, Utc};

use super::agent::Authorization;
use super::apply::{apply, begin};
use super::available::{Act, admits, possible};
use super::command::{By, Command, Context, OnBehalfOf, Submit};
use super::event::{Event, NewEvent, Submitted};
use super::refusal::{Refusal, Why};
use super::review::Reasons;
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
    /// When a clock of the case speaks next; a hint for the reconciler, kept beside the case.
    pub next_tick_at: Option<DateTime<Utc>>,
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
        materials: command.materials,
        offline: command.offline,
    };
    let authorization = command.authorization;
    let mut cx = cx;
    if authorization.is_some() {
        cx.by.on_behalf_of = Some(OnBehalfOf::Applicant);
    }
    let case = begin(&opening, cx.now, &cx.by);
    let mut work = Work {
        case,
        events: Vec::new(),
        cx,
    };
    let on_file = authorization.map(|on_file| serde_json::json!({ "authorization": on_file.to_private() }));
    work.emit_with(Event::Submitted(Box::new(opening)), on_file);
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
    // no act meets an organization that is no more, nor is done in its name
    work.cx.by.organization = work.cx.by.organization.map(work.cx.living);
    let unsent = if let Command::TakeOver { unsent } = command {
        unsent.as_slice()
    } else {
        &[]
    };
    work.take_over(unsent)?;
    if let Some(act) = command.act() {
        work.must_be_the_state_for(act)?;
    }
    work.carry_out(command)?;
    work.repeat_waiting_grant();
    Ok(work.finish())
}

/// A decision in the making: a working copy of the case, changed only by the events it emits.
pub(super) struct Work<'a> {
    pub(super) case: Case,
    pub(super) events: Vec<NewEvent>,
    pub(super) cx: Context<'a>,
}

impl Work<'_> {
    #[expect(clippy::too_many_lines, reason = "one arm a command, read as a table")]
    fn carry_out(&mut self, command: &Command) -> Result<(), Refusal> {
        match command {
            Command::Accept { advance, owed } => self.accept(*advance, owed)?,
            Command::Decline {
                ground,
                competent,
                reasons,
                remedy,
            } => self.decline(*ground, competent.as_ref(), reasons.as_deref(), remedy.as_deref())?,
            Command::RequestSupplement { materials, text } => {
                self.request_supplement(materials, text.as_deref())?;
            }
            Command::Supplement {
                materials,
                note,
                authorization,
            } => self.supplement(materials, note.as_deref(), authorization.as_ref())?,
            Command::BeginSpecialProcedure {
                reason,
                limit_working_days,
            } => self.begin_special(reason, *limit_working_days)?,
            Command::EndSpecialProcedure => self.end_special()?,
            Command::Extend { working_days, reason } => self.extend(*working_days, reason)?,
            Command::Withdraw {
                reason,
                authorization,
            } => self.withdraw(reason.as_deref(), authorization.as_ref())?,
            Command::Void { reason } => self.void(reason)?,
            Command::HandOff(asked) => self.hand_over(asked)?,
            Command::Refuse {
                handoff,
                reason,
                text,
            } => self.refuse(*handoff, *reason, text)?,
            Command::Recall { handoff } => self.recall(*handoff)?,
            Command::Waive { handoff, reason } => self.waive(*handoff, reason)?,
            Command::Acknowledge { handoff } => self.acknowledge_by_hand(*handoff)?,
            Command::Finish {
                handoff,
                opinion,
                text,
            } => self.finish_beside(*handoff, *opinion, text.as_deref())?,
            Command::Decide {
                outcome,
                reasons,
                remedy,
                objections,
            } => {
                let reasons = Reasons {
                    reasons: reasons.as_deref(),
                    remedy: remedy.as_deref(),
                    objections: objections.as_deref(),
                };
                self.decide_by_hand(*outcome, reasons)?;
            }
            Command::Deliver { note, authorization } => {
                self.deliver(note.as_deref(), authorization.as_ref())?;
            }
            Command::CheckGridEvent { result, text } => self.check_grid_event(*result, text.as_deref())?,
            Command::Reopen { reason } => self.reopen(reason)?,
            Command::Evaluate { grade, comment } => self.evaluate(*grade, comment.as_deref())?,
            Command::AnswerEvaluation { answer, text } => self.answer_evaluation(*answer, text.as_deref())?,
            Command::EvaluateHandoff {
                handoff,
                grade,
                comment,
            } => self.evaluate_handoff(*handoff, *grade, comment.as_deref())?,
            // done before any act
            Command::TakeOver { .. } => {}
            Command::Tick => self.tick()?,
            Command::AppealCard { .. }
            | Command::CancelCard { .. }
            | Command::IssueCard { .. }
            | Command::RemindHolder { .. }
            | Command::OrderSupervision { .. }
            | Command::AnswerSupervision { .. } => self.supervise(command)?,
            Command::Recompute => self.recompute()?,
            Command::Upstream(news) => self.hear(news)?,
            Command::ResolveDelivery(resolved) => self.resolve_delivery(resolved)?,
        }
        Ok(())
    }

    /// An act in a state that has no place for it is illegal, not another organization's, for whoever held the case.
    fn must_be_the_state_for(&self, act: Act) -> Result<(), Refusal> {
        let held = |own| self.case.ever_at(own);
        if admits(act, &self.case) {
            Ok(())
        } else if self.cx.by.organization.is_none_or(held) {
            Err(self.illegal(Why::Status))
        } else {
            Err(Refusal::WrongOrganization)
        }
    }

    /// A clerk or officer acts for the applicant only with an authorization on file; the events name both.
    pub(super) fn act_for_applicant(&mut self, authorization: Option<&Authorization>) -> Result<(), Refusal> {
        let counter = matches!(self.cx.by.kind, ActorKind::Clerk | ActorKind::Officer);
        if counter && authorization.is_none() {
            return Err(Refusal::FieldRequired {
                field: "authorization",
            });
        }
        if authorization.is_some() {
            self.cx.by.on_behalf_of = Some(OnBehalfOf::Applicant);
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Outcome {
        // a date outside the calendar is told when a clock starts; here it only means that nobody need look
        let next_tick_at = self.next_call().ok().flatten().map(|call| call.at);
        Outcome {
            case: self.case,
            events: self.events,
            next_tick_at,
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
            on_behalf_of: None,
        };
        let by = std::mem::replace(&mut self.cx.by, system);
        let result = run(self);
        self.cx.by = by;
        result
    }

    /// Runs a part of a decision in the name of an organization that cannot act here; its events name both.
    pub(super) fn in_name_of(
        &mut self,
        organization: OrganizationId,
        run: impl FnOnce(&mut Self) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let before = self
            .cx
            .by
            .on_behalf_of
            .replace(OnBehalfOf::Organization(organization));
        let result = run(self);
        self.cx.by.on_behalf_of = before;
        result
    }

    /// Refuses, with what is possible instead, unless the condition holds.
    pub(super) fn require(&self, holds: bool, why: Why) -> Result<(), Refusal> {
        if holds { Ok(()) } else { Err(self.illegal(why)) }
    }
}

impl Command {
    /// The act this command is, for policy and idempotency; `None` for succession, clocks and upstream news.
    #[must_use]
    pub const fn act(&self) -> Option<Act> {
        match self {
            Self::Accept { .. } => Some(Act::AcceptCase),
            Self::Decline { .. } => Some(Act::DeclineCase),
            Self::RequestSupplement { .. } => Some(Act::RequestSupplement),
            Self::Supplement { .. } => Some(Act::SupplementCase),
            Self::BeginSpecialProcedure { .. } => Some(Act::BeginSpecialProcedure),
            Self::EndSpecialProcedure => Some(Act::EndSpecialProcedure),
            Self::Extend { .. } => Some(Act::ExtendCase),
            Self::Withdraw { .. } => Some(Act::WithdrawCase),
            Self::Void { .. } => Some(Act::VoidCase),
            Self::HandOff(_) => Some(Act::HandOff),
            Self::Refuse { .. } => Some(Act::RefuseHandoff),
            Self::Recall { .. } => Some(Act::RecallHandoff),
            Self::Waive { .. } => Some(Act::FinishHandoff),
            Self::Acknowledge { .. } => Some(Act::AcknowledgeHandoff),
            Self::Finish { .. } => Some(Act::FinishHandoff),
            Self::Decide { .. } => Some(Act::DecideCase),
            Self::Deliver { .. } => Some(Act::DeliverResult),
            Self::CheckGridEvent { .. } => Some(Act::CheckGridEvent),
            Self::Reopen { .. } => Some(Act::ReopenCase),
            Self::Evaluate { .. } => Some(Act::EvaluateCase),
            Self::AnswerEvaluation { .. } => Some(Act::AnswerEvaluation),
            Self::EvaluateHandoff { .. } => Some(Act::EvaluateHandoff),
            Self::AppealCard { .. } => Some(Act::AppealCard),
            Self::CancelCard { .. } => Some(Act::CancelCard),
            Self::IssueCard { .. } => Some(Act::IssueCard),
            Self::RemindHolder { .. } => Some(Act::RemindHolder),
            Self::OrderSupervision { .. } => Some(Act::IssueSupervisionOrder),
            Self::AnswerSupervision { .. } => Some(Act::AnswerSupervisionOrder),
            Self::TakeOver { .. }
            | Self::Tick
            | Self::Recompute
            | Self::Upstream(_)
            | Self::ResolveDelivery(_) => None,
        }
    }
}
