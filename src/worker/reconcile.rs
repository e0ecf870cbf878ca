//! The loops that compare open cases with upstream systems, one for each.

use std::sync::Arc;

use tokio::sync::Notify;

use super::cases::spec;
use super::supervise::Supervisor;
use crate::service::More;
use crate::service::reconcile::Reconciling;

/// Starts the loops. What is due stands in the database; a loop only looks.
pub(super) fn spawn(supervisor: &Supervisor, reconciling: &Arc<Reconciling>, tick_ms: u64) {
    for name in reconciling.systems() {
        let (reconciling, more) = (Arc::clone(reconciling), Arc::new(Notify::new()));
        let looks = spec(format!("reconcile {name}"), tick_ms, &more);
        supervisor.spawn_loop(looks, move || {
            let (reconciling, name, more) = (Arc::clone(&reconciling), name.clone(), Arc::clone(&more));
            async move {
                if Box::pin(reconciling.look(&name)).await? == More::Perhaps {
                    more.notify_one();
                }
                Ok(())
            }
        });
    }
}
