//! `[poll]`: how often a system that does not report back is asked for its news.

use std::time::Duration;

use super::section::Section;

/// How an upstream is polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollConfig {
    /// Time between two polls.
    pub every: Duration,
    /// Pages read in one go.
    pub pages_max: u32,
}

impl PollConfig {
    pub(super) fn read(section: &mut Section) -> Self {
        Self {
            every: Duration::from_secs(section.number("every_s", 60, 1..=86_400)),
            pages_max: u32::try_from(section.number("pages_max", 20, 1..=1_000)).unwrap_or(u32::MAX),
        }
    }
}
