//! The one way out: carries a command to its upstream once and tells honestly what came of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use crate::clock::SharedClock;
use crate::upstream::adapter::{Adapter, EncodeContext, EncodeError, Prepared};
use crate::upstream::auth::Credentials;
use crate::upstream::breaker::{Breaker, BreakerState, Health};
use crate::upstream::budget::RetryBudget;
use crate::upstream::command::{DeliveryCommand, Operation};
use crate::upstream::config::UpstreamConfig;
use crate::upstream::metrics::{Purpose, UpstreamMetrics};
use crate::upstream::outcome::{
    Ambiguity, Exchange, Finding, HeldReason, NotSentReason, OutcomeClass, UpstreamOutcome,
};
use crate::upstream::pace::Pace;
use crate::upstream::transport::{Transfer, Transport};
use crate::upstream::wire::WireRequest;

pub mod judge;
mod poll;
mod prove;
mod reading;
pub mod tap;

pub use poll::Polled;
use prove::Unproven;
use tap::Tap;

/// The most that is kept of an answer's word about itself, characters.
const EVIDENCE_MAX: usize = 500;

/// What came of one attempt to deliver.
#[derive(Debug)]
pub struct Attempt {
    /// The outcome.
    pub outcome: UpstreamOutcome,
    /// When the attempt began.
    pub started: DateTime<Utc>,
    /// How long it took.
    pub elapsed: Duration,
    /// Status code, when one came.
    pub http_status: Option<u16>,
    /// Bytes of the answer's body that were read.
    pub bytes: u64,
    /// What the answer says of itself for later proof, visible ASCII, bounded; `None`: nothing.
    pub evidence: Option<String>,
}

/// What came of one question.
#[derive(Debug)]
pub struct Inquiry {
    /// What the upstream knows.
    pub finding: Finding,
    /// How far the exchange came; `None` when none was begun.
    pub exchange: Option<Exchange>,
    /// When the question was asked.
    pub started: DateTime<Utc>,
    /// How long it took.
    pub elapsed: Duration,
    /// Status code, when one came.
    pub http_status: Option<u16>,
    /// Bytes of the answer's body that were read.
    pub bytes: u64,
}

/// Carries commands to one upstream.
pub struct Driver {
    config: Arc<UpstreamConfig>,
    adapter: Arc<dyn Adapter>,
    transport: Transport,
    credentials: Credentials,
    places: Semaphore,
    breaker: Breaker,
    budget: RetryBudget,
    pace: Pace,
    last: Mutex<Last>,
    tap: Option<Tap>,
    metrics: UpstreamMetrics,
    clock: SharedClock,
}

/// What this process last saw of an upstream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Last {
    /// When an attempt or a question was answered as it should be, or with a business no.
    pub success: Option<DateTime<Utc>>,
    /// When one was not, and how it ended.
    pub failure: Option<(DateTime<Utc>, OutcomeClass)>,
    /// When it last said that it wants no more news (410); `None`: it takes news.
    pub gone: Option<DateTime<Utc>>,
}

/// How long a system that wants no more news is left in peace before one is offered again.
const GONE_REST: TimeDelta = TimeDelta::hours(1);

/// How many deliveries may set out towards an upstream now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// In all; 0 while it rests.
    pub all: u32,
    /// Of these such that were tried before.
    pub retries: u32,
}

/// How one request ended, before anyone gave it a meaning.
struct Ended {
    transfer: Transfer,
    retry_after: Option<Duration>,
}

impl Driver {
    /// A driver of one upstream.
    #[must_use]
    pub fn new(
        config: Arc<UpstreamConfig>,
        adapter: Arc<dyn Adapter>,
        transport: Transport,
        credentials: Credentials,
        metrics: UpstreamMetrics,
        clock: SharedClock,
    ) -> Self {
        metrics.announce(&config.name);
        let places = Semaphore::new(usize::try_from(config.concurrency_max).unwrap_or(usize::MAX));
        let breaker = Breaker::new(config.breaker);
        Self {
            budget: RetryBudget::new(config.retry, Instant::now()),
            pace: Pace::new(config.rate_per_second),
            last: Mutex::default(),
            tap: None,
            config,
            adapter,
            transport,
            credentials,
            places,
            breaker,
            metrics,
            clock,
        }
    }

    /// The same, with a tap on its exchanges.
    #[must_use]
    pub fn tapped(mut self, tap: Tap) -> Self {
        self.tap = Some(tap);
        self
    }

    /// How many deliveries may set out now, of `wanted`: none while the upstream rests, one to find out whether it is
    /// back, retries as far as they were earned, and no more than the pace lets go within `ahead`.
    #[must_use]
    pub fn allowance(&self, wanted: u32, ahead: Duration) -> Allowance {
        let now = Instant::now();
        let (state, budget) = (self.breaker.state(now), self.budget.available(now));
        self.metrics.breaker(&self.config.name, state);
        self.metrics.budget(&self.config.name, budget);
        match state {
            BreakerState::Open => Allowance { all: 0, retries: 0 },
            // what is a probe need not be earned
            BreakerState::HalfOpen => Allowance {
                all: wanted.min(u32::from(!self.breaker.is_probing())),
                retries: 1,
            },
            BreakerState::Closed => {
                let all = self
                    .pace
                    .turns_within(ahead)
                    .map_or(wanted, |turns| turns.min(wanted));
                Allowance {
                    all,
                    retries: budget.min(all),
                }
            }
        }
    }

    /// Books what was claimed: first attempts earn retries, retries cost what was earned. Booked with the claim, so that
    /// the next claim does not spend the same again.
    pub fn book(&self, first_attempts: u32, retries: u32) {
        let now = Instant::now();
        self.budget.spend(retries, now);
        self.budget.earn(first_attempts, now);
    }

    /// State of the breaker now.
    #[must_use]
    pub fn breaker_state(&self) -> BreakerState {
        self.breaker.state(Instant::now())
    }

    /// Retries that may go now.
    #[must_use]
    pub fn retries_available(&self) -> u32 {
        self.budget.available(Instant::now())
    }

    /// What this process last saw of the upstream.
    #[must_use]
    pub fn last(&self) -> Last {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it said a short while ago that it wants no more news.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        let now = self.clock.now();
        self.last().gone.is_some_and(|since| now - since < GONE_REST)
    }

    /// Carries a command to the upstream once. Takes at most the configured timeout; take its [`Driver::turns`] first.
    #[tracing::instrument(level = "debug", skip_all, fields(otel.kind = "client"))]
    pub async fn send(&self, command: &DeliveryCommand) -> Attempt {
        let (started, begun) = (self.clock.now(), Instant::now());
        let ended = match self.prepared(command, started, begun).await {
            Prepared::Request(request) => match self.request(&command.key, request, started, begun).await {
                Ok(ended) => Ok(ended),
                Err(reason) => Err(UpstreamOutcome::Held { reason }),
            },
            Prepared::Settled(outcome) => Err(outcome),
        };
        let (outcome, http_status, bytes, evidence) = match ended {
            Err(outcome) => (outcome, None, 0, None),
            Ok(ended) => {
                let transfer = &ended.transfer;
                let said = transfer
                    .answer
                    .as_ref()
                    .and_then(|answer| self.adapter.evidence(answer));
                (
                    judge::outcome(&*self.adapter, command, ended.ending()),
                    status_of(transfer.exchange),
                    transfer.bytes,
                    said.and_then(|said| evidence(&said)),
                )
            }
        };
        let outcome = self.capped(outcome);
        let elapsed = begun.elapsed();
        let attempt = Attempt {
            outcome,
            started,
            elapsed,
            http_status,
            bytes,
            evidence,
        };
        self.record_attempt(command, &attempt);
        attempt
    }

    /// Asks the upstream whether it has the case of a command, by our key or its number, and how far it is.
    #[tracing::instrument(level = "debug", skip_all, fields(otel.kind = "client"))]
    pub async fn find(&self, command: &DeliveryCommand) -> Inquiry {
        self.pace.turn().await;
        let (started, begun) = (self.clock.now(), Instant::now());
        let ended = match self
            .adapter
            .encode_query(command, &EncodeContext { now: started })
        {
            Ok(request) => self.request(&command.key, request, started, begun).await,
            Err(EncodeError::Unsupported) => {
                let (finding, elapsed) = (Finding::Unsupported, begun.elapsed());
                return Inquiry {
                    finding,
                    exchange: None,
                    started,
                    elapsed,
                    http_status: None,
                    bytes: 0,
                };
            }
            Err(EncodeError::NumberMissing | EncodeError::Body(_) | EncodeError::Template { .. }) => {
                Err(HeldReason::NotEncodable)
            }
        };
        let exchange = ended.as_ref().ok().map(|ended| ended.transfer.exchange);
        let (finding, http_status, bytes) = match ended {
            Err(reason) => (Finding::Held { reason }, None, 0),
            Ok(ended) => {
                let finding = judge::finding(&*self.adapter, command, ended.ending());
                (finding, status_of(ended.transfer.exchange), ended.transfer.bytes)
            }
        };
        let elapsed = begun.elapsed();
        let inquiry = Inquiry {
            finding,
            exchange,
            started,
            elapsed,
            http_status,
            bytes,
        };
        self.record_inquiry(command, &inquiry);
        inquiry
    }

    /// One request under all limits: place, breaker, deadline.
    async fn request(
        &self,
        key: &str,
        request: WireRequest,
        now: DateTime<Utc>,
        begun: Instant,
    ) -> Result<Ended, HeldReason> {
        let Some(_place) = self.place(begun).await else {
            return Ok(Ended::not_sent(NotSentReason::Busy, None));
        };
        let permit = match self.breaker.permit(Instant::now()) {
            Ok(permit) => permit,
            Err(resting) => {
                return Ok(Ended::not_sent(
                    NotSentReason::CircuitOpen,
                    Some(resting.remaining),
                ));
            }
        };
        let transfer = match self.prove_and_send(key, request, now, begun).await {
            Ok(transfer) => transfer,
            Err(Unproven::Held(reason)) => return Err(reason),
            Err(Unproven::Later(after)) => return Ok(Ended::not_sent(NotSentReason::NoToken, after)),
        };
        permit.settle(health(transfer.exchange), Instant::now());
        self.metrics
            .breaker(&self.config.name, self.breaker.state(Instant::now()));
        Ok(Ended {
            transfer,
            retry_after: None,
        })
    }

    /// A place among the requests under way. It is waited for no longer than for a connection, so that the
    /// rest of the timeout suffices for both.
    async fn place(&self, begun: Instant) -> Option<SemaphorePermit<'_>> {
        timeout_at(begun + self.config.connect_timeout, self.places.acquire())
            .await
            .ok()?
            .ok()
    }

    /// What the upstream asks us to wait, up to the longest wait that it may ask for.
    fn capped(&self, outcome: UpstreamOutcome) -> UpstreamOutcome {
        if let UpstreamOutcome::Retryable {
            retry_after: Some(asked),
        } = outcome
        {
            return UpstreamOutcome::Retryable {
                retry_after: Some(asked.min(self.config.retry.after_max)),
            };
        }
        outcome
    }

    fn record_attempt(&self, command: &DeliveryCommand, attempt: &Attempt) {
        let class = attempt.outcome.class();
        self.count(Purpose::Deliver, class, attempt.elapsed);
        if command.operation == Operation::Notify && attempt.http_status.is_some() {
            let gone = (attempt.http_status == Some(410)).then(|| self.clock.now());
            self.last.lock().unwrap_or_else(PoisonError::into_inner).gone = gone;
        }
        let elapsed_ms = attempt.elapsed.as_millis();
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    upstream.id = %self.config.name, delivery.id = %command.delivery,
                    delivery.operation = command.operation.as_str(), delivery.attempt = command.attempt,
                    outcome.class = class.as_str(), outcome.reason = attempt.outcome.reason(),
                    http.status = attempt.http_status, http.bytes = attempt.bytes, elapsed_ms,
                    "an attempt to deliver ended"
                )
            };
        }
        match class {
            // what is held is an error of whoever sends again, who says so
            OutcomeClass::Held | OutcomeClass::Ambiguous => line!(warn),
            OutcomeClass::NotSent
            | OutcomeClass::Rejected
            | OutcomeClass::Retryable
            | OutcomeClass::Accepted => line!(info),
        }
    }

    fn record_inquiry(&self, command: &DeliveryCommand, inquiry: &Inquiry) {
        let class = inquiry.finding.class();
        self.count(Purpose::Ask, class, inquiry.elapsed);
        tracing::info!(
            upstream.id = %self.config.name, delivery.id = %command.delivery,
            delivery.attempt = command.attempt, finding = inquiry.finding.as_str(),
            outcome.class = class.as_str(), http.status = inquiry.http_status, http.bytes = inquiry.bytes,
            elapsed_ms = inquiry.elapsed.as_millis(),
            "an upstream was asked for a case"
        );
    }

    fn count(&self, purpose: Purpose, class: OutcomeClass, elapsed: Duration) {
        let now = self.clock.now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match class {
            OutcomeClass::Accepted | OutcomeClass::Rejected => last.success = Some(now),
            OutcomeClass::NotSent
            | OutcomeClass::Retryable
            | OutcomeClass::Ambiguous
            | OutcomeClass::Held => {
                last.failure = Some((now, class));
            }
        }
        drop(last);
        self.metrics.attempt(&self.config.name, purpose, class);
        self.metrics
            .time(&self.config.name, purpose, elapsed.as_secs_f64());
    }
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Driver")
            .field("upstream", &self.config.name)
            .finish_non_exhaustive()
    }
}

impl Ended {
    const fn ending(&self) -> judge::Ending<'_> {
        judge::Ending {
            exchange: self.transfer.exchange,
            answer: self.transfer.answer.as_ref(),
            retry_after: self.retry_after,
        }
    }

    const fn not_sent(reason: NotSentReason, retry_after: Option<Duration>) -> Self {
        let transfer = Transfer {
            exchange: Exchange::NotSent(reason),
            answer: None,
            bytes: 0,
        };
        Self {
            transfer,
            retry_after,
        }
    }
}

/// What is kept of an answer's word about itself; `None` when nothing is left.
fn evidence(said: &str) -> Option<String> {
    let kept: String = said
        .chars()
        .filter(|letter| letter.is_ascii_graphic() || *letter == ' ')
        .take(EVIDENCE_MAX)
        .collect();
    let kept = kept.trim();
    (!kept.is_empty()).then(|| kept.to_owned())
}

const fn status_of(exchange: Exchange) -> Option<u16> {
    match exchange {
        Exchange::Partial { status, .. } | Exchange::Whole { status, .. } => Some(status),
        Exchange::NotSent(_) | Exchange::AddressRefused | Exchange::Lost(_) => None,
    }
}

/// What an exchange says of the upstream's health, see [`crate::upstream::breaker`].
const fn health(exchange: Exchange) -> Health {
    match exchange {
        Exchange::NotSent(_)
        | Exchange::Lost(_)
        | Exchange::Partial {
            fault: Ambiguity::Timeout | Ambiguity::Truncated,
            ..
        } => Health::Ill,
        Exchange::Whole { status, retry_after }
        | Exchange::Partial {
            status, retry_after, ..
        } => match (status, retry_after) {
            (503, Some(_)) => Health::Well,
            (500..=599, _) => Health::Ill,
            _ => Health::Well,
        },
        // Ours to repair; resting would only hide it.
        Exchange::AddressRefused => Health::Well,
    }
}
