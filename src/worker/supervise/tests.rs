//! A supervised loop survives errors and panics, and shows them.

use super::*;

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{TimeZone as _, Utc};

use crate::clock::HeldClock;
use crate::config::log::{LogConfig, LogFormat};
use crate::telemetry::capture::CapturedLogs;

const PATIENCE: Duration = Duration::from_secs(20);

fn supervisor(metrics: &Metrics) -> Supervisor {
    let clock = HeldClock::at(Utc.timestamp_opt(1_700_000_000, 0).unwrap());
    Supervisor::new(Arc::new(clock), metrics).unwrap()
}

fn spec(name: &'static str) -> LoopSpec {
    LoopSpec {
        name: name.into(),
        tick: Duration::from_secs(3_600),
        nudge: Arc::new(Notify::new()),
    }
}

/// Waits for a condition that a loop makes true; `changed` is notified after each iteration.
async fn until(changed: &Notify, condition: impl Fn() -> bool) {
    tokio::time::timeout(PATIENCE, async {
        while !condition() {
            changed.notified().await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn an_error_and_a_panic_are_counted_and_the_loop_goes_on() {
    let metrics = Metrics::default();
    let supervisor = supervisor(&metrics);
    let rounds = Arc::new(AtomicU32::new(0));
    let changed = Arc::new(Notify::new());
    let (in_loop, tell) = (Arc::clone(&rounds), Arc::clone(&changed));
    supervisor.spawn_loop(spec("poisoned"), move || {
        let round = in_loop.fetch_add(1, Ordering::SeqCst);
        assert_ne!(round, 2, "a panic before the future is there");
        let tell = Arc::clone(&tell);
        async move {
            tell.notify_one();
            match round {
                0 => Err("database is gone".into()),
                1 => panic!("a canary in a panic message"),
                _ => Ok(()),
            }
        }
    });
    until(&changed, || rounds.load(Ordering::SeqCst) >= 4).await;
    assert!(supervisor.stop(PATIENCE).await);
    let text = metrics.text().unwrap();
    assert!(
        text.contains(r#"onedoor_loop_failures_total{kind="error",loop="poisoned"} 1"#),
        "{text}"
    );
    assert!(
        text.contains(r#"onedoor_loop_failures_total{kind="panic",loop="poisoned"} 2"#),
        "{text}"
    );
    assert!(
        text.contains(r#"onedoor_loop_last_tick_timestamp_seconds{loop="poisoned"} 1700000000"#),
        "{text}"
    );
    assert!(
        text.contains(r#"onedoor_loop_last_success_timestamp_seconds{loop="poisoned"} 1700000000"#),
        "{text}"
    );
}

#[tokio::test]
async fn each_failure_is_one_log_line_with_its_causes_and_without_the_panics_message() {
    #[derive(Debug, thiserror::Error)]
    #[error("the outbox cannot be read")]
    struct Outer(#[source] std::io::Error);

    let logs = CapturedLogs::default();
    let config = LogConfig {
        filter: "info".to_owned(),
        format: LogFormat::Json,
    };
    let dispatch = telemetry::subscriber(&config, logs.clone()).unwrap();
    let _guard = tracing::dispatcher::set_default(&dispatch);
    let supervisor = supervisor(&Metrics::default());
    let rounds = Arc::new(AtomicU32::new(0));
    let changed = Arc::new(Notify::new());
    let (in_loop, tell) = (Arc::clone(&rounds), Arc::clone(&changed));
    supervisor.spawn_loop(spec("outbox"), move || {
        let round = in_loop.fetch_add(1, Ordering::SeqCst);
        tell.notify_one();
        async move {
            match round {
                0 => Err(Outer(std::io::Error::other("connection reset")).into()),
                1 => panic!("a canary in a panic message"),
                _ => Ok(()),
            }
        }
    });
    until(&changed, || rounds.load(Ordering::SeqCst) >= 3).await;
    assert!(supervisor.stop(PATIENCE).await);
    let text = logs.text();
    let about = |words: &str| text.lines().filter(|line| line.contains(words)).count();
    assert_eq!(about("the outbox cannot be read: connection reset"), 1, "{text}");
    assert_eq!(about("background loop panicked"), 1, "{text}");
    assert_eq!(about(r#""loop.name":"outbox""#), 2, "{text}");
    assert_eq!(about("canary"), 0, "{text}");
}

#[tokio::test]
async fn a_nudge_runs_a_loop_before_its_tick() {
    let supervisor = supervisor(&Metrics::default());
    let rounds = Arc::new(AtomicU32::new(0));
    let changed = Arc::new(Notify::new());
    let spec = spec("nudged");
    let nudge = Arc::clone(&spec.nudge);
    let (in_loop, tell) = (Arc::clone(&rounds), Arc::clone(&changed));
    supervisor.spawn_loop(spec, move || {
        in_loop.fetch_add(1, Ordering::SeqCst);
        tell.notify_one();
        async { Ok(()) }
    });
    until(&changed, || rounds.load(Ordering::SeqCst) == 1).await;
    nudge.notify_one();
    until(&changed, || rounds.load(Ordering::SeqCst) == 2).await;
    assert!(supervisor.stop(PATIENCE).await);
}

#[tokio::test]
async fn one_poisoned_loop_does_not_stop_another() {
    let metrics = Metrics::default();
    let supervisor = supervisor(&metrics);
    let changed = Arc::new(Notify::new());
    let healthy = Arc::new(AtomicU32::new(0));
    supervisor.spawn_loop(spec("sick"), || async { panic!("always") });
    let (in_loop, tell) = (Arc::clone(&healthy), Arc::clone(&changed));
    let spec = LoopSpec {
        tick: Duration::from_millis(1),
        ..spec("healthy")
    };
    supervisor.spawn_loop(spec, move || {
        in_loop.fetch_add(1, Ordering::SeqCst);
        tell.notify_one();
        async { Ok(()) }
    });
    until(&changed, || healthy.load(Ordering::SeqCst) > 20).await;
    assert!(supervisor.stop(PATIENCE).await);
}

#[tokio::test]
async fn a_stop_lets_the_running_iteration_end() {
    let supervisor = supervisor(&Metrics::default());
    let (begun, may_end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let ended = Arc::new(AtomicU32::new(0));
    let (tell, wait, count) = (Arc::clone(&begun), Arc::clone(&may_end), Arc::clone(&ended));
    supervisor.spawn_loop(spec("slow"), move || {
        let (tell, wait, count) = (Arc::clone(&tell), Arc::clone(&wait), Arc::clone(&count));
        async move {
            tell.notify_one();
            wait.notified().await;
            count.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    });
    begun.notified().await;
    assert!(!supervisor.stop(Duration::from_millis(1)).await, "it still runs");
    may_end.notify_one();
    assert!(supervisor.stop(PATIENCE).await);
    assert_eq!(ended.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_task_gives_its_result_or_says_that_it_panicked() {
    assert_eq!(spawn("adds", async { 1 + 1 }).await.unwrap(), 2);
    let panicked = spawn("breaks", async { panic!("broken") }).await;
    assert!(matches!(panicked, Err(TaskEnded::Panicked("breaks"))));
    let cut = spawn("waits", std::future::pending::<()>());
    cut.abort();
    assert!(matches!(cut.await, Err(TaskEnded::CutOff(_))));
}
