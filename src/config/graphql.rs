//! The section `[graphql]`: who may look at the schema, and which documents are executed.

use serde::{Deserialize, Serialize};

use super::limits::LimitsMode;

/// The schema.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphqlConfig {
    /// Who may introspect outside demo mode.
    pub introspection: Introspection,
    /// JSON file `{"<name>": "<document>"}` of the registered documents; empty: none.
    pub trusted_documents_file: String,
    /// Whether documents that are not registered are refused or only counted.
    pub trusted_documents: LimitsMode,
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
