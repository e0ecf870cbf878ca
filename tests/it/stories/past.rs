//! Past handlers keep their own part, read-only, and no way tells them how a case went on (DOMAIN §7, P25).

use serde_json::{Value, json};
use uuid::Uuid;

use super::kit::{
    CASE, CIVIL_AFFAIRS, COUNTY, Case, County, STATION, TOWNSHIP, act, codes, funeral, handoff, submit,
};
use crate::harness::app::TestApp;
use crate::harness::events::{Events, Said};
use crate::harness::gql::Gql;
use crate::harness::people::FARMER;
use crate::harness::story::story;

/// The city, whose supervisor stands above the county.
const CITY: &str = "340300000000";

/// Everything that could tell how a case goes on.
const ALL_OF_IT: &str = "query($id: ID!) { node(id: $id) { ...A } } fragment A on Case {
    ...C backAndForth due: dueAt card owedMaterials { material } supplements { materials broughtAt }
    cards { id rung state } supervisionOrders { id answeredAt } clocks { state dueAt remaining isOverdue }
    handoffs { state closedAt acknowledgedAt opinion deliveries { id state } evaluations { grade } }
    handoffTimeline { __typename } availableHandoffKinds evaluation { grade } extendedByWorkingDays }";

const REASONS: &str = "不符合丧葬补助的条件，死者已享受同类补助";

/// Lists and counts that narrow by what changes, of which a past part must be in none.
const PRESENT: &str = "query($county: ID!, $own: ID!) {
    decided: cases(filter: { status: [DECIDED, COMPLETED, DELIVERED] }) { totalCount nodes { id } }
    open: cases(filter: { status: [SUBMITTED, ACCEPTED, IN_REVIEW] }) { totalCount nodes { id } }
    held: cases(filter: { owner: $county }) { totalCount nodes { id } }
    due: cases(orderBy: { field: DUE_AT, direction: ASCENDING }) { totalCount nodes { id } }
    late: cases(filter: { late: true }) { totalCount nodes { id } }
    soon: cases(filter: { dueFrom: \"2000-01-01T00:00:00Z\" }) { totalCount nodes { id } }
    carded: cases(filter: { card: [WARNING, YELLOW, RED_1, RED_2, RED_3] }) { totalCount nodes { id } }
    cards(filter: { state: [RAISED, APPEALED, CANCELLED] }) { totalCount nodes { id } }
    board: handoffs { counts { state count late } page { nodes { id } } }
    sent: handoffs(filter: { sender: $own, state: [OFFERED, ACKNOWLEDGED, DONE, REFUSED, RECALLED] }) {
        counts { state count late } page { nodes { id } } }
    late2: handoffs(filter: { sender: $own, late: true }) { counts { count } page { nodes { id } } }
    deliveries { nodes { id } } }";

async fn id_of(app: &TestApp, code: &str) -> Value {
    let document = "query($code: String!) { organization(by: { code: $code }) { id } }";
    let data = app.anybody().data(document, json!({ "code": code })).await;
    data["organization"]["id"].clone()
}

async fn all_of_it(who: &Gql, case: &Case) -> Value {
    let document = format!("{ALL_OF_IT} {CASE}");
    who.data(&document, json!({ "id": case.id })).await["node"].clone()
}

/// A case that the township handed on and the county's civil affairs signed for.
async fn handed_on(app: &TestApp, county: &County) -> Case {
    let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
    county.seconds_later(60);
    case.done(&app.clerk(TOWNSHIP), "acceptCase", json!({ "advance": true }))
        .await;
    county.seconds_later(60);
    case.signed_for(&app.officer(CIVIL_AFFAIRS)).await;
    county.seconds_later(60);
    case
}

/// What happens at the county: the denial with all that leads to it, the delivery, a bad grade.
async fn goes_on(app: &TestApp, county: &County, case: &Case) {
    is_denied(app, county, case).await;
    case.done(&app.officer(CIVIL_AFFAIRS), "deliverResult", json!({}))
        .await;
    county.seconds_later(60);
    let grade = json!({
        "credential": { "trackingCode": case.tracking_code, "secret": case.secret },
        "idempotencyKey": Uuid::now_v7(), "grade": "DISSATISFIED", "comment": "不满意",
    });
    let graded = act(&app.anybody(), "evaluateCase", grade).await;
    assert_eq!(graded["userErrors"], json!([]));
}

/// An order, the denial, a card by hand.
async fn is_denied(app: &TestApp, county: &County, case: &Case) {
    let supervisor = app.supervisor(COUNTY);
    let order = json!({ "text": "请说明进展", "limit": { "value": 3, "unit": "WORKING_DAY" } });
    case.done(&supervisor, "issueSupervisionOrder", order).await;
    county.seconds_later(7_200);
    let officer = app.officer(CIVIL_AFFAIRS);
    let denial = json!({ "decision": "DENIED", "reasons": REASONS, "remedy": "可依法申请行政复议" });
    case.done(&officer, "decideCase", denial).await;
    county.seconds_later(60);
    let card = json!({
        "to": id_of(app, CIVIL_AFFAIRS).await, "reason": "NO_REASON", "text": "理由不充分",
    });
    case.done(&app.supervisor(CITY), "issueCard", card).await;
    county.seconds_later(60);
}

story!(
    what_came_after_its_own_part_reaches_a_past_handler_on_no_way,
    async |world| {
        let county = County::open().await;
        let ticks = [("ONEDOOR__WEBSOCKET__PING_INTERVAL_MS", "300")];
        let app = county.gateway_with(world, &ticks, vec![county.upstream()]).await;
        let case = handed_on(&app, &county).await;
        let township = app.clerk(TOWNSHIP);
        let part = all_of_it(&township, &case).await;
        assert_eq!(
            part["owner"]["code"], CIVIL_AFFAIRS,
            "it learns to whom the case went"
        );
        assert_eq!(part["decision"], Value::Null);
        let started = "{ changesSince { cursor } }";
        let cursor = township.data(started, json!({})).await["changesSince"]["cursor"].clone();
        let mut streams = Vec::new();
        for document in [
            "subscription($id: ID!, $after: String) { caseChanged(id: $id, after: $after) { case { status } } }",
            "subscription($after: String) { handoffsChanged(after: $after) { case { status } } }",
        ] {
            let mut variables = json!({ "after": cursor });
            if document.contains("$id") {
                variables["id"] = json!(case.id);
            }
            let mut events = Events::open(&township, document, variables).await;
            assert_eq!(events.next().await, Said::Ping);
            streams.push(events);
        }

        goes_on(&app, &county, &case).await;

        let holder = all_of_it(&app.officer(CIVIL_AFFAIRS), &case).await;
        assert_eq!(
            (&holder["status"], &holder["decision"]),
            (&json!("DELIVERED"), &json!("DENIED"))
        );
        assert!(holder.to_string().contains(REASONS));
        assert_eq!(
            all_of_it(&township, &case).await,
            part,
            "the same, whatever came later"
        );
        let listed = "{ cases { totalCount nodes { id status decision } } }";
        let listed = township.data(listed, json!({})).await;
        assert_eq!(
            listed["cases"],
            json!({ "totalCount": 1, "nodes": [{ "id": case.id, "status": part["status"], "decision": null }] }),
            "it stays in the list, as it was"
        );
        let ids = json!({ "county": id_of(&app, CIVIL_AFFAIRS).await, "own": id_of(&app, TOWNSHIP).await });
        let present = township.data(PRESENT, ids.clone()).await;
        for (list, found) in present.as_object().unwrap() {
            let nodes = found.pointer("/nodes").or(found.pointer("/page/nodes")).unwrap();
            let counts = (&found["totalCount"], &found["counts"]);
            let nothing =
                counts.0.as_u64().unwrap_or_default() == 0 && counts.1.as_array().is_none_or(Vec::is_empty);
            assert!(*nodes == json!([]) && nothing, "{list}: {found}");
        }
        let news = "query($after: String) { changesSince(after: $after) { changes { case { id } } } }";
        let news = township.data(news, json!({ "after": cursor })).await;
        assert_eq!(news["changesSince"]["changes"], json!([]));
        for events in &mut streams {
            assert_eq!(events.through_pauses(3).await, Vec::<Value>::new());
        }

        // whoever holds it to its end finds it by its end
        let present = app.officer(CIVIL_AFFAIRS).data(PRESENT, ids).await;
        assert_eq!(present["decided"]["totalCount"], 1);
        drop(streams);
        app.stop(world).await;
    }
);

story!(
    a_past_handler_acts_no_more_and_no_refusal_tells_the_state,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let case = handed_on(&app, &county).await;
        let signed = case.seen_by(&app.clerk(TOWNSHIP)).await;
        let own = handoff(&signed, |one| one["to"]["code"] == TOWNSHIP);
        let on = handoff(&signed, |one| one["to"]["code"] == CIVIL_AFFAIRS);
        let refused = async || {
            let officer = app.officer(TOWNSHIP);
            let mut told = Vec::new();
            for (mutation, more) in [
                ("acceptCase", json!({})),
                ("handOff", json!({})),
                ("decideCase", json!({ "decision": "GRANTED" })),
                ("requestSupplement", json!({ "text": "t" })),
                ("deliverResult", json!({})),
                ("recallHandoff", json!({ "handoff": on["id"] })),
                ("acknowledgeHandoff", json!({ "handoff": own["id"] })),
                ("finishHandoff", json!({ "handoff": own["id"] })),
                (
                    "appealCard",
                    json!({ "card": format!("card_{}", Uuid::now_v7().simple()), "reason": "r" }),
                ),
                (
                    "answerSupervisionOrder",
                    json!({ "order": format!("order_{}", Uuid::now_v7().simple()), "text": "t" }),
                ),
            ] {
                let payload = act(&officer, mutation, case.input(&json!(1), more)).await;
                assert_ne!(payload["userErrors"], json!([]), "{mutation}");
                told.push(payload);
            }
            told
        };
        let before = refused().await;
        let codes_before: Vec<_> = before.iter().flat_map(|payload| codes(payload)).collect();
        assert!(
            codes_before.iter().all(|code| *code == "WRONG_ORGANIZATION"),
            "{before:?}"
        );
        goes_on(&app, &county, &case).await;
        assert_eq!(
            refused().await,
            before,
            "the same words, whatever became of the case"
        );
        app.stop(world).await;
    }
);

story!(a_past_handler_answers_for_its_own_part_still, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let case = handed_on(&app, &county).await;
    is_denied(&app, &county, &case).await;
    let township = app.officer(TOWNSHIP);
    let part = all_of_it(&township, &case).await;

    // an order and a card about its own time, long after
    let own = id_of(&app, TOWNSHIP).await;
    let supervisor = app.supervisor(COUNTY);
    let order =
        json!({ "to": own, "text": "请说明为何受理", "limit": { "value": 3, "unit": "WORKING_DAY" } });
    case.done(&supervisor, "issueSupervisionOrder", order).await;
    county.seconds_later(60);
    let seen = all_of_it(&township, &case).await;
    assert_eq!(
        seen["supervisionOrders"].as_array().unwrap().len(),
        1,
        "its own, not the county's"
    );
    assert_eq!(seen["status"], part["status"]);
    let lines = seen["timeline"].as_array().unwrap();
    assert!(lines.iter().any(|line| line["text"] == "请说明为何受理"));
    assert!(!seen.to_string().contains(REASONS));
    let answer = json!({ "order": seen["supervisionOrders"][0]["id"], "text": "材料齐全" });
    let answered = case.done(&township, "answerSupervisionOrder", answer).await;
    assert_eq!(
        (&answered["status"], &answered["decision"]),
        (&part["status"], &Value::Null),
        "nor by the answer"
    );
    assert!(!answered.to_string().contains(REASONS));

    let handed = handoff(&seen, |one| one["to"]["code"] == TOWNSHIP);
    let input = json!({
        "case": case.id, "handoff": handed["id"], "idempotencyKey": Uuid::now_v7(), "grade": "SATISFIED",
    });
    let graded = act(&township, "evaluateHandoff", input).await;
    assert_eq!(graded["userErrors"], json!([]));
    assert_eq!(graded["case"]["decision"], Value::Null);
    app.stop(world).await;
});
