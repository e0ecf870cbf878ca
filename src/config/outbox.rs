//! The section `[outbox]`: how deliveries to upstream systems are claimed and retried.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, Faults, Origin};

/// Deliveries to upstream systems.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutboxConfig {
    /// How often the outbox is looked at without a nudge.
    pub tick_ms: u64,
    /// Deliveries claimed at once.
    pub claim_max: u32,
    /// How long a claim holds.
    pub lease_ms: u64,
    /// What a claim must outlast an upstream's timeout by.
    pub lease_margin_ms: u64,
    /// Backoff before the second attempt.
    pub backoff_first_ms: u64,
    /// Longest backoff.
    pub backoff_max_ms: u64,
    /// Attempts after which RETRYABLE and AMBIGUOUS answers are given up.
    pub attempts_max: u32,
}

impl OutboxConfig {
    /// Whether a claim outlasts one attempt at an upstream, checked where upstream systems are loaded.
    ///
    /// # Errors
    /// The fault to refuse to start with: a claim that ends while the attempt still runs lets two workers send.
    pub fn lease_covers(&self, upstream: &str, timeout_ms: u64) -> Result<(), Fault> {
        if self.lease_ms > timeout_ms.saturating_add(self.lease_margin_ms) {
            return Ok(());
        }
        Err(Fault {
            path: "outbox.lease_ms".to_owned(),
            origin: Origin::Default,
            reason: format!(
                "must be longer than the timeout of upstream `{upstream}` ({timeout_ms} ms) plus \
                 outbox.lease_margin_ms ({} ms)",
                self.lease_margin_ms
            ),
        })
    }

    pub(super) fn check(&self, faults: &mut Faults) {
        faults.within("outbox.tick_ms", self.tick_ms, &(10..=600_000));
        faults.within("outbox.claim_max", self.claim_max, &(1..=1_000));
        faults.within("outbox.lease_ms", self.lease_ms, &(100..=3_600_000));
        faults.within("outbox.backoff_first_ms", self.backoff_first_ms, &(1..=600_000));
        faults.within("outbox.backoff_max_ms", self.backoff_max_ms, &(1..=86_400_000));
        faults.within("outbox.attempts_max", self.attempts_max, &(1..=1_000));
        if self.lease_ms <= self.lease_margin_ms {
            faults.at("outbox.lease_ms", "must be longer than outbox.lease_margin_ms");
        }
        if self.backoff_max_ms < self.backoff_first_ms {
            faults.at(
                "outbox.backoff_max_ms",
                "must not be below outbox.backoff_first_ms",
            );
        }
    }
}
