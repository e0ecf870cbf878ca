//! P24: a background loop that panics or fails goes on, and its failures are counted and logged once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::county::County;
use crate::harness::gql::http_client;
use crate::harness::own_postgres::OwnPostgres;
use crate::harness::process::Gateway;
use crate::harness::story::story;
use crate::harness::template::Ground;
use crate::harness::wait::{PATIENCE, until};
use crate::harness::world::{World, WorldKind};

const FAILURES: &str = "onedoor_loop_failures_total";
const LAST_TICK: &str = "onedoor_loop_last_tick_timestamp_seconds";
const LAST_SUCCESS: &str = "onedoor_loop_last_success_timestamp_seconds";

/// An iteration of these lasts as long as their connection: it begins and does not end.
const LAST: [&str; 2] = ["hints in", "hints out"];

story!(every_loop_survives_a_panic_and_an_error, async |world| {
    let county = County::open(world, 40).await;
    let mut gateway = Gateway::start(world, &county.settings()).await;
    let names = names(&samples(&gateway).await);
    assert!(names.len() >= 6, "{names:?}");
    gateway.kill();

    let points: Vec<String> = names
        .iter()
        .map(|name| format!("loop.{name}=1*panic->1*return->off"))
        .collect();
    gateway.set("FAILPOINTS", &points.join(";"));
    gateway.start_again().await;
    for name in &names {
        until(
            &format!("the loop {name} has failed twice and goes on"),
            PATIENCE,
            async || {
                let samples = samples(&gateway).await;
                let of = |metric: &str| samples.get(&format!("{metric}{{loop=\"{name}\"}}")).copied();
                let failures = |kind: &str| {
                    samples
                        .get(&format!("{FAILURES}{{kind=\"{kind}\",loop=\"{name}\"}}"))
                        .copied()
                };
                failures("panic") == Some(1.0)
                    && failures("error") == Some(1.0)
                    && of(LAST_TICK).is_some()
                    && (LAST.contains(&name.as_str()) || of(LAST_SUCCESS).is_some())
            },
        )
        .await;
    }
    let log = gateway.log();
    for name in &names {
        for failure in ["background loop panicked", "background loop failed"] {
            let lines = log
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let told = lines.filter(|line| {
                let text = line.to_string();
                line["level"] == "ERROR" && text.contains(failure) && text.contains(&format!("\"{name}\""))
            });
            assert_eq!(told.count(), 1, "{failure} of {name} is logged once");
        }
    }
    assert!(gateway.terminate(Duration::from_secs(15)).await.success());
});

#[actix_web::test]
async fn every_loop_that_reads_the_database_survives_its_absence() {
    let world = World::open(WorldKind::Sqlite, Ground::Empty).await;
    let mut postgres = OwnPostgres::start(&["fsync=off"]).await;
    let url = postgres.url();
    let county = County::open(&world, 40).await;
    let settings = [
        ("ONEDOOR__DATABASE__URL", url.as_str()),
        ("ONEDOOR__WORKER__CHECKPOINT_EVERY_S", "1"),
    ];
    let mut gateway = Gateway::start(&world, &county.settings_and(&settings)).await;
    let before = samples(&gateway).await;
    postgres.crash().await;
    // these run every half minute or less often, too seldom for this story; what was denied is written when something was
    let seldom = [
        "applicant index",
        "attachments",
        "denials",
        "kiosks",
        "retention",
        "sessions",
    ];
    let names: Vec<_> = names(&before)
        .into_iter()
        .filter(|name| !seldom.contains(&name.as_str()))
        .collect();
    until("every loop has met the outage", PATIENCE, async || {
        let samples = samples(&gateway).await;
        names.iter().all(|name| {
            samples
                .get(&format!("{FAILURES}{{kind=\"error\",loop=\"{name}\"}}"))
                .is_some_and(|count| *count > 0.0)
        })
    })
    .await;
    let during = samples(&gateway).await;
    postgres.start_again().await;
    for name in &names {
        until(&format!("the loop {name} succeeds again"), PATIENCE, async || {
            let key = format!("{LAST_SUCCESS}{{loop=\"{name}\"}}");
            samples(&gateway).await.get(&key) > during.get(&key)
        })
        .await;
    }
    assert!(gateway.terminate(Duration::from_secs(15)).await.success());
    world.close().await;
}

/// The loops that run.
pub(super) fn names(samples: &BTreeMap<String, f64>) -> BTreeSet<String> {
    let of = |key: &String| Some(key.strip_prefix(LAST_TICK)?.split('"').nth(1)?.to_owned());
    samples.keys().filter_map(of).collect()
}

/// Every sample of the metrics page.
pub(super) async fn samples(gateway: &Gateway) -> BTreeMap<String, f64> {
    let url = format!("http://{}/metrics", gateway.address());
    let text = http_client().get(url).send().await.unwrap().text().await.unwrap();
    let sample = |line: &str| {
        let (key, value) = line.rsplit_once(' ')?;
        Some((key.to_owned(), value.parse().ok()?))
    };
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(sample)
        .collect()
}
