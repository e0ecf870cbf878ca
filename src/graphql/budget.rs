//! How many field executions a caller may still spend this minute.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use onedoor_domain::actor::{Actor, ActorKind};

use crate::config::limits::LimitsConfig;
use crate::graphql::context::SourceAddr;

/// Checks between two sweeps of callers whose budget is full again.
const SWEEP_EVERY: u32 = 1_024;

/// Whose budget a request spends.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Payer {
    /// A principal by kind and subject.
    Principal(ActorKind, String),
    /// Everybody without a token behind one source address.
    Source(IpAddr),
}

impl Payer {
    /// Who pays for a request.
    #[must_use]
    pub fn of(actor: &Actor, source: SourceAddr) -> Self {
        if actor.kind == ActorKind::Anonymous {
            Self::Source(source.network())
        } else {
            Self::Principal(actor.kind, actor.subject.clone())
        }
    }
}

/// The budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// When the same request would pass; `None`: never, it asks for more than a whole minute's budget.
    pub retry_after_ms: Option<u64>,
}

/// Field executions a minute, with a burst of the same size.
pub struct FieldBudget {
    principals: DefaultKeyedRateLimiter<Payer>,
    sources: DefaultKeyedRateLimiter<Payer>,
    clock: DefaultClock,
    checks: AtomicU32,
}

impl FieldBudget {
    /// Full budgets for everybody.
    #[must_use]
    pub fn new(limits: &LimitsConfig) -> Self {
        let quota = |cells: u32| Quota::per_minute(NonZeroU32::new(cells).unwrap_or(NonZeroU32::MIN));
        Self {
            principals: RateLimiter::keyed(quota(limits.fields_per_minute)),
            sources: RateLimiter::keyed(quota(limits.fields_per_minute_anonymous)),
            clock: DefaultClock::default(),
            checks: AtomicU32::new(0),
        }
    }

    /// Spends `fields` of a caller's budget, all or nothing; a request that executes nothing spends one.
    ///
    /// # Errors
    /// When less than that is left.
    pub fn spend(&self, payer: &Payer, fields: u64) -> Result<(), Spent> {
        let cells = u32::try_from(fields).ok().map_or(NonZeroU32::MAX, |it| {
            NonZeroU32::new(it).unwrap_or(NonZeroU32::MIN)
        });
        let limiter = match payer {
            Payer::Principal(..) => &self.principals,
            Payer::Source(_) => &self.sources,
        };
        if self.checks.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            limiter.retain_recent();
        }
        match limiter.check_key_n(payer, cells) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => {
                let wait = not_until
                    .wait_time_from(self.clock.now())
                    .max(Duration::from_millis(1));
                Err(Spent {
                    retry_after_ms: u64::try_from(wait.as_millis()).ok(),
                })
            }
            Err(_insufficient) => Err(Spent { retry_after_ms: None }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> LimitsConfig {
        crate::config::Config::load(&crate::config::ConfigInputs {
            demo: true,
            ..Default::default()
        })
        .unwrap()
        .limits
    }

    #[test]
    fn the_burst_is_a_minutes_budget_and_counts_fields_not_requests() {
        let limits = LimitsConfig {
            fields_per_minute: 100,
            fields_per_minute_anonymous: 10,
            ..shipped()
        };
        let budget = FieldBudget::new(&limits);
        let clerk = Payer::Principal(ActorKind::Clerk, "c".to_owned());
        assert_eq!(budget.spend(&clerk, 100), Ok(()));
        let wait = budget.spend(&clerk, 10).unwrap_err().retry_after_ms.unwrap();
        assert!((1..=6_000).contains(&wait), "{wait}");
        assert_eq!(
            budget
                .spend(&Payer::Principal(ActorKind::Clerk, "d".to_owned()), 101)
                .unwrap_err()
                .retry_after_ms,
            None
        );
        let somebody = Payer::Source(IpAddr::from([10, 0, 0, 1]));
        assert_eq!(budget.spend(&somebody, 10), Ok(()));
        assert!(budget.spend(&somebody, 0).is_err());
        assert_eq!(
            budget.spend(&Payer::Source(IpAddr::from([10, 0, 0, 2])), 10),
            Ok(())
        );
    }

    #[test]
    fn an_ipv6_household_has_one_budget() {
        let source = |text: &str| SourceAddr(text.parse().unwrap()).network();
        assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff::9"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
        assert_eq!(source("::ffff:10.0.0.1"), source("10.0.0.1"));
    }
}
