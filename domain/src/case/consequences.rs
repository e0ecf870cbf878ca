//! What follows when a clock of an application runs out: deemed acceptance, lapse, a special procedure's end, owed
//! papers missed. Each rule adds its call to those of a tick, and says what follows from it.

use chrono::{DateTime, Utc};

use super::decide::Work;
use super::event::Event;
use super::refusal::Refusal;
use super::route_walk::Beside;
use super::state::CaseStatus;
use super::submit::Papers;
use super::tick::{Call, Saying};
use crate::clock::{CaseClock, ClockKind, ClockState};
use crate::handoff::Handoff;
use crate::id::ClockId;
use crate::sla::{Due, start_of_working_day_after};

/// The gateway's clock, as the ledger names it.
const CLOCK: &str = "clock";

/// When each of these is true; none for what was said already.
impl Work<'_> {
    /// At the due instant of SPECIAL.
    pub(super) fn ending_special_procedure(&self, calls: &mut Vec<Call>) {
        if self.case.status == CaseStatus::SpecialProcedure {
            calls.extend(self.calls_of(ClockKind::Special, Saying::SpecialProcedureOver));
        }
    }

    /// At the due instant of OWED, once per day agreed.
    pub(super) fn missing_owed(&self, calls: &mut Vec<Call>) {
        let unsaid = |clock: &ClockId| {
            self.case
                .outstanding()
                .any(|owed| owed.clock == *clock && !owed.missed)
        };
        let owed = self.calls_of(ClockKind::Owed, Saying::OwedMissed);
        calls.extend(owed.filter(|call| matches!(call.saying, Saying::OwedMissed(clock) if unsaid(&clock))));
    }

    /// At the due instant of SUPPLEMENT.
    pub(super) fn lapsing(&self, calls: &mut Vec<Call>) {
        if self.case.status == CaseStatus::AwaitingSupplement {
            calls.extend(self.calls_of(ClockKind::Supplement, Saying::Lapsed));
        }
    }

    /// At 00:00 of the working day after the due day of ACCEPTANCE; the default for licences alone.
    pub(super) fn deeming_acceptance(&self, calls: &mut Vec<Call>) -> Result<(), Refusal> {
        if let Some((at, clock)) = self.deemed_at()? {
            calls.push(Call {
                at,
                saying: Saying::DeemedAccepted(clock.id),
            });
        }
        Ok(())
    }

    fn calls_of(&self, kind: ClockKind, say: impl Fn(ClockId) -> Saying) -> impl Iterator<Item = Call> {
        let running = self
            .case
            .clocks
            .iter()
            .filter(move |clock| clock.kind == kind && clock.state == ClockState::Running);
        running.filter_map(move |clock| {
            Some(Call {
                at: clock.due_at?,
                saying: say(clock.id),
            })
        })
    }

    fn deemed_at(&self) -> Result<Option<(DateTime<Utc>, &CaseClock)>, Refusal> {
        if self.case.status != CaseStatus::Submitted || !self.cx.item.deemed_acceptance() {
            return Ok(None);
        }
        let running =
            |clock: &&CaseClock| clock.kind == ClockKind::Acceptance && clock.state == ClockState::Running;
        let Some(clock) = self.case.clocks.iter().find(running) else {
            return Ok(None);
        };
        let Some(due_at) = clock.due_at else {
            return Ok(None);
        };
        let due = Due {
            at: due_at,
            provisional: clock.provisional,
        };
        let at = start_of_working_day_after(due, self.cx.calendar).map_err(super::clocks::outside)?;
        Ok(Some((at, clock)))
    }
}

/// What follows from each.
impl Work<'_> {
    /// The case returns to review; its clocks go on from the end of the limit, however late this is said.
    pub(super) fn special_procedure_over(&mut self) -> Result<(), Refusal> {
        self.as_system(CLOCK, Self::leave_special)
    }

    /// What was owed did not come in time: a denial for that reason is proposed.
    pub(super) fn owed_missed(&mut self, clock: ClockId) -> Result<(), Refusal> {
        let materials: Vec<String> = self
            .case
            .outstanding()
            .filter(|owed| owed.clock == clock && !owed.missed)
            .map(|owed| owed.material.clone())
            .collect();
        self.as_system(CLOCK, |work| {
            work.emit(Event::OwedMissed { materials });
            Ok(())
        })
    }

    /// The supplement did not come in time.
    pub(super) fn lapse(&mut self) -> Result<(), Refusal> {
        self.as_system(CLOCK, |work| {
            work.end_as(Event::Lapsed, None);
            Ok(())
        })
    }

    /// 视为受理: acknowledges the handoff into the accepting step, offering it first if none is open. Never undone by
    /// a later calendar, because it is an event by then.
    pub(super) fn deem_accepted(&mut self, clock: ClockId) -> Result<(), Refusal> {
        let since = self
            .case
            .clocks
            .iter()
            .find(|other| other.id == clock)
            .map_or(self.cx.now, |clock| clock.started_at);
        self.as_system(CLOCK, |work| {
            let accepting = work.cx.item.accepting_step();
            let elsewhere = |open: &&Handoff| open.step != accepting;
            if let Some(open) = work.case.open_owning().filter(elsewhere).map(|open| open.id) {
                work.take_back(open);
            }
            if work.case.open_owning().is_none()
                && work.case.stands() != accepting
                && let Some(index) = accepting
                && let Some(to) = work.case.route.get(index).copied().flatten()
            {
                work.leave_step()?;
                work.offer_step(index, to, Beside::No, &Papers::default())?;
            }
            if let Some(open) = work.case.open_owning().map(|open| open.id) {
                work.acknowledge(open)?;
            }
            work.accept_since(since, Event::DeemedAccepted { since })
        })
    }

    /// An act that comes after the instant of deemed acceptance finds the case accepted, however late the clocks are.
    pub(super) fn deem_if_due(&mut self) -> Result<(), Refusal> {
        match self.deemed_at()? {
            Some((at, clock)) if at <= self.cx.now => {
                let clock = clock.id;
                self.deem_accepted(clock)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// A supplement that comes after its last day finds the case lapsed.
    pub(super) fn lapse_if_due(&mut self) -> Result<(), Refusal> {
        let late = |clock: &CaseClock| clock.kind == ClockKind::Supplement && clock.is_overdue(self.cx.now);
        if self.case.status == CaseStatus::AwaitingSupplement && self.case.clocks.iter().any(late) {
            return self.lapse();
        }
        Ok(())
    }
}
