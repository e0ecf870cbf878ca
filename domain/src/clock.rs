//! A clock of a case: one limit that runs, stands still and ends.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::calendar::{CalendarError, WorkCalendar};
use crate::id::{CalendarVersionId, ClockId, HandoffId, OrganizationId};
use crate::limit::Limit;
use crate::sla::{self, ClockRun, Span};

/// What a clock measures (DOMAIN §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClockKind {
    /// From the offer into the accepting step to acceptance or refusal.
    Acceptance,
    /// 法定时限, from acceptance to decision.
    Statutory,
    /// 承诺时限, from acceptance to decision.
    Promise,
    /// The limit of one route step.
    Step,
    /// A handoff is to be acknowledged.
    HandoffAck,
    /// The limit of a special procedure.
    Special,
    /// The result is to be handed over, 10 working days after the decision (行政许可法 art. 44).
    Delivery,
    /// 补正: the applicant brings what was asked for, 30 working days.
    Supplement,
    /// 容缺: minor materials that are owed are brought, by the date agreed at acceptance.
    Owed,
    /// 督办: the limit of a supervision order, as ordered.
    Supervision,
    /// 核实: a dissatisfied applicant is to be contacted.
    Contact,
    /// 整改: what a negative evaluation complains of is to be put right.
    Rectify,
}

impl ClockKind {
    /// Whether a clock of this kind runs on when the case is closed.
    #[must_use]
    pub const fn outlives_case(self) -> bool {
        match self {
            Self::Contact | Self::Rectify => true,
            Self::Acceptance
            | Self::Statutory
            | Self::Promise
            | Self::Step
            | Self::HandoffAck
            | Self::Special
            | Self::Delivery
            | Self::Supplement
            | Self::Owed
            | Self::Supervision => false,
        }
    }
}

/// Whether a clock runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClockState {
    /// It runs towards `due_at`.
    Running,
    /// It stands still; there is no due date.
    Paused,
    /// It has ended.
    Stopped,
}

/// A stretch of time that does not count: from the day after `from` up to and with the day `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// When the clock was paused; this day still counts.
    #[serde(with = "chrono::serde::ts_microseconds")]
    pub from: DateTime<Utc>,
    /// When it was resumed; this day does not count. `None`: still paused.
    #[serde(with = "chrono::serde::ts_microseconds_option", default)]
    pub until: Option<DateTime<Utc>>,
}

/// A clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseClock {
    /// Key.
    pub id: ClockId,
    /// What it measures.
    pub kind: ClockKind,
    /// State.
    pub state: ClockState,
    /// The limit it started with.
    pub limit: Limit,
    /// Route step it belongs to.
    pub step: Option<usize>,
    /// Handoff it belongs to.
    pub handoff: Option<HandoffId>,
    /// Who answers for it.
    pub holder: Option<OrganizationId>,
    /// When it started; the start day does not count.
    #[serde(with = "chrono::serde::ts_microseconds")]
    pub started_at: DateTime<Utc>,
    /// When it runs out, exclusive: the first instant after the last day; `None` while paused.
    #[serde(with = "chrono::serde::ts_microseconds_option", default)]
    pub due_at: Option<DateTime<Utc>>,
    /// Whether the due date reaches into a year whose calendar is not official yet.
    pub provisional: bool,
    /// Calendar the due date was computed by.
    pub calendar: CalendarVersionId,
    /// When it ended.
    #[serde(with = "chrono::serde::ts_microseconds_option", default)]
    pub stopped_at: Option<DateTime<Utc>>,
    /// Stretches that do not count.
    pub pauses: Vec<Pause>,
    /// Working days added by an extension (特别程序 of kind 1); 0: none.
    #[serde(default)]
    pub extension_working_days: u32,
    /// How often the ladder of its cards began anew: the due date moved later, or a card was cancelled.
    #[serde(default)]
    pub epoch: u32,
    /// When a card was cancelled, if that began the present epoch.
    #[serde(with = "chrono::serde::ts_microseconds_option", default)]
    pub epoch_from: Option<DateTime<Utc>>,
    /// The last due date it had, kept while it stands still.
    #[serde(with = "chrono::serde::ts_microseconds_option", default)]
    pub last_due_at: Option<DateTime<Utc>>,
    /// Whether its first due date counted on official years only, as the receipt then says.
    #[serde(default = "yes")]
    pub firm: bool,
}

const fn yes() -> bool {
    true
}

impl CaseClock {
    /// Last day of the limit in Beijing time, as printed on a receipt.
    #[must_use]
    pub fn due_date(&self) -> Option<NaiveDate> {
        let last_instant = self.due_at? - chrono::Duration::microseconds(1);
        Some((last_instant + chrono::Duration::hours(8)).date_naive())
    }

    /// How much is left at an instant, frozen while it stands still, negative when late; `None` once it has ended.
    ///
    /// # Errors
    /// A date outside 2000–2100.
    pub fn remaining(
        &self,
        calendar: &WorkCalendar,
        at: DateTime<Utc>,
    ) -> Result<Option<Span>, CalendarError> {
        if self.state == ClockState::Stopped {
            return Ok(None);
        }
        let pauses: Vec<sla::Pause> = self
            .pauses
            .iter()
            .map(|pause| sla::Pause {
                from: pause.from,
                until: pause.until,
            })
            .collect();
        ClockRun::new(self.started_at, self.limit)
            .paused_by(&pauses)
            .extended_by(self.extension_working_days)
            .remaining(calendar, at)
            .map(Some)
    }

    /// Takes a new due date, or none while it stands still. A later one begins the ladder of its cards anew.
    pub(crate) fn move_to(&mut self, due_at: Option<DateTime<Utc>>) {
        if due_at > self.last_due_at && due_at.is_some() && self.last_due_at.is_some() {
            self.epoch += 1;
            self.epoch_from = None;
        }
        self.due_at = due_at;
        self.last_due_at = due_at.or(self.last_due_at);
    }

    /// Whether the clock ran out before `now`.
    #[must_use]
    pub fn is_overdue(&self, now: DateTime<Utc>) -> bool {
        self.state == ClockState::Running && self.due_at.is_some_and(|due| now >= due)
    }
}
