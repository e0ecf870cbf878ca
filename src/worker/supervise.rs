//! Background loops and tasks that cannot die silently: each failure is logged once, counted and survived.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use prometheus::{GaugeVec, IntCounterVec};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::SharedClock;
use crate::telemetry;
use crate::telemetry::metrics::Metrics;

/// What an iteration of a loop failed with.
pub type LoopError = Box<dyn Error + Send + Sync>;

/// Pause after a first failure; doubled with each further one, up to [`BACKOFF_MAX`] or the tick if that is longer.
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// When a loop runs.
#[derive(Debug, Clone)]
pub struct LoopSpec {
    /// Its name in the log and as the metric's label.
    pub name: Cow<'static, str>,
    /// How often it runs without a nudge.
    pub tick: Duration,
    /// Wakes it at once; a nudge during an iteration makes one more follow.
    pub nudge: Arc<Notify>,
}

/// The background loops and tasks of one process.
#[derive(Clone)]
pub struct Supervisor {
    clock: SharedClock,
    metrics: LoopMetrics,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Debug, Clone)]
struct LoopMetrics {
    last_tick: GaugeVec,
    last_success: GaugeVec,
    failures: IntCounterVec,
}

impl Supervisor {
    /// A supervisor without loops.
    ///
    /// # Errors
    /// Its metrics' names are taken by other kinds.
    pub fn new(clock: SharedClock, metrics: &Metrics) -> Result<Self, prometheus::Error> {
        Ok(Self {
            clock,
            metrics: LoopMetrics {
                last_tick: metrics.seconds(
                    "onedoor_loop_last_tick_timestamp_seconds",
                    "When a background loop last began an iteration, seconds since 1970.",
                    &["loop"],
                )?,
                last_success: metrics.seconds(
                    "onedoor_loop_last_success_timestamp_seconds",
                    "When a background loop last ended an iteration without failure, seconds since 1970.",
                    &["loop"],
                )?,
                failures: metrics.counter(
                    "onedoor_loop_failures_total",
                    "Failed iterations of background loops, by kind: error or panic.",
                    &["loop", "kind"],
                )?,
            },
            cancel: CancellationToken::new(),
            tasks: TaskTracker::new(),
        })
    }

    /// Ends when the process stops; long iterations may look at it between items.
    #[must_use]
    pub const fn cancelled(&self) -> &CancellationToken {
        &self.cancel
    }

    /// Runs an iteration now, then on every tick and nudge, until the process stops. A running iteration is not cut.
    pub fn spawn_loop<F, Run>(&self, spec: LoopSpec, iterate: F)
    where
        F: FnMut() -> Run + Send + 'static,
        Run: Future<Output = Result<(), LoopError>> + Send,
    {
        self.metrics
            .failures
            .with_label_values(&[spec.name.as_ref(), "error"]);
        self.metrics
            .failures
            .with_label_values(&[spec.name.as_ref(), "panic"]);
        let driver = self.clone();
        let tracked = self
            .tasks
            .track_future(async move { driver.drive(spec, iterate).await });
        drop(start(tracked));
    }

    /// Runs a one-off task that a stop waits for.
    pub fn spawn<F>(&self, name: &'static str, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Task(start(self.tasks.track_future(guarded(name, future))))
    }

    /// Asks all loops to end and waits for them and the tasks; false when the time was not enough.
    pub async fn stop(&self, timeout: Duration) -> bool {
        self.cancel.cancel();
        self.tasks.close();
        tokio::time::timeout(timeout, self.tasks.wait()).await.is_ok()
    }

    async fn drive<F, Run>(self, spec: LoopSpec, mut iterate: F)
    where
        F: FnMut() -> Run + Send + 'static,
        Run: Future<Output = Result<(), LoopError>> + Send,
    {
        let mut backoff = BACKOFF_FIRST;
        while !self.cancel.is_cancelled() {
            if self.iterate_once(&spec.name, &mut iterate).await {
                backoff = BACKOFF_FIRST;
                tokio::select! {
                    () = self.cancel.cancelled() => {}
                    () = spec.nudge.notified() => {}
                    () = tokio::time::sleep(spec.tick) => {}
                }
            } else {
                // Nudges do not shorten the pause after a failure, so that a broken loop cannot spin.
                tokio::select! {
                    () = self.cancel.cancelled() => {}
                    () = tokio::time::sleep(backoff) => {}
                }
                backoff = backoff.saturating_mul(2).min(BACKOFF_MAX.max(spec.tick));
            }
        }
        tracing::debug!(loop.name = %spec.name, "background loop ended");
    }

    /// Whether the iteration succeeded.
    async fn iterate_once<F, Run>(&self, name: &str, iterate: &mut F) -> bool
    where
        F: FnMut() -> Run + Send,
        Run: Future<Output = Result<(), LoopError>> + Send,
    {
        self.metrics
            .last_tick
            .with_label_values(&[name])
            .set(self.now_s());
        // The closure itself is inside: it may panic before it gives a future. A loop holds no state between
        // iterations that a panic could leave half changed; what it works on is in the database.
        let guarded = AssertUnwindSafe(async {
            fail::fail_point!(&format!("loop.{name}"), |_| Err(LoopError::from(
                "failpoint of a loop"
            )));
            iterate().await
        });
        match guarded.catch_unwind().await {
            Ok(Ok(())) => {
                self.metrics
                    .last_success
                    .with_label_values(&[name])
                    .set(self.now_s());
                true
            }
            Ok(Err(error)) => {
                self.metrics.failures.with_label_values(&[name, "error"]).inc();
                let error: &(dyn Error + 'static) = &*error;
                tracing::error!(
                    loop.name = name,
                    error = %telemetry::chain(error),
                    "background loop failed and runs again after a pause"
                );
                false
            }
            Err(payload) => {
                self.metrics.failures.with_label_values(&[name, "panic"]).inc();
                discard(payload);
                tracing::error!(loop.name = name, "background loop panicked and runs again after a pause");
                false
            }
        }
    }

    /// Seconds since 1970 with milliseconds, as Prometheus counts time.
    fn now_s(&self) -> f64 {
        let now = self.clock.now();
        let seconds = u32::try_from(now.timestamp()).unwrap_or(u32::MAX);
        f64::from(seconds) + f64::from(now.timestamp_subsec_millis()) / 1_000.0
    }
}

/// Why a task gave no result.
#[derive(Debug, thiserror::Error)]
pub enum TaskEnded {
    /// It panicked; the log says where.
    #[error("the task `{0}` panicked")]
    Panicked(&'static str),
    /// It was aborted, or the process stops.
    #[error("the task was cut off")]
    CutOff(#[source] tokio::task::JoinError),
}

/// A task that runs on even when nobody waits for it.
#[derive(Debug)]
pub struct Task<T>(JoinHandle<Result<T, TaskEnded>>);

impl<T> Task<T> {
    /// Cuts the task off at its next await.
    pub fn abort(&self) {
        self.0.abort();
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, TaskEnded>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
            .poll(cx)
            .map(|joined| joined.unwrap_or_else(|error| Err(TaskEnded::CutOff(error))))
    }
}

/// Runs a one-off task outside a supervisor: a request's mutation that a disconnect must not cut.
pub fn spawn<F>(name: &'static str, future: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    Task(start(guarded(name, future)))
}

#[expect(clippy::disallowed_methods, reason = "the one place that starts tasks")]
fn start<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future)
}

async fn guarded<F: Future>(name: &'static str, future: F) -> Result<F::Output, TaskEnded> {
    AssertUnwindSafe(future).catch_unwind().await.map_err(|payload| {
        discard(payload);
        tracing::error!(task.name = name, "background task panicked");
        TaskEnded::Panicked(name)
    })
}

/// Drops what a panic carried, unread: it may quote personal data.
fn discard(payload: Box<dyn Any + Send>) {
    drop(payload);
}

#[cfg(test)]
mod tests;
