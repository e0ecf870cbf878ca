//! Writes denied accesses to the audit log, on a timer and once more when the gateway stops.

use std::sync::Arc;
use std::time::Duration;

use super::supervise::{LoopSpec, Supervisor};
use crate::service::Services;

/// How often: a flood is written in few transactions, and an auditor sees what happened a moment ago.
const TICK: Duration = Duration::from_millis(500);

/// Starts the loop.
pub fn spawn(supervisor: &Supervisor, cx: &Services) {
    let last = cx.clone();
    let spec = LoopSpec {
        name: "denials".into(),
        tick: TICK,
        nudge: Arc::default(),
    };
    let cx = cx.clone();
    supervisor.spawn_loop(spec, move || {
        let cx = cx.clone();
        async move { Ok(cx.write_denials().await?) }
    });
    let stop = supervisor.cancelled().clone();
    drop(supervisor.spawn("last denials", async move {
        stop.cancelled().await;
        if let Err(error) = last.write_last_denials().await {
            tracing::warn!(error = %error, "denied accesses of the last moments are missing in the audit log");
        }
    }));
}
