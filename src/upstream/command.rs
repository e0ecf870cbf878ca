//! One delivery as the driver is asked to carry it out.

use onedoor_domain::delivery::DeliveryKind;
use onedoor_domain::id::DeliveryId;
use serde::{Deserialize, Serialize};

use crate::upstream::outcome::Repetition;
use crate::upstream::text::ExternalId;
use crate::upstream::view::CaseView;

/// What an upstream is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Operation {
    /// Take over a case it does not know yet.
    Submit,
    /// Take over again a case it has a number for.
    Transition,
    /// Receive corrected or missing papers.
    Supplement,
    /// Stop: the applicant withdrew.
    Withdraw,
    /// Know what happened to a case.
    Notify,
}

impl Operation {
    /// The operation as it stands in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Transition => "transition",
            Self::Supplement => "supplement",
            Self::Withdraw => "withdraw",
            Self::Notify => "notify",
        }
    }
}

impl From<DeliveryKind> for Operation {
    fn from(kind: DeliveryKind) -> Self {
        match kind {
            DeliveryKind::Submit => Self::Submit,
            DeliveryKind::Transition => Self::Transition,
            DeliveryKind::Supplement => Self::Supplement,
            DeliveryKind::Withdraw => Self::Withdraw,
            DeliveryKind::Notify => Self::Notify,
        }
    }
}

/// One delivery, as claimed from the outbox.
#[derive(Debug, Clone)]
pub struct DeliveryCommand {
    /// The outbox row.
    pub delivery: DeliveryId,
    /// Idempotency key: one per handoff, or per supplement, withdrawal and notice; the same on every attempt.
    pub key: String,
    /// What to do.
    pub operation: Operation,
    /// Number of this attempt, from 1.
    pub attempt: u32,
    /// Whether an earlier attempt may have acted (it ended AMBIGUOUS, or the process died while sending).
    /// A 409 then means "ask", not "no".
    pub earlier_attempt_unknown: bool,
    /// The upstream's number of the case; `None` until it gave one.
    pub external_id: Option<ExternalId>,
    /// The case.
    pub case: CaseView,
}

impl DeliveryCommand {
    /// Whether an earlier attempt may have reached the upstream.
    #[must_use]
    pub const fn repetition(&self) -> Repetition {
        if self.attempt > 1 || self.earlier_attempt_unknown {
            Repetition::Repeated
        } else {
            Repetition::First
        }
    }
}
