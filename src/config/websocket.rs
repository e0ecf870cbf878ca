//! The section `[websocket]`: bounds of subscriptions.

use serde::{Deserialize, Serialize};

use super::fault::Faults;

/// Subscriptions over WebSockets (GRAPHQL §4).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebsocketConfig {
    /// `connection_init` must have arrived after this time.
    pub init_timeout_ms: u64,
    /// Pause between pings.
    pub ping_interval_ms: u64,
    /// Operations at once on one socket.
    pub operations_max: usize,
    /// Sockets at once of one principal.
    pub sockets_per_principal_max: usize,
    /// Outbound messages that may wait; a slower consumer is closed.
    pub queue_max: usize,
    /// Largest inbound message.
    pub message_max_bytes: usize,
}

impl WebsocketConfig {
    pub(super) fn check(&self, faults: &mut Faults) {
        faults.within("websocket.init_timeout_ms", self.init_timeout_ms, &(10..=60_000));
        faults.within(
            "websocket.ping_interval_ms",
            self.ping_interval_ms,
            &(100..=600_000),
        );
        faults.within("websocket.operations_max", self.operations_max, &(1..=1_000));
        faults.within(
            "websocket.sockets_per_principal_max",
            self.sockets_per_principal_max,
            &(1..=10_000),
        );
        faults.within("websocket.queue_max", self.queue_max, &(1..=10_000));
        faults.within(
            "websocket.message_max_bytes",
            self.message_max_bytes,
            &(1_024..=4_000_000),
        );
    }
}
