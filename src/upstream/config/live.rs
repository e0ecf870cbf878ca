//! `[live]`: how readers are shown what an upstream system says of a case now.

use std::time::Duration;

use super::section::Section;

/// The policy of live reads from one upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveConfig {
    /// How long an answer is served again.
    pub ttl: Duration,
    /// How long an older answer is shown, marked as stale, when the system does not answer; zero: never.
    pub stale_if_error: Duration,
    /// How long a reader waits for an answer; the question itself goes on.
    pub wait: Duration,
}

impl LiveConfig {
    pub(super) fn read(section: &mut Section) -> Self {
        Self {
            ttl: Duration::from_millis(section.number("ttl_ms", 5_000, 100..=3_600_000)),
            stale_if_error: Duration::from_secs(section.number("stale_if_error_s", 300, 0..=86_400)),
            wait: Duration::from_millis(section.number("wait_ms", 3_000, 50..=60_000)),
        }
    }
}
