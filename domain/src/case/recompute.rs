//! Open due dates under another calendar: which move, and which must not.

use super::clocks::outside;
use super::decide::Work;
use super::event::Event;
use super::refusal::Refusal;
use crate::clock::{CaseClock, ClockKind, ClockState};
use crate::sla::{ClockRun, Pause};

impl Work<'_> {
    /// Computes every running clock again by the calendar in force. A clock that stands still has no due date; it gets
    /// one by the calendar of the day on which it resumes.
    pub(super) fn recompute(&mut self) -> Result<(), Refusal> {
        let running: Vec<CaseClock> = self
            .case
            .clocks
            .iter()
            .filter(|clock| clock.state == ClockState::Running)
            .cloned()
            .collect();
        for clock in running {
            let pauses: Vec<Pause> = clock
                .pauses
                .iter()
                .map(|pause| Pause {
                    from: pause.from,
                    until: pause.until,
                })
                .collect();
            let run = ClockRun::new(clock.started_at, clock.limit)
                .paused_by(&pauses)
                .extended_by(clock.extension_working_days);
            let (Some(before), Some(due)) = (clock.due_at, run.due(self.cx.calendar).map_err(outside)?)
            else {
                continue;
            };
            // 承诺 stands on the receipt: counted on official years, it never moves later
            let promised = clock.kind == ClockKind::Promise && clock.firm && !clock.provisional;
            let due_at = if promised { due.at.min(before) } else { due.at };
            if (due_at, due.provisional) != (before, clock.provisional) {
                self.emit(Event::ClockRecomputed {
                    clock: clock.id,
                    due_at,
                    provisional: due.provisional,
                    calendar: self.cx.calendar.version(),
                });
            }
        }
        Ok(())
    }
}
