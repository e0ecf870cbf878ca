//! What waits after an outage: told with state, reason, next try and the act that resends; and leaving in order.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use onedoor::upstream::config::Idempotency;
use serde_json::{Value, json};
use uuid::Uuid;

use super::kit::{Case, County, TOWNSHIP, bring, offered_to_county, offered_with_a_paper_owed};
use crate::harness::app::TestApp;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};

/// Longer than the longest pause between two attempts.
const LONGEST_PAUSE_S: i64 = 301;
/// Cases that wait for the system, each with the case itself and a paper that came later.
const CASES: usize = 8;
/// Requests a second that the system takes.
const RATE: u32 = 10;

async fn is_delivered(app: &TestApp, case: &Case) -> bool {
    let deliveries = case.deliveries(app).await;
    deliveries.len() == 2 && deliveries.iter().all(|one| one["state"] == "DELIVERED")
}

story!(
    a_backlog_leaves_at_the_configured_rate_and_in_order_for_each_case,
    async |world| {
        let county = County::open().await;
        let mut config = county.upstream();
        config.rate_per_second = NonZeroU32::new(RATE);
        config.retry.per_minute_min = 10_000;
        let app = county.gateway_with(world, &[], vec![config]).await;
        county.department.told(json!({ "mode": "callback-never" })).await;
        let away = json!({ "mode": "answer", "status": 503, "retry_after_s": 200 });
        county.department.told(away).await;
        let mut cases = Vec::new();
        for _ in 0..CASES {
            let case = offered_with_a_paper_owed(&app).await;
            bring(&app, &case).await;
            cases.push(case);
        }
        for case in &cases {
            until("its first attempt is over", PATIENCE, async || {
                let all = case.deliveries(&app).await;
                let submit = all.iter().find(|one| one["operation"] == "SUBMIT").unwrap();
                submit["state"] == "PENDING" && submit["attempts"] == 1
            })
            .await;
        }

        for rule in ["normal", "callback-never"] {
            county.department.told(json!({ "mode": rule })).await;
        }
        let before = county.department.requests().await.len();
        let begun = Instant::now();
        county.seconds_later(LONGEST_PAUSE_S);
        for case in &cases {
            until("the backlog is gone", PATIENCE, async || {
                is_delivered(&app, case).await
            })
            .await;
        }
        let requests = county.department.requests().await.split_off(before);
        assert_eq!(requests.len(), CASES * 2, "each went once");
        let turns = u32::try_from(requests.len()).unwrap() - 1;
        assert!(
            begun.elapsed() >= Duration::from_secs(1) * turns / RATE - Duration::from_millis(10),
            "no faster than {RATE} a second: {:?}",
            begun.elapsed()
        );
        for case in &cases {
            let applications = county.department.applications().await;
            let at_the_county = applications
                .iter()
                .find(|one| one["our_ref"] == case.reference())
                .unwrap();
            let number = &at_the_county["serial_no"];
            let did: Vec<&Value> = requests
                .iter()
                .filter(|one| one["our_ref"] == case.reference() || one["serial_no"] == *number)
                .map(|one| &one["did"])
                .collect();
            assert_eq!(did, ["accepted", "supplemented"], "the case before its paper");
        }
        app.stop(world).await;
    }
);

/// What a board tells of a delivery that has not arrived.
const BOARD: &str =
    "{ handoffs(filter: { delivery: [PENDING, SENDING, HELD, UNCERTAIN, DEAD, TO_BE_TOLD] }) {
    undelivered { state count }
    page { nodes { case { id } deliveries {
        id version state stateText reason nextAttemptAt availableActions operatorContact } } } } }";

/// The deliveries of the township's board, by case.
async fn told(app: &TestApp, case: &Case) -> Value {
    let seen = app.clerk(TOWNSHIP).data(BOARD, json!({})).await;
    let nodes = seen["handoffs"]["page"]["nodes"].as_array().unwrap().clone();
    let node = nodes.into_iter().find(|node| node["case"]["id"] == case.id);
    node.map_or(Value::Null, |node| node["deliveries"][0].clone())
}

async fn acts(app: &TestApp, name: &str, delivery: &Value, more: Value) {
    let input_type = if name == "redeliver" {
        "RedeliverInput"
    } else {
        "ResolveUncertainDeliveryInput"
    };
    let document =
        format!("mutation($input: {input_type}!) {{ {name}(input: $input) {{ userErrors {{ code }} }} }}");
    let mut input = json!({
        "delivery": delivery["id"], "expectedVersion": delivery["version"], "idempotencyKey": Uuid::now_v7(),
    });
    for (name, value) in more.as_object().unwrap() {
        input[name] = value.clone();
    }
    let payload = app
        .clerk(TOWNSHIP)
        .data(&document, json!({ "input": input }))
        .await;
    assert_eq!(payload[name]["userErrors"], json!([]), "{delivery}");
}

story!(
    every_undelivered_handoff_says_how_it_stands_why_when_it_goes_and_what_resends_it,
    async |world| {
        let county = County::open().await;
        let mut config = county.upstream();
        config.idempotency = Idempotency::None;
        let few = [("ONEDOOR__OUTBOX__ATTEMPTS_MAX", "2")];
        let app = county.gateway_with(world, &few, vec![config]).await;
        app.expect_error("an upstream refuses us by its or our configuration");
        app.expect_error("on purpose");
        county.department.told(json!({ "mode": "callback-never" })).await;
        let rules = [
            json!({ "mode": "answer", "status": 503, "retry_after_s": 1, "times": 2 }),
            json!({ "mode": "reset", "times": 1 }),
            json!({ "mode": "answer", "status": 401, "times": 1 }),
            json!({ "mode": "answer", "status": 429, "retry_after_s": 900, "times": 1 }),
        ];
        let mut cases = Vec::new();
        for (rule, state) in rules.into_iter().zip(["PENDING", "UNCERTAIN", "HELD", "PENDING"]) {
            county.department.told(rule).await;
            let case = offered_to_county(&app).await;
            case.delivery_becomes(&app, state, 1).await;
            if cases.is_empty() {
                county.seconds_later(LONGEST_PAUSE_S);
                case.delivery_becomes(&app, "DEAD", 2).await;
            }
            cases.push(case);
        }
        let expected = [
            ("DEAD", "RETRYABLE", false, json!(["REDELIVER"])),
            (
                "UNCERTAIN",
                "CONNECTION_LOST",
                false,
                json!(["RESOLVE_UNCERTAIN_DELIVERY"]),
            ),
            ("HELD", "UNAUTHENTICATED", true, json!(["REDELIVER"])),
            ("PENDING", "RETRYABLE", true, json!([])),
        ];
        for (case, (state, reason, by_itself, acts)) in cases.iter().zip(expected) {
            let seen = told(&app, case).await;
            assert_eq!(
                (&seen["state"], &seen["reason"]),
                (&json!(state), &json!(reason)),
                "{seen}"
            );
            assert_eq!(seen["nextAttemptAt"].is_string(), by_itself, "{seen}");
            assert_eq!(seen["availableActions"], acts, "{seen}");
            assert!(
                seen["stateText"].is_string() && seen["operatorContact"].is_string(),
                "{seen}"
            );
        }
        let [dead, uncertain, held, _pending] = &cases[..] else {
            panic!("four cases")
        };
        acts(&app, "redeliver", &told(&app, dead).await, json!({})).await;
        acts(&app, "redeliver", &told(&app, held).await, json!({})).await;
        let never_came = json!({ "resolution": "NOT_TAKEN", "note": "电话核实" });
        acts(
            &app,
            "resolveUncertainDelivery",
            &told(&app, uncertain).await,
            never_came,
        )
        .await;
        for case in &cases[..3] {
            until("what was sent again has arrived", PATIENCE, async || {
                told(&app, case).await.is_null()
            })
            .await;
        }
        county.seconds_later(901);
        until("nothing waits any more", PATIENCE, async || {
            told(&app, &cases[3]).await.is_null()
        })
        .await;
        app.stop(world).await;
    }
);
