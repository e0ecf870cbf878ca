//! Removing what has expired: old idempotency records, drafts of kiosks, the far end of the change feed, finished
//! exchanges with upstream systems, and old entries of the audit log.

use std::sync::Arc;

use chrono::Duration;

use super::cases::Cases;
use crate::config::audit::AuditConfig;
use crate::config::worker::WorkerConfig;
use crate::error::AppError;
use crate::store::audit;
use crate::store::retention::Keeping;

/// Removes what has expired.
pub struct Upkeep {
    cases: Arc<Cases>,
    keep: Keeping,
    audit: Duration,
}

impl Upkeep {
    /// Keeps things for as many days as configured; the store knows how long at least.
    #[must_use]
    pub fn new(cases: Arc<Cases>, config: &WorkerConfig, audit: AuditConfig) -> Self {
        let keep = Keeping {
            idempotency: Duration::days(i64::from(config.idempotency_days)),
            exchanges: Duration::days(i64::from(config.exchange_days)),
        };
        let audit = Duration::days(i64::from(audit.days));
        Self { cases, keep, audit }
    }

    /// One pass; safe to run twice.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE; the next pass goes on.
    pub async fn pass(&self) -> Result<(), AppError> {
        self.cases.store.complete_handoffs().await?;
        let removed = self
            .cases
            .store
            .remove_expired(self.cases.clock.now(), self.keep)
            .await?;
        let (database, now) = (&self.cases.services.database, self.cases.clock.now());
        let audited = audit::remove_older(database, now, self.audit).await?;
        if audited > 0 {
            tracing::info!(
                removed.audit = audited,
                "old entries of the audit log were removed"
            );
        }
        if !removed.is_nothing() {
            tracing::info!(
                removed.idempotency,
                removed.drafts,
                removed.changes,
                removed.deliveries,
                removed.notices,
                removed.reconciliations,
                "expired records were removed"
            );
        }
        Ok(())
    }
}
