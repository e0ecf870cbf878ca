//! The section `[traces]`: where spans go, and how many of them.

use serde::{Deserialize, Serialize};
use url::Url;

use super::fault::Faults;

/// Traces.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TracesConfig {
    /// Address of the collector for traces; empty: none.
    pub endpoint: String,
    /// The share of traces that is kept, 0 to 1.
    pub sample_ratio: f64,
    /// How long the collector may take for one batch, milliseconds.
    pub timeout_ms: u64,
}

impl TracesConfig {
    pub(super) fn check(&self, faults: &mut Faults) {
        let is_http = |url: &Url| matches!(url.scheme(), "http" | "https");
        if !self.endpoint.is_empty() && !Url::parse(&self.endpoint).is_ok_and(|url| is_http(&url)) {
            faults.at(
                "traces.endpoint",
                "must be an address such as `http://127.0.0.1:4318/v1/traces`, or empty",
            );
        }
        if !(0.0..=1.0).contains(&self.sample_ratio) {
            faults.at("traces.sample_ratio", "must be from 0 to 1");
        }
        if self.timeout_ms == 0 {
            faults.at("traces.timeout_ms", "must not be 0");
        }
    }
}
