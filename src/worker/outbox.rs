//! The outbox loops: one an upstream system, each keeping as many deliveries under way as that system takes at once.
//!
//! A loop claims only what it has a free place for and waits for none of it, so a delivery that hangs costs one place and
//! delays nothing else. Two deliveries of one case to one system are never under way together: the second cannot be
//! claimed before the first has ended.

use std::sync::Arc;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::cases::{CaseLoops, spec};
use super::supervise::{LoopError, Supervisor};
use crate::config::outbox::OutboxConfig;
use crate::service::More;
use crate::service::delivery::{Claim, Deliveries, Destination};

/// Starts a loop for each upstream system, so that a slow or dead one delays no other, and one for deliveries to systems
/// that are no longer configured.
pub(super) fn spawn(
    supervisor: &Supervisor,
    loops: &CaseLoops,
    config: &OutboxConfig,
    inbox_nudge: &Arc<Notify>,
) {
    let destinations = loops.bells.iter().map(|(name, bell)| {
        (
            format!("outbox {name}"),
            Arc::clone(bell),
            Destination::Upstream(name.to_owned()),
        )
    });
    let rest = Destination::Unconfigured {
        configured: loops.bells.names(),
    };
    let all = destinations.chain([("outbox of others".to_owned(), Arc::default(), rest)]);
    for (name, bell, destination) in all {
        let places = loops.deliveries.places(&destination);
        let lane = Arc::new(Lane {
            supervisor: supervisor.clone(),
            deliveries: Arc::clone(&loops.deliveries),
            places: Arc::new(Semaphore::new(
                usize::try_from(places).unwrap_or(Semaphore::MAX_PERMITS),
            )),
            destination,
            bell: Arc::clone(&bell),
            inbox_nudge: Arc::clone(inbox_nudge),
        });
        supervisor.spawn_loop(spec(name, config.tick_ms, &bell), move || {
            let lane = Arc::clone(&lane);
            async move { lane.fill().await }
        });
    }
}

/// The deliveries to one destination.
struct Lane {
    supervisor: Supervisor,
    deliveries: Arc<Deliveries>,
    destination: Destination,
    places: Arc<Semaphore>,
    bell: Arc<Notify>,
    inbox_nudge: Arc<Notify>,
}

impl Lane {
    /// Claims for the free places and sets each delivery on its way. A place that becomes free later rings for another
    /// look; a stop waits for what is under way.
    async fn fill(&self) -> Result<(), LoopError> {
        let free = u32::try_from(self.places.available_permits())?;
        if free == 0 {
            return Ok(());
        }
        let claims = self.deliveries.claim(&self.destination, free).await?;
        for claim in claims.all {
            // only this loop takes places, so this one is free
            let permit = Arc::clone(&self.places).acquire_owned().await?;
            self.set_out(claim, permit);
        }
        match claims.more {
            More::Perhaps => self.bell.notify_one(),
            More::No => {}
        }
        Ok(())
    }

    fn set_out(&self, claim: Claim, permit: OwnedSemaphorePermit) {
        let deliveries = Arc::clone(&self.deliveries);
        let place = Place {
            permit: Some(permit),
            bell: Arc::clone(&self.bell),
            inbox_nudge: Arc::clone(&self.inbox_nudge),
        };
        drop(self.supervisor.spawn("delivery", async move {
            deliveries.carry_out(claim).await;
            drop(place);
        }));
    }
}

/// A place among the deliveries under way. However it is given back, also by a panic, the loop looks for the next.
struct Place {
    permit: Option<OwnedSemaphorePermit>,
    bell: Arc<Notify>,
    inbox_nudge: Arc<Notify>,
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.permit.take());
        self.bell.notify_one();
        // a notice may have come before the answer that told us the upstream's number
        self.inbox_nudge.notify_one();
    }
}
