//! How many retries an upstream may be given: a share of first attempts, so that an outage does not multiply its load.
//!
//! The reasoning. Backoff spreads the retries of one delivery; it does not bound those of thousands. After an outage
//! everything that failed comes again while new work goes on, and each failed round comes again as well. So a first
//! attempt earns a share of a retry, a retry costs a whole one, and what is not earned waits: it loses nothing but
//! time. A small income a minute keeps the few retries of a quiet system going, where a share of nothing is nothing.
//! The balance is bounded, so that a quiet month does not pay for a storm.
//! Not covered: replicas have a budget each.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::upstream::config::RetryConfig;

/// Thousandths of a retry.
const RETRY: u64 = 1_000;
/// Most retries that can be saved up beside a minute's income.
const SAVED_MAX: u64 = 100;

/// The budget of one upstream.
#[derive(Debug)]
pub struct RetryBudget {
    config: RetryConfig,
    state: Mutex<Account>,
}

#[derive(Debug)]
struct Account {
    /// Thousandths of a retry.
    balance: u64,
    /// Until when the income has been paid.
    paid: Instant,
}

impl RetryBudget {
    /// A budget with a minute's income in it.
    #[must_use]
    pub fn new(config: RetryConfig, now: Instant) -> Self {
        let balance = u64::from(config.per_minute_min).saturating_mul(RETRY);
        Self {
            config,
            state: Mutex::new(Account { balance, paid: now }),
        }
    }

    /// How many retries may go now.
    #[must_use]
    pub fn available(&self, now: Instant) -> u32 {
        let mut account = self.lock();
        self.pay(&mut account, now);
        u32::try_from(account.balance / RETRY).unwrap_or(u32::MAX)
    }

    /// First attempts earn their share.
    pub fn earn(&self, first_attempts: u32, now: Instant) {
        let mut account = self.lock();
        self.pay(&mut account, now);
        let share = u64::from(self.config.budget_percent).saturating_mul(RETRY / 100);
        let earned = share.saturating_mul(u64::from(first_attempts));
        account.balance = account.balance.saturating_add(earned).min(self.balance_max());
    }

    /// Retries go.
    pub fn spend(&self, retries: u32, now: Instant) {
        let mut account = self.lock();
        self.pay(&mut account, now);
        account.balance = account
            .balance
            .saturating_sub(RETRY.saturating_mul(u64::from(retries)));
    }

    fn pay(&self, account: &mut Account, now: Instant) {
        let elapsed = now
            .saturating_duration_since(account.paid)
            .min(Duration::from_secs(60));
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(0);
        // thousandths of a retry a millisecond are retries a second
        let income = u64::from(self.config.per_minute_min).saturating_mul(elapsed_ms) / 60;
        if income > 0 {
            account.balance = account.balance.saturating_add(income).min(self.balance_max());
            account.paid = now;
        }
    }

    fn balance_max(&self) -> u64 {
        SAVED_MAX
            .saturating_add(u64::from(self.config.per_minute_min))
            .saturating_mul(RETRY)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Account> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(budget_percent: u32, per_minute_min: u32, now: Instant) -> RetryBudget {
        RetryBudget::new(
            RetryConfig {
                budget_percent,
                per_minute_min,
                after_max: Duration::from_secs(3_600),
            },
            now,
        )
    }

    fn drain(budget: &RetryBudget, now: Instant) -> u32 {
        let mut spent = 0;
        while budget.available(now) > 0 {
            budget.spend(1, now);
            spent += 1;
        }
        spent
    }

    #[test]
    fn retries_are_a_share_of_first_attempts() {
        let now = Instant::now();
        let budget = budget(20, 0, now);
        assert_eq!(budget.available(now), 0, "nothing was earned");
        for _ in 0..10 {
            budget.earn(10, now);
        }
        assert_eq!(drain(&budget, now), 20);
    }

    #[test]
    fn a_quiet_system_has_its_income_and_no_more() {
        let now = Instant::now();
        let budget = budget(0, 6, now);
        assert_eq!(drain(&budget, now), 6);
        assert_eq!(budget.available(now + Duration::from_secs(9)), 0);
        assert_eq!(drain(&budget, now + Duration::from_secs(20)), 2);
        assert_eq!(
            drain(&budget, now + Duration::from_secs(86_400)),
            6,
            "a day does not save up a storm"
        );
    }

    #[test]
    fn the_balance_is_bounded() {
        let now = Instant::now();
        let budget = budget(100, 10, now);
        budget.earn(100_000, now);
        assert_eq!(drain(&budget, now), 110);
    }
}
