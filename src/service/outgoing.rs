//! What of an act goes out to upstream systems: handoffs, papers that came after them, that a system is to stop, and news.
//!
//! Rows of one case to one system leave in the order they were asked for, so a withdrawal waits for the handoff it
//! follows, and learns by then whether the system has anything to stop.

use std::collections::BTreeSet;

use onedoor_domain::actor::ActorKind;
use onedoor_domain::case::decide::Outcome;
use onedoor_domain::case::event::Event;
use onedoor_domain::case::state::Case;
use onedoor_domain::case::succession::Redirected;
use onedoor_domain::delivery::DeliveryKind;
use onedoor_domain::directory::Directory;
use onedoor_domain::handoff::{Handoff, HandoffState};
use onedoor_domain::id::{DeliveryId, HandoffId};
use onedoor_domain::timeline::StoredEvent;
use uuid::Uuid;

use crate::store::write_set::NewDelivery;
use crate::upstream::listeners::Listeners;

/// What follows from the events of an act.
pub(super) struct Outgoing {
    /// Rows for the outbox.
    pub(super) deliveries: Vec<NewDelivery>,
    /// Handoffs nobody wants delivered any more: of their deliveries those are cancelled of which surely nothing left.
    pub(super) unwanted: Vec<HandoffId>,
    /// Handoffs that their systems have answered by themselves.
    pub(super) answered: Vec<HandoffId>,
}

impl Outgoing {
    /// Reads the events of an act on a case; `before` is `None` for a new one.
    pub(super) fn of(
        before: Option<&Case>,
        outcome: &Outcome,
        listeners: &Listeners,
        directory: &Directory,
    ) -> Self {
        let mut outgoing = Self {
            deliveries: handed_over(outcome),
            unwanted: Vec::new(),
            answered: Vec::new(),
        };
        for (index, new) in outcome.events.iter().enumerate() {
            outgoing.follow(before, &outcome.case, index, &new.event);
            if let Event::HandoffAcknowledged { handoff } | Event::HandoffRefused { handoff, .. } = &new.event
                && new.by.kind == ActorKind::Upstream
            {
                outgoing.answered.push(*handoff);
            }
        }
        for (index, new) in outcome.events.iter().enumerate() {
            for upstream in listeners.to_tell(&outcome.case, &new.event, &new.by, directory) {
                outgoing.notify(&outcome.case, upstream, index);
            }
        }
        outgoing
    }

    /// News of an event, unless a message of its own tells the same system of it already. It stands beside the handoff that
    /// the system got last, else the one by which the case is held.
    fn notify(&mut self, case: &Case, upstream: &str, index: usize) {
        let told = |delivery: &NewDelivery| delivery.tells == Some(index) && delivery.upstream == upstream;
        let beside = latest(case, upstream)
            .or_else(|| case.holding())
            .or_else(|| case.handoffs.last());
        if let Some(handoff) = beside
            && !self.deliveries.iter().any(told)
        {
            self.tell(DeliveryKind::Notify, handoff.id, upstream, index);
        }
    }

    fn follow(&mut self, before: Option<&Case>, after: &Case, index: usize, event: &Event) {
        if let Event::MaterialsBrought { step: None, .. } = event {
            self.tell_holders(after, index);
        }
        if let Event::HandoffRecalled { handoff } | Event::HandoffWaived { handoff } = event {
            self.unwanted.push(*handoff);
            self.tell_to_stop(after, *handoff, index);
        }
        if matches!(event, Event::Withdrawn | Event::Voided | Event::Lapsed)
            && let Some(before) = before
        {
            self.tell_the_end(before, index);
        }
    }

    /// Papers that came: to every system at work on the case. One whose handoff is still on its way may have been written
    /// before they came, so it gets them too; papers may come twice, but never not at all.
    fn tell_holders(&mut self, case: &Case, index: usize) {
        for upstream in upstreams(case) {
            let at_work = latest(case, upstream).filter(|handoff| handoff.state.is_open());
            if let Some(handoff) = at_work {
                self.tell(DeliveryKind::Supplement, handoff.id, upstream, index);
            }
        }
    }

    /// A handoff that was taken back, unless the same system works on the case by another.
    fn tell_to_stop(&mut self, case: &Case, id: HandoffId, index: usize) {
        let Some(upstream) = case.handoff(id).and_then(|handoff| handoff.upstream.as_deref()) else {
            return;
        };
        let elsewhere = case
            .handoffs
            .iter()
            .any(|other| other.upstream.as_deref() == Some(upstream) && other.state.is_open());
        if !elsewhere {
            self.tell(DeliveryKind::Withdraw, id, upstream, index);
        }
    }

    /// The case is over before its time: every system that took it over, or may have, is to stop.
    fn tell_the_end(&mut self, before: &Case, index: usize) {
        for upstream in upstreams(before) {
            let Some(handoff) = latest(before, upstream) else {
                continue;
            };
            if handoff.state.awaits_answer() {
                self.unwanted.push(handoff.id);
            }
            let given_back = matches!(
                handoff.state,
                HandoffState::Refused | HandoffState::Recalled | HandoffState::Waived
            );
            if !given_back {
                self.tell(DeliveryKind::Withdraw, handoff.id, upstream, index);
            }
        }
    }

    fn tell(&mut self, kind: DeliveryKind, handoff: HandoffId, upstream: &str, index: usize) {
        let id = DeliveryId::from_uuid(Uuid::now_v7());
        self.deliveries.push(NewDelivery {
            id,
            handoff,
            upstream: upstream.to_owned(),
            kind,
            key: id.to_string(),
            tells: Some(index),
        });
    }
}

/// Names of the systems whose outbox such lines of a ledger may have filled.
pub(super) fn concerned<'a>(
    case: &'a Case,
    lines: &'a [StoredEvent],
    listeners: &'a Listeners,
    directory: &'a Directory,
) -> BTreeSet<&'a str> {
    let mut named = BTreeSet::new();
    for line in lines {
        let event = &line.event;
        named.extend(listeners.to_tell(case, event, &line.by, directory));
        named.extend(bound_offer(event).map(|(_, upstream)| upstream));
        named.extend(redirected(event).iter().filter_map(|one| one.upstream.as_deref()));
        let told = matches!(
            event,
            Event::MaterialsBrought { step: None, .. }
                | Event::HandoffRecalled { .. }
                | Event::HandoffWaived { .. }
                | Event::Withdrawn
                | Event::Voided
                | Event::Lapsed
                | Event::DeliveryResolved { .. }
                // what waited behind an uncertain delivery goes on
                | Event::HandoffAcknowledged { .. }
        );
        if told {
            named.extend(upstreams(case));
        }
    }
    named
}

/// Every handoff offered to a bound organization is delivered through the outbox, under a key of its own.
fn handed_over(outcome: &Outcome) -> Vec<NewDelivery> {
    let delivery = |handoff: &Handoff, upstream: &str| NewDelivery {
        id: DeliveryId::from_uuid(Uuid::now_v7()),
        handoff: handoff.id,
        upstream: upstream.to_owned(),
        kind: match outcome.case.external_number(upstream) {
            None => DeliveryKind::Submit,
            Some(_) => DeliveryKind::Transition,
        },
        key: handoff.id.to_string(),
        tells: None,
    };
    let offered = outcome.events.iter().filter_map(|new| bound_offer(&new.event));
    let redirected = outcome.events.iter().flat_map(|new| redirected(&new.event));
    let redirected =
        redirected.filter_map(|one| Some((outcome.case.handoff(one.handoff)?, one.upstream.as_deref()?)));
    offered
        .chain(redirected)
        .map(|(handoff, upstream)| delivery(handoff, upstream))
        .collect()
}

/// The handoff that an event offers to an upstream system, and that system.
fn bound_offer(event: &Event) -> Option<(&Handoff, &str)> {
    if let Event::HandoffOffered { handoff } = event
        && let Some(upstream) = &handoff.upstream
    {
        return Some((handoff, upstream));
    }
    None
}

/// The handoffs that an event sends elsewhere than before.
fn redirected(event: &Event) -> &[Redirected] {
    if let Event::WorkTakenOver { redirected, .. } = event {
        redirected
    } else {
        &[]
    }
}

/// The systems that a case was ever handed to.
fn upstreams(case: &Case) -> BTreeSet<&str> {
    case.handoffs
        .iter()
        .filter_map(|handoff| handoff.upstream.as_deref())
        .collect()
}

/// The last handoff to a system, one that is open before any that ended.
fn latest<'a>(case: &'a Case, upstream: &str) -> Option<&'a Handoff> {
    let given = || {
        case.handoffs
            .iter()
            .rev()
            .filter(move |handoff| handoff.upstream.as_deref() == Some(upstream))
    };
    given()
        .find(|handoff| handoff.state.is_open())
        .or_else(|| given().next())
}
