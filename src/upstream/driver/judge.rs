//! What an exchange means for a command: the adapter reads whole answers, the table of outcomes all else.

use std::time::Duration;

use crate::upstream::adapter::{Adapter, EncodeContext, PollPage};
use crate::upstream::command::DeliveryCommand;
use crate::upstream::outcome::{
    Exchange, Finding, HeldReason, Meaning, OutcomeClass, Repetition, UpstreamOutcome, classify,
};
use crate::upstream::wire::WireAnswer;

/// How one exchange ended, before anyone gave it a meaning.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    /// How far it came.
    pub exchange: Exchange,
    /// The answer, when it is whole.
    pub answer: Option<&'a WireAnswer>,
    /// How long to wait at least when nothing was sent.
    pub retry_after: Option<Duration>,
}

/// What came of an attempt to carry a command out.
#[must_use]
pub fn outcome(adapter: &dyn Adapter, command: &DeliveryCommand, ending: Ending<'_>) -> UpstreamOutcome {
    match (ending.answer, classify(ending.exchange, command.repetition())) {
        (Some(answer), _) => adapter.decode(command, answer),
        (None, Meaning::NotSent(reason)) => UpstreamOutcome::NotSent {
            reason,
            retry_after: ending.retry_after,
        },
        (None, meaning) => meaning.into_outcome(),
    }
}

/// What a question found out.
#[must_use]
pub fn finding(adapter: &dyn Adapter, command: &DeliveryCommand, ending: Ending<'_>) -> Finding {
    let unanswered = |class, retry_after| Finding::Unanswered { class, retry_after };
    match (ending.answer, classify(ending.exchange, command.repetition())) {
        (Some(answer), Meaning::Accepted { .. }) => adapter.decode_query(command, answer),
        (Some(answer), Meaning::Held(_) | Meaning::Rejected) if adapter.says_absent(answer) => {
            Finding::Absent
        }
        (None, Meaning::Accepted { .. }) | (_, Meaning::Ambiguous(_)) => {
            unanswered(OutcomeClass::Ambiguous, None)
        }
        (_, Meaning::NotSent(_)) => unanswered(OutcomeClass::NotSent, ending.retry_after),
        (_, Meaning::Retryable(retry_after)) => unanswered(OutcomeClass::Retryable, retry_after),
        (_, Meaning::Held(reason)) => Finding::Held { reason },
        // A question has no business answer: they do not understand how we ask.
        (_, Meaning::Rejected) => Finding::Held {
            reason: HeldReason::Refused,
        },
    }
}

/// The page of news that an answer holds, or how the question ended and how long to wait at least.
///
/// # Errors
/// When there is no page to be had.
pub fn page(
    adapter: &dyn Adapter,
    cursor: Option<&str>,
    cx: &EncodeContext,
    ending: Ending<'_>,
) -> Result<PollPage, (OutcomeClass, Option<Duration>)> {
    match (ending.answer, classify(ending.exchange, Repetition::First)) {
        (Some(answer), Meaning::Accepted { .. }) => adapter
            .decode_poll_since(cursor, answer, cx)
            .ok_or((OutcomeClass::Ambiguous, None)),
        (None, Meaning::Accepted { .. }) | (_, Meaning::Ambiguous(_)) => Err((OutcomeClass::Ambiguous, None)),
        (_, Meaning::NotSent(_)) => Err((OutcomeClass::NotSent, ending.retry_after)),
        (_, Meaning::Retryable(after)) => Err((OutcomeClass::Retryable, after)),
        (_, Meaning::Held(_) | Meaning::Rejected) => Err((OutcomeClass::Held, None)),
    }
}
