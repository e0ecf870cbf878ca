//! The section `[sandbox]`: the upstream system of the demonstration.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// The sandbox upstream that `serve --demo` starts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SandboxConfig {
    /// Its address; port 0 = any free port.
    pub listen: SocketAddr,
    /// Delay between its 202 and its signed callback.
    pub decide_after_ms: u64,
    /// Whether it plays the systems of the city too, and the gateway of the demonstration is bound to them.
    pub city: bool,
}
