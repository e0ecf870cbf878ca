//! The section `[log]`: what is logged and how it looks.

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use super::fault::Faults;

/// The log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// Filter in tracing's syntax.
    pub filter: String,
    /// How a line looks.
    pub format: LogFormat,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// For people.
    Text,
}

impl LogConfig {
    pub(super) fn check(&self, faults: &mut Faults) {
        if EnvFilter::try_new(&self.filter).is_err() {
            faults.at(
                "log.filter",
                "must be a filter such as `info` or `info,onedoor::upstream=debug`",
            );
        }
    }
}
