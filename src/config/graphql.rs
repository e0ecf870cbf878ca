//! The section `[graphql]`: who may look at the schema.

use serde::{Deserialize, Serialize};

/// The schema.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphqlConfig {
    /// Who may introspect outside demo mode.
    pub introspection: Introspection,
}

/// Who may introspect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Introspection {
    /// No one.
    Nobody,
    /// Clerks, officers, supervisors, auditors and administrators.
    Staff,
    /// Everybody, also without a token.
    Everybody,
}
