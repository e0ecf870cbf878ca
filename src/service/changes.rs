//! What changed, for whoever waits: hints make it quick, the database makes it true.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use onedoor_domain::feed::FeedCursor;
use onedoor_domain::id::CaseId;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Mutex, Notify, broadcast};

use super::More;
use crate::cache::hints::Hints;
use crate::clock::SharedClock;
use crate::error::{AppError, ErrorCode};
use crate::store::case::CaseStore;
use crate::store::change_feed::{self, last_of_each};

pub use crate::store::change_feed::Change as CaseChanged;

/// Topic on which replicas tell each other to look.
pub const TOPIC: &str = "changes";
/// Changes a slow follower may fall behind before it reads them from the database.
const BACKLOG_MAX: usize = 1_024;
/// Changes read in one look.
const LOOK_MAX: u64 = 500;

/// The feed of changed cases, as this replica tells it on.
pub struct Changes {
    store: CaseStore,
    hints: Hints,
    nudge: Arc<Notify>,
    clock: SharedClock,
    told: broadcast::Sender<Arc<Told>>,
    reader: Mutex<Option<FeedCursor>>,
}

/// A change as the reader of this replica told it.
struct Told {
    change: CaseChanged,
    /// Where the reader stood before it: what it no longer waits for, no follower need wait for.
    cursor: FeedCursor,
}

/// Some changes, and where to go on behind them.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The last change of each case among what was read.
    pub changes: Vec<CaseChanged>,
    /// Where to go on.
    pub cursor: FeedCursor,
    /// Whether there is more already.
    pub more: More,
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

    /// Follows every change behind a cursor; without one, from now on. Nothing is lost, neither by a gap in the
    /// connection nor by falling behind.
    ///
    /// # Errors
    /// `CURSOR_TOO_OLD`, `STORE_UNAVAILABLE`.
    pub async fn follow(self: &Arc<Self>, after: Option<FeedCursor>) -> Result<Following, AppError> {
        if let Some(cursor) = &after {
            self.check(cursor)?;
        }
        // while the reader is held nothing is told, so what it was told and what comes join without a gap
        let mut held = self.reader.lock().await;
        let begun = self.begun(&mut held).await?.clone();
        let live = self.told.subscribe();
        drop(held);
        Ok(Following {
            feed: Arc::clone(self),
            behind: after.is_some(),
            cursor: after.unwrap_or(begun),
            waiting: VecDeque::new(),
            read_at: None,
            live,
        })
    }

    /// Where the feed ends now.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub async fn now(&self) -> Result<FeedCursor, AppError> {
        Ok(self.store.feed_now(self.clock.now()).await?)
    }

    /// What changed behind a cursor: the last change of each case among the next few hundred.
    ///
    /// # Errors
    /// `CURSOR_TOO_OLD`, `STORE_UNAVAILABLE`.
    pub async fn since(&self, mut cursor: FeedCursor) -> Result<Changed, AppError> {
        self.check(&cursor)?;
        let now = self.clock.now();
        let changes = self.store.changes_behind(&cursor, LOOK_MAX).await?;
        for change in &changes {
            cursor.tell(change.id, now);
        }
        cursor.settle(now);
        Ok(Changed {
            more: more(changes.len()),
            changes: last_of_each(changes),
            cursor,
        })
    }

    /// Wakes this replica's loop, and hints at a change to the others. Losing the hint costs a second.
    pub fn announce(&self, case: CaseId) {
        self.nudge.notify_one();
        self.hints.publish(TOPIC, &case.to_string());
    }

    /// Reads what the database has that was not told yet, and tells it. Returns whether there may be more.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`; nothing is skipped, the next look reads it again.
    pub async fn look(&self) -> Result<More, AppError> {
        let mut held = self.reader.lock().await;
        let reader = self.begun(&mut held).await?;
        let now = self.clock.now();
        let changes = self.store.changes_behind(reader, LOOK_MAX).await?;
        let found = changes.len();
        for change in changes {
            let (id, cursor) = (change.id, reader.clone());
            // no receiver is not an error: nobody waits
            self.told.send(Arc::new(Told { change, cursor })).ok();
            reader.tell(id, now);
        }
        reader.settle(now);
        drop(held);
        Ok(more(found))
    }

    /// The reader of this replica. One that starts owes nobody the past: followers bring their own cursors.
    async fn begun<'a>(&self, held: &'a mut Option<FeedCursor>) -> Result<&'a mut FeedCursor, AppError> {
        if held.is_none() {
            *held = Some(self.now().await?);
        }
        held.as_mut()
            .ok_or_else(|| AppError::internal("the reader of the feed has just begun"))
    }

    fn check(&self, cursor: &FeedCursor) -> Result<(), AppError> {
        if change_feed::reaches_back_to(cursor, self.clock.now()) {
            Ok(())
        } else {
            Err(AppError::of(ErrorCode::CursorTooOld))
        }
    }
}

fn more(found: usize) -> More {
    if u64::try_from(found).is_ok_and(|count| count >= LOOK_MAX) {
        More::Perhaps
    } else {
        More::No
    }
}

/// Somebody who is told every change once, in about the order they were made.
pub struct Following {
    feed: Arc<Changes>,
    /// Whether the database may hold what was not told and will not come by itself.
    behind: bool,
    cursor: FeedCursor,
    waiting: VecDeque<CaseChanged>,
    /// When what waits was read from the database.
    read_at: Option<DateTime<Utc>>,
    live: broadcast::Receiver<Arc<Told>>,
}

impl Following {
    /// Where to go on behind what was told so far.
    #[must_use]
    pub const fn cursor(&self) -> &FeedCursor {
        &self.cursor
    }

    /// The next change; `None`: the gateway stops.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` while it catches up; nothing is lost, the next call tries again.
    pub async fn next(&mut self) -> Option<Result<CaseChanged, AppError>> {
        loop {
            while let Some(change) = self.waiting.pop_front() {
                if !self.cursor.knows(change.id) {
                    self.cursor.tell(change.id, self.feed.clock.now());
                    return Some(Ok(change));
                }
            }
            if let Some(at) = self.read_at.take() {
                self.cursor.settle(at);
            }
            if self.behind {
                if let Err(error) = self.catch_up().await {
                    return Some(Err(error));
                }
                continue;
            }
            match self.live.recv().await {
                Ok(told) => {
                    self.cursor.settle_as(&told.cursor);
                    self.waiting.push_back(told.change.clone());
                }
                Err(RecvError::Lagged(_)) => self.behind = true,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    async fn catch_up(&mut self) -> Result<(), AppError> {
        let now = self.feed.clock.now();
        let found = self.feed.store.changes_behind(&self.cursor, LOOK_MAX).await?;
        self.behind = more(found.len()) == More::Perhaps;
        self.waiting = found.into();
        self.read_at = Some(now);
        Ok(())
    }
}
