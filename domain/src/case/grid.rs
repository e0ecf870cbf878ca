//! The closed loop of a grid event (四级网格): reported, assigned, handled, fed back, checked, and again where the
//! check fails.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::command::By;
use super::decide::Work;
use super::event::Event;
use super::refusal::{Refusal, Why};
use super::state::{Case, CaseStatus};
use crate::actor::ActorKind;
use crate::clock::{CaseClock, ClockKind, ClockState};
use crate::handoff::{Handoff, HandoffState};
use crate::item::{CaseKind, ItemVersion};
use crate::limit::Limit;
use crate::route::HandoffKind;
use crate::sla;

/// How long a completed grid event can be opened again, counted from its completion.
const REOPEN: Limit = Limit::calendar_days(30);

/// The word for the state of a grid event; the states themselves are those of every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GridStatus {
    /// 已上报 = SUBMITTED.
    Reported,
    /// 已派遣 = ACCEPTED.
    Assigned,
    /// 处置中 = IN_REVIEW.
    Handling,
    /// 已反馈 = DECIDED.
    FedBack,
    /// 已核查 = COMPLETED.
    Checked,
}

impl GridStatus {
    /// The word for a state; `None`: grid events have no word of their own for it.
    #[must_use]
    pub const fn of(status: CaseStatus) -> Option<Self> {
        match status {
            CaseStatus::Submitted => Some(Self::Reported),
            CaseStatus::Accepted => Some(Self::Assigned),
            CaseStatus::InReview => Some(Self::Handling),
            CaseStatus::Decided => Some(Self::FedBack),
            CaseStatus::Completed => Some(Self::Checked),
            CaseStatus::AwaitingSupplement
            | CaseStatus::SpecialProcedure
            | CaseStatus::Delivered
            | CaseStatus::NotAccepted
            | CaseStatus::Lapsed
            | CaseStatus::Withdrawn
            | CaseStatus::Voided => None,
        }
    }
}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CheckResult {
    /// What was fed back is true: the event is closed.
    Pass,
    /// It is not: the resolver has it again.
    Fail,
}

/// How often a grid event went round its loop.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GridLoop {
    /// Checks that failed.
    pub failed_checks: u32,
    /// How often it was opened again after a check that had passed.
    pub reopenings: u32,
    /// When the last check passed; `None` while it is open.
    #[serde(with = "chrono::serde::ts_microseconds_option", default)]
    pub checked_at: Option<DateTime<Utc>>,
}

/// Whether a grid event waits for its check.
pub(super) fn awaits_check(case: &Case) -> bool {
    case.kind == CaseKind::Grid && case.status == CaseStatus::Decided
}

/// The open VERIFY handoff: the one open step behind the deciding one.
fn open_verify<'a>(case: &'a Case, item: &ItemVersion) -> Option<&'a Handoff> {
    case.handoffs.iter().find(|handoff| {
        handoff.state.is_open() && handoff.step.is_some() && handoff.step == item.verify_step()
    })
}

/// Whether the work to be judged is this person's own: the resolver's, for a supervisor whatever they ever signed for.
fn is_own_work(case: &Case, by: &By) -> bool {
    let mine = |subject: &Option<String>| subject.as_ref() == Some(&by.subject);
    mine(&case.decided_by)
        || by.kind == ActorKind::Supervisor
            && case.handoffs.iter().any(|handoff| mine(&handoff.acknowledged_by))
}

/// In whose name the gateway gives an event to its resolver again.
const REASSIGNMENT: &str = "reassignment";

/// Whether a handoff gave an event to its resolver again. The gateway signs for it at once, so that the event is never
/// without an owner; where a system resolves, that system is still to be told.
#[must_use]
pub fn is_second_round(handoff: &Handoff) -> bool {
    handoff.kind == HandoffKind::Assign
        && handoff.state == HandoffState::Acknowledged
        && handoff.acknowledged_at == Some(handoff.offered_at)
        && handoff.acknowledged_by.as_deref() == Some(REASSIGNMENT)
}

/// Whether this actor could check a grid event now.
pub(super) fn can_check(case: &Case, item: &ItemVersion, by: &By) -> bool {
    let addressed = |handoff: &Handoff| Some(handoff.to) == by.organization && handoff.upstream.is_none();
    let in_charge = match by.kind {
        ActorKind::Supervisor => true,
        ActorKind::Clerk | ActorKind::Officer => open_verify(case, item).is_some_and(addressed),
        ActorKind::Anonymous
        | ActorKind::Citizen
        | ActorKind::Kiosk
        | ActorKind::Auditor
        | ActorKind::SystemAdmin
        | ActorKind::SecurityAdmin
        | ActorKind::AuditAdmin
        | ActorKind::Upstream
        | ActorKind::System => false,
    };
    in_charge && awaits_check(case) && !is_own_work(case, by)
}

/// Whether this actor could open a completed grid event again, if that is not too late.
pub(super) fn can_reopen(case: &Case, by: &By) -> bool {
    by.kind == ActorKind::Supervisor
        && case.kind == CaseKind::Grid
        && case.status == CaseStatus::Completed
        && !is_own_work(case, by)
}

impl Work<'_> {
    /// 核查 by the reporting grid, or by a supervisor; never by whoever resolved it.
    pub(super) fn check_grid_event(
        &mut self,
        result: CheckResult,
        text: Option<&str>,
    ) -> Result<(), Refusal> {
        self.require(awaits_check(&self.case), Why::Status)?;
        let verify = open_verify(&self.case, self.cx.item).cloned();
        let addressed = verify
            .as_ref()
            .is_some_and(|handoff| Some(handoff.to) == self.cx.by.organization);
        if !addressed && self.cx.by.kind != ActorKind::Supervisor {
            return Err(Refusal::WrongOrganization);
        }
        self.require(!is_own_work(&self.case, &self.cx.by), Why::OwnWork)?;
        if result == CheckResult::Fail && text.is_none_or(|text| text.trim().is_empty()) {
            return Err(Refusal::FieldRequired { field: "text" });
        }
        if let Some(handoff) = verify {
            self.end_verify(&handoff)?;
        }
        self.emit_with(
            Event::GridChecked { result },
            text.map(|text| json!({ "text": text })),
        );
        match result {
            CheckResult::Pass => self.as_system("completion", Self::complete),
            CheckResult::Fail => self.as_system(REASSIGNMENT, Self::assign_again),
        }
    }

    /// Signs for the VERIFY step where that was not done, and ends it. A supervisor ends it unsigned.
    fn end_verify(&mut self, verify: &Handoff) -> Result<(), Refusal> {
        if self.cx.by.kind != ActorKind::Supervisor {
            self.require(verify.upstream.is_none(), Why::Bound)?;
            self.must_have_lasted(verify.step, verify.acknowledged_at)?;
            if verify.state.awaits_answer() {
                self.acknowledge(verify.id)?;
            }
        }
        self.stop_clocks(|clock| {
            clock.kind == ClockKind::HandoffAck && clock.handoff == Some(verify.id)
                || clock.kind == ClockKind::Step && clock.step == verify.step
        });
        self.emit(Event::HandoffDone {
            handoff: verify.id,
            opinion: None,
        });
        Ok(())
    }

    /// Opens a completed grid event again, within 30 days; a supervisor's act.
    pub(super) fn reopen(&mut self, reason: &str) -> Result<(), Refusal> {
        let completed = self.case.kind == CaseKind::Grid && self.case.status == CaseStatus::Completed;
        self.require(completed, Why::Status)?;
        if self.cx.by.kind != ActorKind::Supervisor {
            return Err(Refusal::WrongOrganization);
        }
        self.require(!is_own_work(&self.case, &self.cx.by), Why::OwnWork)?;
        if reason.trim().is_empty() {
            return Err(Refusal::FieldRequired { field: "reason" });
        }
        if let Some(completed_at) = self.case.completed_at {
            let until = sla::due(completed_at, REOPEN, self.cx.calendar)
                .map_err(super::clocks::outside)?
                .at;
            self.require(self.cx.now < until, Why::TooLate { until })?;
        }
        self.emit_with(Event::Reopened, Some(json!({ "reason": reason })));
        self.as_system(REASSIGNMENT, Self::assign_again)
    }

    /// The resolver has it again: a new acknowledged ASSIGN of the deciding step, and the clocks that ended with the
    /// decision run on. The time between does not count.
    fn assign_again(&mut self) -> Result<(), Refusal> {
        let held = |handoff: &&Handoff| handoff.owning && handoff.acknowledged_at.is_some();
        let Some(last) = self.case.handoffs.iter().rev().find(held).cloned() else {
            return Err(self.illegal(Why::Status));
        };
        let deciding = self.cx.item.deciding_step();
        self.restart_clock(|clock| clock.kind == ClockKind::Statutory)?;
        self.restart_clock(|clock| clock.kind == ClockKind::Promise)?;
        self.restart_clock(|clock| clock.kind == ClockKind::Step && clock.step == deciding)?;
        let mut handoff = self.new_handoff(HandoffKind::Assign, last.to, deciding);
        handoff.from = last.from;
        handoff.upstream = (self.cx.upstream_of)(handoff.to);
        let id = handoff.id;
        self.emit(Event::HandoffOffered {
            handoff: Box::new(handoff),
        });
        self.acknowledge(id)
    }

    /// Lets the last clock that fits run on from where it ended.
    fn restart_clock(&mut self, fits: impl Fn(&CaseClock) -> bool) -> Result<(), Refusal> {
        let ended = |clock: &&CaseClock| clock.state == ClockState::Stopped && fits(clock);
        match self.case.clocks.iter().rev().find(ended).cloned() {
            Some(clock) => self.run_on(&clock),
            None => Ok(()),
        }
    }
}
