//! How hard an upstream system is pressed: so many requests a second, retries as a share of first attempts, none while it
//! rests, and no longer waits than it may ask for.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use onedoor::upstream::config::UpstreamConfig;
use serde_json::{Value, json};

use super::kit::{Case, County, offered_to_county};
use crate::harness::app::TestApp;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};

/// Longer than any pause between two attempts.
const LONGEST_PAUSE_S: i64 = 301;

fn changed(county: &County, change: impl FnOnce(&mut UpstreamConfig)) -> Vec<UpstreamConfig> {
    let mut config = county.upstream();
    change(&mut config);
    vec![config]
}

async fn offered(app: &TestApp, count: usize) -> Vec<Case> {
    let mut cases = Vec::new();
    for _ in 0..count {
        cases.push(offered_to_county(app).await);
    }
    cases
}

async fn delivered(app: &TestApp, cases: &[Case]) -> usize {
    let mut delivered = 0;
    for case in cases {
        delivered += usize::from(case.deliveries(app).await[0]["state"] == "DELIVERED");
    }
    delivered
}

/// The only system, as its operator sees it.
async fn status(app: &TestApp) -> Value {
    let document = "{ upstreams { name title protocol capabilities idempotency breaker retriesAvailable
        backlog { state count } oldestAt lastSuccessAt lastFailureAt lastFailure operatorContact } }";
    let admin = app.anybody().bearing(&app.actors.admin());
    admin.data(document, json!({})).await["upstreams"][0].clone()
}

story!(a_backlog_goes_out_at_the_pace_its_system_takes, async |world| {
    let county = County::open().await;
    let configs = changed(&county, |config| {
        config.rate_per_second = NonZeroU32::new(4);
        config.retry.after_max = Duration::from_secs(600);
    });
    let app = county.gateway_with(world, &[], configs).await;
    let busy = json!({ "mode": "answer", "status": 429, "retry_after_s": 9_000, "times": 5 });
    county.department.told(busy).await;
    let cases = offered(&app, 5).await;
    for case in &cases {
        let waiting = case.delivery_becomes(&app, "PENDING", 1).await;
        let next: chrono::DateTime<chrono::Utc> = waiting["nextAttemptAt"].as_str().unwrap().parse().unwrap();
        let now = onedoor::clock::Clock::now(&app.clock);
        assert_eq!((next - now).num_seconds(), 600, "no longer than it may ask for");
    }
    let begun = Instant::now();
    county.seconds_later(600);
    until("the backlog is gone", PATIENCE, async || {
        delivered(&app, &cases).await == 5
    })
    .await;
    assert!(
        begun.elapsed() >= Duration::from_millis(990),
        "five at four a second: {:?}",
        begun.elapsed()
    );
    app.stop(world).await;
});

story!(retries_are_a_share_of_first_attempts, async |world| {
    let county = County::open().await;
    let configs = changed(&county, |config| {
        config.retry.budget_percent = 0;
        config.retry.per_minute_min = 1;
    });
    let app = county.gateway_with(world, &[], configs).await;
    let busy = json!({ "mode": "answer", "status": 503, "retry_after_s": 1, "times": 4 });
    county.department.told(busy).await;
    let cases = offered(&app, 4).await;
    for case in &cases {
        case.delivery_becomes(&app, "PENDING", 1).await;
    }
    let begun = Instant::now();
    county.seconds_later(LONGEST_PAUSE_S);
    until("the one retry of this minute went", PATIENCE, async || {
        delivered(&app, &cases).await >= 1
    })
    .await;
    let fresh = offered_to_county(&app).await;
    fresh.delivery_becomes(&app, "DELIVERED", 1).await;
    let minutes = usize::try_from(begun.elapsed().as_secs() / 60).unwrap();
    let went = county.department.requests().await.len();
    assert!(
        went <= 4 + 1 + 1 + minutes,
        "{went} requests: the others wait, new work does not"
    );
    app.stop_with_deliveries_waiting().await;
});

story!(
    a_system_that_fails_is_left_alone_and_one_finds_out_when_it_is_back,
    async |world| {
        let county = County::open().await;
        let configs = changed(&county, |config| {
            config.breaker.failures = 2;
            config.breaker.rest = Duration::from_secs(4);
            config.concurrency_max = 1;
        });
        let app = county.gateway_with(world, &[], configs).await;
        county
            .department
            .told(json!({ "mode": "answer", "status": 500, "times": 2 }))
            .await;
        let failed = offered(&app, 2).await;
        for case in &failed {
            case.delivery_becomes(&app, "PENDING", 1).await;
        }
        let seen = status(&app).await;
        assert_eq!(seen["breaker"], "OPEN", "{seen}");
        assert_eq!(seen["lastFailure"], "AMBIGUOUS");
        assert_eq!(seen["backlog"], json!([{ "state": "PENDING", "count": 2 }]));
        let fresh = offered_to_county(&app).await;
        // it goes out when the rest is over, as the one that finds out; not as one of a crowd that was refused
        fresh.delivery_becomes(&app, "DELIVERED", 1).await;
        assert_eq!(county.department.requests().await.len(), 3);
        county.seconds_later(LONGEST_PAUSE_S);
        for case in &failed {
            case.delivery_becomes(&app, "DELIVERED", 2).await;
        }
        let seen = status(&app).await;
        assert_eq!(
            (&seen["breaker"], &seen["backlog"]),
            (&json!("CLOSED"), &json!([]))
        );
        assert_eq!(seen["name"], "sandbox");
        assert!(
            seen["lastSuccessAt"].is_string() && seen["operatorContact"].is_string(),
            "{seen}"
        );
        app.stop(world).await;
    }
);
