//! The agencies' systems as their operator sees them: what they can do, how they are, and how much waits for them.

use std::sync::Arc;

use onedoor_domain::actor::Actor;
use onedoor_domain::policy::Act;

use super::cases::Cases;
use super::guard;
use crate::error::AppError;
pub use crate::store::outbox::OutboxCount;
pub use crate::upstream::adapter::Capability;
pub use crate::upstream::breaker::BreakerState;
pub use crate::upstream::config::Idempotency;
pub use crate::upstream::outcome::OutcomeClass;
use crate::upstream::registry::{Registry, Upstream};

/// Tells of the upstream systems.
pub struct Upstreams {
    cases: Arc<Cases>,
    registry: Arc<Registry>,
}

/// One system, as this replica sees it now.
pub struct Status {
    system: Arc<Upstream>,
    /// Its deliveries that are not finished, by state, those of all replicas.
    pub backlog: Vec<OutboxCount>,
    /// Handoffs that it took over with the promise of a report which it owes beyond its day, those of all replicas.
    pub silent: u64,
}

impl Upstreams {
    /// Joins the parts.
    #[must_use]
    pub const fn new(cases: Arc<Cases>, registry: Arc<Registry>) -> Self {
        Self { cases, registry }
    }

    /// All systems, by name.
    ///
    /// # Errors
    /// FORBIDDEN or UNAUTHENTICATED by the policy, STORE_UNAVAILABLE.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Status>, AppError> {
        guard::allow(actor, Act::ReadUpstreams)?;
        let counts = self.cases.store.outbox_counts().await?;
        let now = self.cases.clock.now();
        let silent = self.cases.store.silent_counts(now).await?;
        let silent_at = |name: &str| silent.iter().find(|(at, _)| at == name);
        let status = |system: &Arc<Upstream>| Status {
            silent: silent_at(system.config().name.as_str()).map_or(0, |(_, count)| *count),
            system: Arc::clone(system),
            backlog: counts
                .iter()
                .filter(|count| count.upstream == system.config().name.as_str())
                .filter(|count| count.state.is_undelivered())
                .cloned()
                .collect(),
        };
        Ok(self.registry.iter().map(status).collect())
    }

    /// What people call a system, in Chinese and English; `None`: it is not configured here.
    #[must_use]
    pub fn titles(&self, name: &str) -> Option<(&str, &str)> {
        let config = self.registry.get(&name.parse().ok()?)?.config();
        Some((config.title_zh.as_str(), config.title_en.as_str()))
    }

    /// Whom to call when a system stands still; `None`: it is not configured here.
    #[must_use]
    pub fn operator_contact(&self, name: &str) -> Option<&str> {
        let config = self.registry.get(&name.parse().ok()?)?.config();
        Some(config.operator_contact.as_str())
    }
}

impl Status {
    /// The system.
    #[must_use]
    pub fn system(&self) -> &Upstream {
        &self.system
    }
}
