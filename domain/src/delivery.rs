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
}

impl DeliveryState {
    /// All states.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Sending,
        Self::Held,
        Self::Delivered,
        Self::Rejected,
        Self::Uncertain,
        Self::Dead,
        Self::Cancelled,
    ];

    /// Whether a worker may take it when its time has come; SENDING only after its lease ended.
    #[must_use]
    pub const fn is_claimable(self) -> bool {
        match self {
            Self::Pending | Self::Sending | Self::Held => true,
            Self::Delivered | Self::Rejected | Self::Uncertain | Self::Dead | Self::Cancelled => false,
        }
    }

    /// Whether later deliveries of the same case to the same system wait for it.
    #[must_use]
    pub const fn is_unfinished(self) -> bool {
        match self {
            Self::Pending | Self::Sending | Self::Held | Self::Uncertain | Self::Dead => true,
            Self::Delivered | Self::Rejected | Self::Cancelled => false,
        }
    }
}

/// A delivery in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    pub operation: String,
    /// State.
    pub state: DeliveryState,
    /// Why it waits or ended: a code.
    pub reason: Option<String>,
    /// Attempts started.
    pub attempts: u32,
    /// Moves with every change; an act on the delivery must name it.
    pub fence: i64,
    /// When it is tried next, at the earliest; for SENDING: when the worker's lease ends.
    pub next_attempt_at: DateTime<Utc>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it changed last.
    pub changed_at: DateTime<Utc>,
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
