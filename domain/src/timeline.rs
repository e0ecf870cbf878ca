//! A line of a case's ledger as people read it.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::case::command::By;
use crate::case::event::{Event, NewEvent};
use crate::digest::Digest;

/// An event with its place in the ledger and its private text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Number in the chain of its case, from 1.
    pub seq: u64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: By,
    /// What happened.
    pub event: Event,
    /// Texts that may hold personal data; `None` when there are none or they were erased.
    pub private: Option<Value>,
    /// Hash of the line.
    pub hash: Digest,
}

impl StoredEvent {
    /// The event as it was decided, for a replay.
    #[must_use]
    pub fn as_new(&self) -> NewEvent {
        NewEvent {
            event: self.event.clone(),
            at: self.at,
            by: self.by.clone(),
            private: self.private.clone(),
        }
    }
}
