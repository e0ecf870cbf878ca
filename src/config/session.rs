//! The section `[session]`: sign-in sessions of browsers.

use serde::{Deserialize, Serialize};

use super::fault::Faults;

/// Sign-in sessions.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionConfig {
    /// A session that is not used ends after this time.
    pub idle_minutes: u32,
    /// Every session ends after this time.
    pub absolute_minutes: u32,
}

impl SessionConfig {
    pub(super) fn check(&self, faults: &mut Faults) {
        faults.within("session.idle_minutes", self.idle_minutes, &(2..=1_440));
        faults.within("session.absolute_minutes", self.absolute_minutes, &(2..=10_080));
        if self.idle_minutes > self.absolute_minutes {
            faults.at(
                "session.idle_minutes",
                "must not be longer than session.absolute_minutes",
            );
        }
    }
}
