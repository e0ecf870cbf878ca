//! The section `[catalogue]`: choices about reference data.

use serde::{Deserialize, Serialize};

/// Reference data.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueConfig {
    /// How a division counts as urban or rural.
    pub setting_rule: SettingRule,
}

/// How a division counts as urban or rural (DOMAIN §1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingRule {
    /// By residents' or villagers' committee.
    CommitteeKind,
    /// By the statistical urban-rural class.
    UrClass,
}
