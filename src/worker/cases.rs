//! The loops behind the cases: outbox, inbox, change feed, retention, gauges.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;

use super::supervise::{LoopSpec, Supervisor};
use crate::config::outbox::OutboxConfig;
use crate::config::worker::WorkerConfig;
use crate::service::Services;
use crate::service::changes::{self, Changes};
use crate::service::delivery::Deliveries;
use crate::service::gauges::Gauges;
use crate::service::notice::Notices;
use crate::service::upkeep::Upkeep;

/// How often the gauges of work in progress are read.
const GAUGES_TICK: Duration = Duration::from_secs(5);

/// The use cases that loops drive, and what wakes them.
pub struct CaseLoops {
    /// Sends what the outbox holds.
    pub deliveries: Arc<Deliveries>,
    /// Applies notices that wait.
    pub notices: Arc<Notices>,
    /// Tells changes on.
    pub changes: Arc<Changes>,
    /// Removes what has expired.
    pub upkeep: Arc<Upkeep>,
    /// Reads the gauges.
    pub gauges: Arc<Gauges>,
    /// Rung when a delivery waits.
    pub outbox_nudge: Arc<Notify>,
    /// Rung when something changed.
    pub feed_nudge: Arc<Notify>,
}

/// Starts the loops. Each is safe to run twice, on two replicas, at any moment.
pub fn spawn(
    supervisor: &Supervisor,
    services: &Services,
    loops: &CaseLoops,
    outbox: &OutboxConfig,
    worker: &WorkerConfig,
) {
    let spec = |name, tick, nudge: &Arc<Notify>| LoopSpec {
        name,
        tick,
        nudge: Arc::clone(nudge),
    };
    let unnudged = Arc::new(Notify::new());

    let (deliveries, again) = (Arc::clone(&loops.deliveries), Arc::clone(&loops.outbox_nudge));
    let notices = Arc::clone(&loops.notices);
    let full = outbox.claim_max;
    supervisor.spawn_loop(
        spec(
            "outbox",
            Duration::from_millis(outbox.tick_ms),
            &loops.outbox_nudge,
        ),
        move || {
            let (deliveries, notices, again) =
                (Arc::clone(&deliveries), Arc::clone(&notices), Arc::clone(&again));
            async move {
                let claimed = deliveries.pass().await?;
                if claimed > 0 {
                    // a notice may have overtaken the answer to our sending, and waits for it
                    notices.pass().await?;
                }
                if u32::try_from(claimed).is_ok_and(|claimed| claimed >= full) {
                    again.notify_one();
                }
                Ok(())
            }
        },
    );

    let notices = Arc::clone(&loops.notices);
    supervisor.spawn_loop(
        spec("inbox", Duration::from_millis(outbox.tick_ms), &unnudged),
        move || {
            let notices = Arc::clone(&notices);
            async move {
                notices.pass().await?;
                Ok(())
            }
        },
    );

    let changes = Arc::clone(&loops.changes);
    supervisor.spawn_loop(
        spec(
            "feed",
            Duration::from_millis(worker.feed_poll_ms),
            &loops.feed_nudge,
        ),
        move || {
            let changes = Arc::clone(&changes);
            async move {
                changes.look().await?;
                Ok(())
            }
        },
    );

    let upkeep = Arc::clone(&loops.upkeep);
    supervisor.spawn_loop(
        spec(
            "retention",
            Duration::from_millis(worker.retention_tick_ms),
            &unnudged,
        ),
        move || {
            let upkeep = Arc::clone(&upkeep);
            async move { Ok(upkeep.pass().await?) }
        },
    );

    let gauges = Arc::clone(&loops.gauges);
    supervisor.spawn_loop(spec("gauges", GAUGES_TICK, &unnudged), move || {
        let gauges = Arc::clone(&gauges);
        async move { Ok(gauges.read().await?) }
    });

    let (hints, nudge) = (services.hints.clone(), Arc::clone(&loops.feed_nudge));
    let stop = supervisor.cancelled().clone();
    supervisor.spawn("feed hints", async move {
        let mut heard = hints.subscribe(changes::TOPIC);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                hint = heard.recv() => match hint {
                    // who fell behind must look as well
                    Ok(_) | Err(RecvError::Lagged(_)) => nudge.notify_one(),
                    Err(RecvError::Closed) => break,
                },
            }
        }
    });
}
