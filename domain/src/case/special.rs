//! Special procedures (特别程序): of kind 2 the clocks stand still, of kind 1 the limits are extended once.

use serde_json::json;

use super::clocks::{as_sla, legal, outside};
use super::decide::Work;
use super::event::Event;
use super::refusal::{Refusal, Why};
use super::state::CaseStatus;
use crate::clock::{CaseClock, ClockKind, ClockState};
use crate::item::ItemVersion;
use crate::limit::Limit;
use crate::route::HandoffKind;
use crate::sla::ClockRun;

/// Longest special procedure that is begun by hand, working days: a year.
pub const SPECIAL_WORKING_DAYS_MAX: u32 = 250;

/// By how many working days the limits of an item can be extended: 10, or 15 where offices sign together.
#[must_use]
pub fn extension_max(item: &ItemVersion) -> u32 {
    let together = item
        .route
        .iter()
        .any(|step| matches!(step.handoff, HandoffKind::Countersign | HandoffKind::JointReview));
    if together { 15 } else { 10 }
}

impl Work<'_> {
    /// Kind 2: hearing, survey, expert review … the applicant is told in writing, the clocks stand still.
    pub(super) fn begin_special(&mut self, reason: &str, limit_days: Option<u32>) -> Result<(), Refusal> {
        self.must_be_in_review()?;
        if reason.trim().is_empty() {
            return Err(Refusal::FieldRequired { field: "reason" });
        }
        if limit_days.is_some_and(|days| days == 0 || days > SPECIAL_WORKING_DAYS_MAX) {
            return Err(Refusal::DaysOutOfBounds {
                max: SPECIAL_WORKING_DAYS_MAX,
            });
        }
        self.begin_review();
        let step = self.case.step;
        self.emit_with(
            Event::SpecialProcedureBegun { step },
            Some(json!({ "reason": reason })),
        );
        self.pause_case();
        self.start_special(step, limit_days.map(Limit::working_days))
    }

    /// It is over; one that is a step of the route lasts its shortest time.
    pub(super) fn end_special(&mut self) -> Result<(), Refusal> {
        self.act_as_owner()?;
        self.require(self.case.status == CaseStatus::SpecialProcedure, Why::Status)?;
        if self.is_special(self.case.step) {
            let since = self.case.holding().and_then(|holding| holding.acknowledged_at);
            self.must_have_lasted(Some(self.case.step), since)?;
        }
        self.leave_special()
    }

    /// Back to review; the clocks go on where the procedure ended, at the latest where its limit did.
    pub(super) fn leave_special(&mut self) -> Result<(), Refusal> {
        let ended_at = self.special_ended_at();
        self.stop_clocks(|clock| clock.kind == ClockKind::Special);
        self.emit(Event::SpecialProcedureEnded);
        self.resume_case(ended_at)
    }

    /// 延长审批, kind 1: once, before STATUTORY passes; STATUTORY and PROMISE get more time.
    pub(super) fn extend(&mut self, working_days: u32, reason: &str) -> Result<(), Refusal> {
        self.must_be_in_review()?;
        if reason.trim().is_empty() {
            return Err(Refusal::FieldRequired { field: "reason" });
        }
        let max = extension_max(self.cx.item);
        if working_days == 0 || working_days > max {
            return Err(Refusal::DaysOutOfBounds { max });
        }
        let in_time = self.case.clocks.iter().any(|clock| {
            clock.kind == ClockKind::Statutory
                && clock.state == ClockState::Running
                && !clock.is_overdue(self.cx.now)
        });
        self.require(in_time && self.case.extended_by.is_none(), Why::NotExtendable)?;
        self.begin_review();
        self.emit_with(
            Event::Extended { working_days },
            Some(json!({ "reason": reason })),
        );
        let moved: Vec<CaseClock> = self
            .case
            .clocks
            .iter()
            .filter(|clock| clock.state == ClockState::Running && legal(clock))
            .cloned()
            .collect();
        for clock in moved {
            let pauses = as_sla(&clock.pauses);
            let run = ClockRun::new(clock.started_at, clock.limit)
                .paused_by(&pauses)
                .extended_by(working_days);
            if let Some(due) = run.due(self.cx.calendar).map_err(outside)? {
                self.emit(Event::ClockExtended {
                    clock: clock.id,
                    working_days,
                    due_at: due.at,
                    provisional: due.provisional,
                });
            }
        }
        Ok(())
    }

    /// The owner acts on a case under review that nobody else is offered.
    fn must_be_in_review(&mut self) -> Result<(), Refusal> {
        self.act_as_owner()?;
        let in_review = matches!(self.case.status, CaseStatus::Accepted | CaseStatus::InReview);
        self.require(in_review, Why::Status)?;
        self.require(self.case.open_owning().is_none(), Why::HandoffOpen)
    }
}
