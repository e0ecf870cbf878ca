//! The section `[audit]`: how long the audit log is kept.

use serde::{Deserialize, Serialize};

use super::fault::Faults;

/// The audit log.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditConfig {
    /// Days an entry is kept.
    pub days: u16,
}

impl AuditConfig {
    pub(super) fn check(&self, faults: &mut Faults) {
        // GB/T 22239 level 3; the database refuses to remove a younger entry
        faults.within("audit.days", self.days, &(180..=36_500));
    }
}
