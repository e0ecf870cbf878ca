//! Deliveries that do not go on by themselves: given up, held, uncertain; what the board shows of them, what people do
//! about them, and who did it.

use onedoor::upstream::config::Idempotency;
use serde_json::{Value, json};
use uuid::Uuid;

use super::kit::{
    Case, County, HUMAN_RESOURCES, NEXT_STATION, OTHER_TOWNSHIP, STATION, TOWNSHIP, codes, events, handoff,
    offered_to_county,
};
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};

/// Longer than the longest pause between two attempts.
const LONGEST_PAUSE_S: i64 = 301;

const DELIVERY: &str =
    "fragment D on Delivery { id version state stateText reason attempts operation upstream
    nextAttemptAt availableActions handoffId }";

/// The only delivery of a case, as somebody sees it beside its handoff.
async fn beside_its_handoff(case: &Case, who: &Gql) -> Value {
    let document = format!(
        "query($id: ID!) {{ case(by: {{ id: $id }}) {{ handoffs {{ upstream deliveries {{ ...D }} }} }} }} {DELIVERY}"
    );
    let seen = who.data(&document, json!({ "id": case.id })).await;
    let bound = handoff(&seen["case"], |one| one["upstream"] != Value::Null);
    bound["deliveries"][0].clone()
}

async fn redeliver(who: &Gql, delivery: &Value, key: Uuid) -> Value {
    let document = format!(
        "mutation($input: RedeliverInput!) {{ redeliver(input: $input) {{ delivery {{ ...D }} case {{ id }}
            userErrors {{ code field currentVersion }} }} }} {DELIVERY}"
    );
    let input = json!({
        "delivery": delivery["id"], "expectedVersion": delivery["version"], "idempotencyKey": key, "note": "已修复",
    });
    who.data(&document, json!({ "input": input })).await["redeliver"].clone()
}

pub(super) async fn resolve(who: &Gql, delivery: &Value, resolution: &str, number: Option<&str>) -> Value {
    let document = format!(
        "mutation($input: ResolveUncertainDeliveryInput!) {{ resolveUncertainDelivery(input: $input) {{
            delivery {{ ...D }} case {{ id }} userErrors {{ code field currentVersion }} }} }} {DELIVERY}"
    );
    let input = json!({
        "delivery": delivery["id"], "expectedVersion": delivery["version"], "idempotencyKey": Uuid::now_v7(),
        "resolution": resolution, "number": number, "note": "电话核实",
    });
    who.data(&document, json!({ "input": input })).await["resolveUncertainDelivery"].clone()
}

/// Who did the last thing of that name, and what they said.
pub(super) async fn last_line(case: &Case, who: &Gql, event: &str) -> Value {
    let seen = case.seen_by(who).await;
    let lines = seen["timeline"].as_array().unwrap();
    lines
        .iter()
        .rev()
        .find(|line| line["event"] == event)
        .unwrap()
        .clone()
}

/// A case whose delivery was given up.
async fn given_up(county: &County, app: &TestApp) -> Case {
    let broken = json!({ "mode": "answer", "status": 503, "retry_after_s": 1, "times": 2 });
    county.department.told(broken).await;
    let case = offered_to_county(app).await;
    case.delivery_becomes(app, "PENDING", 1).await;
    county.seconds_later(LONGEST_PAUSE_S);
    case.delivery_becomes(app, "DEAD", 2).await;
    case
}

story!(
    what_was_given_up_is_sent_again_once_however_often_one_clicks,
    async |world| {
        let county = County::open().await;
        let few = [("ONEDOOR__OUTBOX__ATTEMPTS_MAX", "2")];
        let app = county.gateway_with(world, &few, vec![county.upstream()]).await;
        let case = given_up(&county, &app).await;
        let township = app.clerk(TOWNSHIP);
        let dead = beside_its_handoff(&case, &township).await;
        assert_eq!(dead["availableActions"], json!(["REDELIVER"]), "{dead}");
        assert_eq!(
            (&dead["state"], &dead["nextAttemptAt"]),
            (&json!("DEAD"), &Value::Null)
        );
        let before = county.department.requests().await.len();
        let key = Uuid::now_v7();
        // two clicks of one window at once, and one of a colleague who saw the same
        let officer = app.officer(TOWNSHIP);
        let (first, second, third) = tokio::join!(
            redeliver(&township, &dead, key),
            redeliver(&township, &dead, key),
            redeliver(&officer, &dead, Uuid::now_v7()),
        );
        let done: Vec<&Value> = [&first, &second, &third]
            .into_iter()
            .filter(|payload| payload["userErrors"] == json!([]))
            .collect();
        let stale = [&first, &second, &third]
            .into_iter()
            .filter(|payload| codes(payload) == ["STALE_VERSION"] || codes(payload) == ["ILLEGAL_ACT"])
            .count();
        assert_eq!(done.len() + stale, 3, "{first} {second} {third}");
        assert!(
            done.len() == 1 || (done.len() == 2 && done[0] == done[1]),
            "{first} {second} {third}"
        );
        case.delivery_becomes(&app, "DELIVERED", 3).await;
        assert_eq!(county.department.requests().await.len(), before + 1, "sent once");
        let late = redeliver(&township, &dead, Uuid::now_v7()).await;
        assert_eq!(codes(&late), ["STALE_VERSION"]);
        let line = last_line(&case, &township, "DELIVERY_RESOLVED").await;
        assert_eq!(
            line["organization"]["code"], TOWNSHIP,
            "the ledger names who did it"
        );
        assert_eq!(line["text"], "已修复");
        let seen = case.seen_by(&township).await;
        let named = events(&seen);
        assert_eq!(
            named.iter().filter(|name| *name == "DELIVERY_RESOLVED").count(),
            1
        );
        app.stop(world).await;
    }
);

story!(what_is_held_goes_at_once_when_somebody_says_so, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    app.expect_error("an upstream refuses us by its or our configuration");
    county
        .department
        .told(json!({ "mode": "answer", "status": 401, "times": 1 }))
        .await;
    let case = offered_to_county(&app).await;
    case.delivery_becomes(&app, "HELD", 1).await;
    let held = beside_its_handoff(&case, &app.clerk(TOWNSHIP)).await;
    let payload = redeliver(&app.officer(TOWNSHIP), &held, Uuid::now_v7()).await;
    assert_eq!(payload["userErrors"], json!([]));
    case.delivery_becomes(&app, "DELIVERED", 2).await;
    let again = redeliver(
        &app.clerk(TOWNSHIP),
        &beside_its_handoff(&case, &app.clerk(TOWNSHIP)).await,
        Uuid::now_v7(),
    )
    .await;
    assert_eq!(codes(&again), ["ILLEGAL_ACT"], "it has arrived");
    app.stop(world).await;
});

story!(
    an_uncertain_delivery_is_on_the_senders_board_and_resolved_by_its_clerk,
    async |world| {
        let county = County::open().await;
        let mut config = county.upstream();
        config.idempotency = Idempotency::None;
        let app = county.gateway_with(world, &[], vec![config]).await;
        app.expect_error("on purpose");
        county.department.told(json!({ "mode": "callback-never" })).await;
        county
            .department
            .told(json!({ "mode": "accept-then-reset", "times": 1 }))
            .await;
        let case = offered_to_county(&app).await;
        case.delivery_becomes(&app, "UNCERTAIN", 1).await;
        let township = app.clerk(TOWNSHIP);
        let board = "{ handoffs(filter: { delivery: [UNCERTAIN, DEAD] }) {
        page { nodes { case { id } deliveries { state availableActions } } } undelivered { state count } } }";
        let seen = township.data(board, json!({})).await;
        assert_eq!(seen["handoffs"]["page"]["nodes"][0]["case"]["id"], case.id);
        assert_eq!(
            seen["handoffs"]["undelivered"],
            json!([{ "state": "UNCERTAIN", "count": 1 }])
        );
        for other in [app.clerk(OTHER_TOWNSHIP), app.clerk(NEXT_STATION)] {
            let seen = other.data(board, json!({})).await;
            assert_eq!(seen["handoffs"]["page"]["nodes"], json!([]));
            assert_eq!(seen["handoffs"]["undelivered"], json!([]));
        }
        let uncertain = beside_its_handoff(&case, &township).await;
        assert_eq!(
            uncertain["availableActions"],
            json!(["RESOLVE_UNCERTAIN_DELIVERY"])
        );
        // who did not send it does not know it
        let document =
            "mutation($input: ResolveUncertainDeliveryInput!) { resolveUncertainDelivery(input: $input) {
        userErrors { code } } }";
        let input = json!({ "delivery": uncertain["id"], "expectedVersion": uncertain["version"],
        "idempotencyKey": Uuid::now_v7(), "resolution": "NOT_TAKEN" });
        let foreign = app
            .clerk(OTHER_TOWNSHIP)
            .ask(document, json!({ "input": input }))
            .await;
        assert_eq!(foreign.codes(), ["NOT_FOUND"]);
        assert_eq!(
            codes(&redeliver(&township, &uncertain, Uuid::now_v7()).await),
            ["ILLEGAL_ACT"]
        );
        let unnumbered = resolve(&township, &uncertain, "TAKEN", None).await;
        assert_eq!(
            codes(&unnumbered),
            ["INVALID_FIELD"],
            "its number there is not known"
        );
        let application = county.department.applications().await[0].clone();
        let number = application["serial_no"].as_str().unwrap();
        let taken = resolve(&township, &uncertain, "TAKEN", Some(number)).await;
        assert_eq!(taken["userErrors"], json!([]));
        assert_eq!(taken["delivery"]["state"], "DELIVERED");
        let seen = case.seen_by(&township).await;
        assert_eq!(seen["owner"]["code"], HUMAN_RESOURCES);
        assert_eq!(seen["externalNumbers"][0]["number"], number);
        let line = last_line(&case, &township, "HANDOFF_ACKNOWLEDGED").await;
        assert_eq!(line["organization"]["code"], TOWNSHIP);
        assert_eq!(line["onBehalfOf"]["code"], HUMAN_RESOURCES, "signed in its name");
        assert_eq!(
            county.department.requests().await.len(),
            1,
            "never repeated by itself"
        );
        app.stop(world).await;
    }
);

story!(
    an_uncertain_delivery_that_never_came_is_sent_again_or_given_up,
    async |world| {
        let county = County::open().await;
        let mut config = county.upstream();
        config.idempotency = Idempotency::None;
        let app = county.gateway_with(world, &[], vec![config]).await;
        app.expect_error("on purpose");
        let township = app.clerk(TOWNSHIP);
        for resolution in ["NOT_TAKEN", "GIVEN_UP"] {
            county
                .department
                .told(json!({ "mode": "reset", "times": 1 }))
                .await;
            let case = offered_to_county(&app).await;
            case.delivery_becomes(&app, "UNCERTAIN", 1).await;
            let uncertain = beside_its_handoff(&case, &township).await;
            let said = resolve(&township, &uncertain, resolution, None).await;
            assert_eq!(said["userErrors"], json!([]), "{resolution}");
            if resolution == "NOT_TAKEN" {
                case.delivery_becomes(&app, "DELIVERED", 2).await;
                case.taken_over(&township).await;
            } else {
                let seen = case.seen_by(&township).await;
                assert_eq!(seen["owner"]["code"], TOWNSHIP);
                assert_eq!(
                    handoff(&seen, |one| one["upstream"] != Value::Null)["state"],
                    "RECALLED"
                );
                case.done(&township, "handOff", json!({})).await;
                case.taken_over(&township).await;
            }
            let line = last_line(&case, &township, "DELIVERY_RESOLVED").await;
            assert_eq!(
                (&line["actorKind"], &line["text"]),
                (&json!("CLERK"), &json!("电话核实"))
            );
        }
        app.stop(world).await;
    }
);

story!(a_notice_settles_what_was_uncertain, async |world| {
    let county = County::open().await;
    let mut config = county.upstream();
    config.idempotency = Idempotency::None;
    let app = county.gateway_with(world, &[], vec![config]).await;
    app.expect_error("on purpose");
    county
        .department
        .told(json!({ "mode": "accept-then-reset", "times": 1 }))
        .await;
    let case = offered_to_county(&app).await;
    case.taken_over(&app.clerk(TOWNSHIP)).await;
    until("nobody need resolve it", PATIENCE, async || {
        let delivery = beside_its_handoff(&case, &app.clerk(TOWNSHIP)).await;
        delivery["state"] == "DELIVERED" && delivery["availableActions"] == json!([])
    })
    .await;
    app.stop(world).await;
});

story!(
    a_notice_that_comes_before_the_doubt_settles_it_too,
    async |world| {
        let county = County::open().await;
        let mut config = county.upstream();
        config.idempotency = Idempotency::None;
        let app = county.gateway_with(world, &[], vec![config]).await;
        app.expect_error("on purpose");
        county
            .department
            .told(json!({ "mode": "accept-then-reset", "times": 1 }))
            .await;
        // the system's notice is heard while its broken connection is not yet noticed
        fail::cfg("delivery.sent", "1*sleep(2000)").unwrap();
        let case = offered_to_county(&app).await;
        case.taken_over(&app.clerk(TOWNSHIP)).await;
        until("nobody need resolve it", PATIENCE, async || {
            let delivery = beside_its_handoff(&case, &app.clerk(TOWNSHIP)).await;
            delivery["state"] == "DELIVERED" && delivery["availableActions"] == json!([])
        })
        .await;
        fail::remove("delivery.sent");
        app.stop(world).await;
    }
);

story!(
    an_administrator_sends_again_without_seeing_the_case,
    async |world| {
        let county = County::open().await;
        let few = [("ONEDOOR__OUTBOX__ATTEMPTS_MAX", "2")];
        let app = county.gateway_with(world, &few, vec![county.upstream()]).await;
        let case = given_up(&county, &app).await;
        let dead = beside_its_handoff(&case, &app.clerk(TOWNSHIP)).await;
        let admin = app.anybody().bearing(&app.actors.admin());
        let payload = redeliver(&admin, &dead, Uuid::now_v7()).await;
        assert_eq!(
            (&payload["userErrors"], &payload["case"]),
            (&json!([]), &Value::Null)
        );
        case.delivery_becomes(&app, "DELIVERED", 3).await;
        let line = last_line(&case, &app.clerk(STATION), "DELIVERY_RESOLVED").await;
        assert_eq!(line["actorKind"], "SYSTEM_ADMIN");
        let auditor = app.anybody().bearing(&app.actors.auditor());
        let told = auditor
            .data(
                "{ auditLog(filter: { action: [DELIVERY_REDELIVERED] }) { nodes { actorKind object outcome } } }",
                json!({}),
            )
            .await;
        let entry = json!({ "actorKind": "SYSTEM_ADMIN", "object": dead["id"], "outcome": "DONE" });
        assert_eq!(
            told["auditLog"]["nodes"],
            json!([entry]),
            "once, in the act's own transaction"
        );
        app.stop(world).await;
    }
);
