//! Bells that wake the outbox: one an upstream system, so that a slow one delays no other.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Notify;

/// One bell an upstream system.
#[derive(Debug, Default)]
pub struct Bells {
    by_upstream: BTreeMap<String, Arc<Notify>>,
}

impl Bells {
    /// Bells for these systems.
    pub fn new(upstreams: impl IntoIterator<Item = String>) -> Self {
        Self {
            by_upstream: upstreams
                .into_iter()
                .map(|name| (name, Arc::new(Notify::new())))
                .collect(),
        }
    }

    /// Rings for a system; one that is not configured here has no loop to wake.
    pub fn ring(&self, upstream: &str) {
        if let Some(bell) = self.by_upstream.get(upstream) {
            bell.notify_one();
        }
    }

    /// Every system and its bell.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<Notify>)> {
        self.by_upstream.iter().map(|(name, bell)| (name.as_str(), bell))
    }

    /// Names of all systems.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.by_upstream.keys().cloned().collect()
    }
}
