//! The loops behind uploaded documents: one lets the scanner look at them, one removes what nobody uses.

use std::sync::Arc;

use super::cases::spec;
use super::supervise::Supervisor;
use crate::service::More;
use crate::service::attachments::Attachments;

/// How often it is looked whether a document waits for the scanner, when nothing rings.
const SCAN_TICK_MS: u64 = 2_000;

/// Starts the loops. Both are safe to run twice, on two replicas, at any moment.
pub fn spawn(supervisor: &Supervisor, attachments: &Arc<Attachments>, sweep_tick_ms: u64) {
    if attachments.is_scanned() {
        let (scanning, bell) = (Arc::clone(attachments), attachments.scan_bell());
        let scans = spec("scan", SCAN_TICK_MS, &bell);
        supervisor.spawn_loop(scans, move || {
            let (scanning, bell) = (Arc::clone(&scanning), Arc::clone(&bell));
            async move {
                if Box::pin(scanning.scan()).await? == More::Perhaps {
                    bell.notify_one();
                }
                Ok(())
            }
        });
    }
    let sweeping = Arc::clone(attachments);
    let sweeps = spec("attachments", sweep_tick_ms, &Arc::default());
    supervisor.spawn_loop(sweeps, move || {
        let sweeping = Arc::clone(&sweeping);
        async move { Ok(Box::pin(sweeping.sweep()).await?) }
    });
}
