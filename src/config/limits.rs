//! The section `[limits]`: what an operation may cost.

use serde::{Deserialize, Serialize};

use super::fault::Faults;

/// Limits of operations (GRAPHQL §3).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// Whether a passed limit refuses or is only counted.
    pub mode: LimitsMode,
    /// Longest document.
    pub document_max_bytes: usize,
    /// Lexical tokens of a document.
    pub tokens_max: u64,
    /// Nesting of fields.
    pub depth_max: u64,
    /// Nesting below `__schema` and `__type`.
    pub introspection_depth_max: u64,
    /// Fields with fragments expanded.
    pub fields_max: u64,
    /// Aliases with fragments expanded.
    pub aliases_max: u64,
    /// The same without a token.
    pub aliases_anonymous_max: u64,
    /// Directives with fragments expanded.
    pub directives_max: u64,
    /// Root fields.
    pub root_fields_max: u64,
    /// The same without a token.
    pub root_fields_anonymous_max: u64,
    /// Weighted cost, by page size.
    pub complexity_max: u64,
    /// Longest query.
    pub query_timeout_ms: u64,
    /// Field executions a minute and principal.
    pub fields_per_minute: u32,
    /// The same of a device.
    pub fields_per_minute_device: u32,
    /// The same without a token, by source address.
    pub fields_per_minute_anonymous: u32,
    /// Parsed and checked documents kept in memory.
    pub documents_max: u64,
}

/// Whether limits refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitsMode {
    /// A passed limit refuses the operation.
    Enforce,
    /// A passed limit is only counted.
    Measure,
}

impl LimitsConfig {
    pub(super) fn check(&self, faults: &mut Faults) {
        faults.within(
            "limits.document_max_bytes",
            self.document_max_bytes,
            &(1_024..=1_000_000),
        );
        let counts = [
            ("limits.tokens_max", self.tokens_max),
            ("limits.depth_max", self.depth_max),
            ("limits.introspection_depth_max", self.introspection_depth_max),
            ("limits.fields_max", self.fields_max),
            ("limits.aliases_max", self.aliases_max),
            ("limits.aliases_anonymous_max", self.aliases_anonymous_max),
            ("limits.directives_max", self.directives_max),
            ("limits.root_fields_max", self.root_fields_max),
            ("limits.root_fields_anonymous_max", self.root_fields_anonymous_max),
            ("limits.complexity_max", self.complexity_max),
            ("limits.documents_max", self.documents_max),
        ];
        for (path, value) in counts {
            faults.within(path, value, &(1..=1_000_000));
        }
        faults.within("limits.query_timeout_ms", self.query_timeout_ms, &(10..=120_000));
        let rates = [
            ("limits.fields_per_minute", self.fields_per_minute),
            ("limits.fields_per_minute_device", self.fields_per_minute_device),
            (
                "limits.fields_per_minute_anonymous",
                self.fields_per_minute_anonymous,
            ),
        ];
        for (path, value) in rates {
            faults.within(path, value, &(1..=10_000_000));
        }
        if self.aliases_anonymous_max > self.aliases_max {
            faults.at(
                "limits.aliases_anonymous_max",
                "must not be above limits.aliases_max",
            );
        }
        if self.root_fields_anonymous_max > self.root_fields_max {
            faults.at(
                "limits.root_fields_anonymous_max",
                "must not be above limits.root_fields_max",
            );
        }
    }
}
