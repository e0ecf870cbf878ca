//! What an upstream says happened to a case; a proposal to the domain, never a command.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::upstream::text::{ExternalId, UntrustedText};

/// One thing an upstream reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamFact {
    /// The upstream's number of the case.
    pub external_id: ExternalId,
    /// Our case number as the upstream repeats it. A callback that overtakes the answer to our submission is
    /// matched by this, after the sender is checked; `None` when it does not repeat it.
    pub our_reference: Option<String>,
    /// The upstream's identifier of the report, the same in each repetition; `None` in query answers.
    pub event_id: Option<String>,
    /// The upstream's own sequence of the case: an older one never undoes a newer. `None`: it keeps none.
    pub version: Option<u64>,
    /// When it happened, by the upstream's clock; `None` when it does not say.
    pub occurred_at: Option<DateTime<Utc>>,
    /// What happened.
    pub kind: FactKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FactKind {
    /// The upstream took the case over (签收).
    Received,
    /// It decided.
    Decided {
        /// The decision.
        verdict: Verdict,
        /// Its opinion, for the applicant; may be empty.
        opinion: UntrustedText,
    },
    /// It finished all it had to do.
    Completed,
    /// It gave the case back without deciding.
    Rejected {
        /// Why.
        reason: UntrustedText,
    },
    /// News without effect on the state.
    Note {
        /// The news.
        text: UntrustedText,
    },
}

/// A decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// Granted (准予).
    Granted,
    /// Denied (不予).
    Denied,
}
