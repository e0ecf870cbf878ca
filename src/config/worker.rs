//! The section `[worker]`: how often background loops look.

use serde::{Deserialize, Serialize};

use super::fault::Faults;

/// Background loops.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerConfig {
    /// How often the change feed is read when no hint arrives.
    pub feed_poll_ms: u64,
    /// How often cases are looked for whose clocks are to speak.
    pub clocks_tick_ms: u64,
    /// How many such cases are claimed at once.
    pub clocks_batch: u32,
    /// How often what has expired is removed.
    pub retention_tick_ms: u64,
    /// Days an idempotency record with its sealed answer is kept.
    pub idempotency_days: u16,
    /// Days finished deliveries of closed cases and settled notices are kept.
    pub exchange_days: u16,
    /// How often a checkpoint of the ledger is signed.
    pub checkpoint_every_s: u32,
    /// How often retired keys are looked for.
    pub rekey_tick_ms: u64,
    /// Values sealed anew at once.
    pub rekey_batch: u32,
}

impl WorkerConfig {
    pub(super) fn check(&self, faults: &mut Faults) {
        faults.within("worker.feed_poll_ms", self.feed_poll_ms, &(10..=60_000));
        faults.within("worker.clocks_tick_ms", self.clocks_tick_ms, &(10..=60_000));
        faults.within("worker.clocks_batch", self.clocks_batch, &(1..=1_000));
        faults.within(
            "worker.retention_tick_ms",
            self.retention_tick_ms,
            &(1_000..=86_400_000),
        );
        faults.within("worker.idempotency_days", self.idempotency_days, &(30..=3_650));
        faults.within("worker.exchange_days", self.exchange_days, &(30..=3_650));
        faults.within(
            "worker.checkpoint_every_s",
            self.checkpoint_every_s,
            &(1..=86_400),
        );
        faults.within("worker.rekey_tick_ms", self.rekey_tick_ms, &(100..=3_600_000));
        faults.within("worker.rekey_batch", self.rekey_batch, &(1..=10_000));
    }
}
