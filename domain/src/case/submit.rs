//! Taking a case in: the first handoff, and the offer of the next step.

use super::decide::Work;
use super::event::Event;
use super::refusal::Refusal;
use super::route_walk::Beside;
use crate::handoff::{HandedMaterial, Handoff, HandoffState};
use crate::id::{HandoffId, OrganizationId};
use crate::route::{Assignment, HandoffKind, Step, StepClock};

impl Work<'_> {
    /// Writes handoff 1 to the first contact, acknowledged, and offers the step after the intake.
    pub(super) fn take_in(&mut self) -> Result<(), Refusal> {
        let intake = self.cx.item.intake_step();
        let mut first = self.new_handoff(HandoffKind::Route, self.case.first_contact, intake);
        first.materials.clone_from(&self.case.materials);
        let id = first.id;
        self.emit(Event::HandoffOffered {
            handoff: Box::new(first),
        });
        self.emit(Event::HandoffAcknowledged { handoff: id });
        let next = intake.map_or(0, |step| step + 1);
        self.offer_group(next, None, &Papers::default())
    }

    /// A handoff about to be offered by whoever acts now.
    pub(super) fn new_handoff(
        &mut self,
        kind: HandoffKind,
        to: OrganizationId,
        step: Option<usize>,
    ) -> Handoff {
        let seq = i32::try_from(self.case.handoffs.len()).unwrap_or(i32::MAX - 1) + 1;
        Handoff {
            id: HandoffId::from_uuid((self.cx.ids)()),
            seq,
            version: 1,
            kind,
            state: HandoffState::Offered,
            owning: true,
            required: false,
            step,
            from: self.case.owner,
            to: (self.cx.living)(to),
            upstream: None,
            materials: Vec::new(),
            originals: 0,
            slip: None,
            offered_by: self.cx.by.subject.clone(),
            acknowledged_by: None,
            offered_at: self.cx.now,
            sent_at: None,
            acknowledged_at: None,
            closed_at: None,
            opinion: None,
            refused_for: None,
            admission: None,
        }
    }

    /// Offers one step, with its clocks; to the sender itself it is acknowledged at once.
    pub(super) fn offer_step(
        &mut self,
        index: usize,
        to: OrganizationId,
        beside: Beside,
        papers: &Papers,
    ) -> Result<(), Refusal> {
        let Some(step) = self.cx.item.route.get(index).cloned() else {
            return Ok(());
        };
        let mut handoff = self.new_handoff(step.handoff, to, Some(index));
        handoff.owning = beside == Beside::No;
        handoff.required = beside == Beside::Required;
        if step.assignment == Assignment::Chosen {
            handoff.admission = self.admit(to)?;
        }
        let id = handoff.id;
        let on_paper = step.assignment == Assignment::External && (self.cx.upstream_of)(to).is_none();
        let named = papers.slip.as_ref().is_some_and(|slip| !slip.trim().is_empty());
        if on_paper && !named {
            return Err(Refusal::FieldRequired { field: "slip" });
        }
        self.announce(handoff, papers);
        if self.case.owner == Some(to) {
            self.start_clocks_of(index, &step, to)?;
            return self.acknowledge(id);
        }
        if on_paper {
            self.start_clocks_of(index, &step, to)?;
            // the paper is on its way: its receiver answers for the case, and its sender records that here
            return self.in_name_of(to, |work| work.acknowledge(id));
        }
        self.await_acknowledgement(id, to)?;
        self.start_clocks_of(index, &step, to)
    }

    /// The clocks that run from the offer into a step.
    fn start_clocks_of(&mut self, index: usize, step: &Step, holder: OrganizationId) -> Result<(), Refusal> {
        if step.accepts && self.case.accepted_at.is_none() {
            self.start_acceptance(index, holder)?;
        } else if !self.is_special(index) && step.limit.is_none_or(|limit| limit.value > 0) {
            self.start_step(index, holder)?;
        }
        Ok(())
    }

    /// Whether a step is a special procedure of kind 2: excluded, between acceptance and decision.
    pub(super) fn is_special(&self, index: usize) -> bool {
        let item = self.cx.item;
        let between = item.accepting_step() < Some(index) && Some(index) < item.deciding_step();
        between
            && item
                .route
                .get(index)
                .is_some_and(|step| step.clock == StepClock::Excluded)
    }
}

/// What goes along with a handoff.
#[derive(Debug, Clone, Default)]
pub(super) struct Papers {
    /// `None`: all materials on file.
    pub(super) handed: Option<Vec<HandedMaterial>>,
    pub(super) originals: u32,
    pub(super) slip: Option<String>,
    /// Why, or what is asked.
    pub(super) reason: Option<String>,
}
