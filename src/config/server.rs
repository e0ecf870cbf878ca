//! The section `[server]`: where and how HTTP is served.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};
use url::Url;

use super::fault::Faults;

/// The HTTP server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Address and port.
    pub listen: SocketAddr,
    /// Public address of this gateway; empty: `http://<listen>`.
    pub public_url: String,
    /// Worker threads; 0 = one per core.
    pub workers: usize,
    /// Requests in flight, over all workers.
    pub requests_max: usize,
    /// Open connections, sockets and event streams among them.
    pub connections_max: usize,
    /// Largest request body.
    pub body_max_bytes: usize,
    /// A request body must have arrived after this time.
    pub body_timeout_ms: u64,
    /// Time that running requests, open sockets and background loops get to finish on SIGTERM.
    pub stop_timeout_ms: u64,
    /// Origins that browsers may call from, as `https://host[:port]`.
    pub allowed_origins: Vec<String>,
    /// Reverse proxies whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<IpAddr>,
}

impl ServerConfig {
    pub(super) fn check(&self, faults: &mut Faults) {
        if !self.public_url.is_empty() && !is_web_address(&self.public_url) {
            faults.at("server.public_url", "must be an http:// or https:// address");
        }
        faults.within("server.workers", self.workers, &(0..=1_024));
        faults.within("server.requests_max", self.requests_max, &(1..=100_000));
        faults.within("server.connections_max", self.connections_max, &(1..=1_000_000));
        faults.within(
            "server.body_max_bytes",
            self.body_max_bytes,
            &(1_024..=16_000_000),
        );
        faults.within("server.body_timeout_ms", self.body_timeout_ms, &(100..=120_000));
        faults.within("server.stop_timeout_ms", self.stop_timeout_ms, &(0..=300_000));
        if !self.allowed_origins.iter().all(|origin| is_origin(origin)) {
            faults.at(
                "server.allowed_origins",
                "must be origins such as https://portal.example.cn, without a path",
            );
        }
    }
}

fn is_web_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.origin().is_tuple() && url.origin().ascii_serialization() == text)
}
