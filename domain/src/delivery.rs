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
}

impl DeliveryKind {
    /// Whether it carries a handoff; else it tells of something that came after one.
    #[must_use]
    pub const fn is_handing_over(self) -> bool {
        match self {
            Self::Submit | Self::Transition => true,
            Self::Supplement | Self::Withdraw => false,
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
