//! Starting, pausing and stopping the clocks of a case.

use chrono::{DateTime, Duration, Utc};

use super::decide::Work;
use super::event::Event;
use super::refusal::Refusal;
use super::state::CaseStatus;
use crate::clock::{CaseClock, ClockKind, ClockState, Pause};
use crate::id::{ClockId, OrganizationId};
use crate::limit::Limit;
use crate::sla::{self, ClockRun};

/// Special procedures and steps outside the counted chain, where the item gives no limit (DOMAIN §1).
const LIMIT_UNSTATED: Limit = Limit::working_days(30);
/// Bringing what is missing (DOMAIN §3).
const SUPPLEMENT: Limit = Limit::working_days(30);
/// Handing over the result (行政许可法 art. 44).
const DELIVERY: Limit = Limit::working_days(10);

impl Work<'_> {
    /// Starts a clock now; `fill` names what it belongs to.
    pub(super) fn start_clock(
        &mut self,
        kind: ClockKind,
        limit: Limit,
        fill: impl FnOnce(&mut CaseClock),
    ) -> Result<(), Refusal> {
        self.start_clock_at(self.cx.now, kind, limit, fill)
    }

    /// Starts a clock that has run since an instant of the past.
    pub(super) fn start_clock_at(
        &mut self,
        since: DateTime<Utc>,
        kind: ClockKind,
        limit: Limit,
        fill: impl FnOnce(&mut CaseClock),
    ) -> Result<(), Refusal> {
        let due = sla::due(since, limit, self.cx.calendar).map_err(outside)?;
        let mut clock = CaseClock {
            id: ClockId::from_uuid((self.cx.ids)()),
            kind,
            state: ClockState::Running,
            limit,
            step: None,
            handoff: None,
            holder: self.case.owner,
            started_at: since,
            due_at: Some(due.at),
            provisional: due.provisional,
            calendar: self.cx.calendar.version(),
            stopped_at: None,
            pauses: Vec::new(),
            extension_working_days: 0,
            epoch: 0,
            epoch_from: None,
            last_due_at: Some(due.at),
            firm: !due.provisional,
        };
        fill(&mut clock);
        clock.last_due_at = clock.due_at;
        self.emit(Event::ClockStarted {
            clock: Box::new(clock),
        });
        Ok(())
    }

    /// ACCEPTANCE runs from the offer into the accepting step and is not started twice.
    pub(super) fn start_acceptance(&mut self, step: usize, holder: OrganizationId) -> Result<(), Refusal> {
        if self
            .case
            .clocks
            .iter()
            .any(|clock| clock.kind == ClockKind::Acceptance && clock.state != ClockState::Stopped)
        {
            return Ok(());
        }
        self.start_clock(ClockKind::Acceptance, self.cx.item.acceptance_limit(), |clock| {
            clock.step = Some(step);
            clock.holder = Some(holder);
        })
    }

    /// STEP, one per route step; a step that is offered again keeps its clock.
    pub(super) fn start_step(&mut self, step: usize, holder: OrganizationId) -> Result<(), Refusal> {
        self.start_step_at(self.cx.now, step, holder)
    }

    /// STEP of a step that has run since an instant of the past.
    pub(super) fn start_step_at(
        &mut self,
        since: DateTime<Utc>,
        step: usize,
        holder: OrganizationId,
    ) -> Result<(), Refusal> {
        let running = |clock: &CaseClock| {
            clock.kind == ClockKind::Step && clock.step == Some(step) && clock.state != ClockState::Stopped
        };
        if self.case.clocks.iter().any(running) {
            return Ok(());
        }
        let limit = self
            .cx
            .item
            .route
            .get(step)
            .and_then(|step| step.limit)
            .unwrap_or(LIMIT_UNSTATED);
        self.start_clock_at(since, ClockKind::Step, limit, |clock| {
            clock.step = Some(step);
            clock.holder = Some(holder);
        })
    }

    /// SPECIAL: its own limit, else 30 working days.
    pub(super) fn start_special(&mut self, step: usize, limit: Option<Limit>) -> Result<(), Refusal> {
        let limit = limit.unwrap_or(LIMIT_UNSTATED);
        self.start_clock(ClockKind::Special, limit, |clock| clock.step = Some(step))
    }

    /// SUPPLEMENT, from the request.
    pub(super) fn start_supplement(&mut self) -> Result<(), Refusal> {
        let step = self.case.step;
        self.start_clock(ClockKind::Supplement, SUPPLEMENT, |clock| clock.step = Some(step))
    }

    /// DELIVERY, from the decision.
    pub(super) fn start_delivery(&mut self) -> Result<(), Refusal> {
        self.start_clock(ClockKind::Delivery, DELIVERY, |_| {})
    }

    /// Stops every clock that still counts and fits.
    pub(super) fn stop_clocks(&mut self, fits: impl Fn(&CaseClock) -> bool) {
        let ended: Vec<ClockId> = self
            .case
            .clocks
            .iter()
            .filter(|clock| clock.state != ClockState::Stopped && fits(clock))
            .map(|clock| clock.id)
            .collect();
        for clock in ended {
            self.emit(Event::ClockStopped { clock });
        }
    }

    /// Pauses every running clock that fits: there is no due date until it resumes.
    pub(super) fn pause_clocks(&mut self, fits: impl Fn(&CaseClock) -> bool) {
        let running: Vec<CaseClock> = self
            .case
            .clocks
            .iter()
            .filter(|clock| clock.state == ClockState::Running && fits(clock))
            .cloned()
            .collect();
        for clock in running {
            let mut pauses = clock.pauses;
            pauses.push(Pause {
                from: self.cx.now,
                until: None,
            });
            self.emit(Event::ClockMoved {
                clock: clock.id,
                state: ClockState::Paused,
                due_at: None,
                provisional: clock.provisional,
                pauses,
            });
        }
    }

    /// The clocks of the law and of the steps stand still.
    pub(super) fn pause_case(&mut self) {
        self.pause_clocks(|clock| legal(clock) || clock.kind == ClockKind::Step);
    }

    /// They go on from an instant; a step that also waits for work beside it still stands.
    pub(super) fn resume_case(&mut self, at: DateTime<Utc>) -> Result<(), Refusal> {
        let stands = self.case.step;
        let waits = self.case.open_required().next().is_some();
        self.resume_clocks_at(at, |clock| {
            legal(clock) || clock.kind == ClockKind::Step && !(waits && clock.step == Some(stands))
        })
    }

    /// Whether a special procedure or a supplement keeps the clocks still.
    pub(super) const fn is_paused(&self) -> bool {
        matches!(
            self.case.status,
            CaseStatus::SpecialProcedure | CaseStatus::AwaitingSupplement
        )
    }

    /// When a special procedure that ends now ended at the latest: the last instant of its limit.
    pub(super) fn special_ended_at(&self) -> DateTime<Utc> {
        let due = self
            .case
            .clocks
            .iter()
            .find(|clock| clock.kind == ClockKind::Special && clock.state == ClockState::Running)
            .and_then(|clock| clock.due_at);
        due.map_or(self.cx.now, |due| {
            self.cx.now.min(due - Duration::microseconds(1))
        })
    }

    /// Lets a clock that has ended run on, as if it had only been paused since.
    pub(super) fn run_on(&mut self, clock: &CaseClock) -> Result<(), Refusal> {
        let mut pauses = clock.pauses.clone();
        pauses.push(Pause {
            from: clock.stopped_at.unwrap_or(self.cx.now),
            until: Some(self.cx.now),
        });
        self.run_with(clock, pauses)
    }

    /// Resumes every paused clock that fits, with the excluded days added.
    pub(super) fn resume_clocks(&mut self, fits: impl Fn(&CaseClock) -> bool) -> Result<(), Refusal> {
        self.resume_clocks_at(self.cx.now, fits)
    }

    fn resume_clocks_at(
        &mut self,
        at: DateTime<Utc>,
        fits: impl Fn(&CaseClock) -> bool,
    ) -> Result<(), Refusal> {
        let paused: Vec<CaseClock> = self
            .case
            .clocks
            .iter()
            .filter(|clock| clock.state == ClockState::Paused && fits(clock))
            .cloned()
            .collect();
        for clock in paused {
            let mut pauses = clock.pauses.clone();
            if let Some(open) = pauses.last_mut() {
                open.until = Some(at.max(open.from));
            }
            self.run_with(&clock, pauses)?;
        }
        Ok(())
    }

    /// Sets a clock running with these stretches that do not count.
    fn run_with(&mut self, clock: &CaseClock, pauses: Vec<Pause>) -> Result<(), Refusal> {
        let excluded = as_sla(&pauses);
        let run = ClockRun::new(clock.started_at, clock.limit)
            .paused_by(&excluded)
            .extended_by(clock.extension_working_days);
        let due = run.due(self.cx.calendar).map_err(outside)?;
        self.emit(Event::ClockMoved {
            clock: clock.id,
            state: ClockState::Running,
            due_at: due.map(|due| due.at),
            provisional: due.is_some_and(|due| due.provisional),
            pauses,
        });
        Ok(())
    }
}

/// The clocks that a special procedure and a supplement pause, and that an extension moves.
pub(super) const fn legal(clock: &CaseClock) -> bool {
    matches!(clock.kind, ClockKind::Statutory | ClockKind::Promise)
}

/// Pauses as the rules of limits take them.
pub(super) fn as_sla(pauses: &[Pause]) -> Vec<sla::Pause> {
    let taken = |pause: &Pause| sla::Pause {
        from: pause.from,
        until: pause.until,
    };
    pauses.iter().map(taken).collect()
}

/// Every calendar error here means one thing to the caller: the date cannot be computed.
pub(super) fn outside(error: crate::calendar::CalendarError) -> Refusal {
    let _: crate::calendar::CalendarError = error;
    Refusal::OutsideCalendar
}
