//! Leaves an upstream alone after repeated failures, and finds out with one probe when it is back.
//!
//! The reasoning. A dead upstream costs every attempt its whole timeout and a place among those under way;
//! a drowning one is kept under water by retries. Deliveries lose nothing by waiting, so after `failures` in a
//! row the upstream rests, and attempts end as NOT_SENT at once. What counts as failure: no connection, no or
//! no whole answer in time, 5xx. What does not: a business no, a conflict, 429 and 503 with Retry-After (it
//! speaks for itself and says when), 4xx that hold (it is well, our configuration is not); all of these and
//! every success end the row. Consecutive failures instead of a rate: the traffic towards one agency is often a
//! few requests an hour, where a rate has no meaning. After the rest exactly one attempt goes through; its
//! success closes the breaker, its failure begins another rest. An attempt that is dropped without a result
//! (shutdown) gives the probe's place back, so that the breaker cannot stay half-open for ever. Results of
//! attempts that began before the breaker opened do not close it.
//! Not covered: replicas have a breaker each; each costs the upstream one probe per rest.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::upstream::config::BreakerConfig;

/// State of a breaker as metrics show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Attempts go through.
    Closed,
    /// One probe is under way or may begin.
    HalfOpen,
    /// The upstream rests.
    Open,
}

impl BreakerState {
    /// The value of the metric: 0 closed, 1 half-open, 2 open.
    #[must_use]
    pub const fn metric(self) -> i64 {
        match self {
            Self::Closed => 0,
            Self::HalfOpen => 1,
            Self::Open => 2,
        }
    }
}

/// Whether an attempt showed the upstream to be well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It answered like a system that works.
    Well,
    /// It did not.
    Ill,
}

/// A breaker of one upstream.
#[derive(Debug)]
pub struct Breaker {
    config: BreakerConfig,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    Probing,
}

/// Leave to make one attempt; tell its result with [`Permit::settle`].
#[derive(Debug)]
pub struct Permit<'a> {
    breaker: &'a Breaker,
    kind: PermitKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PermitKind {
    Ordinary,
    Probe,
    Settled,
}

/// The upstream rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resting {
    /// For how long still.
    pub remaining: Duration,
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub const fn new(config: BreakerConfig) -> Self {
        Self {
            config,
            state: Mutex::new(State::Closed { failures: 0 }),
        }
    }

    /// Asks for leave to make an attempt.
    ///
    /// # Errors
    /// While the upstream rests or another probe is under way.
    pub fn permit(&self, now: Instant) -> Result<Permit<'_>, Resting> {
        let mut state = self.lock();
        let kind = match *state {
            State::Closed { .. } => PermitKind::Ordinary,
            State::Open { until } if now < until => {
                return Err(Resting {
                    remaining: until.duration_since(now),
                });
            }
            State::Open { .. } => {
                *state = State::Probing;
                PermitKind::Probe
            }
            State::Probing => {
                return Err(Resting {
                    remaining: self.config.rest,
                });
            }
        };
        Ok(Permit { breaker: self, kind })
    }

    /// The state now.
    #[must_use]
    pub fn state(&self, now: Instant) -> BreakerState {
        match *self.lock() {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { until } if now < until => BreakerState::Open,
            State::Open { .. } | State::Probing => BreakerState::HalfOpen,
        }
    }

    /// Whether the one probe is under way.
    #[must_use]
    pub fn is_probing(&self) -> bool {
        matches!(*self.lock(), State::Probing)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// Tells what the attempt showed.
    pub fn settle(mut self, health: Health, now: Instant) {
        let config = self.breaker.config;
        let rest = State::Open {
            until: now + config.rest,
        };
        let mut state = self.breaker.lock();
        *state = match (*state, self.kind, health) {
            (_, PermitKind::Probe, Health::Well) => State::Closed { failures: 0 },
            (_, PermitKind::Probe, Health::Ill) => rest,
            (State::Closed { .. }, _, Health::Well) => State::Closed { failures: 0 },
            (State::Closed { failures }, _, Health::Ill) if failures.saturating_add(1) < config.failures => {
                State::Closed {
                    failures: failures.saturating_add(1),
                }
            }
            (State::Closed { .. }, _, Health::Ill) => rest,
            (other @ (State::Open { .. } | State::Probing), _, _) => other,
        };
        drop(state);
        self.kind = PermitKind::Settled;
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.kind == PermitKind::Probe {
            // The rest is over, so the next attempt becomes the probe.
            *self.breaker.lock() = State::Open {
                until: Instant::now(),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(10);

    fn breaker() -> Breaker {
        Breaker::new(BreakerConfig {
            failures: 3,
            rest: REST,
        })
    }

    fn fail(breaker: &Breaker, times: u32, now: Instant) {
        for _ in 0..times {
            breaker.permit(now).expect("closed").settle(Health::Ill, now);
        }
    }

    #[test]
    fn only_failures_in_a_row_open_it() {
        let (breaker, now) = (breaker(), Instant::now());
        fail(&breaker, 2, now);
        breaker.permit(now).expect("closed").settle(Health::Well, now);
        fail(&breaker, 2, now);
        assert_eq!(breaker.state(now), BreakerState::Closed);
        fail(&breaker, 1, now);
        assert_eq!(breaker.state(now), BreakerState::Open);
        let half = breaker.permit(now + REST / 2).err();
        assert_eq!(half, Some(Resting { remaining: REST / 2 }));
    }

    #[test]
    fn after_the_rest_one_probe_decides() {
        let (breaker, now) = (breaker(), Instant::now());
        fail(&breaker, 3, now);
        let later = now + REST;
        assert_eq!(breaker.state(later), BreakerState::HalfOpen);
        let probe = breaker.permit(later).expect("probe");
        assert!(breaker.permit(later).is_err(), "a second probe");
        probe.settle(Health::Ill, later);
        assert_eq!(breaker.state(later), BreakerState::Open);
        breaker
            .permit(later + REST)
            .expect("probe")
            .settle(Health::Well, later + REST);
        assert_eq!(breaker.state(later + REST), BreakerState::Closed);
    }

    #[test]
    fn a_dropped_probe_gives_its_place_back() {
        let (breaker, now) = (breaker(), Instant::now());
        fail(&breaker, 3, now);
        let later = now + REST;
        drop(breaker.permit(later).expect("probe"));
        assert!(breaker.permit(Instant::now()).is_ok());
    }

    #[test]
    fn a_late_success_of_an_earlier_attempt_does_not_close_it() {
        let (breaker, now) = (breaker(), Instant::now());
        let early = breaker.permit(now).expect("closed");
        fail(&breaker, 3, now);
        early.settle(Health::Well, now);
        assert_eq!(breaker.state(now), BreakerState::Open);
    }
}
