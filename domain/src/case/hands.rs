//! Handoffs by hand (DOMAIN §4): in the same step, back, beside the owner; refused, recalled, expired, waived.

use serde_json::json;

use super::available::acts_in_full;
use super::command::HandOff;
use super::decide::Work;
use super::event::Event;
use super::refusal::{Refusal, Why};
use super::state::CaseStatus;
use super::submit::Papers;
use crate::actor::ActorKind;
use crate::admission::Gate;
use crate::clock::ClockKind;
use crate::directory::Rank;
use crate::handoff::{HandedMaterial, Handoff, HandoffState, RefusalReason};
use crate::id::{HandoffId, OrganizationId};
use crate::limit::Limit;
use crate::route::HandoffKind;

/// How long a handoff may wait for its acknowledgement (DOMAIN §3).
const HANDOFF_ACK: Limit = Limit::working_days(1);

impl Work<'_> {
    /// 移交 of whatever kind the owner asks for.
    pub(super) fn hand_over(&mut self, asked: &HandOff) -> Result<(), Refusal> {
        let papers = self.papers(asked)?;
        if asked.kind != HandoffKind::Route && !asked.materials.is_empty() {
            // what a step produces comes when the route goes on from it
            return Err(Refusal::UnknownMaterial { index: 0 });
        }
        match asked.kind {
            HandoffKind::Route => self.hand_off(asked.to, &papers, &asked.materials),
            HandoffKind::Assign | HandoffKind::Transfer => self.pass_on(asked, &papers),
            HandoffKind::Return => self.give_back(asked, &papers),
            HandoffKind::Escalate
            | HandoffKind::Consult
            | HandoffKind::Countersign
            | HandoffKind::JointReview => self.ask_beside(asked, &papers),
            HandoffKind::Delivery => Err(self.illegal(Why::NotThisStep)),
        }
    }

    /// What is handed over: the materials named, else all on file.
    fn papers(&self, asked: &HandOff) -> Result<Papers, Refusal> {
        let on_file = |code: &String| {
            let found = self.case.materials.iter().find(|entry| entry.material == *code);
            found.cloned().ok_or(Refusal::MaterialNotOnFile)
        };
        let materials: Option<Vec<HandedMaterial>> = match &asked.handed {
            None => None,
            Some(codes) => Some(codes.iter().map(on_file).collect::<Result<_, _>>()?),
        };
        Ok(Papers {
            handed: materials,
            originals: asked.originals,
            slip: asked.slip.clone(),
            reason: asked.reason.clone(),
        })
    }

    /// 交办 down, 转办 to the competent agency: the receiver gets the step with its rights.
    fn pass_on(&mut self, asked: &HandOff, papers: &Papers) -> Result<(), Refusal> {
        let own = self.owner_acting()?;
        self.may_change_hands()?;
        self.require(self.case.stands().is_some(), Why::NotThisStep)?;
        let to = asked.to.ok_or(Refusal::ChooseOrganization)?;
        let rank = (self.cx.rank)(own, to)
            .filter(|_| to != own)
            .ok_or(Refusal::ReceiverUnfit)?;
        let fits = match asked.kind {
            HandoffKind::Assign => rank == Rank::Below,
            HandoffKind::Transfer
            | HandoffKind::Route
            | HandoffKind::Return
            | HandoffKind::Escalate
            | HandoffKind::Countersign
            | HandoffKind::JointReview
            | HandoffKind::Consult
            | HandoffKind::Delivery => rank != Rank::Outside,
        };
        if !fits {
            return Err(Refusal::ReceiverUnfit);
        }
        reason_given(papers)?;
        self.offer_in_step(asked.kind, to, papers)
    }

    /// Offers the step in which the case stands, with its rights: the receiver accepts or decides in this one's place.
    /// The step's clock goes on. Village level needs an admission.
    pub(super) fn offer_in_step(
        &mut self,
        kind: HandoffKind,
        to: OrganizationId,
        papers: &Papers,
    ) -> Result<(), Refusal> {
        let admission = self.admit(to)?;
        let mut handoff = self.new_handoff(kind, to, self.case.stands());
        handoff.admission = admission;
        self.offer(handoff, papers)
    }

    /// 退回: to the last holder, or to one named that held the case; the route then stands at that one's step.
    fn give_back(&mut self, asked: &HandOff, papers: &Papers) -> Result<(), Refusal> {
        self.owner_acting()?;
        self.may_change_hands()?;
        self.step_has_lasted()?;
        let (to, step) = self.earlier_holder(asked.to)?;
        reason_given(papers)?;
        let handoff = self.new_handoff(HandoffKind::Return, to, step);
        self.offer(handoff, papers)
    }

    /// Who held the case before in another step or by another organization, the last first.
    fn earlier_holder(
        &self,
        named: Option<OrganizationId>,
    ) -> Result<(OrganizationId, Option<usize>), Refusal> {
        let (owner, stands) = (self.case.owner, self.case.stands());
        let wanted = named.or_else(|| self.case.holding().and_then(|holding| holding.from));
        self.case
            .held_before()
            .rev()
            .filter(|earlier| Some(earlier.to) != owner || earlier.step != stands)
            .find(|earlier| Some(earlier.to) == wanted)
            .map(|earlier| (earlier.to, earlier.step))
            .ok_or_else(|| match named {
                Some(_) => Refusal::ReceiverUnfit,
                None => self.illegal(Why::NobodyBefore),
            })
    }

    /// 上报 to the level above, 征求意见, and 会签 or 联审 beside the route: the owner keeps the case and asks.
    fn ask_beside(&mut self, asked: &HandOff, papers: &Papers) -> Result<(), Refusal> {
        let own = self.owner_acting()?;
        let undecided = !self.case.is_closed() && self.case.decided_at.is_none();
        self.require(undecided, Why::Status)?;
        self.require(self.case.open_owning().is_none(), Why::HandoffOpen)?;
        let to = asked.to.ok_or(Refusal::ChooseOrganization)?;
        let rank = (self.cx.rank)(own, to)
            .filter(|rank| to != own && *rank != Rank::Outside)
            .ok_or(Refusal::ReceiverUnfit)?;
        if asked.kind == HandoffKind::Escalate && rank != Rank::Above {
            return Err(Refusal::ReceiverUnfit);
        }
        let signing = |handoff: &Handoff| handoff.kind == HandoffKind::Countersign && handoff.state.is_open();
        let in_turn = asked.kind != HandoffKind::Countersign || !self.case.handoffs.iter().any(signing);
        self.require(in_turn, Why::BesideOpen)?;
        reason_given(papers)?;
        let mut handoff = self.new_handoff(asked.kind, to, None);
        handoff.owning = false;
        self.offer(handoff, papers)
    }

    /// Offers a handoff with its papers; one to the sender itself is acknowledged at once.
    pub(super) fn offer(&mut self, handoff: Handoff, papers: &Papers) -> Result<(), Refusal> {
        let (id, to) = (handoff.id, handoff.to);
        self.announce(handoff, papers);
        if self.case.owner == Some(to) {
            self.acknowledge(id)
        } else {
            self.await_acknowledgement(id, to)
        }
    }

    /// Says that a handoff is offered, and what goes along.
    pub(super) fn announce(&mut self, mut handoff: Handoff, papers: &Papers) {
        handoff.upstream = (self.cx.upstream_of)(handoff.to);
        handoff.originals = papers.originals;
        handoff.slip.clone_from(&papers.slip);
        let all = || self.case.materials.clone();
        handoff.materials = papers.handed.clone().unwrap_or_else(all);
        let private = papers.reason.as_ref().map(|reason| json!({ "reason": reason }));
        self.emit_with(
            Event::HandoffOffered {
                handoff: Box::new(handoff),
            },
            private,
        );
    }

    /// HANDOFF_ACK, from the offer.
    pub(super) fn await_acknowledgement(&mut self, id: HandoffId, to: OrganizationId) -> Result<(), Refusal> {
        self.start_clock(ClockKind::HandoffAck, HANDOFF_ACK, |clock| {
            clock.handoff = Some(id);
            clock.holder = Some(to);
        })
    }

    /// The owner may give the case away: nothing is on its way, and no required opinion is missing.
    fn may_change_hands(&self) -> Result<(), Refusal> {
        let status = matches!(
            self.case.status,
            CaseStatus::Submitted
                | CaseStatus::Accepted
                | CaseStatus::InReview
                | CaseStatus::SpecialProcedure
        );
        self.require(status, Why::Status)?;
        self.require(self.case.open_owning().is_none(), Why::HandoffOpen)?;
        self.require(self.case.open_required().next().is_none(), Why::BesideOpen)
    }

    /// What the admission lists say of giving the item to an organization beside the published route: the number of
    /// the entry that admits it, `None` above the village level.
    pub(super) fn admit(&self, to: OrganizationId) -> Result<Option<String>, Refusal> {
        match (self.cx.admission)(to) {
            Gate::NotGrassroots => Ok(None),
            Gate::Admitted { number } => Ok(Some(number)),
            gate @ (Gate::Forbidden { .. } | Gate::Unlisted) => Err(Refusal::NotAdmitted { gate }),
        }
    }

    /// The owner as whom somebody does what only an owner can; the events name both where they differ.
    fn owner_acting(&mut self) -> Result<OrganizationId, Refusal> {
        let own = self.acting()?;
        let full = acts_in_full(&self.case, self.cx.item, &self.cx.by, own);
        full.ok_or(Refusal::WrongOrganization)?;
        self.act_as_owner()
    }

    /// 退单 by a person of the receiving organization, before it signed. The sender answers for the case as before.
    pub(super) fn refuse(&mut self, id: HandoffId, reason: RefusalReason, text: &str) -> Result<(), Refusal> {
        let own = self.acting()?;
        let handoff = self.handoff(id)?;
        if handoff.to != own {
            return Err(Refusal::WrongOrganization);
        }
        self.require(handoff.upstream.is_none(), Why::Bound)?;
        self.require(handoff.state.awaits_answer(), Why::AlreadyAnswered)?;
        self.require(!self.leads_to_acceptance(&handoff), Why::DeclineInstead)?;
        if text.trim().is_empty() {
            return Err(Refusal::ReasonMissing);
        }
        self.stop_acknowledgement(id);
        self.emit_with(
            Event::HandoffRefused {
                handoff: id,
                reason: Some(reason),
            },
            Some(json!({ "reason": text })),
        );
        self.resume_step_when_free()
    }

    /// Whether a handoff gives somebody the accepting step of a case that waits for acceptance.
    pub(super) fn leads_to_acceptance(&self, handoff: &Handoff) -> bool {
        handoff.owning
            && self.case.accepted_at.is_none()
            && handoff.step.is_some()
            && handoff.step == self.cx.item.accepting_step()
    }

    /// The sender takes back what nobody signed for. A delivery that did not leave is cancelled with it; where the
    /// bytes may have left, what the system answers later is kept as news.
    pub(super) fn recall(&mut self, id: HandoffId) -> Result<(), Refusal> {
        let own = self.acting()?;
        let handoff = self.handoff(id)?;
        if handoff.from != Some(own) {
            // what a bound owner sent, and what an earlier owner asked beside, the present owner or its deputy recalls
            self.act_as_owner()?;
            if handoff.from != self.case.owner && handoff.owning {
                return Err(Refusal::WrongOrganization);
            }
        }
        self.require(handoff.state.awaits_answer(), Why::AlreadyAnswered)?;
        self.take_back(id);
        self.resume_step_when_free()
    }

    /// RECALLED, whoever wants it back.
    pub(super) fn take_back(&mut self, id: HandoffId) {
        self.stop_acknowledgement(id);
        self.emit(Event::HandoffRecalled { handoff: id });
    }

    /// An officer of the owner does without an opinion that the route requires, also one that was refused.
    pub(super) fn waive(&mut self, id: HandoffId, reason: &str) -> Result<(), Refusal> {
        self.act_as_owner()?;
        let handoff = self.handoff(id)?;
        self.require(self.cx.by.kind == ActorKind::Officer, Why::OfficerOnly)?;
        self.require(handoff.required, Why::NotRequired)?;
        self.require(self.can_be_waived(&handoff), Why::AlreadyAnswered)?;
        if reason.trim().is_empty() {
            return Err(Refusal::ReasonMissing);
        }
        self.stop_acknowledgement(id);
        self.stop_clocks(|clock| clock.kind == ClockKind::Step && clock.step == handoff.step);
        self.emit_with(
            Event::HandoffWaived { handoff: id },
            Some(json!({ "reason": reason })),
        );
        if self.case.decided_at.is_some() {
            return self.after_decision();
        }
        self.resume_step_when_free()
    }

    fn can_be_waived(&self, handoff: &Handoff) -> bool {
        super::available::can_be_waived(&self.case, handoff)
    }

    /// Nobody signed within HANDOFF_ACK: EXPIRED. It stays open and may still be acknowledged, refused or recalled.
    pub(super) fn expire_handoff(&mut self, id: HandoffId) -> Result<(), Refusal> {
        let handoff = self.handoff(id)?;
        if matches!(handoff.state, HandoffState::Offered | HandoffState::Sent) {
            self.emit(Event::HandoffExpired { handoff: id });
        }
        Ok(())
    }

    fn stop_acknowledgement(&mut self, id: HandoffId) {
        self.stop_clocks(|clock| clock.kind == ClockKind::HandoffAck && clock.handoff == Some(id));
    }
}

fn reason_given(papers: &Papers) -> Result<(), Refusal> {
    match &papers.reason {
        Some(reason) if !reason.trim().is_empty() => Ok(()),
        Some(_) | None => Err(Refusal::ReasonMissing),
    }
}
