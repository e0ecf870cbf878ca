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
use crate::service::shared_limits::SharedLimits;

/// Checks between two sweeps of callers whose budget is full again.
const SWEEP_EVERY: u32 = 1_024;

/// Whose budget a request spends.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Payer {
    /// A principal by kind and subject.
    Principal(ActorKind, String),
    /// A kiosk.
    Device(String),
    /// Everybody without a token behind one source address.
    Source(IpAddr),
}

impl Payer {
    /// Who pays for a request.
    #[must_use]
    pub fn of(actor: &Actor, source: SourceAddr) -> Self {
        match actor.kind {
            ActorKind::Anonymous => Self::Source(source.network()),
            ActorKind::Kiosk => Self::Device(actor.subject.clone()),
            ActorKind::Citizen
            | ActorKind::Clerk
            | ActorKind::Officer
            | ActorKind::Supervisor
            | ActorKind::Auditor
            | ActorKind::SystemAdmin
            | ActorKind::SecurityAdmin
            | ActorKind::AuditAdmin
            | ActorKind::Upstream
            | ActorKind::System => Self::Principal(actor.kind, actor.subject.clone()),
        }
    }

    /// As it is counted over replicas.
    fn name(&self) -> String {
        match self {
            Self::Principal(kind, subject) => format!("{} {subject}", kind.name()),
            Self::Device(device) => device.clone(),
            Self::Source(address) => address.to_string(),
        }
    }
}

/// The budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// When the same request would pass; `None`: never, it asks for more than a whole minute's budget.
    pub retry_after_ms: Option<u64>,
}

impl Spent {
    fn until(wait: Duration) -> Self {
        let wait = wait.max(Duration::from_millis(1));
        Self {
            retry_after_ms: u64::try_from(wait.as_millis()).ok(),
        }
    }
}

/// Field executions a minute, with a burst of the same size. This process counts for itself, and where there is Redis all
/// replicas count together: what either has spent is spent.
pub struct FieldBudget {
    principals: Budgets,
    devices: Budgets,
    sources: Budgets,
    shared: SharedLimits,
    clock: DefaultClock,
    checks: AtomicU32,
}

/// The budgets of payers of one kind.
struct Budgets {
    what: &'static str,
    per_minute: NonZeroU32,
    limiter: DefaultKeyedRateLimiter<Payer>,
}

impl Budgets {
    fn of(what: &'static str, per_minute: u32) -> Self {
        let per_minute = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        Self {
            what,
            per_minute,
            limiter: RateLimiter::keyed(Quota::per_minute(per_minute)),
        }
    }
}

impl FieldBudget {
    /// Full budgets for everybody.
    #[must_use]
    pub fn new(limits: &LimitsConfig, shared: SharedLimits) -> Self {
        Self {
            principals: Budgets::of("principal", limits.fields_per_minute),
            devices: Budgets::of("device", limits.fields_per_minute_device),
            sources: Budgets::of("source", limits.fields_per_minute_anonymous),
            shared,
            clock: DefaultClock::default(),
            checks: AtomicU32::new(0),
        }
    }

    /// Spends `fields` of a caller's budget, all or nothing; a request that executes nothing spends one.
    ///
    /// # Errors
    /// When less than that is left.
    pub async fn spend(&self, payer: &Payer, fields: u64) -> Result<(), Spent> {
        let cells = u32::try_from(fields).ok().map_or(NonZeroU32::MAX, |it| {
            NonZeroU32::new(it).unwrap_or(NonZeroU32::MIN)
        });
        let budgets = match payer {
            Payer::Principal(..) => &self.principals,
            Payer::Device(_) => &self.devices,
            Payer::Source(_) => &self.sources,
        };
        let limiter = &budgets.limiter;
        if self.checks.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            limiter.retain_recent();
        }
        match limiter.check_key_n(payer, cells) {
            Ok(Ok(())) => {
                let (cells, per_minute) = (cells.get(), budgets.per_minute.get());
                let together = self.shared.spend(budgets.what, payer.name(), cells, per_minute);
                together.await.map_err(Spent::until)
            }
            Ok(Err(not_until)) => Err(Spent::until(not_until.wait_time_from(self.clock.now()))),
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

    #[tokio::test]
    async fn the_burst_is_a_minutes_budget_and_counts_fields_not_requests() {
        let limits = LimitsConfig {
            fields_per_minute: 100,
            fields_per_minute_anonymous: 10,
            fields_per_minute_device: 50,
            ..shipped()
        };
        let budget = FieldBudget::new(&limits, SharedLimits::default());
        let clerk = Payer::Principal(ActorKind::Clerk, "c".to_owned());
        assert_eq!(budget.spend(&clerk, 100).await, Ok(()));
        let wait = budget
            .spend(&clerk, 10)
            .await
            .unwrap_err()
            .retry_after_ms
            .unwrap();
        assert!((1..=6_000).contains(&wait), "{wait}");
        assert_eq!(
            budget
                .spend(&Payer::Principal(ActorKind::Clerk, "d".to_owned()), 101)
                .await
                .unwrap_err()
                .retry_after_ms,
            None
        );
        let somebody = Payer::Source(IpAddr::from([10, 0, 0, 1]));
        assert_eq!(budget.spend(&somebody, 10).await, Ok(()));
        assert!(budget.spend(&somebody, 0).await.is_err());
        assert_eq!(
            budget
                .spend(&Payer::Source(IpAddr::from([10, 0, 0, 2])), 10)
                .await,
            Ok(())
        );
        let kiosk = Payer::Device("kiosk-1".to_owned());
        assert_eq!(budget.spend(&kiosk, 50).await, Ok(()));
        assert!(
            budget.spend(&kiosk, 1).await.is_err(),
            "a device has a budget of its own"
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
