//! The things of a foreign case (handoffs, cards, orders, deliveries, receipts, drafts) answer as ones that do not exist,
//! also inside a case that one may act on (P25).

use serde_json::{Value, json};
use uuid::Uuid;

use super::visibility::shown;
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::people::NEIGHBOUR;
use crate::harness::story::story;
use crate::stories::kit::{
    CIVIL_AFFAIRS, COUNTY, Case, County, STATION, TOWNSHIP, funeral, offered_to_county, submit,
};

/// Acts that name a thing: mutation, what names the thing, its prefix, the rest of the input.
const ACTS: &[(&str, &str, &str, &str)] = &[
    ("acknowledgeHandoff", "handoff", "handoff", ""),
    (
        "refuseHandoff",
        "handoff",
        "handoff",
        r#"reason: DUPLICATE, text: "t""#,
    ),
    ("recallHandoff", "handoff", "handoff", ""),
    ("finishHandoff", "handoff", "handoff", ""),
    ("evaluateHandoff", "handoff", "handoff", "grade: SATISFIED"),
    ("appealCard", "card", "card", r#"reason: "r""#),
    ("cancelCard", "card", "card", r#"reason: "r""#),
    ("answerSupervisionOrder", "order", "order", r#"text: "t""#),
    ("redeliver", "delivery", "delivery", ""),
    (
        "resolveUncertainDelivery",
        "delivery",
        "delivery",
        "resolution: NOT_TAKEN",
    ),
];

/// The keys of the things of a case.
struct Things {
    case: String,
    version: i64,
    handoff: String,
    card: String,
    order: String,
    delivery: String,
    receipt: String,
}

impl Things {
    async fn of(app: &TestApp, case: &Case) -> Self {
        let supervisor = app.supervisor(COUNTY);
        let document = "query($id: ID!) { case(by: { id: $id }) {
            version handoffs { id } cards { id } supervisionOrders { id } receipts { id } } }";
        let seen = supervisor.data(document, json!({ "id": case.id })).await["case"].clone();
        let last = |list: &str| {
            let ids = seen[list].as_array().unwrap();
            ids.last().unwrap()["id"].as_str().unwrap().to_owned()
        };
        Self {
            case: case.id.clone(),
            version: seen["version"].as_i64().unwrap(),
            handoff: last("handoffs"),
            card: last("cards"),
            order: last("supervisionOrders"),
            receipt: last("receipts"),
            delivery: case.deliveries(app).await[0]["id"].as_str().unwrap().to_owned(),
        }
    }

    fn of_nothing(like: &Self) -> Self {
        let fresh = |id: &str| {
            let (prefix, _) = id.split_once('_').unwrap();
            format!("{prefix}_{}", Uuid::now_v7().simple())
        };
        Self {
            case: fresh(&like.case),
            version: like.version,
            handoff: fresh(&like.handoff),
            card: fresh(&like.card),
            order: fresh(&like.order),
            delivery: fresh(&like.delivery),
            receipt: fresh(&like.receipt),
        }
    }

    fn named(&self, kind: &str) -> &str {
        match kind {
            "handoff" => &self.handoff,
            "card" => &self.card,
            "order" => &self.order,
            _ => &self.delivery,
        }
    }
}

/// What somebody is told who does an act on a thing, within a case.
async fn told(who: &Gql, act: &(&str, &str, &str, &str), case: (&str, i64), thing: &str) -> (u16, Value) {
    let (mutation, names, kind, more) = act;
    let within = match *kind {
        "delivery" => String::new(),
        _ => format!(r#"case: "{}", "#, case.0),
    };
    let version = match *mutation {
        "evaluateHandoff" => String::new(),
        _ => format!("expectedVersion: {}, ", case.1),
    };
    let document = format!(
        r#"mutation {{ {mutation}(input: {{ {within}{names}: "{thing}", {version}idempotencyKey: "{}" {more} }}) {{
            userErrors {{ code message field currentVersion }} }} }}"#,
        Uuid::now_v7()
    );
    shown(&who.ask(&document, json!({})).await)
}

story!(
    things_of_a_foreign_case_answer_as_ones_that_are_not_there,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let foreign = offered_to_county(&app).await;
        foreign.taken_over(&app.clerk(TOWNSHIP)).await;
        let supervisor = app.supervisor(COUNTY);
        let order = json!({ "text": "请说明", "limit": { "value": 3, "unit": "WORKING_DAY" } });
        foreign.done(&supervisor, "issueSupervisionOrder", order).await;
        let document = "query($code: String!) { organization(by: { code: $code }) { id } }";
        let township = app.anybody().data(document, json!({ "code": TOWNSHIP })).await;
        let card =
            json!({ "to": township["organization"]["id"], "reason": "NO_REASON", "text": "理由不充分" });
        foreign.done(&supervisor, "issueCard", card).await;
        let things = Things::of(&app, &foreign).await;
        let nothing = Things::of_nothing(&things);

        // an office with a case of its own, and no part in the other
        let own = submit(&app.kiosk(STATION), funeral(&NEIGHBOUR)).await;
        own.done(&app.clerk(TOWNSHIP), "acceptCase", json!({ "advance": true }))
            .await;
        let office = app.officer(CIVIL_AFFAIRS);
        own.signed_for(&office).await;
        let version = own.seen_by(&office).await["version"].as_i64().unwrap();
        for act in ACTS {
            for who in [&office, &app.supervisor("340322000000"), &app.anybody()] {
                let within_own = [&things, &nothing].map(|keys| keys.named(act.2).to_owned());
                let first = told(who, act, (&own.id, version), &within_own[0]).await;
                let second = told(who, act, (&own.id, version), &within_own[1]).await;
                assert_eq!(first, second, "{} within its own case", act.0);
                let there = told(who, act, (&things.case, things.version), things.named(act.2)).await;
                let absent = told(who, act, (&nothing.case, nothing.version), nothing.named(act.2)).await;
                assert_eq!(there, absent, "{}", act.0);
            }
        }
        // ids of things that are no nodes name nothing, to their own office too
        let node = "query($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }";
        for id in [
            &things.handoff,
            &things.card,
            &things.order,
            &things.delivery,
            &things.receipt,
        ] {
            for who in [&office, &app.officer(TOWNSHIP), &app.anybody()] {
                let found = who.data(node, json!({ "id": id })).await;
                assert_eq!(found, json!({ "node": null, "nodes": [null] }), "{id}");
            }
        }
        app.stop(world).await;
    }
);
