//! Deliveries to upstream systems and their notices, as the outbox and the inbox keep them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{CaseId, DeliveryId, HandoffId, OrganizationId};
use crate::tracking::TrackingCode;

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeliveryState {
    /// Waits for its next attempt.
    Pending,
    /// A worker has it.
    Sending,
    /// Waits until somebody repairs a configuration; tried again without end.
    Held,
    /// The upstream system took it over.
    Delivered,
    /// A business no.
    Rejected,
    /// It may have been carried out; never repeated automatically, a person resolves it.
    Uncertain,
    /// Given up after too many attempts; a person can send it again.
    Dead,
    /// No longer wanted: the handoff ended otherwise.
    Cancelled,
    /// The system has no way to be told this: a person tells it, and says so here.
    ToBeTold,
}

/// What a delivery asks of its system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeliveryKind {
    /// Take over a case it has no number for yet.
    Submit,
    /// Take over again a case it has a number for.
    Transition,
    /// Take in papers that came after it was handed the case.
    Supplement,
    /// Stop: the case was withdrawn, voided or taken back.
    Withdraw,
    /// Know that something happened to a case; nothing follows from what it says to that.
    Notify,
}

impl DeliveryKind {
    /// Whether it carries a handoff; else it tells of something that came after one.
    #[must_use]
    pub const fn is_handing_over(self) -> bool {
        match self {
            Self::Submit | Self::Transition => true,
            Self::Supplement | Self::Withdraw | Self::Notify => false,
        }
    }

    /// Whether it concerns a handoff: carries one, or follows it to the system that got it. News concerns the case alone: no
    /// handoff waits for it, and none is undelivered because it did not arrive.
    #[must_use]
    pub const fn concerns_handoff(self) -> bool {
        match self {
            Self::Submit | Self::Transition | Self::Supplement | Self::Withdraw => true,
            Self::Notify => false,
        }
    }
}

/// What a person says of a delivery that does not go on by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeliveryResolution {
    /// Send it again: it was given up, or what held it was mended.
    SentAgain,
    /// The system has it.
    Taken,
    /// The system does not have it: it is sent again.
    NotTaken,
    /// It is given up; a handoff nobody signed for is taken back.
    GivenUp,
}

impl DeliveryState {
    /// All states.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Sending,
        Self::Held,
        Self::Delivered,
        Self::Rejected,
        Self::Uncertain,
        Self::Dead,
        Self::Cancelled,
        Self::ToBeTold,
    ];

    /// Whether a worker may take it when its time has come; SENDING only after its lease ended.
    #[must_use]
    pub const fn is_claimable(self) -> bool {
        match self {
            Self::Pending | Self::Sending | Self::Held => true,
            Self::Delivered
            | Self::Rejected
            | Self::Uncertain
            | Self::Dead
            | Self::Cancelled
            | Self::ToBeTold => false,
        }
    }

    /// Whether a person can have it sent again: given up, or held, which then goes at once.
    #[must_use]
    pub const fn can_be_redelivered(self) -> bool {
        match self {
            Self::Held | Self::Dead => true,
            Self::Pending
            | Self::Sending
            | Self::Delivered
            | Self::Rejected
            | Self::Uncertain
            | Self::Cancelled
            | Self::ToBeTold => false,
        }
    }

    /// Whether it waits for a person to say what the system has.
    #[must_use]
    pub const fn can_be_resolved(self) -> bool {
        match self {
            Self::Uncertain | Self::ToBeTold => true,
            Self::Pending
            | Self::Sending
            | Self::Held
            | Self::Delivered
            | Self::Rejected
            | Self::Dead
            | Self::Cancelled => false,
        }
    }

    /// Whether it has not reached its system and still should: what a board shows.
    #[must_use]
    pub const fn is_undelivered(self) -> bool {
        match self {
            Self::Pending | Self::Sending | Self::Held | Self::Uncertain | Self::Dead | Self::ToBeTold => {
                true
            }
            Self::Delivered | Self::Rejected | Self::Cancelled => false,
        }
    }

    /// Whether later deliveries of the same case to the same system wait for it.
    #[must_use]
    pub const fn is_unfinished(self) -> bool {
        match self {
            Self::Pending | Self::Sending | Self::Held | Self::Uncertain | Self::Dead => true,
            Self::Delivered | Self::Rejected | Self::Cancelled | Self::ToBeTold => false,
        }
    }
}

/// Why a delivery that was taken over is not the end: its system noted it (202) and promised to report.
pub const AWAITS_CALLBACK: &str = "AWAITS_CALLBACK";
/// The same when the report did not come until the work was due.
pub const CALLBACK_OVERDUE: &str = "CALLBACK_OVERDUE";

/// A report that a system promised when it took a handoff over, and that has not ended the handoff yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitedReport {
    /// When it is due: with the work there. `None`: there is no date, or the clock stands still.
    pub due_at: Option<DateTime<Utc>>,
}

/// A delivery in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryEntry {
    /// Key.
    pub id: DeliveryId,
    /// The case.
    pub case: CaseId,
    /// Its tracking code.
    pub tracking: TrackingCode,
    /// The handoff it carries out.
    pub handoff: HandoffId,
    /// The organization that handed the case off; `None`: the applicant.
    pub from: Option<OrganizationId>,
    /// The organization bound to the system.
    pub to: OrganizationId,
    /// Name of the upstream system.
    pub upstream: String,
    /// What the system is asked to do.
    pub operation: DeliveryKind,
    /// State.
    pub state: DeliveryState,
    /// Whether an attempt may have acted without our knowing.
    pub in_doubt: bool,
    /// Why it waits or ended: a code.
    pub reason: Option<String>,
    /// Attempts started.
    pub attempts: u32,
    /// Moves with every change; an act on the delivery must name it.
    pub fence: i64,
    /// When it is tried next, at the earliest; for SENDING: when the worker's lease ends.
    #[serde(with = "chrono::serde::ts_microseconds")]
    pub next_attempt_at: DateTime<Utc>,
    /// When it was asked for.
    #[serde(with = "chrono::serde::ts_microseconds")]
    pub created_at: DateTime<Utc>,
    /// When it changed last.
    #[serde(with = "chrono::serde::ts_microseconds")]
    pub changed_at: DateTime<Utc>,
    /// The report that its system promised and still owes.
    #[serde(default)]
    pub awaited: Option<AwaitedReport>,
}

impl DeliveryEntry {
    /// Why it waits or ended, as it is told at an instant: a promised report that did not come is overdue.
    #[must_use]
    pub fn reason_at(&self, now: DateTime<Utc>) -> Option<&str> {
        let Some(awaited) = self.awaited else {
            // what was promised has come, or nobody waits for it any more
            return self.reason.as_deref().filter(|reason| *reason != AWAITS_CALLBACK);
        };
        Some(if awaited.due_at.is_some_and(|due| due <= now) {
            CALLBACK_OVERDUE
        } else {
            AWAITS_CALLBACK
        })
    }
}

/// One attempt of a delivery in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptEntry {
    /// The delivery.
    pub delivery: DeliveryId,
    /// From 1.
    pub number: u32,
    /// When it began.
    #[serde(with = "chrono::serde::ts_microseconds")]
    pub started_at: DateTime<Utc>,
    /// When its outcome was stored; `None`: it is under way, or nobody knows what came of it.
    #[serde(with = "chrono::serde::ts_microseconds_option")]
    pub finished_at: Option<DateTime<Utc>>,
    /// What came of it: a code.
    pub outcome: Option<String>,
    /// What the answer says of itself for later proof, visible ASCII; `None`: nothing.
    pub evidence: Option<String>,
}

impl DeliveryEntry {
    /// Whether a person can give it up: what waits for a person's word, and news that does not go on by itself, because later
    /// news waits behind it and no handoff stands on it.
    #[must_use]
    pub const fn can_be_given_up(&self) -> bool {
        self.state.can_be_resolved()
            || (!self.operation.concerns_handoff() && self.state.can_be_redelivered())
    }
}

/// What became of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NoticeState {
    /// Stored, not acted upon yet.
    Received,
    /// It became an act.
    Applied,
    /// It could not become an act: kept and shown.
    Kept,
}
