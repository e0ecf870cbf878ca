//! What Prometheus reads after a day's work: every metric is documented, and every documented one can be had.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::json;

use super::journey::Hands;
use crate::contract::telemetry::{Metric, registered};
use crate::harness::app::{MONDAY_AT_TEN, TestApp};
use crate::harness::events::{Events, Said};
use crate::harness::gql::http_client;
use crate::harness::people::{FARMER, NEIGHBOUR};
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};

/// Metrics that a day without trouble does not show, nor one without a system that is polled, a night of comparing, an issuer
/// whose keys are asked for, a device, or a document.
const ON_OTHER_DAYS: &[&str] = &[
    "onedoor_reconciliation_last_run_timestamp_seconds",
    "onedoor_reconciliation_open_differences",
    "onedoor_cards_raised_total",
    "onedoor_issuer_fetches_total",
    "onedoor_kiosk_refusals_total",
    "onedoor_scans_total",
    "onedoor_uploads_total",
    "onedoor_loop_failures_total",
    "onedoor_limits_measured_total",
    "onedoor_upstream_last_poll_timestamp_seconds",
    "onedoor_upstream_polled_news_total",
    "onedoor_upstream_reports_overdue",
];

/// Families of a scrape: kind, and the labels of their samples.
fn families(scrape: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let mut found: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    let mut current = String::new();
    for line in scrape.lines() {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, kind) = declared.split_once(' ').unwrap();
            name.clone_into(&mut current);
            found.insert(current.clone(), (kind.to_owned(), BTreeSet::new()));
        } else if !line.starts_with('#')
            && let Some((_, labels)) = line.split_once('{')
        {
            let labels = labels.rsplit_once('}').unwrap().0;
            let names = labels.split("\",").filter_map(|label| label.split_once("=\""));
            let known = &mut found.get_mut(&current).unwrap().1;
            known.extend(names.map(|(name, _)| name.to_owned()).filter(|name| name != "le"));
        }
    }
    found
}

story!(
    /// docs/metrics.md and /metrics agree in names, kinds and labels.
    the_documented_metrics_are_the_ones_that_are_scraped,
    async |world| {
        let clock = onedoor::clock::HeldClock::at(MONDAY_AT_TEN.parse().unwrap());
        let settings = [("ONEDOOR__SANDBOX__DECIDE_AFTER_MS", "20")];
        let app = TestApp::start_with(world, clock, &settings).await;
        let hands = Hands::of(&app.anybody(), &app.actors);
        hands.denied(FARMER, "年龄不符").await;
        let delivered = hands.delivered(NEIGHBOUR, "6222999900001111777").await;
        let asked = format!(
            "{{ case(by: {{ id: \"{}\" }}) {{ handoffs {{ upstreamStatus {{ state }} }} }} }}",
            delivered.id()
        );
        hands.station.ask(&asked, json!({})).await;
        assert_eq!(app.anybody().bearing("no-token").ask("{ __typename }", json!({})).await.status, 401);
        assert_eq!(app.anybody().ask("{ nothing }", json!({})).await.status, 400);
        let url = format!("http://{}/metrics", app.addr());
        let scrape = async || http_client().get(&url).send().await.unwrap().text().await.unwrap();
        let documented = registered();
        let expected: BTreeSet<&str> = documented
            .iter()
            .map(|metric| metric.name.as_str())
            .filter(|name| !ON_OTHER_DAYS.contains(name))
            .collect();
        let mut events = Events::open(&hands.clerk, "subscription { handoffsChanged { at } }", json!({})).await;
        assert_eq!(events.next().await, Said::Ping);
        let missing = async || -> Vec<&str> {
            let found = families(&scrape().await);
            expected.iter().filter(|name| !found.contains_key(**name)).copied().collect()
        };
        let deadline = Instant::now() + PATIENCE;
        until("every metric shows up", PATIENCE * 2, async || {
            let missing = missing().await;
            assert!(missing.is_empty() || Instant::now() < deadline, "never seen: {missing:?}");
            missing.is_empty()
        })
        .await;
        for (name, (kind, labels)) in families(&scrape().await) {
            let Some(Metric { kind: told, labels: listed, .. }) =
                documented.iter().find(|metric| metric.name == name)
            else {
                panic!("{name} is not documented");
            };
            assert_eq!(kind, *told, "{name}");
            let listed: BTreeSet<String> =
                listed.split(", ").filter(|label| !label.is_empty()).map(str::to_owned).collect();
            assert_eq!(labels, listed, "{name}");
        }
        drop(events);
        app.stop(world).await;
    }
);
