//! Carrying deliveries out: claim, record the attempt, send once, and turn what came of it into one write set.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use onedoor_domain::actor::ActorKind;
use onedoor_domain::case::command::{By, Command, Said, UpstreamNews};
use onedoor_domain::case::decide;
use onedoor_domain::delivery::DeliveryState;
use onedoor_domain::handoff::HandoffState;

use super::More;
use super::cases::{ATTEMPTS_MAX, Cases};
use super::delivery_view;
use super::notice::said_of;
use crate::config::outbox::OutboxConfig;
use crate::error::AppError;
use crate::store::outbox::{ClaimRequest, ClaimedDelivery, DeliveryResult, Tries};
use crate::store::write_set::Commit;
use crate::telemetry;
use crate::upstream::command::{DeliveryCommand, Operation};
use crate::upstream::outcome::{Acceptance, Ambiguity, Finding, Remedy, UpstreamOutcome};
use crate::upstream::registry::{Registry, Upstream};

/// Sends what the outbox holds.
pub struct Deliveries {
    cases: Arc<Cases>,
    registry: Arc<Registry>,
    settings: OutboxConfig,
}

/// Whose deliveries a pass claims: a system at a time, so that a slow one delays no other.
#[derive(Debug, Clone)]
pub enum Destination {
    /// This system's.
    Upstream(String),
    /// Those of systems that are not configured here, which are held.
    Unconfigured {
        /// The systems that are.
        configured: Vec<String>,
    },
}

/// What an attempt came to, as the outbox keeps it and as the case hears it.
struct Settled {
    state: DeliveryState,
    outcome: &'static str,
    reason: Option<String>,
    wait: Option<Duration>,
    tries: Tries,
    in_doubt: bool,
    news: Vec<(Option<String>, Said)>,
}

impl Deliveries {
    /// Joins the parts.
    #[must_use]
    pub const fn new(cases: Arc<Cases>, registry: Arc<Registry>, settings: OutboxConfig) -> Self {
        Self {
            cases,
            registry,
            settings,
        }
    }

    /// Claims what is due to one system, or to systems that are not configured here, and carries it out. Returns
    /// whether there may be more: the claim was full.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE of the claim itself; a delivery that fails is isolated, logged, and claimed again when its
    /// lease ends.
    pub async fn pass(&self, to: &Destination) -> Result<More, AppError> {
        let (upstream, except) = match to {
            Destination::Upstream(name) => (Some(name.as_str()), [].as_slice()),
            Destination::Unconfigured { configured } => (None, configured.as_slice()),
        };
        let claimed = self
            .cases
            .store
            .claim_deliveries(&ClaimRequest {
                upstream,
                except,
                now: self.cases.clock.now(),
                lease: Duration::from_millis(self.settings.lease_ms),
                max: self.settings.claim_max,
            })
            .await?;
        let mut running: FuturesUnordered<_> = claimed.iter().map(|one| self.carry_out(one)).collect();
        while let Some((delivery, result)) = running.next().await {
            if let Err(error) = result {
                tracing::error!(
                    delivery.id = %delivery.id, case.id = %delivery.case, upstream.id = %delivery.upstream,
                    error = %telemetry::chain(&error),
                    "a delivery could not be carried out; it is claimed again when its lease ends"
                );
            }
        }
        let full = u32::try_from(claimed.len()).is_ok_and(|count| count >= self.settings.claim_max);
        Ok(if full { More::Perhaps } else { More::No })
    }

    async fn carry_out<'a>(
        &self,
        claimed: &'a ClaimedDelivery,
    ) -> (&'a ClaimedDelivery, Result<(), AppError>) {
        (claimed, Box::pin(self.try_carry_out(claimed)).await)
    }

    async fn try_carry_out(&self, claimed: &ClaimedDelivery) -> Result<(), AppError> {
        let upstream = claimed
            .upstream
            .parse()
            .ok()
            .and_then(|name| self.registry.get(&name).cloned());
        let Some(upstream) = upstream else {
            return self
                .finish(claimed, None, &held("NOT_CONFIGURED", claimed, &self.settings))
                .await;
        };
        let Some(loaded) = self.cases.store.load_case(claimed.case).await? else {
            return self.finish(claimed, None, &cancelled()).await;
        };
        let wanted = loaded
            .case
            .handoff(claimed.handoff)
            .is_some_and(|handoff| handoff.state.awaits_answer());
        if !wanted || loaded.case.is_closed() {
            return self.finish(claimed, None, &over(&loaded.case, claimed)).await;
        }
        let Some(operation) = operation(&claimed.operation) else {
            return self
                .finish(claimed, None, &held("UNKNOWN_OPERATION", claimed, &self.settings))
                .await;
        };
        let command = DeliveryCommand {
            delivery: claimed.id,
            key: claimed.key.clone(),
            operation,
            attempt: claimed.attempt,
            earlier_attempt_unknown: claimed.earlier_attempt_unknown,
            external_id: loaded
                .case
                .external_number(&claimed.upstream)
                .and_then(crate::upstream::text::ExternalId::parse),
            case: delivery_view::of(&self.cases, &loaded.case, claimed.handoff, upstream.config()).await?,
        };
        let settled = if claimed.earlier_attempt_unknown {
            self.after_doubt(claimed, &upstream, &command).await?
        } else {
            self.send(claimed, &upstream, &command).await?
        };
        match settled {
            Some(settled) => self.settle(claimed, settled).await,
            None => Ok(()),
        }
    }

    /// An earlier attempt may have acted: the upstream's class says whether to resend, to ask, or to leave it.
    async fn after_doubt(
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
        match lost.remedy(upstream.config().idempotency, upstream.can_ask()) {
            Remedy::Resend => self.send(claimed, upstream, command).await,
            Remedy::Uncertain => Ok(Some(uncertain())),
            Remedy::AskFirst => match upstream.driver().find(command).await.finding {
                Finding::Found(acceptance) => Ok(Some(accepted(&acceptance))),
                Finding::Absent => self.send(claimed, upstream, command).await,
                Finding::Unanswered { retry_after, .. } => Ok(Some(Settled {
                    reason: Some(lost.as_str().to_owned()),
                    ..self.later(claimed, "UNANSWERED", retry_after, Doubt::Yes)
                })),
                Finding::Held { reason } => Ok(Some(Settled {
                    in_doubt: true,
                    ..held(reason.as_str(), claimed, &self.settings)
                })),
                Finding::Unsupported => Ok(Some(uncertain())),
            },
        }
    }

    /// One attempt: a row first, then the act. `None`: the claim was lost meanwhile, nothing was sent.
    async fn send(
        &self,
        claimed: &ClaimedDelivery,
        upstream: &Upstream,
        command: &DeliveryCommand,
    ) -> Result<Option<Settled>, AppError> {
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
        Ok(Some(match attempt.outcome {
            UpstreamOutcome::Accepted(acceptance) => accepted(&acceptance),
            UpstreamOutcome::Rejected { code, reason } => Settled {
                reason: code,
                news: vec![(
                    None,
                    Said::Rejected {
                        reason: reason.as_str().to_owned(),
                    },
                )],
                ..ended(DeliveryState::Rejected, "REJECTED")
            },
            UpstreamOutcome::NotSent { reason, retry_after } => Settled {
                tries: Tries::Keep,
                in_doubt: claimed.earlier_attempt_unknown,
                state: DeliveryState::Pending,
                outcome: "NOT_SENT",
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
                let sent = vec![(None, Said::Sent)];
                match reason.remedy(upstream.config().idempotency, upstream.can_ask()) {
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
            UpstreamOutcome::Held { reason } => {
                tracing::error!(
                    upstream.id = %claimed.upstream, delivery.id = %claimed.id, reason = reason.as_str(),
                    "an upstream refuses us by its or our configuration; its deliveries wait"
                );
                held(reason.as_str(), claimed, &self.settings)
            }
        }))
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
            reason: Some(outcome.to_owned()),
            wait: (!spent).then(|| self.wait(claimed.attempt, retry_after)),
            tries: Tries::Spend,
            in_doubt: doubt == Doubt::Yes,
            news: Vec::new(),
        }
    }

    /// Exponential backoff, capped, with jitter in its upper half, and never before the upstream asked for.
    fn wait(&self, attempt: u32, retry_after: Option<Duration>) -> Duration {
        let doublings = attempt.saturating_sub(1).min(20);
        let full = self
            .settings
            .backoff_first_ms
            .saturating_mul(1 << doublings)
            .min(self.settings.backoff_max_ms);
        let half = full / 2;
        let backoff = Duration::from_millis(half + rand::random_range(0..=half));
        retry_after.map_or(backoff, |asked| asked.max(backoff))
    }

    /// Stores the result, and the news it brings for the case, in one transaction.
    async fn settle(&self, claimed: &ClaimedDelivery, settled: Settled) -> Result<(), AppError> {
        if settled.news.is_empty() {
            return self.finish(claimed, Some(claimed.attempt), &settled).await;
        }
        for _ in 0..ATTEMPTS_MAX {
            let Some(before) = self.cases.store.load_case(claimed.case).await? else {
                return Ok(());
            };
            let item = self.cases.item_of(&before.case).await?;
            let (calendar, directory) = (self.cases.calendar().await?, self.cases.directory());
            let mut outcome = decide::Outcome {
                case: before.case.clone(),
                events: Vec::new(),
            };
            for (number, said) in &settled.news {
                let news = UpstreamNews {
                    upstream: claimed.upstream.clone(),
                    handoff: claimed.handoff,
                    number: number.clone(),
                    said: said.clone(),
                };
                let heard = self
                    .cases
                    .decide(
                        upstream_by(&claimed.upstream),
                        &item,
                        calendar.calendar(),
                        &directory,
                        |cx| decide::decide(&outcome.case, &Command::Upstream(news), cx),
                    )
                    .map_err(AppError::internal)?;
                outcome.case = heard.case;
                outcome.events.extend(heard.events);
            }
            let mut set = self.cases.write_set(Some(before), outcome, &item, None).await?;
            set.delivery_result = Some(self.result(claimed, Some(claimed.attempt), &settled));
            match self.cases.store.commit(set).await? {
                Commit::Committed(set) => {
                    self.cases.committed(&set);
                    return Ok(());
                }
                Commit::Stale => {}
                Commit::NumberTaken => {
                    tracing::error!(
                        upstream.id = %claimed.upstream, delivery.id = %claimed.id,
                        "an upstream gave the number of another case; the delivery waits for a person"
                    );
                    let doubtful = Settled {
                        reason: Some("NUMBER_TAKEN".to_owned()),
                        ..uncertain()
                    };
                    return self.finish(claimed, Some(claimed.attempt), &doubtful).await;
                }
                // another worker holds it by now: what it learns counts
                Commit::Overtaken | Commit::Replayed { .. } | Commit::Mismatch => return Ok(()),
            }
        }
        Err(AppError::internal(
            "a case moved on too often to store what came of its delivery",
        ))
    }

    async fn finish(
        &self,
        claimed: &ClaimedDelivery,
        attempt: Option<u32>,
        settled: &Settled,
    ) -> Result<(), AppError> {
        let result = self.result(claimed, attempt, settled);
        self.cases
            .store
            .finish_delivery(&result, self.cases.clock.now())
            .await?;
        Ok(())
    }

    fn result(&self, claimed: &ClaimedDelivery, attempt: Option<u32>, settled: &Settled) -> DeliveryResult {
        let now: DateTime<Utc> = self.cases.clock.now();
        DeliveryResult {
            delivery: claimed.id,
            fence: claimed.fence,
            attempt,
            outcome: settled.outcome.to_owned(),
            state: settled.state,
            reason: settled.reason.clone(),
            next_attempt_at: settled
                .wait
                .and_then(|wait| chrono::Duration::from_std(wait).ok())
                .map(|wait| now + wait),
            tries: settled.tries,
            in_doubt: settled.in_doubt,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Doubt {
    Yes,
    No,
}

/// An upstream system, as the ledger names it.
pub(super) fn upstream_by(upstream: &str) -> By {
    By {
        kind: ActorKind::Upstream,
        subject: upstream.to_owned(),
        organization: None,
        on_behalf_of: None,
    }
}

fn operation(stored: &str) -> Option<Operation> {
    serde_json::from_value(serde_json::Value::String(stored.to_owned())).ok()
}

/// Taken over: 签收, and whatever it reports already.
fn accepted(acceptance: &Acceptance) -> Settled {
    let number = Some(acceptance.external_id.as_str().to_owned());
    let mut news = vec![(number.clone(), Said::Received)];
    news.extend(
        acceptance
            .facts
            .iter()
            .map(|fact| (number.clone(), said_of(&fact.kind))),
    );
    Settled {
        news,
        ..ended(DeliveryState::Delivered, "ACCEPTED")
    }
}

const fn ended(state: DeliveryState, outcome: &'static str) -> Settled {
    Settled {
        state,
        outcome,
        reason: None,
        wait: None,
        tries: Tries::Spend,
        in_doubt: false,
        news: Vec::new(),
    }
}

fn uncertain() -> Settled {
    Settled {
        in_doubt: true,
        ..ended(DeliveryState::Uncertain, "AMBIGUOUS")
    }
}

const fn cancelled() -> Settled {
    ended(DeliveryState::Cancelled, "NOT_WANTED")
}

/// The handoff was answered otherwise: a decision overtook the answer, or the case ended. Without an attempt nothing
/// was ever sent.
fn over(case: &onedoor_domain::case::state::Case, claimed: &ClaimedDelivery) -> Settled {
    let taken = case
        .handoff(claimed.handoff)
        .is_some_and(|handoff| matches!(handoff.state, HandoffState::Acknowledged | HandoffState::Done));
    if taken && claimed.attempt > 1 {
        ended(DeliveryState::Delivered, "ANSWERED")
    } else {
        cancelled()
    }
}

/// Waits for a repair. A doubt about an earlier attempt stays.
fn held(reason: &str, claimed: &ClaimedDelivery, settings: &OutboxConfig) -> Settled {
    Settled {
        in_doubt: claimed.earlier_attempt_unknown,
        reason: Some(reason.to_owned()),
        wait: Some(Duration::from_millis(settings.backoff_max_ms)),
        tries: Tries::Keep,
        ..ended(DeliveryState::Held, "HELD")
    }
}
