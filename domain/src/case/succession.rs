//! Succession (承接): open work lies with the organization that does the work of the one it was given to.
//!
//! Every decision begins with it, so that no act ever meets an organization that is no more; an import of divisions
//! brings it to every open case by [`super::command::Command::TakeOver`]. What is over keeps its names, and so does the
//! ledger. Clocks run on. A handoff that an upstream system may already have keeps that system.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::decide::Work;
use super::event::Event;
use super::refusal::Refusal;
use super::state::Case;
use crate::card::CardState;
use crate::clock::ClockState;
use crate::handoff::{Handoff, HandoffState};
use crate::id::{HandoffId, OrganizationId};

/// One organization took the work of another over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heir {
    /// Whose work.
    pub from: OrganizationId,
    /// Who does it now.
    pub to: OrganizationId,
}

/// A handoff whose delivery had not left, and the upstream system it goes to now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirected {
    /// Which handoff.
    pub handoff: HandoffId,
    /// The system; `None`: people act at the successor's desk.
    pub upstream: Option<String>,
}

/// Who takes over from whom in the open work of a case: its owner, first contact, open handoffs, running clocks,
/// standing cards and unanswered supervision orders.
#[must_use]
pub fn heirs(case: &Case, living: &dyn Fn(OrganizationId) -> OrganizationId) -> Vec<Heir> {
    if case.is_closed() {
        return Vec::new();
    }
    let handed = case
        .handoffs
        .iter()
        .filter(|handoff| handoff.state.is_open())
        .flat_map(|handoff| [Some(handoff.to), handoff.from]);
    let held = case
        .clocks
        .iter()
        .filter(|clock| clock.state != ClockState::Stopped)
        .map(|clock| clock.holder);
    let carded = case
        .cards
        .iter()
        .filter(|card| card.state != CardState::Cancelled)
        .map(|card| card.holder);
    let ordered = case
        .orders
        .iter()
        .filter(|order| order.answered_at.is_none())
        .map(|order| Some(order.to));
    let all: BTreeSet<OrganizationId> = [case.owner, Some(case.first_contact)]
        .into_iter()
        .chain(handed)
        .chain(held)
        .chain(carded)
        .chain(ordered)
        .flatten()
        .collect();
    all.into_iter()
        .map(|from| Heir {
            from,
            to: living(from),
        })
        .filter(|heir| heir.from != heir.to)
        .collect()
}

/// The case as it stands today, for readers who come between a succession and its event.
#[must_use]
pub fn as_today(mut case: Case, living: &dyn Fn(OrganizationId) -> OrganizationId) -> Case {
    let heirs = heirs(&case, living);
    hand_over(&mut case, &heirs);
    case
}

/// Applies the event.
pub(super) fn take_over(case: &mut Case, heirs: &[Heir], redirected: &[Redirected]) {
    case.version += 1;
    let changed = hand_over(case, heirs);
    for handoff in &mut case.handoffs {
        let new = redirected.iter().find(|one| one.handoff == handoff.id);
        if let Some(new) = new {
            handoff.upstream.clone_from(&new.upstream);
        }
        if new.is_some() || changed.contains(&handoff.id) {
            handoff.version += 1;
        }
    }
}

/// Puts successors in the place of those they succeed; says which handoffs read differently.
fn hand_over(case: &mut Case, heirs: &[Heir]) -> BTreeSet<HandoffId> {
    let heir = |id: &mut OrganizationId| match heirs.iter().find(|heir| heir.from == *id) {
        Some(heir) => {
            *id = heir.to;
            true
        }
        None => false,
    };
    heir(&mut case.first_contact);
    case.owner.as_mut().map(heir);
    for clock in &mut case.clocks {
        if clock.state != ClockState::Stopped {
            clock.holder.as_mut().map(heir);
        }
    }
    for card in &mut case.cards {
        if card.state != CardState::Cancelled {
            card.holder.as_mut().map(heir);
        }
    }
    for order in &mut case.orders {
        if order.answered_at.is_none() {
            heir(&mut order.to);
        }
    }
    let mut changed = BTreeSet::new();
    for handoff in case.handoffs.iter_mut().filter(|handoff| handoff.state.is_open()) {
        let to = heir(&mut handoff.to);
        let from = handoff.from.as_mut().is_some_and(heir);
        if to || from {
            changed.insert(handoff.id);
        }
    }
    changed
}

impl Work<'_> {
    /// Moves the open work to those who do it now; one event, or none when all of them live. `unsent`: handoffs of whose
    /// deliveries surely nothing has left; they go to the successor's own system, or to its people, also when an act that
    /// knew nothing of deliveries moved the case before.
    pub(super) fn take_over(&mut self, unsent: &[HandoffId]) -> Result<(), Refusal> {
        if self.case.is_closed() {
            return Ok(());
        }
        let heirs = heirs(&self.case, self.cx.living);
        let redirected = self.redirected(unsent);
        if heirs.is_empty() && redirected.is_empty() {
            return Ok(());
        }
        self.as_system("succession", |work| {
            work.emit(Event::WorkTakenOver { heirs, redirected });
            work.sign_own()
        })
    }

    fn redirected(&self, unsent: &[HandoffId]) -> Vec<Redirected> {
        let living = |handoff: &Handoff| (self.cx.living)(handoff.to);
        let waiting = |handoff: &&Handoff| {
            let moves = handoff.upstream.is_none() && living(handoff) != handoff.to;
            matches!(handoff.state, HandoffState::Offered | HandoffState::Expired)
                && handoff.sent_at.is_none()
                && (moves || unsent.contains(&handoff.id))
        };
        self.case
            .handoffs
            .iter()
            .filter(waiting)
            .filter_map(|handoff| {
                let upstream = (self.cx.upstream_of)(living(handoff));
                (upstream != handoff.upstream).then_some(Redirected {
                    handoff: handoff.id,
                    upstream,
                })
            })
            .collect()
    }

    /// A handoff whose two ends have become one is acknowledged at once, as is one that an organization hands to itself.
    /// What a system says of it later is no news.
    fn sign_own(&mut self) -> Result<(), Refusal> {
        let own: Vec<HandoffId> = self
            .case
            .handoffs
            .iter()
            .filter(|handoff| handoff.state.awaits_answer() && handoff.from == Some(handoff.to))
            .map(|handoff| handoff.id)
            .collect();
        own.into_iter().try_for_each(|handoff| self.acknowledge(handoff))
    }
}
