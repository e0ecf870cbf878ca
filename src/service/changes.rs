//! What changed, for whoever waits: hints make it quick, the database makes it true.

use std::sync::Arc;

use onedoor_domain::id::CaseId;
use tokio::sync::{Mutex, Notify, broadcast};

use super::More;
use crate::cache::hints::Hints;
use crate::clock::SharedClock;
use crate::error::AppError;
use crate::store::case::CaseStore;
use crate::store::change_feed::FeedReader;

pub use crate::store::change_feed::Change as CaseChanged;

/// A follower of the feed. One that lags must read its state again.
pub type Following = broadcast::Receiver<Arc<CaseChanged>>;

/// Topic on which replicas tell each other to look.
pub const TOPIC: &str = "changes";
/// Changes a slow subscriber may fall behind before it must read its state again.
const BACKLOG_MAX: usize = 1_024;
/// Changes read in one look.
const LOOK_MAX: u64 = 500;

/// The feed of changed cases, as this replica tells it on.
pub struct Changes {
    store: CaseStore,
    hints: Hints,
    nudge: Arc<Notify>,
    clock: SharedClock,
    told: broadcast::Sender<Arc<CaseChanged>>,
    reader: Mutex<Option<FeedReader>>,
}

impl Changes {
    /// A feed over the store; `nudge` wakes the loop that calls [`Changes::look`].
    #[must_use]
    pub fn new(store: CaseStore, hints: Hints, nudge: Arc<Notify>, clock: SharedClock) -> Self {
        let (told, _) = broadcast::channel(BACKLOG_MAX);
        Self {
            store,
            hints,
            nudge,
            clock,
            told,
            reader: Mutex::new(None),
        }
    }

    /// Every change from now on. A receiver that lags must read its state again.
    #[must_use]
    pub fn subscribe(&self) -> Following {
        self.told.subscribe()
    }

    /// Wakes this replica's loop, and hints at a change to the others. Losing the hint costs a second.
    pub fn announce(&self, case: CaseId) {
        self.nudge.notify_one();
        self.hints.publish(TOPIC, &case.to_string());
    }

    /// Reads what the database has that was not told yet, and tells it. Returns whether there may be more.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE; nothing is skipped, the next look reads it again.
    pub async fn look(&self) -> Result<More, AppError> {
        let mut held = self.reader.lock().await;
        let reader = match held.as_mut() {
            Some(reader) => reader,
            // a replica that starts owes nobody the past: subscribers read their state first
            None => held.insert(FeedReader::from_now(&self.store, self.clock.now()).await?),
        };
        let changes = reader.next(&self.store, self.clock.now(), LOOK_MAX).await?;
        drop(held);
        let full = u64::try_from(changes.len()).is_ok_and(|count| count >= LOOK_MAX);
        for change in changes {
            // no receiver is not an error: nobody waits
            self.told.send(Arc::new(change)).ok();
        }
        Ok(if full { More::Perhaps } else { More::No })
    }
}
