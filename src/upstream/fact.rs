//! What an upstream says happened to a case; a proposal to the domain, never a command.

use chrono::{DateTime, Utc};
use onedoor_domain::digest::Digest;
use onedoor_domain::handoff::Opinion;
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

/// What makes the same news the same whenever and however it comes: the upstream's own identifier where one fact has one,
/// else a hash of what is said (number, version, what happened and when).
///
/// # Errors
/// When the facts have no JSON form, which is a bug.
pub fn identity(facts: &[UpstreamFact]) -> Result<String, serde_json::Error> {
    if let [only] = facts
        && let Some(id) = &only.event_id
    {
        return Ok(id.clone());
    }
    Ok(format!("said:{}", Digest::of(&serde_json::to_vec(facts)?)))
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
    /// It accepted the application (受理).
    Accepted,
    /// It asks the applicant for what is missing (补正告知).
    SupplementRequested {
        /// Codes of the materials, in the words of the item; others are asked for in words.
        materials: Vec<String>,
        /// What is wrong; may be empty.
        text: UntrustedText,
    },
    /// It began a special procedure (特别程序), during which the clocks stand still.
    SpecialBegun {
        /// Kind by GB/T 39046-2020 (`1` 延长审批, `2` 其他) or its own word; `None` when it does not say.
        #[serde(rename = "procedure")]
        kind: Option<String>,
        /// Its limit; `None` when it does not say.
        working_days: Option<u32>,
        /// Why; may be empty.
        text: UntrustedText,
    },
    /// The special procedure is over.
    SpecialEnded {
        /// What came of it; may be empty.
        text: UntrustedText,
    },
    /// It answers what it was asked beside the owner (会签、联审、征求意见、上报).
    Opinion {
        /// Its opinion.
        opinion: Opinion,
        /// Its words; may be empty.
        text: UntrustedText,
    },
    /// It finished all it had to do.
    Completed,
    /// The applicant collected the result there (领取登记).
    Delivered,
    /// It gave the case back without deciding.
    Rejected {
        /// Why.
        reason: UntrustedText,
    },
    /// It works on the case no more, mostly because it was told to stop (撤回).
    Withdrawn,
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
