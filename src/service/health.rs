//! Whether the gateway can do its work: named probes, asked together and not too often.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// How long one probe may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// For how long an answer is repeated: the page needs no token, and a probe may write to the database.
const FRESH_FOR: Duration = Duration::from_millis(500);

/// How a probe ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// All is well.
    Pass,
    /// It works, but someone should look.
    Warn,
    /// It does not work: no requests should come here.
    Fail,
}

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How it ended.
    pub status: Status,
    /// One sentence for the operator, without addresses, names or secrets: the page is public.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Finding {
    /// All is well.
    #[must_use]
    pub const fn pass() -> Self {
        Self {
            status: Status::Pass,
            detail: String::new(),
        }
    }

    /// It works, but someone should look.
    pub fn warn(detail: impl Into<String>) -> Self {
        Self {
            status: Status::Warn,
            detail: detail.into(),
        }
    }

    /// It does not work.
    pub fn fail(detail: impl Into<String>) -> Self {
        Self {
            status: Status::Fail,
            detail: detail.into(),
        }
    }
}

/// One thing that must be well before requests may come.
pub trait Probe: Send + Sync + 'static {
    /// Its name in the answer: `database`, `migrations`, `keys`, `calendar`.
    fn name(&self) -> &'static str;

    /// Looks.
    fn check(&self) -> BoxFuture<'_, Finding>;
}

/// What all probes found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The worst finding.
    pub status: Status,
    /// Each probe's finding, in the order the probes were given.
    pub checks: Vec<Check>,
}

/// One probe's finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The probe.
    pub name: &'static str,
    /// What it found.
    #[serde(flatten)]
    pub finding: Finding,
}

/// The probes of one process.
pub struct Readiness {
    probes: Vec<Arc<dyn Probe>>,
    latest: Mutex<Option<(Instant, Report)>>,
    stopping: AtomicBool,
    probe_timeout: Duration,
    fresh_for: Duration,
}

impl Readiness {
    /// A readiness that asks these probes.
    #[must_use]
    pub fn new(probes: Vec<Arc<dyn Probe>>) -> Self {
        Self::with_times(probes, PROBE_TIMEOUT, FRESH_FOR)
    }

    fn with_times(probes: Vec<Arc<dyn Probe>>, probe_timeout: Duration, fresh_for: Duration) -> Self {
        let (latest, stopping) = (Mutex::new(None), AtomicBool::new(false));
        Self {
            probes,
            latest,
            stopping,
            probe_timeout,
            fresh_for,
        }
    }

    /// From now on not ready: the process stops, running requests end, new ones should go elsewhere.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// What the probes find; callers that come together share one look.
    pub async fn report(&self) -> Report {
        if self.stopping.load(Ordering::Acquire) {
            let finding = Finding::fail("the process is stopping");
            return Report {
                status: Status::Fail,
                checks: vec![Check {
                    name: "process",
                    finding,
                }],
            };
        }
        let mut latest = self.latest.lock().await;
        if let Some((at, report)) = latest.as_ref()
            && at.elapsed() < self.fresh_for
        {
            return report.clone();
        }
        let checks = join_all(self.probes.iter().map(|probe| self.look(&**probe))).await;
        let worst = |status| checks.iter().any(|check: &Check| check.finding.status == status);
        let status = if worst(Status::Fail) {
            Status::Fail
        } else if worst(Status::Warn) {
            Status::Warn
        } else {
            Status::Pass
        };
        let report = Report { status, checks };
        *latest = Some((Instant::now(), report.clone()));
        report
    }

    async fn look(&self, probe: &dyn Probe) -> Check {
        let finding = timeout(self.probe_timeout, probe.check())
            .await
            .unwrap_or_else(|_elapsed| Finding::fail("did not answer in time"));
        if finding.status == Status::Fail {
            tracing::warn!(
                probe.name = probe.name(),
                detail = finding.detail,
                "a readiness probe failed"
            );
        }
        Check {
            name: probe.name(),
            finding,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    struct Fixed(&'static str, Finding, AtomicUsize);

    impl Probe for Fixed {
        fn name(&self) -> &'static str {
            self.0
        }

        fn check(&self) -> BoxFuture<'_, Finding> {
            self.2.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { self.1.clone() })
        }
    }

    struct Hung;

    impl Probe for Hung {
        fn name(&self) -> &'static str {
            "hung"
        }

        fn check(&self) -> BoxFuture<'_, Finding> {
            Box::pin(std::future::pending())
        }
    }

    fn fixed(name: &'static str, finding: Finding) -> Arc<Fixed> {
        Arc::new(Fixed(name, finding, AtomicUsize::new(0)))
    }

    #[tokio::test]
    async fn the_worst_finding_counts_and_a_hung_probe_fails() {
        let of = |probes| async move {
            let readiness = Readiness::with_times(probes, Duration::from_millis(1), FRESH_FOR);
            readiness.report().await.status
        };
        assert_eq!(of(vec![]).await, Status::Pass);
        assert_eq!(
            of(vec![
                fixed("a", Finding::pass()),
                fixed("b", Finding::warn("soon"))
            ])
            .await,
            Status::Warn
        );
        assert_eq!(
            of(vec![fixed("a", Finding::warn("soon")), Arc::new(Hung)]).await,
            Status::Fail
        );
    }

    #[tokio::test]
    async fn looks_are_shared_for_a_moment_and_a_stop_is_told_at_once() {
        let probe = fixed("database", Finding::pass());
        let patient = Readiness::with_times(vec![probe.clone()], PROBE_TIMEOUT, Duration::MAX);
        patient.report().await;
        patient.report().await;
        assert_eq!(probe.2.load(Ordering::SeqCst), 1);
        let readiness = Readiness::with_times(vec![probe.clone()], PROBE_TIMEOUT, Duration::ZERO);
        readiness.report().await;
        readiness.report().await;
        assert_eq!(probe.2.load(Ordering::SeqCst), 3);
        readiness.stop();
        assert_eq!(readiness.report().await.status, Status::Fail);
    }
}
