//! The section `[redis]`: the shared cache, which may be absent.

use serde::{Deserialize, Serialize};
use url::Url;

use super::fault::Faults;
use crate::secret::Redacted;

/// The shared cache.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// Address with password; empty: in-process cache and hints only.
    pub url: Redacted<String>,
    /// How long one command may take before the cache counts as missing.
    pub command_timeout_ms: u64,
    /// How long Redis is left alone after a failure.
    pub rest_ms: u64,
    /// Prefix of every key and channel.
    pub prefix: String,
}

impl RedisConfig {
    pub(super) fn check(&self, faults: &mut Faults) {
        let url = self.url.expose();
        let fits =
            Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "redis" | "rediss") && url.has_host());
        if !url.is_empty() && !fits {
            faults.at("redis.url", "must be redis://[:password@]host:port/db");
        }
        faults.within(
            "redis.command_timeout_ms",
            self.command_timeout_ms,
            &(10..=10_000),
        );
        faults.within("redis.rest_ms", self.rest_ms, &(10..=60_000));
    }
}
