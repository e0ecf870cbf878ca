//! `[reconcile]`: whether a system is compared with every night (对账).

use super::section::Section;

/// How an upstream is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconcileConfig {
    /// Whether by itself each night, where the gateway does so at all; on demand it is done all the same.
    pub nightly: bool,
}

impl ReconcileConfig {
    pub(super) fn read(section: &mut Section) -> Self {
        Self {
            nightly: section.flag("nightly", true),
        }
    }
}
