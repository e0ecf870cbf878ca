//! The part of a case that an organization had in it before it handed the case on (DOMAIN §7).
//!
//! A past owner or helper reads its own part, as it was when it ended: everything up to the line by which the case left
//! its hands, what its own act brought about, and of what came later only what concerns itself (its cards, its
//! supervision orders, the deliveries it caused, what the other office of its handoff thinks of its work). It learns to whom the case went; what
//! became of it there, whether it is still open included, is no longer its business.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::apply::{apply, begin};
use super::event::Event;
use super::state::Case;
use crate::card::CardState;
use crate::handoff::{Handoff, HandoffState};
use crate::id::{CardId, ClockId, HandoffId, OrganizationId, SupervisionOrderId};
use crate::timeline::StoredEvent;

/// Whose part it is, asked of organizations as they live now.
pub struct Whose<'a> {
    /// Whether an organization is the reader's, or one whose work that does today.
    pub own: &'a dyn Fn(OrganizationId) -> bool,
    /// Whether an organization is outside the network, so that its sender acts for it.
    pub external: &'a dyn Fn(OrganizationId) -> bool,
}

/// A part that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The case as it was at the end of the part, with what was said of the organization since.
    pub case: Case,
    /// The last line of the part.
    pub until: u64,
    /// When the part ended: what was late then is late in it.
    pub ended_at: DateTime<Utc>,
    /// Lines behind it that concern the organization itself.
    pub later: BTreeSet<u64>,
    /// The instants at which lines were written, and whether any of each is in the part: what a change of then was.
    pub instants: BTreeMap<DateTime<Utc>, bool>,
    /// Whether something of it can still be answered: an order, or a card that was not appealed against.
    pub answerable: bool,
}

/// The part of an organization that holds nothing of the case any more; `None` when it never did, or the lines are not a
/// ledger.
#[must_use]
pub fn part_of(whose: &Whose<'_>, ledger: &[StoredEvent]) -> Option<Part> {
    let end = end_of(whose, ledger)?;
    let (within, behind) = ledger.split_at_checked(end.checked_add(1)?)?;
    let last = within.last()?;
    let mut case = replayed(within)?;
    let own = OwnMatters::of(whose, ledger);
    let mut later = BTreeSet::new();
    let mut instants: BTreeMap<DateTime<Utc>, bool> = within.iter().map(|line| (line.at, true)).collect();
    for line in behind {
        let concerns = own.concern(whose, &line.event);
        if concerns {
            apply(&mut case, &line.as_new());
            later.insert(line.seq);
        }
        let shown = instants.entry(line.at).or_default();
        *shown = *shown || concerns;
    }
    let unanswered =
        |order: &crate::card::SupervisionOrder| own.orders.contains(&order.id) && order.answered_at.is_none();
    let answerable = case.orders.iter().any(unanswered)
        || case
            .cards
            .iter()
            .any(|card| own.cards.contains(&card.id) && card.state == CardState::Raised);
    Some(Part {
        until: last.seq,
        ended_at: last.at,
        later,
        instants,
        answerable,
        case,
    })
}

fn replayed(lines: &[StoredEvent]) -> Option<Case> {
    let (first, rest) = lines.split_first()?;
    let Event::Submitted(submitted) = &first.event else {
        return None;
    };
    let mut case = begin(submitted, first.at, &first.by);
    for line in rest {
        apply(&mut case, &line.as_new());
    }
    Some(case)
}

/// Index of the last line of the part.
fn end_of(whose: &Whose<'_>, ledger: &[StoredEvent]) -> Option<usize> {
    let (first, rest) = ledger.split_first()?;
    let Event::Submitted(submitted) = &first.event else {
        return None;
    };
    let mut case = begin(submitted, first.at, &first.by);
    let mut had = had_by(whose, &case);
    let mut end = had.then_some(0_usize);
    for (index, line) in rest.iter().enumerate() {
        apply(&mut case, &line.as_new());
        let has = had_by(whose, &case);
        if has || had {
            end = Some(index.checked_add(1)?);
        }
        had = has;
    }
    let end = end?;
    let last = ledger.get(end)?;
    let (within, behind) = ledger.split_at_checked(end.checked_add(1)?)?;
    let at_once = || behind.iter().take_while(|line| line.at == last.at);
    // the case ended while it was with the organization, or by the same stroke
    let mut ended = replayed(within)?;
    let mut closing = 0_usize;
    for line in at_once().take_while(|line| ends_with_it(&line.event)) {
        apply(&mut ended, &line.as_new());
        closing = closing.checked_add(1)?;
    }
    if ended.is_closed() {
        return end.checked_add(closing);
    }
    let own_act = last.by.organization.is_some_and(whose.own);
    let own: BTreeSet<HandoffId> = ended
        .handoffs
        .iter()
        .filter(|handoff| (whose.own)(handoff.to))
        .map(|handoff| handoff.id)
        .collect();
    let follows = |line: &&StoredEvent| follows_at_once(&line.event, own_act, &own);
    end.checked_add(at_once().take_while(follows).count())
}

/// What the end of a case is written with, in one instant.
const fn ends_with_it(event: &Event) -> bool {
    matches!(
        event,
        Event::HandoffDone { .. }
            | Event::HandoffRecalled { .. }
            | Event::ClockStopped { .. }
            | Event::Declined { to: None, .. }
            | Event::Lapsed
            | Event::Withdrawn
            | Event::Voided
            | Event::GridChecked { .. }
            | Event::Delivered
            | Event::Completed
            | Event::Closed
    )
}

/// What stands behind the last line of a part and still belongs to it: its handoff is closed by the next one's
/// acknowledgement; and what its own act brings about is written in the same instant.
fn follows_at_once(event: &Event, own_act: bool, own: &BTreeSet<HandoffId>) -> bool {
    if let Event::HandoffDone { handoff, .. } = event {
        return own.contains(handoff);
    }
    own_act
        && matches!(
            event,
            Event::ClockStopped { .. }
                | Event::HandoffRecalled { .. }
                | Event::GridChecked { .. }
                | Event::Completed
        )
}

/// Whether something of the case lies with the organization: it owns it, took it in, was handed it, or acts for a holder
/// that cannot act here.
fn had_by(whose: &Whose<'_>, case: &Case) -> bool {
    let own = whose.own;
    let handed = |handoff: &Handoff| {
        let open = handoff.state.awaits_answer() || !handoff.owning && handoff.state.is_open();
        open && own(handoff.to)
    };
    let acts_for = |handoff: &Handoff| {
        handoff.state == HandoffState::Acknowledged
            && (handoff.upstream.is_some() || (whose.external)(handoff.to))
            && handoff.from.is_some_and(own)
    };
    case.owner.is_some_and(own)
        || own(case.first_contact)
        || case.handoffs.iter().any(handed)
        || case.holding().is_some_and(acts_for)
}

/// What is said of an organization itself, whenever it is said.
struct OwnMatters {
    cards: BTreeSet<CardId>,
    orders: BTreeSet<SupervisionOrderId>,
    clocks: BTreeSet<ClockId>,
    /// Handoffs to systems that it sent: what becomes of their deliveries.
    sent: BTreeSet<HandoffId>,
}

impl OwnMatters {
    fn of(whose: &Whose<'_>, ledger: &[StoredEvent]) -> Self {
        let mut own = Self {
            cards: BTreeSet::new(),
            orders: BTreeSet::new(),
            clocks: BTreeSet::new(),
            sent: BTreeSet::new(),
        };
        for line in ledger {
            if let Event::HandoffOffered { handoff } = &line.event
                && handoff.from.is_some_and(whose.own)
                && handoff.upstream.is_some()
            {
                own.sent.insert(handoff.id);
            }
            if let Event::CardRaised { card } = &line.event
                && card.holder.is_some_and(whose.own)
            {
                own.cards.insert(card.id);
            }
            if let Event::SupervisionOrdered { order } = &line.event
                && (whose.own)(order.to)
            {
                own.orders.insert(order.id);
                own.clocks.insert(order.clock);
            }
        }
        own
    }

    fn concern(&self, whose: &Whose<'_>, event: &Event) -> bool {
        if let Event::CardRaised { card } = event {
            return self.cards.contains(&card.id);
        }
        if let Event::CardAppealed { card } | Event::CardCancelled { card } = event {
            return self.cards.contains(card);
        }
        if let Event::SupervisionOrdered { order } = event {
            return self.orders.contains(&order.id);
        }
        if let Event::SupervisionAnswered { order } = event {
            return self.orders.contains(order);
        }
        if let Event::UpstreamTold { handoff, .. } | Event::DeliveryResolved { handoff, .. } = event {
            return self.sent.contains(handoff);
        }
        if let Event::HandoffEvaluated { by, of, .. } = event {
            return (whose.own)(*by) || (whose.own)(*of);
        }
        if let Event::ClockStarted { clock } = event {
            return self.clocks.contains(&clock.id);
        }
        if let Event::ClockMoved { clock, .. }
        | Event::ClockStopped { clock }
        | Event::ClockExtended { clock, .. }
        | Event::ClockRecomputed { clock, .. } = event
        {
            return self.clocks.contains(clock);
        }
        false
    }
}
