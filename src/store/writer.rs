//! The turns of SQLite's one writer: first come, first served, on a thread of its own.
//!
//! A transaction is a dozen statements, and after each one the task that runs it has to be woken. On a server's thread it
//! then waits behind every request that is being worked on there, while the one write lock is held and all other writers
//! stand behind it. Here nothing else is in its way, so a turn takes as long as the database does.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Duration;

use futures_util::FutureExt as _;
use sea_orm::{ConnAcquireErr, DbErr};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::error::StoreError;

/// Writes that may wait for their turn; one more is refused. Far more than a turn's patience lets through.
const WAITING_MAX: usize = 4_096;

type Write = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where writes queue up. The thread ends after the last write when this is dropped.
#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Write>,
    patience: Duration,
}

impl Writer {
    /// Starts the thread. A write that waited longer than `patience` is refused instead of begun.
    pub(super) fn start(patience: Duration) -> Result<Self, StoreError> {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StoreError::other)?;
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || runtime.block_on(take_turns(waiting)))
            .map_err(StoreError::other)?;
        Ok(Self { queue, patience })
    }

    /// Runs a write when its turn comes. Once begun it ends, even when nobody waits for it any more. A write must not
    /// ask for a turn itself.
    ///
    /// # Errors
    /// The write's own; `Unavailable` when it was not begun.
    pub(super) async fn run<T, W>(&self, write: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let latest = Instant::now() + self.patience;
        let turn = async move {
            let done = if Instant::now() > latest {
                Err(timed_out())
            } else {
                write.await
            };
            // nobody waits any more: what was written stays written
            drop(answer.send(done));
        };
        match self.queue.try_send(Box::pin(turn)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(timed_out()),
            Err(TrySendError::Closed(_)) => return Err(closed()),
        }
        // a write that panicked may have come as far as its commit
        answered.await.unwrap_or_else(|_gone| {
            Err(StoreError::Unknown {
                source: DbErr::Custom("a write ended without an answer".to_owned()),
            })
        })
    }
}

async fn take_turns(mut waiting: mpsc::Receiver<Write>) {
    while let Some(write) = waiting.recv().await {
        if AssertUnwindSafe(write).catch_unwind().await.is_err() {
            tracing::error!("a write to the database panicked");
        }
    }
}

fn timed_out() -> StoreError {
    StoreError::Unavailable {
        source: DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable {
        source: DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures_util::future::join_all;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(3);

    #[tokio::test]
    async fn writes_take_turns_in_the_order_they_came() {
        let writer = Writer::start(PATIENCE).unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let write = |number: usize| {
            let order = Arc::clone(&order);
            writer.run(async move {
                order.lock().unwrap().push((number, "begun"));
                tokio::task::yield_now().await;
                order.lock().unwrap().push((number, "done"));
                Ok(number)
            })
        };
        let done = join_all((0..50).map(write)).await;
        assert!(done.into_iter().map(Result::unwrap).eq(0..50));
        let expected = (0..50).flat_map(|number| [(number, "begun"), (number, "done")]);
        assert!(order.lock().unwrap().iter().copied().eq(expected));
    }

    #[tokio::test]
    async fn a_write_that_waited_too_long_is_refused_and_never_begun() {
        let writer = Writer::start(Duration::ZERO).unwrap();
        let late: Result<(), _> = writer.run(async { panic!("not begun") }).await;
        assert!(matches!(late, Err(StoreError::Unavailable { .. })), "{late:?}");
    }

    #[tokio::test]
    async fn a_write_that_panics_takes_nobody_with_it() {
        let writer = Writer::start(PATIENCE).unwrap();
        let lost: Result<(), _> = writer.run(async { panic!("on purpose") }).await;
        assert!(matches!(lost, Err(StoreError::Unknown { .. })), "{lost:?}");
        assert!(matches!(writer.run(async { Ok(7) }).await, Ok(7)));
    }
}
