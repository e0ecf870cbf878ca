//! One attempt at a delivery: what an earlier one leaves to do, the sending itself, and what its outcome means.

use std::time::Duration;

use onedoor_domain::case::command::Said;
use onedoor_domain::delivery::{DeliveryKind, DeliveryState};

use super::settled::{News, Settled, accepted, cancelled, held, rejected, uncertain};
use super::{Deliveries, OutboxConfig};
use crate::error::AppError;
use crate::store::outbox::{ClaimedDelivery, Tries};
use crate::upstream::command::DeliveryCommand;
use crate::upstream::outcome::{Ambiguity, Finding, HeldReason, Remedy, UpstreamOutcome};
use crate::upstream::registry::Upstream;

impl Deliveries {
    /// An earlier attempt may have acted: the upstream's class says whether to resend, to ask, or to leave it.
    pub(super) async fn after_doubt(
        &self,
        claimed: &ClaimedDelivery,
        upstream: &Upstream,
        command: &DeliveryCommand,
    ) -> Result<Option<Settled>, AppError> {
        // after a crash it is not known what was lost; a lost connection stands for it
        let lost = claimed
            .reason
            .as_deref()
            .and_then(Ambiguity::parse)
            .unwrap_or(Ambiguity::ConnectionLost);
        match remedy(claimed.kind, lost, upstream, command) {
            Remedy::Resend => self.send(claimed, upstream, command).await,
            Remedy::Uncertain => Ok(Some(uncertain())),
            Remedy::AskFirst => match self.ask(claimed, upstream, command).await {
                Asked::Absent => self.send(claimed, upstream, command).await,
                Asked::Settled(settled) => Ok(Some(Settled {
                    // an answer that did not come leaves the earlier reason standing
                    reason: if settled.in_doubt && settled.state == DeliveryState::Pending {
                        Some(lost.as_str().to_owned())
                    } else {
                        settled.reason
                    },
                    ..*settled
                })),
            },
        }
    }

    /// Nobody wants it any more, but an earlier attempt may have acted: finds out, and never sends again.
    pub(super) async fn ask_only(
        &self,
        claimed: &ClaimedDelivery,
        upstream: &Upstream,
        command: &DeliveryCommand,
    ) -> Settled {
        if !upstream.can_ask_for(command.external_id.as_ref()) {
            return uncertain();
        }
        match self.ask(claimed, upstream, command).await {
            Asked::Absent => cancelled(),
            Asked::Settled(settled) => *settled,
        }
    }

    /// Asks the system whether it has the case.
    async fn ask(&self, claimed: &ClaimedDelivery, upstream: &Upstream, command: &DeliveryCommand) -> Asked {
        Asked::Settled(Box::new(match upstream.driver().find(command).await.finding {
            Finding::Found(acceptance) => accepted(claimed.kind, &acceptance),
            Finding::Absent => return Asked::Absent,
            Finding::Unanswered { retry_after, .. } => {
                self.later(claimed, "UNANSWERED", retry_after, Doubt::Yes)
            }
            Finding::Held { reason } => Settled {
                in_doubt: true,
                ..self.waits_for_repair(claimed, reason)
            },
            Finding::Unsupported => uncertain(),
        }))
    }

    /// One attempt: a row first, then the act. `None`: the claim was lost meanwhile, nothing was sent.
    pub(super) async fn send(
        &self,
        claimed: &ClaimedDelivery,
        upstream: &Upstream,
        command: &DeliveryCommand,
    ) -> Result<Option<Settled>, AppError> {
        upstream.driver().turns(command).await;
        if !self
            .cases
            .store
            .start_attempt(claimed, self.cases.clock.now())
            .await?
        {
            return Ok(None);
        }
        fail::fail_point!("delivery.started");
        let attempt = upstream.driver().send(command).await;
        fail::fail_point!("delivery.sent");
        let settled = match attempt.outcome {
            UpstreamOutcome::Accepted(acceptance) => accepted(claimed.kind, &acceptance),
            UpstreamOutcome::Rejected { code, reason } => rejected(claimed.kind, code, &reason),
            UpstreamOutcome::NotSent { reason, retry_after } => Settled {
                tries: Tries::Keep,
                in_doubt: claimed.earlier_attempt_unknown,
                state: DeliveryState::Pending,
                outcome: "NOT_SENT",
                evidence: None,
                reason: Some(reason.as_str().to_owned()),
                wait: Some(self.wait(claimed.attempt, retry_after)),
                news: Vec::new(),
            },
            UpstreamOutcome::Retryable { retry_after } => {
                let doubt = if claimed.earlier_attempt_unknown {
                    Doubt::Yes
                } else {
                    Doubt::No
                };
                self.later(claimed, "RETRYABLE", retry_after, doubt)
            }
            UpstreamOutcome::Ambiguous { reason } => {
                let sent = if claimed.kind.is_handing_over() {
                    vec![News::of_attempt(Said::Sent)]
                } else {
                    Vec::new()
                };
                match remedy(claimed.kind, reason, upstream, command) {
                    Remedy::Uncertain => Settled {
                        news: sent,
                        reason: Some(reason.as_str().to_owned()),
                        ..uncertain()
                    },
                    Remedy::Resend | Remedy::AskFirst => Settled {
                        news: sent,
                        reason: Some(reason.as_str().to_owned()),
                        ..self.later(claimed, "AMBIGUOUS", None, Doubt::Yes)
                    },
                }
            }
            UpstreamOutcome::Held { reason } => self.waits_for_repair(claimed, reason),
        };
        Ok(Some(Settled {
            evidence: attempt.evidence,
            ..settled
        }))
    }

    /// An upstream that refuses us by its or our configuration: somebody must mend it, and is told here, once.
    fn waits_for_repair(&self, claimed: &ClaimedDelivery, reason: HeldReason) -> Settled {
        tracing::error!(
            upstream.id = %claimed.upstream, delivery.id = %claimed.id, reason = reason.as_str(),
            "an upstream refuses us by its or our configuration; its deliveries wait"
        );
        held(reason.as_str(), claimed, &self.settings)
    }

    /// Try again later, or give up when too many attempts that count are spent.
    fn later(
        &self,
        claimed: &ClaimedDelivery,
        outcome: &'static str,
        retry_after: Option<Duration>,
        doubt: Doubt,
    ) -> Settled {
        let spent = claimed.tries_spent.saturating_add(1) >= self.settings.attempts_max;
        Settled {
            state: if spent {
                DeliveryState::Dead
            } else {
                DeliveryState::Pending
            },
            outcome,
            evidence: None,
            reason: Some(outcome.to_owned()),
            wait: (!spent).then(|| self.wait(claimed.attempt, retry_after)),
            tries: Tries::Spend,
            in_doubt: doubt == Doubt::Yes,
            news: Vec::new(),
        }
    }

    fn wait(&self, attempt: u32, retry_after: Option<Duration>) -> Duration {
        backoff(&self.settings, attempt, retry_after)
    }
}

/// Exponential backoff, capped, with jitter in its upper half, and never before the upstream asked for.
fn backoff(settings: &OutboxConfig, attempt: u32, retry_after: Option<Duration>) -> Duration {
    let doublings = attempt.saturating_sub(1).min(20);
    let full = settings
        .backoff_first_ms
        .saturating_mul(1 << doublings)
        .min(settings.backoff_max_ms);
    let half = full / 2;
    let backoff = Duration::from_millis(half + rand::random_range(0..=half));
    retry_after.map_or(backoff, |asked| asked.max(backoff))
}

/// What a question came to.
enum Asked {
    /// The system does not have it.
    Absent,
    /// Everything else.
    Settled(Box<Settled>),
}

/// What to do about an attempt that may have acted. Stopping twice is stopping once, so a withdrawal is repeated at any
/// system. Of papers no question can tell whether they came: they are repeated only where that is safe.
fn remedy(kind: DeliveryKind, reason: Ambiguity, upstream: &Upstream, command: &DeliveryCommand) -> Remedy {
    let idempotency = upstream.config().idempotency;
    let can_ask = upstream.can_ask_for(command.external_id.as_ref());
    match kind {
        DeliveryKind::Submit | DeliveryKind::Transition => reason.remedy(idempotency, can_ask),
        DeliveryKind::Withdraw if reason == Ambiguity::ConflictOnRepeat => Remedy::Uncertain,
        // telling twice is telling once: the receiver knows the identifier
        DeliveryKind::Withdraw | DeliveryKind::Notify => Remedy::Resend,
        DeliveryKind::Supplement => reason.remedy(idempotency, false),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Doubt {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn pauses_double_up_to_a_cap_differ_and_are_never_shorter_than_asked_for() {
        let settings = OutboxConfig {
            tick_ms: 1_000,
            claim_max: 100,
            lease_ms: 60_000,
            lease_margin_ms: 5_000,
            backoff_first_ms: 1_000,
            backoff_max_ms: 300_000,
            attempts_max: 12,
        };
        let (first, longest) = (settings.backoff_first_ms, settings.backoff_max_ms);
        for attempt in [1, 2, 3, 9, 30, u32::MAX] {
            let full = (first << (attempt.min(20) - 1)).min(longest);
            let pauses: BTreeSet<Duration> = (0..200).map(|_| backoff(&settings, attempt, None)).collect();
            let bounds = Duration::from_millis(full / 2)..=Duration::from_millis(full);
            assert!(
                pauses.iter().all(|pause| bounds.contains(pause)),
                "{attempt}: {pauses:?}"
            );
            assert!(
                pauses.len() > 50,
                "many who failed together do not come back together"
            );
        }
        let asked = Duration::from_secs(3_600);
        assert_eq!(backoff(&settings, 1, Some(asked)), asked);
        assert!(backoff(&settings, 30, Some(Duration::ZERO)) >= Duration::from_millis(longest / 2));
    }
}
