//! Limits that hold over all replicas where there is Redis. Where it does not answer, a replica goes by what it counted.

use std::time::Duration;

use super::Services;
use crate::cache::counters::{Counted, Counters};

/// A budget refills within a minute.
const MINUTE: Duration = Duration::from_secs(60);

/// What replicas count together. Cheap to clone; the default counts nothing.
#[derive(Clone, Default)]
pub struct SharedLimits {
    counters: Option<Counters>,
}

impl SharedLimits {
    /// Takes some cells of somebody's budget of a minute, all or nothing.
    ///
    /// # Errors
    /// After which time there will be enough.
    pub async fn spend(
        &self,
        what: &'static str,
        whom: String,
        cells: u32,
        per_minute: u32,
    ) -> Result<(), Duration> {
        let Some(counters) = &self.counters else {
            return Ok(());
        };
        let from = Counted {
            what,
            whom,
            window: MINUTE,
        };
        match counters.spend(&from, cells, per_minute).await.flatten() {
            Some(wait) => Err(wait),
            None => Ok(()),
        }
    }

    /// Adds one to each, and gives what the replicas counted before; `None`: nobody says.
    pub(super) async fn add(&self, counted: &[Counted]) -> Option<Vec<u32>> {
        self.counters.as_ref()?.add(counted).await
    }

    /// Takes one from each.
    pub(super) async fn take_back(&self, counted: &[Counted]) {
        if let Some(counters) = &self.counters {
            counters.take_back(counted).await;
        }
    }
}

impl Services {
    /// What replicas count together.
    #[must_use]
    pub fn shared_limits(&self) -> SharedLimits {
        SharedLimits {
            counters: Some(Counters::of(self.cache.clone())),
        }
    }
}
