//! Removing what has expired: old idempotency records, drafts of kiosks, the far end of the change feed.

use std::sync::Arc;

use chrono::Duration;

use super::cases::Cases;
use crate::error::AppError;

/// Removes what has expired.
pub struct Upkeep {
    cases: Arc<Cases>,
    idempotency: Duration,
}

impl Upkeep {
    /// Keeps idempotency records for so many days; the store keeps them for 30 at least.
    #[must_use]
    pub fn new(cases: Arc<Cases>, idempotency_days: u16) -> Self {
        Self {
            cases,
            idempotency: Duration::days(i64::from(idempotency_days)),
        }
    }

    /// One pass; safe to run twice.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE; the next pass goes on.
    pub async fn pass(&self) -> Result<(), AppError> {
        let removed = self
            .cases
            .store
            .remove_expired(self.cases.clock.now(), self.idempotency)
            .await?;
        if removed.idempotency + removed.drafts + removed.changes > 0 {
            tracing::info!(
                removed.idempotency,
                removed.drafts,
                removed.changes,
                "expired records were removed"
            );
        }
        Ok(())
    }
}
