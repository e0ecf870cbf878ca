//! The loops that ask upstream systems: one for each that is polled, one for each that can be asked for what is overdue.

use std::sync::Arc;

use super::cases::spec;
use super::supervise::Supervisor;
use crate::service::watching::Watching;

/// Starts the loops. When a duty is due stands in the database; a loop only looks.
pub(super) fn spawn(supervisor: &Supervisor, watching: &Arc<Watching>, tick_ms: u64) {
    for name in watching.polled() {
        let watching = Arc::clone(watching);
        let looks = spec(format!("poll {name}"), tick_ms, &Arc::default());
        supervisor.spawn_loop(looks, move || {
            let (watching, name) = (Arc::clone(&watching), name.clone());
            async move { Ok(Box::pin(watching.poll(&name)).await?) }
        });
    }
    for name in watching.askable() {
        let watching = Arc::clone(watching);
        let looks = spec(format!("overdue {name}"), tick_ms, &Arc::default());
        supervisor.spawn_loop(looks, move || {
            let (watching, name) = (Arc::clone(&watching), name.clone());
            async move { Ok(Box::pin(watching.ask_overdue(&name)).await?) }
        });
    }
}
