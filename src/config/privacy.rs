//! The section `[privacy]`: how often a day one person may look at personal data.

use serde::{Deserialize, Serialize};

use super::fault::Faults;

/// Budgets of looks at personal data, per person and Beijing day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivacyConfig {
    /// Cases whose data is shown unmasked.
    pub reveals_per_day: u32,
    /// Look-ups by identity number.
    pub lookups_per_day: u32,
}

impl PrivacyConfig {
    pub(super) fn check(&self, faults: &mut Faults) {
        let counts = [
            ("privacy.reveals_per_day", self.reveals_per_day),
            ("privacy.lookups_per_day", self.lookups_per_day),
        ];
        for (path, value) in counts {
            faults.within(path, value, &(1..=10_000));
        }
    }
}
