//! An upstream system in trouble: what is known not to have acted is tried again, what may have acted is settled by its
//! class, a business no is shown to people, and nothing is lost.

use std::time::Duration;

use onedoor::upstream::config::Idempotency;
use serde_json::{Value, json};

use super::kit::{Case, County, HUMAN_RESOURCES, STATION, TOWNSHIP, events, handoff, offered_to_county};
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};
use crate::upstreams::fixture::Department;

/// Longer than the longest pause between two attempts.
const LONGEST_PAUSE_S: i64 = 301;

/// The application of a case at the department.
async fn effects(department: &Department, case: &Case) -> i64 {
    let all = department.applications().await;
    all.iter()
        .filter(|one| one["our_ref"] == case.reference())
        .map(|one| one["effects"].as_i64().unwrap())
        .sum()
}

story!(whatever_goes_wrong_once_is_delivered_once, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let clerk = app.clerk(TOWNSHIP);
    app.expect_error("on purpose");
    // nothing but our own attempts tells what came of them
    county.department.told(json!({ "mode": "callback-never" })).await;
    for rule in [
        json!({ "mode": "hang", "times": 1 }),
        json!({ "mode": "reset", "times": 1 }),
        json!({ "mode": "answer", "status": 500, "times": 1 }),
        json!({ "mode": "answer", "status": 429, "times": 1 }),
        json!({ "mode": "accept-then-hang", "times": 1 }),
        json!({ "mode": "accept-then-reset", "times": 1 }),
        json!({ "mode": "accept-then-answer", "status": 502, "times": 1 }),
        json!({ "mode": "garbage", "times": 1 }),
        json!({ "mode": "truncated", "times": 1 }),
        json!({ "mode": "huge", "times": 1 }),
        json!({ "mode": "wrong-charset", "times": 1 }),
    ] {
        county.department.told(rule.clone()).await;
        let case = offered_to_county(&app).await;
        case.delivery_becomes(&app, "PENDING", 1).await;
        let seen = case.seen_by(&clerk).await;
        assert_eq!(
            seen["owner"]["code"], TOWNSHIP,
            "{rule}: nobody has signed for it"
        );
        county.seconds_later(LONGEST_PAUSE_S);
        case.delivery_becomes(&app, "DELIVERED", 2).await;
        assert_eq!(effects(&county.department, &case).await, 1, "{rule}: one effect");
        assert_eq!(
            case.seen_by(&clerk).await["owner"]["code"],
            HUMAN_RESOURCES,
            "{rule}"
        );
    }
    app.stop(world).await;
});

story!(
    an_upstream_that_says_when_is_left_alone_until_then,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        for status in [429, 503] {
            let busy = json!({ "mode": "answer", "status": status, "retry_after_s": 900, "times": 1 });
            county.department.told(busy).await;
            let case = offered_to_county(&app).await;
            let waiting = case.delivery_becomes(&app, "PENDING", 1).await;
            let next: chrono::DateTime<chrono::Utc> =
                waiting["nextAttemptAt"].as_str().unwrap().parse().unwrap();
            let now = onedoor::clock::Clock::now(&app.clock);
            assert_eq!((next - now).num_seconds(), 900, "{status}");
            county.seconds_later(899);
            // the loop has looked at least twice and left it alone
            let before = county.department.requests().await.len();
            let other = offered_to_county(&app).await;
            other.delivery_becomes(&app, "DELIVERED", 1).await;
            assert_eq!(county.department.requests().await.len(), before + 1);
            county.seconds_later(1);
            case.delivery_becomes(&app, "DELIVERED", 2).await;
        }
        app.stop(world).await;
    }
);

story!(
    a_business_no_is_shown_to_clerk_and_applicant_and_offered_again,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let clerk = app.clerk(TOWNSHIP);
        for status in [400, 409, 422] {
            county
                .department
                .told(json!({ "mode": "answer", "status": status, "times": 1 }))
                .await;
            let case = offered_to_county(&app).await;
            case.delivery_becomes(&app, "REJECTED", 1).await;
            let seen = case
                .comes_to(&clerk, "the refusal is told", |case| {
                    events(case).iter().any(|name| name == "HANDOFF_REFUSED")
                })
                .await;
            assert_eq!(seen["owner"]["code"], TOWNSHIP);
            let refused = handoff(&seen, |one| one["upstream"] == "sandbox");
            assert_eq!(refused["state"], "REFUSED", "{status}");
            for view in [seen, case.tracked(&app.anybody()).await] {
                let lines = view["timeline"].as_array().unwrap();
                let line = lines
                    .iter()
                    .find(|line| line["event"] == "HANDOFF_REFUSED")
                    .unwrap();
                assert!(
                    line["text"].as_str().unwrap().contains("按测试要求拒绝"),
                    "{line}"
                );
            }
            case.done(&clerk, "handOff", json!({})).await;
            let taken = case
                .comes_to(&clerk, "the county holds it", |case| {
                    case["owner"]["code"] == HUMAN_RESOURCES
                })
                .await;
            assert_eq!(taken["status"], "IN_REVIEW");
            assert_eq!(
                case.deliveries(&app).await.len(),
                2,
                "a new offer is a new delivery"
            );
        }
        app.stop(world).await;
    }
);

story!(
    a_refusal_of_our_credentials_holds_until_somebody_mends_it,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        app.expect_error("an upstream refuses us by its or our configuration");
        for status in [401, 403, 404] {
            county
                .department
                .told(json!({ "mode": "answer", "status": status, "times": 1 }))
                .await;
            let case = offered_to_county(&app).await;
            let held = case.delivery_becomes(&app, "HELD", 1).await;
            assert!(held["reason"].is_string(), "{held}");
            assert_eq!(
                case.seen_by(&app.clerk(TOWNSHIP)).await["owner"]["code"],
                TOWNSHIP
            );
            county.seconds_later(LONGEST_PAUSE_S);
            case.delivery_becomes(&app, "DELIVERED", 2).await;
        }
        let log = app.log();
        let errors = log.lines().filter(|line| line.contains(r#""level":"ERROR""#));
        assert_eq!(errors.count(), 3, "each told once: {log}");
        app.stop(world).await;
    }
);

story!(attempts_end_and_the_delivery_stays_in_sight, async |world| {
    let county = County::open().await;
    let few = [("ONEDOOR__OUTBOX__ATTEMPTS_MAX", "3")];
    let app = county.gateway_with(world, &few, vec![county.upstream()]).await;
    county
        .department
        .told(json!({ "mode": "answer", "status": 500 }))
        .await;
    let case = offered_to_county(&app).await;
    for attempt in 1..3 {
        case.delivery_becomes(&app, "PENDING", attempt).await;
        county.seconds_later(LONGEST_PAUSE_S);
    }
    case.delivery_becomes(&app, "DEAD", 3).await;
    county.seconds_later(24 * 3_600 - 2 * LONGEST_PAUSE_S - 60);
    let document = "{ deliveries(filter: { state: [DEAD] }) { nodes { state attempts trackingCode } } }";
    let officer = app.officer(TOWNSHIP).data(document, json!({})).await;
    assert_eq!(
        officer["deliveries"]["nodes"][0]["trackingCode"],
        case.tracking_code
    );
    assert_eq!(county.department.requests().await.len(), 3, "no fourth by itself");
    app.stop(world).await;
});

story!(
    what_may_have_acted_is_not_repeated_where_repeating_is_not_safe,
    async |world| {
        let county = County::open().await;
        let mut config = county.upstream();
        config.idempotency = Idempotency::None;
        let app = county.gateway_with(world, &[], vec![config]).await;
        app.expect_error("on purpose");
        county.department.told(json!({ "mode": "callback-never" })).await;
        for rule in ["accept-then-hang", "accept-then-reset", "garbage", "hang"] {
            let before = county.department.requests().await.len();
            county.department.told(json!({ "mode": rule, "times": 1 })).await;
            let case = offered_to_county(&app).await;
            case.delivery_becomes(&app, "UNCERTAIN", 1).await;
            let sent = handoff(&case.seen_by(&app.clerk(TOWNSHIP)).await, |one| {
                one["upstream"] == "sandbox"
            });
            assert_eq!(
                sent["state"], "SENT",
                "{rule}: the bytes left, the answer is not known"
            );
            county.seconds_later(3_600);
            // another delivery goes out meanwhile: the loop is awake
            let other = offered_to_county(&app).await;
            other.delivery_becomes(&app, "DELIVERED", 1).await;
            assert_eq!(
                county.department.requests().await.len(),
                before + 2,
                "{rule}: exactly one request each"
            );
            assert_eq!(case.deliveries(&app).await[0]["state"], "UNCERTAIN");
        }
        app.stop(world).await;
    }
);

story!(
    one_that_can_be_asked_is_asked_before_anything_is_repeated,
    async |world| {
        let county = County::open().await;
        let mut config = county.upstream();
        config.idempotency = Idempotency::QueryBeforeRetry;
        let app = county.gateway_with(world, &[], vec![config]).await;
        app.expect_error("on purpose");
        county.department.told(json!({ "mode": "callback-never" })).await;
        for (rule, sendings) in [("accept-then-reset", 1), ("reset", 2)] {
            county.department.told(json!({ "mode": rule, "times": 1 })).await;
            let case = offered_to_county(&app).await;
            case.delivery_becomes(&app, "PENDING", 1).await;
            county.seconds_later(LONGEST_PAUSE_S);
            until("the county holds it", PATIENCE, async || {
                case.seen_by(&app.clerk(TOWNSHIP)).await["owner"]["code"] == HUMAN_RESOURCES
            })
            .await;
            let requests = county.department.requests().await;
            let of_case = |method: &str| {
                requests
                    .iter()
                    .filter(|one| one["our_ref"] == case.reference() && one["method"] == method)
                    .count()
            };
            assert_eq!((of_case("GET"), of_case("POST")), (1, sendings), "{rule}");
            assert_eq!(effects(&county.department, &case).await, 1, "{rule}");
        }
        app.stop(world).await;
    }
);

story!(what_waits_in_the_outbox_survives_the_gateway, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    county
        .department
        .told(json!({ "mode": "answer", "status": 500, "times": 1 }))
        .await;
    let case = offered_to_county(&app).await;
    case.delivery_becomes(&app, "PENDING", 1).await;
    app.stop_with_deliveries_waiting().await;

    let next = county.gateway(world).await;
    county.seconds_later(LONGEST_PAUSE_S);
    case.delivery_becomes(&next, "DELIVERED", 2).await;
    let keys: Vec<Value> = county
        .department
        .requests()
        .await
        .iter()
        .map(|one| one["key"].clone())
        .collect();
    assert_eq!(keys[0], keys[1], "the same key on every attempt");
    next.stop(world).await;
});

story!(
    a_claim_of_a_gateway_that_died_is_taken_over_after_its_lease,
    async |world| {
        let county = County::open().await;
        let slow = {
            let mut config = county.upstream();
            config.timeout = Duration::from_secs(3);
            config
        };
        let one = county.gateway_with(world, &[], vec![slow]).await;
        let other = county.gateway(world).await;
        county
            .department
            .told(json!({ "mode": "hang", "times": 1 }))
            .await;
        let case = offered_to_county(&one).await;
        county.department.heard(1).await;
        let sending = case.deliveries(&other).await;
        assert_eq!(sending[0]["state"], "SENDING");
        // a minute is the lease; whoever held it may be dead, and a late result of it counts no more
        county.seconds_later(61);
        case.delivery_becomes(&other, "DELIVERED", 2).await;
        assert_eq!(county.department.requests().await.len(), 2);
        assert_eq!(effects(&county.department, &case).await, 1);
        one.stop(world).await;
        assert_eq!(case.deliveries(&other).await[0]["state"], "DELIVERED");
        assert_eq!(
            case.seen_by(&other.clerk(STATION)).await["owner"]["code"],
            HUMAN_RESOURCES
        );
        other.stop(world).await;
    }
);
