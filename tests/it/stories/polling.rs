//! Systems that do not report back are heard all the same: by polling with a cursor, and by asking for what is overdue.

use std::collections::BTreeMap;
use std::time::Duration;

use onedoor::upstream::config::UpstreamConfig;
use onedoor::upstream::config::poll::PollConfig;
use serde_json::{Value, json};

use super::kit::{Case, County, TOWNSHIP, count, offered_to_county};
use crate::harness::app::TestApp;
use crate::harness::story::story;

/// The county's system, which reports nothing and is polled each minute.
fn silent(county: &County) -> UpstreamConfig {
    let mut config = county.upstream();
    config.callback = None;
    config.poll = Some(PollConfig {
        every: Duration::from_secs(60),
        pages_max: 20,
    });
    config
}

async fn taken_over(app: &TestApp) -> Case {
    let case = offered_to_county(app).await;
    case.taken_over(&app.clerk(TOWNSHIP)).await;
    case
}

async fn polls(county: &County) -> Vec<Value> {
    let requests = county.department.requests().await;
    requests
        .into_iter()
        .filter(|line| line["path"] == "/api/events")
        .collect()
}

story!(
    a_system_that_does_not_report_is_heard_within_one_poll_and_by_one_replica,
    async |world| {
        let county = County::open().await;
        let replicas = [
            county.gateway_with(world, &[], vec![silent(&county)]).await,
            county.gateway_with(world, &[], vec![silent(&county)]).await,
        ];
        let clerk = replicas[1].clerk(TOWNSHIP);
        let (granted, denied) = (taken_over(&replicas[0]).await, taken_over(&replicas[0]).await);
        county.decides(&granted, "APPROVED", None).await;
        county.decides(&denied, "DENIED", Some("材料不符")).await;
        county.seconds_later(61);
        let seen = granted.becomes("COMPLETED", &clerk).await;
        assert_eq!(
            (&seen["decision"], count(&seen, "DECIDED")),
            (&json!("GRANTED"), 1)
        );
        assert_eq!(denied.becomes("COMPLETED", &clerk).await["decision"], "DENIED");
        assert!(county.department.callbacks().await.is_empty());

        // what was heard is not heard again, and no instant has two polls
        county.seconds_later(61);
        let late = taken_over(&replicas[1]).await;
        county.decides(&late, "APPROVED", None).await;
        county.seconds_later(61);
        late.becomes("COMPLETED", &clerk).await;
        assert_eq!(count(&granted.seen_by(&clerk).await, "NEWS_KEPT"), 0);
        let mut by_instant: BTreeMap<String, usize> = BTreeMap::new();
        for poll in polls(&county).await {
            *by_instant.entry(poll["at"].to_string()).or_default() += 1;
        }
        assert!(by_instant.values().all(|count| *count == 1), "{by_instant:?}");
        let [one, other] = replicas;
        one.stop(world).await;
        other.stop(world).await;
    }
);

story!(
    a_crash_around_the_storing_of_polled_news_loses_none,
    async |world| {
        let county = County::open().await;
        let app = county.gateway_with(world, &[], vec![silent(&county)]).await;
        app.expect_error("panic");
        let clerk = app.clerk(TOWNSHIP);
        for point in ["poll.fetched", "poll.stored"] {
            let case = taken_over(&app).await;
            county.decides(&case, "APPROVED", None).await;
            fail::cfg(point, "1*panic(the process dies here)").unwrap();
            county.seconds_later(61);
            // the lease of whoever died runs out
            crate::harness::wait::eventually(
                "the news after the crash",
                crate::harness::wait::PATIENCE,
                async || {
                    county.seconds_later(1);
                    let seen = case.seen_by(&clerk).await;
                    (seen["status"] == "COMPLETED" && count(&seen, "DECIDED") == 1).then_some(())
                },
            )
            .await;
            fail::remove(point);
        }
        app.stop(world).await;
    }
);

story!(
    a_system_that_fails_is_polled_again_after_growing_pauses,
    async |world| {
        let county = County::open().await;
        let app = county.gateway_with(world, &[], vec![silent(&county)]).await;
        let case = taken_over(&app).await;
        county.decides(&case, "APPROVED", None).await;
        county
            .department
            .told(json!({ "mode": "answer", "status": 500, "on": "query", "times": 2 }))
            .await;
        let clerk = app.clerk(TOWNSHIP);
        for pause in [61, 61, 121] {
            let before = polls(&county).await.len();
            county.seconds_later(pause);
            crate::harness::wait::until("the next poll", crate::harness::wait::PATIENCE, async || {
                polls(&county).await.len() > before
            })
            .await;
        }
        case.becomes("COMPLETED", &clerk).await;
        app.stop(world).await;
    }
);

story!(what_is_overdue_and_silent_is_asked_for, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    county.department.told(json!({ "mode": "callback-never" })).await;
    let case = taken_over(&app).await;
    county.decides(&case, "APPROVED", None).await;
    let clerk = app.clerk(TOWNSHIP);
    assert_eq!(
        case.seen_by(&clerk).await["status"],
        "IN_REVIEW",
        "its word is awaited"
    );
    county.days_later(40);
    // the badge of forty days ago has expired
    let clerk = app.clerk(TOWNSHIP);
    let seen = case.becomes("COMPLETED", &clerk).await;
    assert_eq!(
        (&seen["decision"], count(&seen, "DECIDED")),
        (&json!("GRANTED"), 1)
    );
    app.stop(world).await;
});
