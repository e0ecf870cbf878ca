//! The cache: a miss and a failure look the same to callers.
//!
//! An entry carries the epochs that were known *before* its value was read. It is served while those cover the
//! epochs known now; an epoch moves in the transaction that changes the data (`store::epoch`), is hinted to the
//! other replicas and polled by all. So an entry may be served for a moment after a change elsewhere, and never once
//! the change is known here. In process first, then Redis, then the loader, which runs once per key at a time.
//! Only public reference data is kept here, and for seconds what upstream systems say of a case ([`live`]): nothing of a
//! person, and no key that could be read.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use onedoor_domain::digest::Digest;
use prometheus::IntCounterVec;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::telemetry::metrics::Metrics;
use crate::worker::supervise;

use epochs::{Epoch, Epochs, Stamp};
use flight::Flights;
use memory::Memory;
use redis::Redis;

pub mod counters;
pub mod epochs;
mod flight;
pub mod hints;
pub mod live;
mod memory;
pub mod redis;

/// A question whose answer can be kept. The type of the question decides the type of the answer.
pub trait Cached: Serialize {
    /// The answer.
    type Value: Serialize + DeserializeOwned + Send + Sync + 'static;
    /// Name of the question with a version, to be raised when the answer's form changes.
    const NAME: &'static str;
    /// What the answer is made from; empty: an answer that never changes.
    const EPOCHS: &'static [Epoch];
}

/// How much is kept and for how long.
#[derive(Debug, Clone, Copy)]
pub struct CacheSettings {
    /// Entries in process.
    pub entries_max: u64,
    /// Longest life of an entry.
    pub ttl: Duration,
}

/// Cheap to clone; every clone is the same cache.
#[derive(Clone)]
pub struct Cache {
    tiers: Arc<Tiers>,
}

struct Tiers {
    memory: Memory,
    redis: Option<Redis>,
    epochs: Epochs,
    flights: Flights,
    ttl: Duration,
    outcomes: IntCounterVec,
    live: moka::future::Cache<String, Arc<dyn Any + Send + Sync>>,
    live_outcomes: IntCounterVec,
}

/// What Redis holds for a key.
#[derive(Serialize, Deserialize)]
struct Envelope<V> {
    stamp: Stamp,
    value: V,
}

impl Cache {
    /// An empty cache, with Redis behind it where there is one.
    ///
    /// # Errors
    /// Its metrics' names are taken.
    pub fn new(
        settings: CacheSettings,
        redis: Option<Redis>,
        metrics: &Metrics,
    ) -> Result<Self, prometheus::Error> {
        let outcomes = metrics.counter(
            "onedoor_cache_requests_total",
            "Requests to the cache by outcome: memory, redis or loaded.",
            &["outcome"],
        )?;
        let live_outcomes = metrics.counter(
            "onedoor_live_reads_total",
            "Reads of what upstream systems say now, by outcome: kept, asked, shared with another replica, stale or failed.",
            &["outcome"],
        )?;
        Ok(Self {
            tiers: Arc::new(Tiers {
                memory: Memory::new(settings.entries_max, settings.ttl),
                redis,
                epochs: Epochs::default(),
                flights: Flights::default(),
                ttl: settings.ttl,
                outcomes,
                live: moka::future::Cache::new(settings.entries_max),
                live_outcomes,
            }),
        })
    }

    /// The epochs this process knows.
    #[must_use]
    pub fn epochs(&self) -> &Epochs {
        &self.tiers.epochs
    }

    /// The answer to a question: kept here, kept in Redis, or loaded now and kept. Questions that wait for the same
    /// answer share one load, which runs on when all of them go away.
    ///
    /// # Errors
    /// What the loader fails with; failures are not kept.
    pub async fn get_or_load<K, F, Load>(&self, key: &K, load: F) -> Result<Arc<K::Value>, AppError>
    where
        K: Cached,
        F: FnOnce() -> Load + Send + 'static,
        Load: Future<Output = Result<K::Value, AppError>> + Send + 'static,
    {
        let wanted = self.tiers.epochs.stamp(K::EPOCHS);
        let place = place::<K>(key)?;
        if let Some(value) = self.tiers.memory.get(&place, wanted).await.and_then(concrete) {
            self.tiers.count("memory");
            return Ok(value);
        }
        let tiers = self.tiers.clone();
        let leader = {
            let place = place.clone();
            move || async move { tiers.lead::<K, F, Load>(place, wanted, load).await }
        };
        let answer = self.tiers.flights.join(place, wanted, leader).await?;
        concrete(answer).ok_or_else(|| AppError::internal("a cached value has the type of another question"))
    }
}

impl Tiers {
    /// Fetches the answer for everybody who waits for it.
    async fn lead<K, F, Load>(
        self: Arc<Self>,
        place: String,
        wanted: Stamp,
        load: F,
    ) -> Result<Arc<dyn Any + Send + Sync>, AppError>
    where
        K: Cached,
        F: FnOnce() -> Load,
        Load: Future<Output = Result<K::Value, AppError>>,
    {
        if let Some(found) = self.fetch::<K::Value>(&place, wanted).await {
            self.count("redis");
            let value: Arc<dyn Any + Send + Sync> = Arc::new(found.value);
            self.memory.put(place, found.stamp, value.clone()).await;
            return Ok(value);
        }
        let value = load().await?;
        self.count("loaded");
        self.offer(&place, wanted, &value);
        let value: Arc<dyn Any + Send + Sync> = Arc::new(value);
        self.memory.put(place, wanted, value.clone()).await;
        Ok(value)
    }

    async fn fetch<V: DeserializeOwned>(&self, place: &str, wanted: Stamp) -> Option<Envelope<V>> {
        let redis = self.redis.as_ref()?;
        let bytes = redis.get(&self.redis_key(place)?).await?;
        let envelope: Envelope<V> = serde_json::from_slice(&bytes).ok()?;
        envelope.stamp.covers(wanted).then_some(envelope)
    }

    /// Stores beside the answer's way: nobody waits for Redis to take it.
    fn offer<V: Serialize>(&self, place: &str, stamp: Stamp, value: &V) {
        let (Some(redis), Some(key)) = (self.redis.clone(), self.redis_key(place)) else {
            return;
        };
        if let Ok(bytes) = serde_json::to_vec(&Envelope { stamp, value }) {
            let ttl = self.ttl;
            drop(supervise::spawn("cache store", async move {
                redis.set(&key, bytes, ttl).await
            }));
        }
    }

    /// Keys name the database whose epochs date the entries; before that is known, Redis is passed over.
    fn redis_key(&self, place: &str) -> Option<String> {
        self.epochs
            .instance()
            .map(|instance| format!("cache:{instance:x}:{place}"))
    }

    fn count(&self, outcome: &str) {
        self.outcomes.with_label_values(&[outcome]).inc();
    }
}

/// Where the answer to a question is kept: its name and a hash, so that no text of a caller becomes a key.
fn place<K: Cached>(key: &K) -> Result<String, AppError> {
    let json = serde_json::to_vec(key).map_err(AppError::internal)?;
    Ok(format!("{}:{}", K::NAME, Digest::of(&json)))
}

fn concrete<V: Send + Sync + 'static>(value: Arc<dyn Any + Send + Sync>) -> Option<Arc<V>> {
    value.downcast().ok()
}

#[cfg(test)]
mod tests;
