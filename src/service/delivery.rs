//! Carrying deliveries out: claim, record the attempt, send once, and turn what came of it into one write set.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use onedoor_domain::actor::ActorKind;
use onedoor_domain::case::command::{By, Command, UpstreamNews};
use onedoor_domain::case::decide;
use onedoor_domain::case::event::Event;
use onedoor_domain::case::grid;
use onedoor_domain::case::state::Case;
use onedoor_domain::delivery::{DeliveryKind, DeliveryState};
use onedoor_domain::timeline::StoredEvent;
use tracing::Instrument as _;

use super::More;
use super::cases::{ATTEMPTS_MAX, Cases};
use super::delivery_view;
use crate::config::outbox::OutboxConfig;
use crate::error::AppError;
use crate::store::outbox::{ClaimRequest, ClaimedDelivery, DeliveryResult, Tried};
use crate::store::write_set::Commit;
use crate::telemetry::{self, traces};
use crate::upstream::adapter::Capability;
use crate::upstream::command::{DeliveryCommand, Operation};
use crate::upstream::driver::Allowance;
use crate::upstream::registry::{Registry, Upstream};

mod attempt;
mod settled;

use settled::{
    Settled, answered_otherwise, cancelled, gone, held, is_taken, nothing_to_stop, nothing_to_tell, over,
    to_be_told, uncertain,
};

/// Sends what the outbox holds.
pub struct Deliveries {
    cases: Arc<Cases>,
    registry: Arc<Registry>,
    settings: OutboxConfig,
}

/// Whose deliveries are claimed: a system at a time, so that a slow one delays no other.
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

/// Whether a claimed delivery is still wanted.
enum Due {
    /// It is: send it.
    Wanted,
    /// It is not, but an earlier attempt may have acted: find out.
    Unwanted,
    /// It is over, without another attempt.
    Over(Settled),
}

/// A delivery that is this process's to carry out until its lease ends.
pub struct Claim(ClaimedDelivery);

/// What a claim found.
pub struct Claims {
    /// The deliveries, the longest waiting first.
    pub all: Vec<Claim>,
    /// Whether more may be due.
    pub more: More,
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

    /// How many deliveries to a destination may be under way at once: what its system takes, or what a claim holds where
    /// nothing is sent.
    #[must_use]
    pub fn places(&self, to: &Destination) -> u32 {
        self.driver_of(to).map_or(self.settings.claim_max, |upstream| {
            upstream.config().concurrency_max
        })
    }

    /// Claims what is due to one system, or to systems that are not configured here: as many as are wanted and the system
    /// is to be given now. While it rests nothing is claimed, and a probe alone when it may be back.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn claim(&self, to: &Destination, wanted: u32) -> Result<Claims, AppError> {
        let wanted = wanted.min(self.settings.claim_max);
        let allowed = self.driver_of(to).map_or(
            Allowance {
                all: wanted,
                retries: wanted,
            },
            |upstream| {
                // what waits for its turn must have it well within the lease
                let ahead = Duration::from_millis(self.settings.lease_ms / 4);
                upstream.driver().allowance(wanted, ahead)
            },
        );
        let mut claimed = Vec::new();
        if allowed.all > 0 && allowed.retries >= allowed.all {
            claimed = self.claim_some(to, Tried::Either, allowed.all).await?;
        } else if allowed.all > 0 {
            if allowed.retries > 0 {
                claimed = self.claim_some(to, Tried::Before, allowed.retries).await?;
            }
            let taken = u32::try_from(claimed.len()).unwrap_or(u32::MAX);
            if taken < allowed.all {
                claimed.extend(self.claim_some(to, Tried::Never, allowed.all - taken).await?);
            }
        }
        if let Some(upstream) = self.driver_of(to) {
            let of = |first: bool| {
                let count = claimed.iter().filter(|one| (one.attempt == 1) == first).count();
                u32::try_from(count).unwrap_or(u32::MAX)
            };
            upstream.driver().book(of(true), of(false));
        }
        let full = allowed.all > 0 && u32::try_from(claimed.len()).is_ok_and(|count| count >= allowed.all);
        Ok(Claims {
            all: claimed.into_iter().map(Claim).collect(),
            more: if full { More::Perhaps } else { More::No },
        })
    }

    async fn claim_some(
        &self,
        to: &Destination,
        tried: Tried,
        max: u32,
    ) -> Result<Vec<ClaimedDelivery>, AppError> {
        let (upstream, except) = match to {
            Destination::Upstream(name) => (Some(name.as_str()), [].as_slice()),
            Destination::Unconfigured { configured } => (None, configured.as_slice()),
        };
        let request = ClaimRequest {
            upstream,
            except,
            now: self.cases.clock.now(),
            lease: Duration::from_millis(self.settings.lease_ms),
            max,
            tried,
        };
        Ok(self.cases.store.claim_deliveries(&request).await?)
    }

    /// Gives claims back that were not begun; a failure costs their lease.
    pub async fn give_back(&self, claims: Vec<Claim>) {
        let claims: Vec<ClaimedDelivery> = claims.into_iter().map(|Claim(claimed)| claimed).collect();
        if claims.is_empty() {
            return;
        }
        if let Err(error) = self.cases.store.give_back(&claims, self.cases.clock.now()).await {
            tracing::warn!(
                error = %telemetry::chain(&error),
                "claimed deliveries could not be given back; they are claimed again when their lease ends"
            );
        }
    }

    fn driver_of(&self, to: &Destination) -> Option<&Arc<Upstream>> {
        match to {
            Destination::Upstream(name) => self.registry.get(&name.parse().ok()?),
            Destination::Unconfigured { .. } => None,
        }
    }

    /// Carries one delivery out. A failure of ours is logged, and the delivery is claimed again when its lease ends.
    pub async fn carry_out(&self, Claim(claimed): Claim) {
        let span = tracing::debug_span!(
            "delivery", upstream.id = %claimed.upstream, delivery.id = %claimed.id, case.id = %claimed.case,
            delivery.operation = Operation::from(claimed.kind).as_str(), delivery.attempt = claimed.attempt
        );
        traces::follow(&span, claimed.traceparent.as_deref());
        if let Err(error) = Box::pin(self.try_carry_out(&claimed)).instrument(span).await {
            tracing::error!(
                delivery.id = %claimed.id, case.id = %claimed.case, upstream.id = %claimed.upstream,
                error = %telemetry::chain(&error),
                "a delivery could not be carried out; it is claimed again when its lease ends"
            );
        }
    }

    async fn try_carry_out(&self, claimed: &ClaimedDelivery) -> Result<(), AppError> {
        let upstream = claimed
            .upstream
            .parse()
            .ok()
            .and_then(|name| self.registry.carrier(&name).cloned());
        // a system that once carried items and is only registered now gets nothing any more
        let Some(upstream) = upstream else {
            return self
                .finish(claimed, None, &held("NOT_CONFIGURED", claimed, &self.settings))
                .await;
        };
        let Some(loaded) = self.cases.store.load_case(claimed.case).await? else {
            return self.finish(claimed, None, &cancelled()).await;
        };
        let lines = self.lines_told(claimed).await?;
        let tells = lines.last();
        let due = self.due(claimed, &loaded.case, tells, &upstream).await?;
        if let Due::Over(settled) = due {
            return self.finish(claimed, None, &settled).await;
        }
        let view = match claimed.kind {
            DeliveryKind::Notify => match loaded.case.handoff(claimed.handoff) {
                Some(beside) => {
                    delivery_view::of_news(&self.cases, beside, &lines, upstream.config()).await?
                }
                None => None,
            },
            DeliveryKind::Submit
            | DeliveryKind::Transition
            | DeliveryKind::Supplement
            | DeliveryKind::Withdraw => {
                let (case, handoff) = (&loaded.case, claimed.handoff);
                Some(delivery_view::of(&self.cases, case, handoff, tells, upstream.config()).await?)
            }
        };
        let Some(view) = view else {
            return self.finish(claimed, None, &cancelled()).await;
        };
        let command = DeliveryCommand {
            delivery: claimed.id,
            key: claimed.key.clone(),
            operation: claimed.kind.into(),
            attempt: claimed.attempt,
            earlier_attempt_unknown: claimed.earlier_attempt_unknown,
            external_id: loaded
                .case
                .external_number(&claimed.upstream)
                .and_then(crate::upstream::text::ExternalId::parse),
            case: view,
        };
        let settled = match due {
            Due::Unwanted => Some(self.ask_only(claimed, &upstream, &command).await),
            Due::Wanted if claimed.earlier_attempt_unknown => {
                self.after_doubt(claimed, &upstream, &command).await?
            }
            Due::Wanted | Due::Over(_) => self.send(claimed, &upstream, &command).await?,
        };
        match settled {
            Some(settled) => self.settle(claimed, settled).await,
            None => Ok(()),
        }
    }

    /// The lines of the ledger up to the one that a delivery tells of; none: it carries a handoff.
    async fn lines_told(&self, claimed: &ClaimedDelivery) -> Result<Vec<StoredEvent>, AppError> {
        let Some(seq) = claimed.tells else {
            return Ok(Vec::new());
        };
        let mut lines = self.cases.store.timeline(claimed.case).await?;
        lines.retain(|line| line.seq <= seq);
        Ok(lines)
    }

    /// Whether a delivery is still wanted, as its case stands now.
    async fn due(
        &self,
        claimed: &ClaimedDelivery,
        case: &Case,
        tells: Option<&StoredEvent>,
        upstream: &Upstream,
    ) -> Result<Due, AppError> {
        let handoff = case.handoff(claimed.handoff);
        let can = |capability| upstream.capabilities().contains(&capability);
        Ok(match claimed.kind {
            DeliveryKind::Submit | DeliveryKind::Transition => {
                let wanted = handoff
                    .is_some_and(|handoff| handoff.state.awaits_answer() || grid::is_second_round(handoff));
                let taken = handoff.is_some_and(|handoff| handoff.acknowledged_at.is_some());
                if wanted && !case.is_closed() {
                    Due::Wanted
                } else if claimed.earlier_attempt_unknown && !taken {
                    // it may have acted: whether it has the case decides whether it must be told to stop
                    Due::Unwanted
                } else {
                    Due::Over(over(case, claimed))
                }
            }
            DeliveryKind::Supplement => {
                let at_work = handoff.is_some_and(|handoff| handoff.state.is_open());
                if case.is_closed() || !at_work {
                    Due::Over(cancelled())
                } else if can(Capability::Supplement) {
                    Due::Wanted
                } else {
                    Due::Over(to_be_told())
                }
            }
            DeliveryKind::Withdraw => {
                let ended = tells.is_none_or(|line| {
                    !matches!(
                        line.event,
                        Event::HandoffRecalled { .. } | Event::HandoffWaived { .. }
                    )
                });
                let has_it = case.external_number(&claimed.upstream).is_some()
                    && (ended || self.cases.store.has_left(claimed.handoff).await?);
                if !has_it {
                    Due::Over(nothing_to_stop())
                } else if can(Capability::Withdraw) {
                    Due::Wanted
                } else {
                    Due::Over(to_be_told())
                }
            }
            DeliveryKind::Notify => {
                let listens = upstream.config().notify.is_some() && can(Capability::Notify);
                let known = case.external_number(&claimed.upstream).is_some();
                if !listens {
                    Due::Over(cancelled())
                } else if upstream.notifies_by_number() && !known {
                    Due::Over(nothing_to_tell())
                } else if upstream.driver().is_gone() {
                    Due::Over(gone())
                } else {
                    Due::Wanted
                }
            }
        })
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
                next_tick_at: None,
            };
            for news in &settled.news {
                let news = UpstreamNews {
                    upstream: claimed.upstream.clone(),
                    handoff: claimed.handoff,
                    number: news.number.clone(),
                    version: news.version,
                    said: news.said.clone(),
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
                outcome.next_tick_at = heard.next_tick_at;
                outcome.events.extend(heard.events);
            }
            // the system's own word, by a notice, came before our doubt about the connection
            let answered = settled.state == DeliveryState::Uncertain && is_taken(&outcome.case, claimed);
            let mut set = self.cases.write_set(Some(before), outcome, &item, None).await?;
            let settled = if answered { &answered_otherwise() } else { &settled };
            set.delivery_result = Some(self.result(claimed, Some(claimed.attempt), settled));
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
                Commit::Overtaken | Commit::Replayed { .. } | Commit::Mismatch | Commit::DocumentTaken => {
                    return Ok(());
                }
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
            evidence: settled.evidence.clone(),
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

/// An upstream system, as the ledger names it.
pub(super) fn upstream_by(upstream: &str) -> By {
    By {
        kind: ActorKind::Upstream,
        subject: upstream.to_owned(),
        organization: None,
        on_behalf_of: None,
    }
}
