//! How fast requests may go to one upstream: so many a second, each waiting for its turn.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// The pace of one upstream; without a limit every turn comes at once.
#[derive(Debug)]
pub struct Pace {
    limiter: Option<DefaultDirectRateLimiter>,
    per_second: Option<NonZeroU32>,
}

impl Pace {
    /// A pace of so many requests a second, evenly; `None`: no limit.
    #[must_use]
    pub fn new(per_second: Option<NonZeroU32>) -> Self {
        let one = NonZeroU32::MIN;
        Self {
            // bursts would be what the limit is there to prevent
            limiter: per_second.map(|rate| RateLimiter::direct(Quota::per_second(rate).allow_burst(one))),
            per_second,
        }
    }

    /// Waits for a turn. Whoever gives up waiting has taken none.
    pub async fn turn(&self) {
        let Some(limiter) = &self.limiter else { return };
        while let Err(not_yet) = limiter.check() {
            tokio::time::sleep(not_yet.wait_time_from(DefaultClock::default().now())).await;
        }
    }

    /// How many turns come within a time; at least one. `None`: no limit.
    #[must_use]
    pub fn turns_within(&self, time: Duration) -> Option<u32> {
        let rate = u64::from(self.per_second?.get());
        let turns = rate.saturating_mul(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)) / 1_000;
        Some(u32::try_from(turns).unwrap_or(u32::MAX).max(1))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn turns_come_evenly_and_without_a_limit_at_once() {
        let pace = Pace::new(NonZeroU32::new(50));
        let begun = Instant::now();
        for _ in 0..11 {
            pace.turn().await;
        }
        assert!(
            begun.elapsed() >= Duration::from_millis(195),
            "ten pauses of 20 ms"
        );
        let free = Pace::new(None);
        for _ in 0..10_000 {
            free.turn().await;
        }
        assert_eq!(free.turns_within(Duration::from_secs(1)), None);
        assert_eq!(pace.turns_within(Duration::from_secs(2)), Some(100));
        assert_eq!(pace.turns_within(Duration::from_millis(1)), Some(1));
    }
}
