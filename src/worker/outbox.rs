//! The outbox loops: one an upstream system, each keeping as many deliveries under way as that system takes at once.
//!
//! A loop claims what will find a place within a moment and waits for none of it, so a delivery that hangs costs one place
//! and delays nothing else. Two deliveries of one case to one system are never under way together: the second cannot be
//! claimed before the first has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use super::cases::{CaseLoops, spec};
use super::supervise::{LoopError, Supervisor};
use crate::config::outbox::OutboxConfig;
use crate::service::More;
use crate::service::delivery::{Claim, Deliveries, Destination};

/// How far ahead of its places a loop claims; much less than a lease.
const AHEAD: Duration = Duration::from_secs(1);

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
            places_max: places,
            places: Arc::new(Semaphore::new(
                usize::try_from(places).unwrap_or(Semaphore::MAX_PERMITS),
            )),
            set_out: Arc::default(),
            takes_us: Arc::default(),
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
    places_max: u32,
    places: Arc<Semaphore>,
    /// Claimed and waiting for a place, or under way.
    set_out: Arc<AtomicU32>,
    /// How long a delivery takes, microseconds, smoothed; 0 before the first.
    takes_us: Arc<AtomicU64>,
    bell: Arc<Notify>,
    inbox_nudge: Arc<Notify>,
}

impl Lane {
    /// Claims as many as will find a place within a moment, in one statement, and sets each on its way. One that ends rings
    /// for another look when there is room for a good many; a stop waits for what is under way and gives the rest back.
    async fn fill(&self) -> Result<(), LoopError> {
        let (ahead, out) = (self.ahead(), self.set_out.load(Ordering::Acquire));
        let wanted = ahead.saturating_sub(out);
        // a claim for one or two costs as much as for many, so it waits until places are free or half of them went
        if wanted == 0 || (out >= self.places_max && wanted < ahead / 2) {
            return Ok(());
        }
        let claims = self.deliveries.claim(&self.destination, wanted).await?;
        for claim in claims.all {
            self.set_out(claim);
        }
        match claims.more {
            More::Perhaps => self.bell.notify_one(),
            More::No => {}
        }
        Ok(())
    }

    /// How many deliveries the places carry out within a moment; before anything is known, as many as there are places.
    fn ahead(&self) -> u32 {
        let takes_us = u128::from(self.takes_us.load(Ordering::Acquire));
        let soon = AHEAD
            .as_micros()
            .saturating_mul(u128::from(self.places_max))
            .checked_div(takes_us)
            .unwrap_or(0);
        u32::try_from(soon).unwrap_or(u32::MAX).max(self.places_max)
    }

    fn set_out(&self, claim: Claim) {
        self.set_out.fetch_add(1, Ordering::AcqRel);
        let (deliveries, takes_us) = (Arc::clone(&self.deliveries), Arc::clone(&self.takes_us));
        let (places, stop) = (Arc::clone(&self.places), self.supervisor.cancelled().clone());
        let out = Out {
            count: Arc::clone(&self.set_out),
            bell: Arc::clone(&self.bell),
            inbox_nudge: Arc::clone(&self.inbox_nudge),
        };
        drop(self.supervisor.spawn("delivery", async move {
            let place = stop.run_until_cancelled(places.acquire_owned()).await;
            if let Some(Ok(place)) = place {
                let begun = Instant::now();
                deliveries.carry_out(claim).await;
                let took_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
                let before_us = takes_us.load(Ordering::Acquire);
                let smoothed_us = match before_us {
                    0 => took_us,
                    known => (known / 8).saturating_mul(7).saturating_add(took_us / 8),
                };
                takes_us.store(smoothed_us.max(1), Ordering::Release);
                drop(place);
            } else {
                deliveries.give_back(vec![claim]).await;
            }
            drop(out);
        }));
    }
}

/// One that has set out. However it ends, also by a panic, the loop looks for the next.
struct Out {
    count: Arc<AtomicU32>,
    bell: Arc<Notify>,
    inbox_nudge: Arc<Notify>,
}

impl Drop for Out {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::AcqRel);
        self.bell.notify_one();
        // a notice may have come before the answer that told us the upstream's number
        self.inbox_nudge.notify_one();
    }
}
