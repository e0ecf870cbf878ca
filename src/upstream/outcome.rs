//! What came of an attempt: five outcomes, and the one table that says which answer is which.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::upstream::command::DeliveryCommand;
use crate::upstream::config::Idempotency;
use crate::upstream::fact::UpstreamFact;
use crate::upstream::text::{ExternalId, UntrustedText};
use crate::upstream::wire::WireAnswer;

/// The code of a rejection by a system that wants no more news (410).
pub const GONE: &str = "GONE";

/// What came of one attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpstreamOutcome {
    /// Nothing left the house: repeating is free.
    NotSent {
        /// Why.
        reason: NotSentReason,
        /// How long to wait at least; `None` leaves it to the caller's backoff.
        retry_after: Option<Duration>,
    },
    /// A business no. Repeating would give the same.
    Rejected {
        /// The upstream's own code, bounded; `None` when it gave none.
        code: Option<String>,
        /// Its words, for clerk and applicant; may be empty.
        reason: UntrustedText,
    },
    /// Known not to have acted; try again later.
    Retryable {
        /// What the upstream asked for; `None` leaves it to the caller's backoff.
        retry_after: Option<Duration>,
    },
    /// It may have acted: what follows depends on the upstream's [`Idempotency`], see [`Ambiguity::remedy`].
    Ambiguous {
        /// Why it is not known.
        reason: Ambiguity,
    },
    /// Taken over.
    Accepted(Acceptance),
    /// Our configuration or theirs is wrong. The delivery waits, nothing is lost, somebody must look.
    Held {
        /// What is wrong.
        reason: HeldReason,
    },
}

/// What an upstream said when it took a case over, or has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// Its number of the case.
    pub external_id: ExternalId,
    /// Whether it only noted the request (202) and will report back.
    pub awaits_callback: bool,
    /// Its sequence of the case; `None` when it keeps none.
    pub version: Option<u64>,
    /// What it already reports, oldest first.
    pub facts: Vec<UpstreamFact>,
}

/// Why nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NotSentReason {
    /// The host has no address.
    NoAddress,
    /// No connection: refused, unreachable, timed out or without acceptable TLS.
    NoConnection,
    /// The upstream is being rested after repeated failures.
    CircuitOpen,
    /// All places for requests to this upstream stayed taken.
    Busy,
    /// Its token endpoint gave no token now.
    NoToken,
}

/// Why it is not known whether the upstream acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Ambiguity {
    /// No answer before the deadline.
    Timeout,
    /// The connection broke after the request may have left; a stale keep-alive looks like this too.
    ConnectionLost,
    /// The answer ended before its end.
    Truncated,
    /// The answer is longer than the limit.
    TooLong,
    /// A success that cannot be read: another charset, not the protocol's form, no number.
    Unreadable,
    /// 5xx (but 503 with Retry-After).
    ServerError,
    /// 408.
    RequestTimeout,
    /// 409 on a repeated attempt: our own earlier success looks like this.
    ConflictOnRepeat,
    /// A status that HTTP gives no meaning here.
    UnexpectedStatus,
}

/// What is wrong with the configuration, ours or theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HeldReason {
    /// 401: our credentials are not accepted.
    Unauthenticated,
    /// 403: we may not do this.
    Forbidden,
    /// 404: the address is wrong.
    NotFound,
    /// 3xx: the address moved; redirects are never followed.
    Redirected,
    /// Another 4xx that speaks of the request's form.
    Refused,
    /// The address of the upstream is one this gateway must not reach.
    AddressRefused,
    /// The case has no form in the upstream's protocol.
    NotEncodable,
    /// The upstream says by a code of its own that one of us is configured wrongly.
    Configuration,
}

/// The five outcomes and "held", without their contents: for metrics, logs and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OutcomeClass {
    /// See [`UpstreamOutcome::NotSent`].
    NotSent,
    /// See [`UpstreamOutcome::Rejected`].
    Rejected,
    /// See [`UpstreamOutcome::Retryable`].
    Retryable,
    /// See [`UpstreamOutcome::Ambiguous`].
    Ambiguous,
    /// See [`UpstreamOutcome::Accepted`].
    Accepted,
    /// See [`UpstreamOutcome::Held`].
    Held,
}

/// What the upstream knows of a case, when asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It has the case.
    Found(Acceptance),
    /// It does not have it; sending again is safe.
    Absent,
    /// It could not be asked now; nothing is known.
    Unanswered {
        /// How the question ended.
        class: OutcomeClass,
        /// How long to wait at least; `None` leaves it to the caller's backoff.
        retry_after: Option<Duration>,
    },
    /// It refuses the question: configuration.
    Held {
        /// What is wrong.
        reason: HeldReason,
    },
    /// Its protocol has no such question.
    Unsupported,
}

/// What to do about an attempt that may have acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Send again with the same key: the upstream recognizes it.
    Resend,
    /// Ask first; send again only when it does not have the case.
    AskFirst,
    /// Never by itself: UNCERTAIN, until a clerk resolves it.
    Uncertain,
}

/// Whether an earlier attempt of the same delivery may have reached the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repetition {
    /// The first attempt.
    First,
    /// A repeated attempt.
    Repeated,
}

/// How far an exchange came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exchange {
    /// No byte of the request left.
    NotSent(NotSentReason),
    /// The address is one the gateway must not reach; no byte left.
    AddressRefused,
    /// The request may have left; no status line came.
    Lost(Ambiguity),
    /// A status line came, its body not whole.
    Partial {
        /// Status code.
        status: u16,
        /// See [`WireAnswer::retry_after`].
        retry_after: Option<Duration>,
        /// What cut the body.
        fault: Ambiguity,
    },
    /// A whole answer.
    Whole {
        /// Status code.
        status: u16,
        /// See [`WireAnswer::retry_after`].
        retry_after: Option<Duration>,
    },
}

/// What a status means before anyone reads the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Taken over, if the body says under which number.
    Accepted {
        /// 202: noted only.
        awaits_callback: bool,
    },
    /// A business no; the body says why.
    Rejected,
    /// Decided without the body.
    NotSent(NotSentReason),
    /// Decided without the body.
    Retryable(Option<Duration>),
    /// Decided without the body.
    Ambiguous(Ambiguity),
    /// Decided without the body.
    Held(HeldReason),
}

/// The table of outcomes (PROTOCOLS §1): the only place that knows which answer is which.
///
/// What it adds to the printed rows: 204 counts as accepted (a withdrawal has nothing to say), other 2xx and
/// statuses outside 200–599 are ambiguous, and other 4xx hold, because they speak of our request's form. A cut
/// body makes ambiguous what only the body could have told; where the status suffices, it stands.
#[must_use]
pub fn classify(exchange: Exchange, repetition: Repetition) -> Meaning {
    match exchange {
        Exchange::NotSent(reason) => Meaning::NotSent(reason),
        Exchange::AddressRefused => Meaning::Held(HeldReason::AddressRefused),
        Exchange::Lost(fault) => Meaning::Ambiguous(fault),
        Exchange::Whole { status, retry_after } => classify_status(status, retry_after, repetition),
        Exchange::Partial {
            status,
            retry_after,
            fault,
        } => match classify_status(status, retry_after, repetition) {
            Meaning::Accepted { .. } | Meaning::Rejected => Meaning::Ambiguous(fault),
            settled @ (Meaning::NotSent(_)
            | Meaning::Retryable(_)
            | Meaning::Ambiguous(_)
            | Meaning::Held(_)) => settled,
        },
    }
}

fn classify_status(status: u16, retry_after: Option<Duration>, repetition: Repetition) -> Meaning {
    match status {
        202 => Meaning::Accepted {
            awaits_callback: true,
        },
        200 | 201 | 204 => Meaning::Accepted {
            awaits_callback: false,
        },
        400 | 410 | 422 => Meaning::Rejected,
        409 => match repetition {
            Repetition::First => Meaning::Rejected,
            Repetition::Repeated => Meaning::Ambiguous(Ambiguity::ConflictOnRepeat),
        },
        429 => Meaning::Retryable(retry_after),
        503 if retry_after.is_some() => Meaning::Retryable(retry_after),
        408 => Meaning::Ambiguous(Ambiguity::RequestTimeout),
        500..=599 => Meaning::Ambiguous(Ambiguity::ServerError),
        401 => Meaning::Held(HeldReason::Unauthenticated),
        403 => Meaning::Held(HeldReason::Forbidden),
        404 => Meaning::Held(HeldReason::NotFound),
        300..=399 => Meaning::Held(HeldReason::Redirected),
        402..=499 => Meaning::Held(HeldReason::Refused),
        0..=199 | 203 | 205..=299 | 600.. => Meaning::Ambiguous(Ambiguity::UnexpectedStatus),
    }
}

/// The meaning of a whole answer to a command; adapters begin here and read the body where it counts.
#[must_use]
pub fn classify_answer(command: &DeliveryCommand, answer: &WireAnswer) -> Meaning {
    let whole = Exchange::Whole {
        status: answer.status,
        retry_after: answer.retry_after,
    };
    classify(whole, command.repetition())
}

impl Meaning {
    /// The outcome where no body is needed; a success or a no without one is unreadable or wordless.
    #[must_use]
    pub fn into_outcome(self) -> UpstreamOutcome {
        match self {
            Self::Accepted { .. } => UpstreamOutcome::Ambiguous {
                reason: Ambiguity::Unreadable,
            },
            Self::Rejected => UpstreamOutcome::Rejected {
                code: None,
                reason: UntrustedText::default(),
            },
            Self::NotSent(reason) => UpstreamOutcome::NotSent {
                reason,
                retry_after: None,
            },
            Self::Retryable(retry_after) => UpstreamOutcome::Retryable { retry_after },
            Self::Ambiguous(reason) => UpstreamOutcome::Ambiguous { reason },
            Self::Held(reason) => UpstreamOutcome::Held { reason },
        }
    }
}

impl Ambiguity {
    /// What to do next. A conflict is asked about even where repeating is safe, because repeating would only
    /// give the same conflict; without a way to ask it stays uncertain.
    #[must_use]
    pub const fn remedy(self, idempotency: Idempotency, can_ask: bool) -> Remedy {
        match (idempotency, self) {
            (Idempotency::None, _) => Remedy::Uncertain,
            (Idempotency::Native, Self::ConflictOnRepeat) | (Idempotency::QueryBeforeRetry, _) => {
                if can_ask {
                    Remedy::AskFirst
                } else {
                    Remedy::Uncertain
                }
            }
            (Idempotency::Native, _) => Remedy::Resend,
        }
    }

    /// All reasons.
    pub const ALL: [Self; 9] = [
        Self::Timeout,
        Self::ConnectionLost,
        Self::Truncated,
        Self::TooLong,
        Self::Unreadable,
        Self::ServerError,
        Self::RequestTimeout,
        Self::ConflictOnRepeat,
        Self::UnexpectedStatus,
    ];

    /// The reason that a column holds; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }

    /// The reason as it stands in logs and columns.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "TIMEOUT",
            Self::ConnectionLost => "CONNECTION_LOST",
            Self::Truncated => "TRUNCATED",
            Self::TooLong => "TOO_LONG",
            Self::Unreadable => "UNREADABLE",
            Self::ServerError => "SERVER_ERROR",
            Self::RequestTimeout => "REQUEST_TIMEOUT",
            Self::ConflictOnRepeat => "CONFLICT_ON_REPEAT",
            Self::UnexpectedStatus => "UNEXPECTED_STATUS",
        }
    }
}

impl NotSentReason {
    /// The reason as it stands in logs and columns.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoAddress => "NO_ADDRESS",
            Self::NoConnection => "NO_CONNECTION",
            Self::CircuitOpen => "CIRCUIT_OPEN",
            Self::Busy => "BUSY",
            Self::NoToken => "NO_TOKEN",
        }
    }
}

impl HeldReason {
    /// Whether every delivery to this upstream would end the same way; else this one alone.
    #[must_use]
    pub const fn concerns_whole_upstream(self) -> bool {
        match self {
            Self::Unauthenticated
            | Self::Forbidden
            | Self::NotFound
            | Self::Redirected
            | Self::AddressRefused
            | Self::Configuration => true,
            Self::Refused | Self::NotEncodable => false,
        }
    }

    /// The reason as it stands in logs and columns.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::Redirected => "REDIRECTED",
            Self::Refused => "REFUSED",
            Self::AddressRefused => "ADDRESS_REFUSED",
            Self::NotEncodable => "NOT_ENCODABLE",
            Self::Configuration => "CONFIGURATION",
        }
    }
}

impl OutcomeClass {
    /// All classes, for metrics that show zeros.
    pub const ALL: [Self; 6] = [
        Self::NotSent,
        Self::Rejected,
        Self::Retryable,
        Self::Ambiguous,
        Self::Accepted,
        Self::Held,
    ];

    /// The class as it stands in metrics, logs and columns.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "NOT_SENT",
            Self::Rejected => "REJECTED",
            Self::Retryable => "RETRYABLE",
            Self::Ambiguous => "AMBIGUOUS",
            Self::Accepted => "ACCEPTED",
            Self::Held => "HELD",
        }
    }
}

impl UpstreamOutcome {
    /// The outcome without its contents.
    #[must_use]
    pub const fn class(&self) -> OutcomeClass {
        match self {
            Self::NotSent { .. } => OutcomeClass::NotSent,
            Self::Rejected { .. } => OutcomeClass::Rejected,
            Self::Retryable { .. } => OutcomeClass::Retryable,
            Self::Ambiguous { .. } => OutcomeClass::Ambiguous,
            Self::Accepted(_) => OutcomeClass::Accepted,
            Self::Held { .. } => OutcomeClass::Held,
        }
    }

    /// The reason without any text of the upstream; empty where the class says all.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotSent { reason, .. } => reason.as_str(),
            Self::Ambiguous { reason } => reason.as_str(),
            Self::Held { reason } => reason.as_str(),
            Self::Rejected { .. } | Self::Retryable { .. } | Self::Accepted(_) => "",
        }
    }
}

impl Finding {
    /// The outcome class under which the question is counted; one that was answered counts as accepted.
    #[must_use]
    pub const fn class(&self) -> OutcomeClass {
        match self {
            Self::Found(_) | Self::Absent => OutcomeClass::Accepted,
            Self::Unanswered { class, .. } => *class,
            Self::Held { .. } | Self::Unsupported => OutcomeClass::Held,
        }
    }

    /// The finding as it stands in logs.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Found(_) => "FOUND",
            Self::Absent => "ABSENT",
            Self::Unanswered { .. } => "UNANSWERED",
            Self::Held { .. } => "HELD",
            Self::Unsupported => "UNSUPPORTED",
        }
    }
}

#[cfg(test)]
mod tests;
