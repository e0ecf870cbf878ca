//! Cards on a case: which clock raises which card on whom, appeals, and cancelling by the level above.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::clocks::outside;
use super::decide::Work;
use super::event::Event;
use super::refusal::{Refusal, Why};
use super::state::Case;
use crate::card::{Card, CardCause, CardDesk, CardState, Place, Rung};
use crate::clock::{CaseClock, ClockKind, ClockState};
use crate::handoff::Handoff;
use crate::id::{CardId, ClockId, DivisionId, OrganizationId};
use crate::route::HandoffKind;
use crate::sla::ladder::{Climb, Ladder};

impl Work<'_> {
    /// The rungs that running clocks have still to come to, with their instants.
    pub(super) fn rungs_ahead(&self) -> Result<Vec<(DateTime<Utc>, ClockId, Rung)>, Refusal> {
        let mut ahead = Vec::new();
        for clock in &self.case.clocks {
            let (Some(due_at), Some(climb)) = (clock.due_at, climb(clock.kind)) else {
                continue;
            };
            if clock.state != ClockState::Running {
                continue;
            }
            let ladder = Ladder {
                climb,
                limit: clock.limit,
                start: clock.started_at,
                due_at,
                anew_from: clock.epoch_from,
                levels_above: self.places_of(clock).len().saturating_sub(1),
                silence_decides: clock.kind == ClockKind::Acceptance && self.cx.item.deemed_acceptance(),
            };
            for (rung, at) in ladder.rungs(self.cx.calendar).map_err(outside)? {
                let stands = |card: &Card| card.is_of(clock.id, rung, clock.epoch);
                if !self.case.cards.iter().any(stands) {
                    ahead.push((at, clock.id, rung));
                }
            }
        }
        Ok(ahead)
    }

    fn places_of(&self, clock: &CaseClock) -> Vec<Place> {
        self.case
            .holder_of(clock)
            .map(|(holder, _)| (self.cx.places)(holder))
            .unwrap_or_default()
    }

    /// Raises the card of a clock that came to a rung.
    pub(super) fn raise_card(&mut self, clock: ClockId, rung: Rung, due_at: DateTime<Utc>) {
        let Some(clock) = self.case.clock(clock).cloned() else {
            return;
        };
        let (holder, desk) = self.case.holder_of(&clock).unzip();
        let places = self.places_of(&clock);
        let place = places.get(rung.levels_up()).or(places.last());
        let card = Card {
            id: CardId::from_uuid((self.cx.ids)()),
            cause: CardCause::Clock {
                clock: clock.id,
                kind: clock.kind,
                epoch: clock.epoch,
            },
            rung,
            holder,
            desk: desk.unwrap_or(CardDesk::Supervisor),
            division: place.map(|place| place.division),
            level: place.map(|place| place.level),
            due_at,
            raised_at: self.cx.now,
            state: CardState::Raised,
            appealed_at: None,
            cancelled_at: None,
        };
        self.emit(Event::CardRaised { card: Box::new(card) });
    }

    /// A card by hand on whoever decided or declined last, for refusing a complete application or giving no reason.
    pub(super) fn issue_card(
        &mut self,
        cause: CardCause,
        to: OrganizationId,
        by: DivisionId,
        text: &str,
    ) -> Result<(), Refusal> {
        if !self.case.ever_at(to) {
            return Err(Refusal::NotAHolder);
        }
        let places = (self.cx.places)(to);
        self.must_stand_above(&places, None, by)?;
        let place = places.first();
        let card = Card {
            id: CardId::from_uuid((self.cx.ids)()),
            cause,
            rung: Rung::Yellow,
            holder: Some(to),
            desk: CardDesk::Holder,
            division: place.map(|place| place.division),
            level: place.map(|place| place.level),
            due_at: self.cx.now,
            raised_at: self.cx.now,
            state: CardState::Raised,
            appealed_at: None,
            cancelled_at: None,
        };
        self.emit_with(
            Event::CardRaised { card: Box::new(card) },
            Some(json!({ "reason": text })),
        );
        Ok(())
    }

    /// 申诉 by an officer of the organization that holds the card.
    pub(super) fn appeal_card(&mut self, id: CardId, reason: &str) -> Result<(), Refusal> {
        let own = self.acting()?;
        let card = self.card(id)?;
        if card.holder != Some(own) {
            return Err(Refusal::WrongOrganization);
        }
        self.require(card.state == CardState::Raised, Why::AlreadyAnswered)?;
        self.emit_with(
            Event::CardAppealed { card: id },
            Some(json!({ "reason": reason })),
        );
        Ok(())
    }

    /// 撤销 by a supervisor above the card's level; the city judges its own.
    pub(super) fn cancel_card(&mut self, id: CardId, by: DivisionId, reason: &str) -> Result<(), Refusal> {
        let card = self.card(id)?;
        let places = card
            .holder
            .map(|holder| (self.cx.places)(holder))
            .unwrap_or_default();
        self.must_stand_above(&places, card.division, by)?;
        self.require(card.state != CardState::Cancelled, Why::AlreadyAnswered)?;
        self.emit_with(
            Event::CardCancelled { card: id },
            Some(json!({ "reason": reason })),
        );
        Ok(())
    }

    /// Refuses unless `by` stands above `level_of` (the first place when `None`), or is the topmost itself.
    fn must_stand_above(
        &self,
        places: &[Place],
        level_of: Option<DivisionId>,
        by: DivisionId,
    ) -> Result<(), Refusal> {
        let at = |division| places.iter().position(|place| place.division == division);
        let Some(judge) = at(by) else {
            return Err(Refusal::LevelTooLow);
        };
        let own = level_of.and_then(at).unwrap_or(0);
        let topmost = judge + 1 == places.len();
        if judge > own || judge == own && topmost {
            Ok(())
        } else {
            Err(Refusal::LevelTooLow)
        }
    }

    fn card(&self, id: CardId) -> Result<Card, Refusal> {
        self.case
            .cards
            .iter()
            .find(|card| card.id == id)
            .cloned()
            .ok_or(Refusal::UnknownCard)
    }
}

/// How high a clock of a kind climbs; `None`: the applicant holds it, and no card falls on a resident.
const fn climb(kind: ClockKind) -> Option<Climb> {
    match kind {
        ClockKind::Statutory => Some(Climb::Statutory),
        ClockKind::Promise | ClockKind::Step => Some(Climb::Climbing),
        ClockKind::Acceptance
        | ClockKind::HandoffAck
        | ClockKind::Special
        | ClockKind::Delivery
        | ClockKind::Owed
        | ClockKind::Supervision
        | ClockKind::Contact
        | ClockKind::Rectify => Some(Climb::Flat),
        ClockKind::Supplement => None,
    }
}

/// What an event of supervision does to the cards, orders and clocks of a case.
pub(super) fn apply(case: &mut Case, event: &Event, at: DateTime<Utc>) {
    let card = |case: &mut Case, id: CardId, state, change: fn(&mut Card, DateTime<Utc>)| {
        let found = case.cards.iter_mut().find(|card| card.id == id)?;
        found.state = state;
        change(found, at);
        Some(found.cause)
    };
    if let Event::CardRaised { card } = event {
        case.cards.push((**card).clone());
    }
    if let Event::CardAppealed { card: id } = event {
        card(case, *id, CardState::Appealed, |card, at| {
            card.appealed_at = Some(at)
        });
    }
    if let Event::CardCancelled { card: id } = event {
        let cause = card(case, *id, CardState::Cancelled, |card, at| {
            card.cancelled_at = Some(at)
        });
        // the ladder of its clock begins anew
        if let Some(CardCause::Clock { clock, epoch, .. }) = cause
            && let Some(clock) = case.clocks.iter_mut().find(|other| other.id == clock)
            && clock.epoch == epoch
        {
            clock.epoch += 1;
            clock.epoch_from = Some(at);
        }
    }
    if let Event::SupervisionOrdered { order } = event {
        case.orders.push((**order).clone());
    }
    if let Event::SupervisionAnswered { order } = event
        && let Some(order) = case.orders.iter_mut().find(|other| other.id == *order)
    {
        order.answered_at = Some(at);
    }
}

impl Case {
    /// A clock of this case.
    #[must_use]
    pub fn clock(&self, id: ClockId) -> Option<&CaseClock> {
        self.clocks.iter().find(|clock| clock.id == id)
    }

    /// Who answers for a clock now, and on whose list its cards lie; `None`: nobody.
    #[must_use]
    pub fn holder_of(&self, clock: &CaseClock) -> Option<(OrganizationId, CardDesk)> {
        let of_handoff = |handoff: &Handoff| {
            let desk = match (handoff.state.awaits_answer(), &handoff.upstream) {
                (true, Some(_)) => CardDesk::UpstreamOperator,
                (true, None) => CardDesk::Supervisor,
                (false, _) => CardDesk::Holder,
            };
            (handoff.to, desk)
        };
        let owner = || self.owner.or(clock.holder).map(|owner| (owner, CardDesk::Holder));
        let latest_open = |fits: &dyn Fn(&Handoff) -> bool| {
            self.handoffs
                .iter()
                .rev()
                .find(|handoff| handoff.state.is_open() && fits(handoff))
        };
        match clock.kind {
            ClockKind::HandoffAck => clock
                .handoff
                .and_then(|id| self.handoff(id))
                .map(of_handoff)
                .or_else(owner),
            ClockKind::Acceptance | ClockKind::Step => {
                latest_open(&|handoff| clock.step.is_some() && handoff.step == clock.step)
                    .map(of_handoff)
                    .or(clock.holder.map(|holder| (holder, CardDesk::Holder)))
                    .or_else(owner)
            }
            ClockKind::Delivery => latest_open(&|handoff| handoff.kind == HandoffKind::Delivery)
                .map(of_handoff)
                .or_else(owner),
            ClockKind::Statutory | ClockKind::Promise | ClockKind::Special | ClockKind::Owed => owner(),
            ClockKind::Supplement => None,
            ClockKind::Supervision | ClockKind::Contact | ClockKind::Rectify => {
                clock.holder.map(|holder| (holder, CardDesk::Holder))
            }
        }
    }

    /// Whether a card says something of the present: it stands, and its clock runs on in the epoch it was raised in.
    #[must_use]
    pub fn is_current(&self, card: &Card) -> bool {
        card.state != CardState::Cancelled
            && match card.cause {
                CardCause::Clock { clock, epoch, .. } => self
                    .clock(clock)
                    .is_some_and(|clock| clock.state != ClockState::Stopped && clock.epoch == epoch),
                CardCause::CompleteRefused | CardCause::NoReason => true,
            }
    }

    /// The highest card that says something of the present.
    #[must_use]
    pub fn highest_card(&self) -> Option<Rung> {
        self.cards
            .iter()
            .filter(|card| self.is_current(card))
            .map(|card| card.rung)
            .max()
    }
}
