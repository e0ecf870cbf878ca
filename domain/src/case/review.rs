//! Accepting, deciding, completing and handing over the result.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::agent::Authorization;
use super::command::{OnBehalfOf, OwedPaper};
use super::decide::Work;
use super::event::Event;
use super::refusal::{Refusal, Why};
use super::state::{CaseStatus, Outcome};
use super::submit::Papers;
use crate::clock::ClockKind;
use crate::handoff::{Handoff, HandoffState, Opinion};
use crate::id::OrganizationId;
use crate::item::{CaseKind, ProcessingType};
use crate::route::{Assignment, HandoffKind, Step};

/// What a decision says besides yes or no.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reasons<'a> {
    pub(super) reasons: Option<&'a str>,
    pub(super) remedy: Option<&'a str>,
    /// The answer to objections.
    pub(super) objections: Option<&'a str>,
}

fn given(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.trim().is_empty())
}

impl Work<'_> {
    /// 受理: STATUTORY and PROMISE start; minor materials may be owed.
    pub(super) fn accept(&mut self, advance: bool, owed: &[OwedPaper]) -> Result<(), Refusal> {
        self.deem_if_due()?;
        self.act_on_acceptance()?;
        self.accept_since(self.cx.now, Event::Accepted)?;
        self.owe(owed)?;
        if advance {
            self.hand_off(None, &Papers::default(), &[])
        } else {
            Ok(())
        }
    }

    /// An accepting act is by the organization of the accepting step, owner or addressee; an addressee acknowledges.
    pub(super) fn act_on_acceptance(&mut self) -> Result<OrganizationId, Refusal> {
        let own = self.acting()?;
        let own = if self.case.is_at(own) {
            own
        } else {
            self.act_as_owner()?
        };
        self.require(self.case.status == CaseStatus::Submitted, Why::Status)?;
        self.take_accepting_step(own)?;
        Ok(own)
    }

    /// The accepting organization takes the case if it is still only offered to it.
    fn take_accepting_step(&mut self, own: OrganizationId) -> Result<(), Refusal> {
        let accepting = self.cx.item.accepting_step();
        if let Some(open) = self.case.open_owning().cloned() {
            self.require(open.to == own, Why::HandoffOpen)?;
            self.require(open.step == accepting, Why::NotThisStep)?;
            self.require(!self.is_for_another_system(&open), Why::Bound)?;
            return self.acknowledge(open.id);
        }
        self.require(self.case.stands() == accepting, Why::NotThisStep)
    }

    /// 受理 by this event; the legal clocks run since an instant that a deemed acceptance may have in the past.
    pub(super) fn accept_since(&mut self, since: DateTime<Utc>, event: Event) -> Result<(), Refusal> {
        self.stop_clocks(|clock| clock.kind == ClockKind::Acceptance);
        self.emit(event);
        self.start_clock_at(since, ClockKind::Statutory, self.cx.item.statutory, |_| {})?;
        self.start_clock_at(since, ClockKind::Promise, self.cx.item.promised, |_| {})?;
        let step = self.case.step;
        match (self.cx.item.route.get(step), self.case.owner) {
            (Some(Step { limit, .. }), Some(owner)) if limit.is_none_or(|limit| limit.value > 0) => {
                self.start_step_at(since, step, owner)
            }
            (Some(_) | None, _) => Ok(()),
        }
    }

    /// 决定 by an officer of the deciding organization.
    pub(super) fn decide_by_hand(&mut self, outcome: Outcome, texts: Reasons<'_>) -> Result<(), Refusal> {
        let own = self.acting()?;
        if !self.case.is_at(own) {
            self.act_as_owner()?;
            // a system that is bound decides by its own notice
            let bound = self
                .case
                .holding()
                .is_some_and(|holding| holding.upstream.is_some());
            self.require(!bound, Why::Bound)?;
        }
        let negative = matches!(outcome, Outcome::Denied | Outcome::Unfounded);
        let needs_remedy = outcome == Outcome::Denied;
        if negative && (!given(texts.reasons) || needs_remedy && !given(texts.remedy)) {
            return Err(Refusal::ReasonsRequired);
        }
        let objected = |handoff: &Handoff| handoff.opinion == Some(Opinion::Object);
        if self.case.handoffs.iter().any(objected) && !given(texts.objections) {
            return Err(Refusal::ObjectionUnanswered);
        }
        if self.case.status == CaseStatus::Submitted {
            self.require(
                self.cx.item.processing == ProcessingType::Immediate,
                Why::NotAccepted,
            )?;
            self.take_accepting_step(own)?;
            self.accept_since(self.cx.now, Event::Accepted)?;
        }
        let stands_in = matches!(self.cx.by.on_behalf_of, Some(OnBehalfOf::Organization(_)));
        if self.case.owner != Some(own) && !stands_in {
            return Err(Refusal::WrongOrganization);
        }
        self.decide_here(outcome, texts)
    }

    /// The decision itself, once it is clear who decides.
    pub(super) fn decide_here(&mut self, outcome: Outcome, texts: Reasons<'_>) -> Result<(), Refusal> {
        if !outcome.fits(self.case.kind) {
            return Err(Refusal::OutcomeDoesNotFit);
        }
        let status = self.case.status;
        self.require(
            matches!(status, CaseStatus::Accepted | CaseStatus::InReview),
            Why::Status,
        )?;
        self.require(self.case.open_owning().is_none(), Why::HandoffOpen)?;
        self.require(
            self.case.stands() == self.cx.item.deciding_step(),
            Why::NotThisStep,
        )?;
        self.require(self.case.open_required().next().is_none(), Why::BesideOpen)?;
        let owes = outcome == Outcome::Granted && self.case.outstanding().next().is_some();
        self.require(!owes, Why::StillOwed)?;
        self.step_has_lasted()?;
        self.begin_review();
        let stands = self.case.step;
        self.stop_clocks(|clock| match clock.kind {
            ClockKind::Statutory | ClockKind::Promise | ClockKind::Acceptance | ClockKind::Owed => true,
            ClockKind::Step => clock.step == Some(stands),
            ClockKind::HandoffAck
            | ClockKind::Special
            | ClockKind::Delivery
            | ClockKind::Supplement
            | ClockKind::Supervision
            | ClockKind::Contact
            | ClockKind::Rectify => false,
        });
        let Reasons {
            reasons,
            remedy,
            objections,
        } = texts;
        let said = reasons.is_some() || remedy.is_some() || objections.is_some();
        let texts = said.then(|| json!({ "reasons": reasons, "remedy": remedy, "objections": objections }));
        self.emit_with(Event::Decided { outcome }, texts);
        if self.case.kind == CaseKind::Case {
            self.start_delivery()?;
        }
        self.as_system("completion", Self::after_decision)
    }

    /// Offers the later steps that this outcome needs, one after the other but a delivery at once, and completes when
    /// none but a delivery is left.
    pub(super) fn after_decision(&mut self) -> Result<(), Refusal> {
        while let Some((index, kind)) = self.next_later_step() {
            self.offer_group(index, None, &Papers::default())?;
            if kind != HandoffKind::Delivery {
                return Ok(());
            }
        }
        self.offer_result()?;
        self.complete()
    }

    /// The first step behind the deciding one that this outcome needs and nobody was offered.
    fn next_later_step(&self) -> Option<(usize, HandoffKind)> {
        let deciding = self.cx.item.deciding_step()?;
        // what was offered before the decider took the case (again) belongs to an earlier round
        let since = self.case.holding().map_or(0, |holding| holding.seq);
        let all = matches!(self.case.outcome, Some(Outcome::Granted)) || self.case.kind == CaseKind::Grid;
        let later = self.cx.item.route.iter().enumerate().skip(deciding + 1);
        later
            .filter(|(index, step)| {
                (all || step.handoff == HandoffKind::Delivery) && !self.was_offered_since(since, *index)
            })
            .map(|(index, step)| (index, step.handoff))
            .next()
    }

    /// A bound or EXTERNAL decider cannot hand over the result: the first contact does, unless the route names another.
    fn offer_result(&mut self) -> Result<(), Refusal> {
        let named = self.case.handoffs.iter().any(|handoff| {
            handoff.kind == HandoffKind::Delivery
                && !matches!(handoff.state, HandoffState::Refused | HandoffState::Recalled)
        });
        let elsewhere = |handoff: &Handoff| {
            let step = handoff.step.and_then(|step| self.cx.item.route.get(step));
            handoff.upstream.is_some() || step.is_some_and(|step| step.assignment == Assignment::External)
        };
        let bound = self.case.holding().is_some_and(elsewhere);
        if named || !bound || self.case.kind == CaseKind::Grid {
            return Ok(());
        }
        let mut handoff = self.new_handoff(HandoffKind::Delivery, self.case.first_contact, None);
        handoff.owning = false;
        self.offer(handoff, &Papers::default())
    }

    /// 办结, in the transaction that makes it true.
    pub(super) fn complete(&mut self) -> Result<(), Refusal> {
        let unchecked = self.case.kind == CaseKind::Grid && self.case.grid.checked_at.is_none();
        if self.case.status != CaseStatus::Decided || self.later_step_open() || unchecked {
            return Ok(());
        }
        self.emit(Event::Completed);
        if self.case.is_closed() || self.case.delivered_at.is_some() {
            self.close_case();
        }
        Ok(())
    }

    fn later_step_open(&self) -> bool {
        let deciding = self.cx.item.deciding_step();
        self.case.handoffs.iter().any(|handoff| {
            handoff.step > deciding && handoff.state.is_open() && handoff.kind != HandoffKind::Delivery
        })
    }

    /// 送达 by the owner, or by the organization the result was given to.
    pub(super) fn deliver(
        &mut self,
        note: Option<&str>,
        authorization: Option<&Authorization>,
    ) -> Result<(), Refusal> {
        let own = self.acting()?;
        let addressed = |handoff: &&Handoff| {
            handoff.kind == HandoffKind::Delivery && handoff.to == own && handoff.state.is_open()
        };
        let handoff = self.case.handoffs.iter().find(addressed).cloned();
        if handoff.is_none() && self.case.owner != Some(own) {
            return Err(Refusal::WrongOrganization);
        }
        let decided = matches!(self.case.status, CaseStatus::Decided | CaseStatus::Completed);
        self.require(decided && self.case.kind == CaseKind::Case, Why::Status)?;
        self.require(self.case.delivered_at.is_none(), Why::AlreadyAnswered)?;
        if let Some(handoff) = handoff {
            if handoff.state.awaits_answer() {
                self.acknowledge(handoff.id)?;
            }
            self.emit(Event::HandoffDone {
                handoff: handoff.id,
                opinion: None,
            });
        }
        self.stop_clocks(|clock| clock.kind == ClockKind::Delivery);
        let on_file = authorization.map(Authorization::to_private);
        let texts =
            (note.is_some() || on_file.is_some()).then(|| json!({ "note": note, "authorization": on_file }));
        if authorization.is_some() {
            // 代领: an agent collects the result for the applicant, and the event names both
            self.cx.by.on_behalf_of = Some(OnBehalfOf::Applicant);
        }
        self.emit_with(Event::Delivered, texts);
        if self.case.status == CaseStatus::Completed {
            self.close_case();
        }
        Ok(())
    }

    /// The end: whatever is still open ends with the case.
    fn close_case(&mut self) {
        self.close_handoffs();
        self.stop_clocks(|clock| !clock.kind.outlives_case());
        if self.case.kind == CaseKind::Case {
            self.emit(Event::Closed);
        }
    }
}
