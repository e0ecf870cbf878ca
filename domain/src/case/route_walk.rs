//! Walking the route: handing off, acknowledging, and what each step brings with it.

use chrono::{DateTime, Utc};

use super::available::stand_in_for;
use super::clocks::legal;
use super::command::OnBehalfOf;
use super::decide::Work;
use super::event::Event;
use super::refusal::{Refusal, Why};
use super::state::{Case, CaseStatus};
use super::submit::Papers;
use crate::clock::{CaseClock, ClockKind};
use crate::handoff::{Handoff, HandoffState, Opinion};
use crate::id::{HandoffId, OrganizationId};
use crate::item::{CaseKind, ItemVersion};
use crate::material::MaterialEntry;
use crate::route::{Assignment, HandoffKind};
use crate::sla;

/// Whether a handoff leaves the owner where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    /// The receiver becomes the owner.
    No,
    /// Beside the owner, who must wait for it.
    Required,
    /// Beside the owner.
    Free,
}

impl Work<'_> {
    /// 流转: to the next step of the route, or its next parallel group. After the decision: a later step, or the result,
    /// that was turned down.
    pub(super) fn hand_off(
        &mut self,
        to: Option<OrganizationId>,
        papers: &Papers,
        materials: &[MaterialEntry],
    ) -> Result<(), Refusal> {
        self.act_as_owner()?;
        self.require(self.case.open_owning().is_none(), Why::HandoffOpen)?;
        self.require(self.case.open_required().next().is_none(), Why::BesideOpen)?;
        let stands = self.case.stands();
        match self.case.status {
            CaseStatus::Submitted => {
                self.require(stands < self.cx.item.accepting_step(), Why::NotAccepted)?;
            }
            CaseStatus::Accepted | CaseStatus::InReview | CaseStatus::SpecialProcedure => {
                self.require(stands < self.cx.item.deciding_step(), Why::EndOfRoute)?;
            }
            CaseStatus::Decided | CaseStatus::Completed if !self.case.is_closed() => {
                let lacking = lacking_after_decision(&self.case, self.cx.item);
                self.require(lacking, Why::Status)?;
                return self.after_decision();
            }
            CaseStatus::AwaitingSupplement
            | CaseStatus::Decided
            | CaseStatus::Completed
            | CaseStatus::Delivered
            | CaseStatus::NotAccepted
            | CaseStatus::Lapsed
            | CaseStatus::Withdrawn
            | CaseStatus::Voided => return Err(self.illegal(Why::Status)),
        }
        self.step_has_lasted()?;
        self.take_products(materials)?;
        self.begin_review();
        let next = self.next_step();
        self.offer_group(next, to, papers)
    }

    /// Whoever acts is the owner, or stands in for one that cannot act here; then the events name both.
    pub(super) fn act_as_owner(&mut self) -> Result<OrganizationId, Refusal> {
        let own = self.acting()?;
        if self.case.owner == Some(own) {
            return Ok(own);
        }
        let owner = stand_in_for(&self.case, self.cx.item, &self.cx.by).ok_or(Refusal::WrongOrganization)?;
        self.cx.by.on_behalf_of = Some(OnBehalfOf::Organization(owner));
        Ok(owner)
    }

    /// What the step that is left has to bring comes with the handoff (`produced_by`).
    fn take_products(&mut self, materials: &[MaterialEntry]) -> Result<(), Refusal> {
        let step = self.case.step;
        let produced: Vec<&str> = match self.cx.item.route.get(step) {
            Some(left) => self
                .cx
                .item
                .materials
                .iter()
                .filter(|material| {
                    material
                        .produced_by
                        .as_ref()
                        .is_some_and(|producer| *producer == left.action || *producer == left.role)
                })
                .map(|material| material.code.as_str())
                .collect(),
            None => Vec::new(),
        };
        if let Some(index) = materials
            .iter()
            .position(|entry| !produced.contains(&entry.code.as_str()))
        {
            return Err(Refusal::UnknownMaterial { index });
        }
        let is_there = |code: &str| {
            materials.iter().any(|entry| entry.code == code)
                || self.case.brought.iter().any(|had| had == code)
        };
        let missing: Vec<String> = produced
            .iter()
            .filter(|code| !is_there(code))
            .map(|code| (*code).to_owned())
            .collect();
        if !missing.is_empty() {
            return Err(Refusal::MaterialsMissing { materials: missing });
        }
        self.bring(materials, Some(step), None, None);
        Ok(())
    }

    /// The first route step ahead that nobody was offered, or that whoever was offered turned down.
    fn next_step(&self) -> usize {
        // the first contact holds the case outside the route when it is not the intake
        let ahead = self.case.stands().map_or(0, |step| step + 1);
        (ahead..self.cx.item.route.len())
            .find(|step| !self.was_offered(*step))
            .unwrap_or(self.cx.item.route.len())
    }

    /// Whether a step was offered and not turned down, since the case entered the step it stands in.
    pub(super) fn was_offered(&self, step: usize) -> bool {
        was_offered_since(&self.case, entered_at(&self.case), step)
    }

    /// The same, by a handoff after the one with this `seq`.
    pub(super) fn was_offered_since(&self, seq: i32, step: usize) -> bool {
        was_offered_since(&self.case, seq, step)
    }

    /// The step in which the case stands has lasted as long as it must, whoever held it.
    pub(super) fn step_has_lasted(&self) -> Result<(), Refusal> {
        let entered = self.case.entered();
        self.must_have_lasted(
            entered.and_then(|handoff| handoff.step),
            entered.and_then(|handoff| handoff.acknowledged_at),
        )
    }

    /// `at_least`: a step may not be left before the day after its shortest time.
    pub(super) fn must_have_lasted(
        &self,
        step: Option<usize>,
        since: Option<DateTime<Utc>>,
    ) -> Result<(), Refusal> {
        let limit = step
            .and_then(|step| self.cx.item.route.get(step))
            .and_then(|step| step.at_least);
        let (Some(limit), Some(since)) = (limit, since) else {
            return Ok(());
        };
        let not_before = sla::due(since, limit, self.cx.calendar)
            .map_err(super::clocks::outside)?
            .at;
        self.require(self.cx.now >= not_before, Why::TooEarly { not_before })
    }

    /// Offers a step, or all steps of its parallel group.
    pub(super) fn offer_group(
        &mut self,
        first: usize,
        chosen: Option<OrganizationId>,
        papers: &Papers,
    ) -> Result<(), Refusal> {
        let route = &self.cx.item.route;
        let Some(step) = route.get(first) else {
            return Err(self.illegal(Why::EndOfRoute));
        };
        let group = step.parallel_group.clone();
        let last = match &group {
            None => first,
            Some(_) => {
                let same = route
                    .iter()
                    .skip(first)
                    .take_while(|step| step.parallel_group == group)
                    .count();
                first + same.saturating_sub(1)
            }
        };
        for index in (first..=last)
            // of a parallel group only who turned it down is asked again
            .filter(|index| *index == first || !self.was_offered(*index))
            .collect::<Vec<_>>()
        {
            let to = self.organization_of(index, chosen)?;
            let beside = self.beside(index);
            if beside == Beside::No {
                self.leave_step()?;
            }
            self.offer_step(index, to, beside, papers)?;
            if beside == Beside::Required {
                let stands = self.case.step;
                self.pause_clocks(|clock| clock.kind == ClockKind::Step && clock.step == Some(stands));
            }
        }
        Ok(())
    }

    /// The organization of a step: fixed by the route, or chosen from those the step leaves to choose from.
    fn organization_of(
        &self,
        index: usize,
        chosen: Option<OrganizationId>,
    ) -> Result<OrganizationId, Refusal> {
        let step = self
            .cx
            .item
            .route
            .get(index)
            .ok_or_else(|| self.illegal(Why::EndOfRoute))?;
        if step.assignment == Assignment::Chosen {
            return chosen
                .filter(|to| (self.cx.may_be_chosen)(step, self.case.division, *to))
                .ok_or(Refusal::ChooseOrganization);
        }
        match (self.case.route.get(index).copied().flatten(), chosen) {
            (Some(to), None) => Ok((self.cx.living)(to)),
            (Some(_), Some(_)) => Err(Refusal::OrganizationIsFixed),
            (None, _) => Err(Refusal::ChooseOrganization),
        }
    }

    fn beside(&self, index: usize) -> Beside {
        let kind = self
            .cx
            .item
            .route
            .get(index)
            .map_or(HandoffKind::Route, |step| step.handoff);
        let decided = self.case.decided_at.is_some();
        match kind {
            HandoffKind::Countersign | HandoffKind::JointReview => Beside::Required,
            HandoffKind::Consult | HandoffKind::Escalate | HandoffKind::Delivery => Beside::Free,
            HandoffKind::Route | HandoffKind::Assign | HandoffKind::Transfer | HandoffKind::Return => {
                if decided {
                    Beside::Free
                } else {
                    Beside::No
                }
            }
        }
    }

    /// The present step ends because the next is offered: its clock stops, a special procedure is over.
    pub(super) fn leave_step(&mut self) -> Result<(), Refusal> {
        let (stands, ended_at) = (self.case.step, self.special_ended_at());
        self.stop_clocks(|clock| {
            matches!(clock.kind, ClockKind::Step | ClockKind::Special) && clock.step == Some(stands)
        });
        if self.case.status == CaseStatus::SpecialProcedure {
            self.emit(Event::SpecialProcedureEnded);
            // from the offer on: an unread handoff never pauses
            self.resume_case(ended_at)?;
        }
        Ok(())
    }

    /// 签收 by a person of the receiving organization.
    pub(super) fn acknowledge_by_hand(&mut self, id: HandoffId) -> Result<(), Refusal> {
        let own = self.acting()?;
        let handoff = self.handoff(id)?;
        if handoff.to != own {
            return Err(Refusal::WrongOrganization);
        }
        self.require(handoff.upstream.is_none(), Why::Bound)?;
        self.require(handoff.state.awaits_answer(), Why::AlreadyAnswered)?;
        self.acknowledge(id)
    }

    /// The receiver takes the case over, or its part beside the owner.
    pub(super) fn acknowledge(&mut self, id: HandoffId) -> Result<(), Refusal> {
        let handoff = self.handoff(id)?;
        let before = self.case.holding().map(|holding| holding.id);
        self.stop_clocks(|clock| clock.kind == ClockKind::HandoffAck && clock.handoff == Some(id));
        let left = handoff.kind == HandoffKind::Return && handoff.step != self.case.stands();
        if left {
            // the sender's step runs until the receiver signs; a refusal changes nothing
            self.leave_step()?;
            let ahead = |clock: &CaseClock| clock.kind == ClockKind::Step && clock.step > handoff.step;
            self.stop_clocks(ahead);
        }
        self.emit(Event::HandoffAcknowledged { handoff: id });
        if !handoff.owning {
            self.begin_review();
            return Ok(());
        }
        if let Some(before) = before {
            self.emit(Event::HandoffDone {
                handoff: before,
                opinion: None,
            });
        }
        let Some(index) = handoff.step else { return Ok(()) };
        self.begin_review();
        if left {
            self.begin_step_anew(index, &handoff)?;
        }
        if self.case.status == CaseStatus::InReview && self.is_special(index) {
            self.emit(Event::SpecialProcedureBegun { step: index });
            self.pause_clocks(legal);
            let limit = self.cx.item.route.get(index).and_then(|step| step.limit);
            return self.start_special(index, limit);
        }
        let step = self.cx.item.route.get(index);
        let from_acknowledgement =
            step.is_some_and(|step| step.limit.is_some_and(|limit| limit.value == 0) && !step.accepts);
        if from_acknowledgement {
            self.start_step(index, handoff.to)
        } else {
            Ok(())
        }
    }

    /// STEP of a step to which the case was returned, from the offer into it.
    fn begin_step_anew(&mut self, index: usize, handoff: &Handoff) -> Result<(), Refusal> {
        let step = self.cx.item.route.get(index);
        let limited = step.is_some_and(|step| step.limit.is_none_or(|limit| limit.value > 0));
        let waits = step.is_some_and(|step| step.accepts) && self.case.accepted_at.is_none();
        if !limited || waits || self.is_special(index) {
            return Ok(());
        }
        self.start_step_at(handoff.offered_at, index, handoff.to)
    }

    /// ACCEPTED becomes IN_REVIEW with the first act after it (DOMAIN §2).
    pub(super) fn begin_review(&mut self) {
        if self.case.status == CaseStatus::Accepted {
            self.emit(Event::ReviewBegun);
        }
    }

    /// A beside-handoff, or a step after the decision, is done.
    pub(super) fn finish_beside(
        &mut self,
        id: HandoffId,
        opinion: Option<Opinion>,
        text: Option<&str>,
    ) -> Result<(), Refusal> {
        let own = self.acting()?;
        let handoff = self.handoff(id)?;
        if handoff.to != own {
            return Err(Refusal::WrongOrganization);
        }
        // a grid event is closed by the check of its VERIFY step alone
        let fits =
            !handoff.owning && handoff.kind != HandoffKind::Delivery && self.case.kind == CaseKind::Case;
        self.require(fits, Why::NotThisStep)?;
        self.require(!self.is_for_another_system(&handoff), Why::Bound)?;
        self.answer_is_whole(&handoff, opinion, text)?;
        self.must_have_lasted(handoff.step, handoff.acknowledged_at)?;
        self.require(handoff.state.is_open(), Why::AlreadyAnswered)?;
        if handoff.state.awaits_answer() {
            self.acknowledge(id)?;
        }
        self.stop_clocks(|clock| clock.kind == ClockKind::Step && clock.step == handoff.step);
        self.emit_with(
            Event::HandoffDone { handoff: id, opinion },
            text.map(|text| serde_json::json!({ "text": text })),
        );
        if self.case.decided_at.is_some() {
            return self.after_decision();
        }
        self.resume_step_when_free()?;
        Ok(())
    }

    /// An opinion that was asked for, with words where it sets conditions or objects; 上报 is answered in words.
    fn answer_is_whole(
        &self,
        handoff: &Handoff,
        opinion: Option<Opinion>,
        text: Option<&str>,
    ) -> Result<(), Refusal> {
        let asks = match handoff.kind {
            HandoffKind::Countersign | HandoffKind::JointReview | HandoffKind::Consult => true,
            HandoffKind::Route
            | HandoffKind::Assign
            | HandoffKind::Transfer
            | HandoffKind::Return
            | HandoffKind::Escalate
            | HandoffKind::Delivery => handoff.required,
        };
        self.require(!asks || opinion.is_some(), Why::OpinionMissing)?;
        let needs_words = handoff.kind == HandoffKind::Escalate
            || matches!(opinion, Some(Opinion::AgreeWithConditions | Opinion::Object));
        let worded = text.is_some_and(|text| !text.trim().is_empty());
        self.require(worded || !needs_words, Why::TextMissing)
    }

    /// The owner's STEP goes on when no beside-handoff that the route requires is open.
    pub(super) fn resume_step_when_free(&mut self) -> Result<(), Refusal> {
        if self.case.open_required().next().is_some() || self.is_paused() {
            return Ok(());
        }
        let stands = self.case.step;
        self.resume_clocks(|clock| clock.kind == ClockKind::Step && clock.step == Some(stands))
    }
}

/// Where the walk through the steps ahead begins: just before the handoff by which the case entered the step it stands in,
/// so that after a return the route is walked again from there.
fn entered_at(case: &Case) -> i32 {
    case.entered().map_or(0, |entered| entered.seq - 1)
}

/// Whether a step was offered by a handoff after the one with this `seq`, and not turned down.
fn was_offered_since(case: &Case, seq: i32, step: usize) -> bool {
    case.handoffs.iter().any(|handoff| {
        handoff.step == Some(step)
            && handoff.seq > seq
            && !matches!(handoff.state, HandoffState::Refused | HandoffState::Recalled)
    })
}

/// Whether a later step, or the delivery, was turned down after the decision and nobody works on it.
pub(super) fn lacking_after_decision(case: &Case, item: &ItemVersion) -> bool {
    let turned_down = case.handoffs.iter().any(|handoff| {
        let later = handoff.step > item.deciding_step() || handoff.kind == HandoffKind::Delivery;
        later && matches!(handoff.state, HandoffState::Refused | HandoffState::Recalled)
    });
    let open = |handoff: &Handoff| handoff.step > item.deciding_step() && handoff.state.is_open();
    let delivering = |handoff: &Handoff| handoff.kind == HandoffKind::Delivery && handoff.state.is_open();
    let working = case
        .handoffs
        .iter()
        .any(|handoff| open(handoff) && !delivering(handoff));
    let delivered = case.delivered_at.is_some() || case.handoffs.iter().any(delivering);
    turned_down && !working && (case.status == CaseStatus::Decided || !delivered)
}
