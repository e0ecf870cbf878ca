//! The section `[cache]`: how much is kept in process and for how long.

use serde::{Deserialize, Serialize};

use super::fault::Faults;

/// The in-process cache.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheConfig {
    /// Entries kept in process.
    pub entries_max: u64,
    /// Longest life of an entry.
    pub ttl_ms: u64,
    /// How often the epochs are read from the database when no hint arrives.
    pub epoch_poll_ms: u64,
}

impl CacheConfig {
    pub(super) fn check(&self, faults: &mut Faults) {
        faults.within("cache.entries_max", self.entries_max, &(0..=10_000_000));
        faults.within("cache.ttl_ms", self.ttl_ms, &(1..=86_400_000));
        faults.within("cache.epoch_poll_ms", self.epoch_poll_ms, &(10..=60_000));
    }
}
