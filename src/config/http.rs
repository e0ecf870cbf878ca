//! The section `[http]`: manners of the GraphQL over HTTP endpoint.

use serde::{Deserialize, Serialize};

/// Manners of the GraphQL over HTTP endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// Which status codes are answered.
    pub status_profile: StatusProfile,
}

/// Status codes of /graphql (GRAPHQL §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatusProfile {
    /// As `graphql-http` 1.23 audits them.
    #[serde(rename = "audit")]
    Audit,
    /// As the draft of August 2026 says: 422 and 294.
    #[serde(rename = "draft-2026-08")]
    Draft202608,
}
