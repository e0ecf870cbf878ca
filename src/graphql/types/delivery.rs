//! A delivery to an upstream system as GraphQL shows it; never its content.

use async_graphql::{Enum, ID, SimpleObject};
use chrono::{DateTime, Utc};
use onedoor_domain::delivery::{DeliveryEntry, DeliveryState as DomainDeliveryState};

/// State of a delivery.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "DomainDeliveryState")]
pub enum DeliveryState {
    /// Waits for its next attempt.
    Pending,
    /// Being sent.
    Sending,
    /// Waits until somebody repairs a configuration; nothing is lost.
    Held,
    /// The upstream system took it over.
    Delivered,
    /// The upstream system said no; the reason is in the case's timeline.
    Rejected,
    /// It may have been carried out; a person resolves it.
    Uncertain,
    /// Given up after too many attempts.
    Dead,
    /// No longer wanted.
    Cancelled,
}

/// A delivery of a handoff to the upstream system that acts for its receiver.
#[derive(SimpleObject)]
pub struct Delivery {
    /// Opaque key.
    id: ID,
    /// The case.
    case_id: ID,
    /// 受理编号 of the case.
    tracking_code: String,
    /// The handoff it carries out.
    handoff_id: ID,
    /// Name of the upstream system.
    upstream: String,
    /// What the system is asked to do.
    operation: String,
    /// State.
    state: DeliveryState,
    /// Why it waits or ended, as a code.
    reason: Option<String>,
    /// Attempts so far.
    attempts: i32,
    /// When it is tried next, at the earliest; null when it is not tried again by itself.
    next_attempt_at: Option<DateTime<Utc>>,
    /// When it was asked for.
    created_at: DateTime<Utc>,
    /// When it changed last.
    changed_at: DateTime<Utc>,
}

impl Delivery {
    pub(crate) fn of(entry: DeliveryEntry) -> Self {
        let next_attempt_at = entry.state.is_claimable().then_some(entry.next_attempt_at);
        Self {
            id: ID(entry.id.to_string()),
            case_id: ID(entry.case.to_string()),
            tracking_code: entry.tracking.to_string(),
            handoff_id: ID(entry.handoff.to_string()),
            upstream: entry.upstream,
            operation: entry.operation,
            state: entry.state.into(),
            reason: entry.reason,
            attempts: i32::try_from(entry.attempts).unwrap_or(i32::MAX),
            next_attempt_at,
            created_at: entry.created_at,
            changed_at: entry.changed_at,
        }
    }
}
