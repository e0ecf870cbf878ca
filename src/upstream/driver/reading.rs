//! Reads the case there first where a protocol takes a change only with all that it holds of the case.

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::Driver;
use crate::upstream::adapter::{EncodeContext, EncodeError, Prepared};
use crate::upstream::command::DeliveryCommand;
use crate::upstream::outcome::{HeldReason, Meaning, Repetition, UpstreamOutcome, classify};

impl Driver {
    /// Waits for a turn at the upstream's pace for each request that a command takes. Call it before the attempt is
    /// recorded: what waits here has not begun.
    pub async fn turns(&self, command: &DeliveryCommand) {
        self.pace.turn().await;
        let cx = EncodeContext {
            now: self.clock.now(),
        };
        if matches!(self.adapter.encode_reading(command, &cx), Ok(Some(_))) {
            self.pace.turn().await;
        }
    }

    /// The request of a command, or what came of it without one. Reading acts on nothing: when it fails, nothing was done.
    pub(super) async fn prepared(
        &self,
        command: &DeliveryCommand,
        now: DateTime<Utc>,
        begun: Instant,
    ) -> Prepared {
        self.read_and_write(command, now, begun)
            .await
            .unwrap_or_else(|error| {
                tracing::warn!(
                    upstream.id = %self.config.name, delivery.id = %command.delivery, error = %error,
                    "a case has no form in the protocol of its upstream"
                );
                Prepared::Settled(UpstreamOutcome::Held {
                    reason: HeldReason::NotEncodable,
                })
            })
    }

    async fn read_and_write(
        &self,
        command: &DeliveryCommand,
        now: DateTime<Utc>,
        begun: Instant,
    ) -> Result<Prepared, EncodeError> {
        let cx = EncodeContext { now };
        let Some(question) = self.adapter.encode_reading(command, &cx)? else {
            return self.adapter.encode(command, &cx).map(Prepared::Request);
        };
        // another key than the command's: a system that knows keys would take the command for a repetition of this
        let key = format!("reading_{}", command.key);
        let ended = match self.request(&key, question, now, begun).await {
            Ok(ended) => ended,
            Err(reason) => return Ok(Prepared::Settled(UpstreamOutcome::Held { reason })),
        };
        let later = |retry_after| UpstreamOutcome::Retryable { retry_after };
        let settled = match (
            &ended.transfer.answer,
            classify(ended.transfer.exchange, Repetition::First),
        ) {
            // what is left of the time must suffice for the command itself, else it may end unknown
            (Some(_), Meaning::Accepted { .. }) if begun.elapsed() > self.config.timeout / 2 => later(None),
            (Some(answer), Meaning::Accepted { .. }) => return self.adapter.prepare(command, answer, &cx),
            (None, Meaning::Accepted { .. }) | (_, Meaning::Ambiguous(_)) => later(None),
            (_, Meaning::Retryable(retry_after)) => later(retry_after),
            (_, Meaning::NotSent(reason)) => UpstreamOutcome::NotSent {
                reason,
                retry_after: ended.retry_after,
            },
            (_, Meaning::Held(reason)) => UpstreamOutcome::Held { reason },
            // a question has no business answer: they do not understand how we ask
            (_, Meaning::Rejected) => UpstreamOutcome::Held {
                reason: HeldReason::Refused,
            },
        };
        Ok(Prepared::Settled(settled))
    }
}
