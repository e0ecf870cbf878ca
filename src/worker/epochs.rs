//! Looks at the epochs of the reference data, on a timer and when a change is hinted.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::supervise::{LoopSpec, Supervisor};
use crate::service::{Services, reference};

/// Starts the loop.
pub fn spawn(supervisor: &Supervisor, cx: &Services, tick: Duration) {
    let nudge = Arc::new(Notify::new());
    let listen = reference::nudge_on_hints(cx.clone(), nudge.clone());
    let stop = supervisor.cancelled().clone();
    drop(supervisor.spawn(
        "epoch hints",
        async move { stop.run_until_cancelled(listen).await },
    ));
    let cx = cx.clone();
    supervisor.spawn_loop(
        LoopSpec {
            name: "epochs".into(),
            tick,
            nudge,
        },
        move || {
            let cx = cx.clone();
            async move { Ok(reference::refresh(&cx).await?) }
        },
    );
}
