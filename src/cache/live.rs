//! Live reads: what an upstream system says now, asked once for all who ask the same at once, here and on other replicas.
//!
//! Unlike reference data these answers have no epoch, only an age. Readers share one question in process (its leader is
//! detached, so nobody's leaving cuts it off), and across replicas by a claim in Redis; without Redis each replica asks
//! for itself. Keys are hashes, values hold no text of a person.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use onedoor_domain::digest::Digest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::epochs::Stamp;
use super::redis::Redis;
use super::{Cache, Tiers, concrete};
use crate::clock::SharedClock;
use crate::error::{AppError, ErrorCode};

/// How often a replica looks whether another's question is answered.
const LOOK: Duration = Duration::from_millis(25);
/// How long a failed question answers for those who waited for it on other replicas.
const FAILURE_KEPT: Duration = Duration::from_millis(500);

/// One question and how its answers may be used.
#[derive(Clone)]
pub struct LiveQuestion {
    /// What makes it the same question; everything the answer depends on, the class of readers included.
    pub key: Digest,
    /// How long an answer is served again.
    pub ttl: Duration,
    /// How long an older answer stands in when there is no new one.
    pub stale_if_error: Duration,
    /// How long a reader waits.
    pub wait: Duration,
    /// How long asking may take at most: as long other replicas wait for it.
    pub lease: Duration,
    /// What dates answers.
    pub clock: SharedClock,
}

/// An answer and where it comes from.
#[derive(Debug, Clone)]
pub struct Live<V> {
    /// The answer.
    pub value: V,
    /// When the question was put that it answers.
    pub as_of: DateTime<Utc>,
    /// Whether it was asked for by this very read, or by others with it.
    pub asked_now: bool,
    /// Whether it is older than it should be, because there is no new one.
    pub stale: bool,
}

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Dated<V> {
    value: V,
    as_of: DateTime<Utc>,
}

/// What a flight brings: a kept answer, and whether it was asked for in it.
struct Landed<V> {
    dated: Arc<Dated<V>>,
    asked: bool,
}

impl Cache {
    /// The answer to a question: young enough and kept, or asked for now.
    ///
    /// # Errors
    /// What asking fails with, or UPSTREAM_TIMEOUT after the reader's patience, unless an older answer may stand in.
    pub async fn live<V, F, Load>(&self, question: &LiveQuestion, ask: F) -> Result<Live<V>, AppError>
    where
        V: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
        F: FnOnce() -> Load + Send + 'static,
        Load: Future<Output = Result<V, AppError>> + Send + 'static,
    {
        let place = format!("live:{}", question.key);
        let kept = self.tiers.kept::<V>(&place).await;
        let now = question.clock.now();
        if let Some(dated) = &kept
            && is_younger(dated.as_of, question.ttl, now)
        {
            self.tiers.count_live("kept");
            return Ok(live(dated, false, false));
        }
        let (tiers, asked) = (Arc::clone(&self.tiers), question.clone());
        let lead = {
            let place = place.clone();
            move || async move { tiers.lead_live(place, asked, ask).await }
        };
        let flight = self.tiers.flights.join(place, Stamp::default(), lead);
        let landed = match tokio::time::timeout(question.wait, flight).await {
            Ok(landed) => landed,
            Err(_elapsed) => Err(AppError::of(ErrorCode::UpstreamTimeout)),
        };
        match landed {
            Ok(landed) => {
                let landed: Arc<Landed<V>> = concrete(landed).ok_or_else(mixed_up)?;
                Ok(live(&landed.dated, landed.asked, false))
            }
            Err(error) => match kept.filter(|old| is_younger(old.as_of, question.stale_if_error, now)) {
                Some(old) => {
                    self.tiers.count_live("stale");
                    Ok(live(&old, false, true))
                }
                None => {
                    self.tiers.count_live("failed");
                    Err(error)
                }
            },
        }
    }
}

impl Tiers {
    async fn kept<V: Send + Sync + 'static>(&self, place: &str) -> Option<Arc<Dated<V>>> {
        self.live.get(place).await.and_then(concrete)
    }

    /// Finds the answer for everybody who waits for it.
    async fn lead_live<V, F, Load>(
        self: Arc<Self>,
        place: String,
        question: LiveQuestion,
        ask: F,
    ) -> Result<Arc<dyn Any + Send + Sync>, AppError>
    where
        V: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
        F: FnOnce() -> Load,
        Load: Future<Output = Result<V, AppError>>,
    {
        // who joined after the last flight had landed finds its answer here
        if let Some(dated) = self.kept::<V>(&place).await
            && is_younger(dated.as_of, question.ttl, question.clock.now())
        {
            return Ok(Arc::new(Landed { dated, asked: false }));
        }
        let claim = match self.redis.as_ref().zip(self.redis_key(&place)) {
            None => None,
            Some((redis, key)) => match await_turn::<V>(redis, &key, &question).await? {
                Turn::Answered { dated, waited_for } => {
                    self.count_live("shared");
                    let dated = Arc::new(dated);
                    self.live.insert(place, erased(Arc::clone(&dated))).await;
                    let asked = waited_for;
                    return Ok(Arc::new(Landed { dated, asked }));
                }
                Turn::Ours(claim) => Some(claim),
                Turn::WithoutRedis => None,
            },
        };
        self.count_live("asked");
        let as_of = question.clock.now();
        let answer = ask().await;
        let outcome = match answer {
            Ok(value) => {
                let dated = Arc::new(Dated { value, as_of });
                self.live.insert(place, erased(Arc::clone(&dated))).await;
                Ok(dated)
            }
            Err(error) => Err(error),
        };
        if let Some(claim) = claim {
            claim.settle(&outcome, &question).await;
        }
        outcome.map(|dated| erased(Arc::new(Landed { dated, asked: true })))
    }

    fn count_live(&self, outcome: &str) {
        self.live_outcomes.with_label_values(&[outcome]).inc();
    }
}

/// As it is kept and handed on, whatever it is.
fn erased<T: Any + Send + Sync>(value: Arc<T>) -> Arc<dyn Any + Send + Sync> {
    value
}

/// Whose turn it is to ask.
enum Turn<V> {
    /// Another replica has the answer.
    Answered {
        /// The answer.
        dated: Dated<V>,
        /// Whether it was asked for while this replica waited; else it was kept already.
        waited_for: bool,
    },
    /// This replica asks.
    Ours(Claim),
    /// Redis does not say; this replica asks.
    WithoutRedis,
}

/// The right to ask, in Redis until it is settled or runs out.
struct Claim {
    redis: Redis,
    key: String,
    token: String,
}

/// What Redis says of a failed question.
#[derive(Serialize, Deserialize)]
struct Failure {
    code: String,
    /// Tells one failure from the next.
    mark: Uuid,
}

async fn await_turn<V: DeserializeOwned>(
    redis: &Redis,
    key: &str,
    question: &LiveQuestion,
) -> Result<Turn<V>, AppError> {
    let claim = Claim {
        redis: redis.clone(),
        key: key.to_owned(),
        token: Uuid::now_v7().to_string(),
    };
    let mut waited = Duration::ZERO;
    let mut heard_of = None;
    loop {
        let waited_for = waited > Duration::ZERO;
        if let Some(dated) = read::<Dated<V>>(redis, key).await
            && is_younger(dated.as_of, question.ttl, question.clock.now())
        {
            return Ok(Turn::Answered { dated, waited_for });
        }
        if waited_for
            && let Some(failure) = read::<Failure>(redis, &format!("{key}:failed")).await
            && heard_of.as_ref() != Some(&failure.mark)
        {
            return Err(AppError::of(code_of(&failure.code)));
        }
        match redis.claim(&claim.lock(), &claim.token, question.lease).await {
            Some(true) => {
                // between the look and the claim another may have answered
                if let Some(dated) = read::<Dated<V>>(redis, key).await
                    && is_younger(dated.as_of, question.ttl, question.clock.now())
                {
                    claim.release().await;
                    return Ok(Turn::Answered { dated, waited_for });
                }
                return Ok(Turn::Ours(claim));
            }
            Some(false) if waited < question.lease => {
                if waited == Duration::ZERO {
                    let old = read::<Failure>(redis, &format!("{key}:failed")).await;
                    heard_of = old.map(|failure| failure.mark);
                }
                tokio::time::sleep(LOOK).await;
                waited += LOOK;
            }
            Some(false) | None => return Ok(Turn::WithoutRedis),
        }
    }
}

impl Claim {
    fn lock(&self) -> String {
        format!("{}:asking", self.key)
    }

    /// Leaves the answer, or that there is none, to the other replicas; then the right to ask.
    async fn settle<V: Serialize>(&self, outcome: &Result<Arc<Dated<V>>, AppError>, question: &LiveQuestion) {
        match outcome {
            Ok(dated) => {
                if let Ok(bytes) = serde_json::to_vec(dated.as_ref()) {
                    self.redis.set(&self.key, bytes, question.ttl.max(LOOK * 4)).await;
                }
            }
            Err(error) => {
                let failure = Failure {
                    code: error.code.as_str().to_owned(),
                    mark: Uuid::now_v7(),
                };
                if let Ok(bytes) = serde_json::to_vec(&failure) {
                    self.redis
                        .set(&format!("{}:failed", self.key), bytes, FAILURE_KEPT)
                        .await;
                }
            }
        }
        self.release().await;
    }

    async fn release(&self) {
        self.redis.release(&self.lock(), &self.token).await;
    }
}

async fn read<T: DeserializeOwned>(redis: &Redis, key: &str) -> Option<T> {
    serde_json::from_slice(&redis.get(key).await?).ok()
}

fn code_of(text: &str) -> ErrorCode {
    let known = ErrorCode::ALL.iter().find(|code| code.as_str() == text);
    known.copied().unwrap_or(ErrorCode::UpstreamUnavailable)
}

fn is_younger(as_of: DateTime<Utc>, than: Duration, now: DateTime<Utc>) -> bool {
    TimeDelta::from_std(than).is_ok_and(|than| now - as_of < than)
}

fn live<V: Clone>(dated: &Arc<Dated<V>>, asked_now: bool, stale: bool) -> Live<V> {
    Live {
        value: dated.value.clone(),
        as_of: dated.as_of,
        asked_now,
        stale,
    }
}

fn mixed_up() -> AppError {
    AppError::internal("a live answer has the type of another question")
}
