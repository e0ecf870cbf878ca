//! Counters that replicas share through Redis: short-lived, bounded, and done without at once when Redis is slow.
//!
//! A key is a hash keyed by the number of the database, so that Redis alone tells nobody whom it counts.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use onedoor_domain::digest::Digest;
use tokio::time::{Instant, timeout};

use super::Cache;

/// The part of a command's time that a request waits for a count. It knows what this process counted, so more would be too
/// long.
const PATIENCE_SHARE: u32 = 5;

/// A budget that refills steadily (GCRA): its one value is the instant at which it will be full again, in microseconds by
/// the clock of Redis. Takes all or nothing; answers 0, or in how many microseconds there would be enough.
const SPEND: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst = ARGV[2] / ARGV[3], ARGV[2] + 0
local full = tonumber(redis.call('GET', KEYS[1]) or now)
if full < now then full = now end
full = full + ARGV[1] * interval
if full - now > burst then return math.ceil(full - now - burst) end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1)
return 0";

/// Adds one to each key; a new one lives for its milliseconds. Answers what they were before.
const ADD: &str = "
local before = {}
for place, key in ipairs(KEYS) do
  local count = redis.call('INCR', key)
  if count == 1 then redis.call('PEXPIRE', key, ARGV[place]) end
  before[place] = count - 1
end
return before";

/// Takes one from each key that holds one.
const TAKE_BACK: &str = "
for place, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or 0) > 0 then redis.call('DECR', key) end
end
return 0";

/// The counters. Cheap to clone; every clone is the same.
#[derive(Clone)]
pub struct Counters {
    cache: Cache,
    aside: Arc<Mutex<Option<Instant>>>,
}

/// What is counted, and for how long.
#[derive(Debug, Clone)]
pub struct Counted {
    /// A name of ours.
    pub what: &'static str,
    /// Of whom; never kept as it is.
    pub whom: String,
    /// How long after the first time.
    pub window: Duration,
}

impl Counters {
    /// Over the Redis of a cache, if it has one.
    #[must_use]
    pub fn of(cache: Cache) -> Self {
        Self {
            cache,
            aside: Arc::default(),
        }
    }

    /// Takes `cells` of a budget of `per_window` cells, all or nothing. `Some(None)`: taken; `Some(Some(_))`: there will be
    /// enough after this time; `None`: Redis does not say.
    pub async fn spend(&self, from: &Counted, cells: u32, per_window: u32) -> Option<Option<Duration>> {
        let window_us = u64::try_from(from.window.as_micros()).ok()?;
        let arguments = [u64::from(cells), window_us, u64::from(per_window)];
        let wait_us: u64 = self.ask(SPEND, std::slice::from_ref(from), &arguments).await?;
        Some((wait_us > 0).then(|| Duration::from_micros(wait_us)))
    }

    /// Adds one to each, and gives what they were before; `None`: Redis does not say.
    pub async fn add(&self, counted: &[Counted]) -> Option<Vec<u32>> {
        let windows: Vec<u64> = counted
            .iter()
            .map(|it| u64::try_from(it.window.as_millis()).unwrap_or(u64::MAX).max(1))
            .collect();
        self.ask(ADD, counted, &windows).await
    }

    /// Takes one from each, if Redis is there.
    pub async fn take_back(&self, counted: &[Counted]) {
        self.ask::<u64>(TAKE_BACK, counted, &[]).await;
    }

    async fn ask<T: ::redis::FromRedisValue>(
        &self,
        script: &str,
        counted: &[Counted],
        arguments: &[u64],
    ) -> Option<T> {
        let redis = self.cache.tiers.redis.as_ref()?;
        let instance = self.cache.epochs().instance()?;
        if self.lock().is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let keys: Vec<String> = counted.iter().map(|it| key(instance, it)).collect();
        let patience = redis.command_timeout() / PATIENCE_SHARE;
        match timeout(patience, redis.evaluate(script, &keys, arguments)).await {
            Ok(answer) => answer,
            Err(_elapsed) => {
                *self.lock() = Some(Instant::now() + redis.rest());
                None
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(instance: i64, counted: &Counted) -> String {
    let whom = Digest::of_parts(&[
        &instance.to_be_bytes(),
        counted.what.as_bytes(),
        b"\0",
        counted.whom.as_bytes(),
    ]);
    format!("limit:{}:{whom}", counted.what)
}
