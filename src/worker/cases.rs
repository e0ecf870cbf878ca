//! The loops behind the cases: outbox, inbox, change feed, retention, gauges.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;

use super::supervise::{LoopSpec, Supervisor};
use super::{outbox, reconcile, watch};
use crate::config::outbox::OutboxConfig;
use crate::config::worker::WorkerConfig;
use crate::service::More;
use crate::service::Services;
use crate::service::bells::Bells;
use crate::service::changes::{self, Changes};
use crate::service::clocks::Clocks;
use crate::service::delivery::Deliveries;
use crate::service::gauges::Gauges;
use crate::service::ledger::Ledger;
use crate::service::notice::Notices;
use crate::service::reconcile::Reconciling;
use crate::service::reference;
use crate::service::rotation::Rotation;
use crate::service::succession::Successions;
use crate::service::upkeep::Upkeep;
use crate::service::watching::Watching;

/// How often it is asked whether organizations were succeeded; a hint nudges. Without news nothing is read.
const SUCCESSION_TICK: Duration = Duration::from_secs(2);
/// How often it is looked whether a checkpoint is due, at most.
const CHECKPOINT_TICK: Duration = Duration::from_secs(60);
/// How often the gauges of work in progress are read.
const GAUGES_TICK: Duration = Duration::from_secs(5);

/// The use cases that loops drive, and what wakes them.
pub struct CaseLoops {
    /// Sends what the outbox holds.
    pub deliveries: Arc<Deliveries>,
    /// Lets the clocks of cases speak.
    pub clocks: Arc<Clocks>,
    /// Applies notices that wait.
    pub notices: Arc<Notices>,
    /// Asks upstream systems by itself.
    pub watching: Arc<Watching>,
    /// Compares open cases with upstream systems.
    pub reconciling: Arc<Reconciling>,
    /// Tells changes on.
    pub changes: Arc<Changes>,
    /// Moves open work to successors.
    pub successions: Arc<Successions>,
    /// Removes what has expired.
    pub upkeep: Arc<Upkeep>,
    /// Signs checkpoints.
    pub ledger: Arc<Ledger>,
    /// Brings everything to the current keys.
    pub rotation: Arc<Rotation>,
    /// Reads the gauges.
    pub gauges: Arc<Gauges>,
    /// Rung when a delivery waits.
    pub bells: Arc<Bells>,
    /// Rung when something changed.
    pub feed_nudge: Arc<Notify>,
}

/// Starts the loops. Each is safe to run twice, on two replicas, at any moment.
pub fn spawn(
    supervisor: &Supervisor,
    services: &Services,
    loops: &CaseLoops,
    config: &OutboxConfig,
    worker: &WorkerConfig,
) {
    let inbox_nudge = Arc::new(Notify::new());
    outbox::spawn(supervisor, loops, config, &inbox_nudge);

    watch::spawn(supervisor, &loops.watching, config.tick_ms);
    reconcile::spawn(supervisor, &loops.reconciling, config.tick_ms);

    let notices = Arc::clone(&loops.notices);
    let inbox = spec("inbox", config.tick_ms, &inbox_nudge);
    supervisor.spawn_loop(inbox, move || {
        let notices = Arc::clone(&notices);
        async move {
            Box::pin(notices.pass()).await?;
            Ok(())
        }
    });

    let (clocks, more) = (Arc::clone(&loops.clocks), Arc::new(Notify::new()));
    let clock_loop = spec("clocks", worker.clocks_tick_ms, &more);
    supervisor.spawn_loop(clock_loop, move || {
        let (clocks, more) = (Arc::clone(&clocks), Arc::clone(&more));
        async move {
            if clocks.pass().await? == More::Perhaps {
                more.notify_one();
            }
            Ok(())
        }
    });

    let (changes, again) = (Arc::clone(&loops.changes), Arc::clone(&loops.feed_nudge));
    let feed = spec("feed", worker.feed_poll_ms, &loops.feed_nudge);
    supervisor.spawn_loop(feed, move || {
        let (changes, again) = (Arc::clone(&changes), Arc::clone(&again));
        async move {
            if changes.look().await? == More::Perhaps {
                again.notify_one();
            }
            Ok(())
        }
    });

    let upkeep = Arc::clone(&loops.upkeep);
    let retention = spec("retention", worker.retention_tick_ms, &Arc::default());
    supervisor.spawn_loop(retention, move || {
        let upkeep = Arc::clone(&upkeep);
        async move { Ok(upkeep.pass().await?) }
    });

    spawn_rotation(supervisor, loops, worker);
    spawn_checkpoints(supervisor, loops);

    let gauges = Arc::clone(&loops.gauges);
    let read = LoopSpec {
        tick: GAUGES_TICK,
        ..spec("gauges", 0, &Arc::default())
    };
    supervisor.spawn_loop(read, move || {
        let gauges = Arc::clone(&gauges);
        async move { Ok(gauges.read().await?) }
    });

    spawn_succession(supervisor, services, loops);

    let (heard, nudge) = (
        services.hints.subscribe(changes::TOPIC),
        Arc::clone(&loops.feed_nudge),
    );
    let stop = supervisor.cancelled().clone();
    drop(supervisor.spawn("feed hints", async move {
        stop.run_until_cancelled(nudge_on_hints(heard, nudge)).await
    }));
}

/// A pass does one batch; while there is more it goes on at once.
fn spawn_rotation(supervisor: &Supervisor, loops: &CaseLoops, worker: &WorkerConfig) {
    let (rotation, again) = (Arc::clone(&loops.rotation), Arc::new(Notify::new()));
    let rekey = spec("rekey", worker.rekey_tick_ms, &again);
    supervisor.spawn_loop(rekey, move || {
        let (rotation, again) = (Arc::clone(&rotation), Arc::clone(&again));
        async move {
            if Box::pin(rotation.pass()).await? == More::Perhaps {
                again.notify_one();
            }
            Ok(())
        }
    });
}

/// Whether one is due stands in the database; the loop only looks.
fn spawn_checkpoints(supervisor: &Supervisor, loops: &CaseLoops) {
    let ledger = Arc::clone(&loops.ledger);
    let checkpoints = LoopSpec {
        tick: ledger
            .every()
            .to_std()
            .unwrap_or(CHECKPOINT_TICK)
            .min(CHECKPOINT_TICK),
        ..spec("checkpoints", 0, &Arc::default())
    };
    supervisor.spawn_loop(checkpoints, move || {
        let ledger = Arc::clone(&ledger);
        async move { Ok(ledger.pass().await?) }
    });
}

/// Successions come with new divisions: the loop is nudged when reference data move.
fn spawn_succession(supervisor: &Supervisor, services: &Services, loops: &CaseLoops) {
    let nudge = Arc::new(Notify::new());
    let (successions, cx) = (Arc::clone(&loops.successions), services.clone());
    let pass = LoopSpec {
        tick: SUCCESSION_TICK,
        ..spec("succession", 0, &nudge)
    };
    supervisor.spawn_loop(pass, move || {
        let (successions, cx) = (Arc::clone(&successions), cx.clone());
        async move {
            // the directory may be older than the hint
            reference::refresh(&cx).await?;
            successions.look().await?;
            Ok(())
        }
    });
    let listen = reference::nudge_on_hints(services.clone(), nudge);
    let stop = supervisor.cancelled().clone();
    drop(supervisor.spawn("succession hints", async move {
        stop.run_until_cancelled(listen).await
    }));
}

pub(super) fn spec(name: impl Into<Cow<'static, str>>, tick_ms: u64, nudge: &Arc<Notify>) -> LoopSpec {
    LoopSpec {
        name: name.into(),
        tick: Duration::from_millis(tick_ms),
        nudge: Arc::clone(nudge),
    }
}

/// Turns hints of other replicas into nudges, for as long as it is polled.
async fn nudge_on_hints(mut heard: tokio::sync::broadcast::Receiver<Arc<str>>, nudge: Arc<Notify>) {
    // who fell behind must look as well
    while !matches!(heard.recv().await, Err(RecvError::Closed)) {
        nudge.notify_one();
    }
}
