//! The audit log, as use cases write it.

use onedoor_domain::actor::Actor;
use onedoor_domain::audit::{AuditAction, AuditEntry};
use onedoor_domain::id::AuditEntryId;
use uuid::Uuid;

use super::Services;
use crate::error::AppError;
use crate::store::audit;

impl Services {
    /// An entry that tells of an act of now; the store writes it with the act, or [`Self::keep_audit`] alone.
    #[must_use]
    pub fn audit_entry(&self, actor: &Actor, action: AuditAction) -> AuditEntry {
        AuditEntry::done(
            AuditEntryId::from_uuid(Uuid::now_v7()),
            self.clock.now(),
            actor,
            action,
        )
    }

    /// Keeps an entry of something that writes nothing itself. What must not happen unseen waits for this first.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn keep_audit(&self, entry: &AuditEntry) -> Result<(), AppError> {
        Ok(audit::append(&self.database, std::slice::from_ref(entry)).await?)
    }
}
