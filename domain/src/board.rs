//! The board: handoffs as desks list them, and how many there are.

use chrono::{DateTime, Utc};

use crate::case::state::CaseStatus;
use crate::handoff::{Handoff, HandoffState};
use crate::id::{CaseId, DivisionId, OrganizationId};
use crate::item::CaseKind;
use crate::tracking::TrackingCode;

/// A handoff in a list, with what a desk shows of its case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandoffEntry {
    /// The handoff.
    pub handoff: Handoff,
    /// When its work is due; `None`: no date, or the clock stands still.
    pub due_at: Option<DateTime<Utc>>,
    /// The case.
    pub case: CaseId,
    /// Its version.
    pub case_version: i32,
    /// Its tracking code.
    pub tracking: TrackingCode,
    /// Code of its item.
    pub item_code: String,
    /// Application or grid event.
    pub case_kind: CaseKind,
    /// Its state.
    pub case_status: CaseStatus,
    /// Its division.
    pub division: DivisionId,
    /// Name of the division on the day of submission.
    pub division_name: String,
    /// The organization that answers for the case now.
    pub owner: Option<OrganizationId>,
}

impl HandoffEntry {
    /// Whether its work was due before `now` and is not done.
    #[must_use]
    pub fn is_late(&self, now: DateTime<Utc>) -> bool {
        self.handoff.state.is_open() && self.due_at.is_some_and(|due| due <= now)
    }
}

/// How many handoffs of a list are in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandoffCount {
    /// State.
    pub state: HandoffState,
    /// How many.
    pub count: u64,
    /// How many of them are late.
    pub late: u64,
}
