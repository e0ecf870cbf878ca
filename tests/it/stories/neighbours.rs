//! One system is a black hole: what is delivered to another, and read from it, takes as long as before (P10).

use std::time::{Duration, Instant};

use onedoor::upstream::config::UpstreamConfig;
use serde_json::{Value, json};

use super::kit::{Case, County, STATION, TOWNSHIP, act, funeral, offered_to_county, submit};
use super::live::{PATIENT, second, statuses};
use crate::harness::app::TestApp;
use crate::harness::fault_proxy::{Fault, FaultProxy};
use crate::harness::people::NEIGHBOUR;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};

/// How long the healthy system itself takes: most of what is measured, so that a busy machine does not decide.
const TAKES_MS: u64 = 400;
/// Looks a window, and windows of each kind.
const LOOKS: usize = 6;
/// How often the comparison is made at the most: a machine that is busy once does not fail it, a coupling does each time.
const ROUNDS: usize = 3;
/// The promise.
const SLOWER_AT_MOST: f64 = 1.5;
/// More than the dead system's places.
const SWALLOWED: usize = 10;

/// The first system, behind a proxy, and in no hurry to give up.
fn swallowing(county: &County, proxy: &FaultProxy) -> UpstreamConfig {
    let mut config = county.upstream();
    config.base_url = format!("http://{}/", proxy.address()).parse().unwrap();
    config.timeout = Duration::from_secs(30);
    config.live.wait = Duration::from_secs(20);
    config
}

/// From the clerk's acceptance to the system's answer.
async fn delivers(app: &TestApp) -> Duration {
    let case = submit(&app.kiosk(STATION), funeral(&NEIGHBOUR)).await;
    let clerk = app.clerk(TOWNSHIP);
    let version = case.seen_by(&clerk).await["version"].clone();
    let begun = Instant::now();
    act(
        &clerk,
        "acceptCase",
        case.input(&version, json!({ "advance": true })),
    )
    .await;
    until("the healthy system has it", PATIENCE, async || {
        case.deliveries(app).await[0]["state"] == "DELIVERED"
    })
    .await;
    begun.elapsed()
}

/// One read of what the healthy system says now.
async fn reads(app: &TestApp, county: &County, case: &Case) -> Duration {
    // what was answered before is too old
    county.seconds_later(6);
    let begun = Instant::now();
    let (seen, errors) = statuses(&app.clerk(TOWNSHIP), std::slice::from_ref(case)).await;
    assert_eq!(
        (&seen[0]["stale"], &seen[0]["source"]),
        (&json!(false), &json!("UPSTREAM"))
    );
    assert_eq!(errors, Vec::<String>::new());
    begun.elapsed()
}

/// The 95th percentile of both kinds of work with the healthy system, milliseconds.
async fn window(app: &TestApp, county: &County, known: &Case) -> [f64; 2] {
    let (mut delivered, mut read) = (Vec::new(), Vec::new());
    for _ in 0..LOOKS {
        delivered.push(delivers(app).await);
        read.push(reads(app, county, known).await);
    }
    [delivered, read].map(|mut times| {
        times.sort_unstable();
        times[(times.len() * 95).div_ceil(100) - 1].as_secs_f64() * 1_000.0
    })
}

story!(a_black_hole_makes_no_other_system_slower, async |world| {
    let (county, other) = (County::open().await, County::open().await);
    let port = county
        .department
        .url("")
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let proxy = FaultProxy::to(port);
    let configs = vec![swallowing(&county, &proxy), second(&other)];
    let app = county.gateway_with(world, PATIENT, configs).await;
    for on in ["submit", "query"] {
        let slow = json!({ "mode": "slow", "on": on, "delay_ms": TAKES_MS });
        other.department.told(slow).await;
    }
    let swallowed = offered_to_county(&app).await;
    swallowed.taken_over(&app.clerk(TOWNSHIP)).await;
    let known = submit(&app.kiosk(STATION), funeral(&NEIGHBOUR)).await;
    known
        .done(&app.clerk(TOWNSHIP), "acceptCase", json!({ "advance": true }))
        .await;
    known
        .comes_to(&app.clerk(TOWNSHIP), "it has a number there", |case| {
            case["externalNumbers"][0]["upstream"] == "civil"
        })
        .await;

    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let quiet = window(&app, &county, &known).await;
        proxy.set(Fault::BlackHole);
        let mut fallen_in = Vec::new();
        for _ in 0..SWALLOWED {
            fallen_in.push(offered_to_county(&app).await);
        }
        let clerk = app.clerk(TOWNSHIP);
        let reader = swallowed.clone();
        let waiting = actix_web::rt::spawn(async move { statuses(&clerk, &[reader]).await });
        until("all its places are taken", PATIENCE, async || {
            let mut sending = 0;
            for case in &fallen_in {
                sending += usize::from(case.deliveries(&app).await[0]["state"] == "SENDING");
            }
            sending >= 8
        })
        .await;
        let beside = window(&app, &county, &known).await;
        let still = fallen_in[0].deliveries(&app).await[0]["state"].clone();
        assert_eq!(still, "SENDING", "the hole swallowed all the while");
        proxy.heal();
        let (seen, errors) = waiting.await.unwrap();
        assert!(
            seen[0] == Value::Null && errors.len() == 1,
            "its own readers wait in vain: {seen:?} {errors:?}"
        );
        for case in &fallen_in {
            until("what fell in arrives later", PATIENCE, async || {
                county.seconds_later(301);
                case.deliveries(&app).await[0]["state"] == "DELIVERED"
            })
            .await;
        }
        let ratio = [beside[0] / quiet[0], beside[1] / quiet[1]];
        ratios.push((ratio, quiet, beside));
        if ratio.iter().all(|ratio| *ratio <= SLOWER_AT_MOST) {
            app.stop(world).await;
            return;
        }
    }
    panic!("p95 beside a black hole, deliveries and reads, against quiet times (ms): {ratios:?}");
});
