//! The section `[tracking]`: how often a wrong tracking secret may be tried.

use serde::{Deserialize, Serialize};

use super::fault::Faults;

/// Guessing at tracking codes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrackingConfig {
    /// Wrong secrets from one source in a minute before it must wait.
    pub failures_per_source_per_minute: u32,
    /// The same for one source and one code.
    pub failures_per_source_and_code_per_minute: u32,
}

impl TrackingConfig {
    pub(super) fn check(&self, faults: &mut Faults) {
        let counts = [
            (
                "tracking.failures_per_source_per_minute",
                self.failures_per_source_per_minute,
            ),
            (
                "tracking.failures_per_source_and_code_per_minute",
                self.failures_per_source_and_code_per_minute,
            ),
        ];
        for (path, value) in counts {
            faults.within(path, value, &(1..=10_000));
        }
    }
}
