//! A system that noted a case (202) and does not report until the work is due: where it cannot be asked, people see it, and
//! its silence changes nothing.

use onedoor::config::fault::Origin;
use onedoor::upstream::config::UpstreamConfig;
use serde_json::{Value, json};

use super::kit::{COUNTY, Case, County, OTHER_TOWNSHIP, TOWNSHIP, events, handoff, offered_to_county};
use crate::harness::app::TestApp;
use crate::harness::gql::{Gql, http_client};
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};
use crate::upstreams::raw::RawServer;

/// A system that takes cases over and can neither be asked nor polled.
fn unaskable(url: &str) -> UpstreamConfig {
    let text = format!(
        r#"
        name = "sandbox"
        title_zh = "县人社局（不可查询）"
        title_en = "County HR (cannot be asked)"
        protocol = "template"
        base_url = "{url}"
        roles = ["county.human-resources"]
        operator_contact = "人社局信息中心 0552-0000009"
        idempotency = "none"
        allow_addresses = ["127.0.0.1"]
        [callback]
        style = "address"
        addresses = ["127.0.0.1"]
        [options]
        number_is_ours = true
        [options.read]
        our_reference = "$.ref"
        status = "$.state"
        version = "$.seq"
        event_id = "$.event"
        [options.statuses]
        "RECEIVED" = ["RECEIVED"]
        "GRANTED" = ["GRANTED", "COMPLETED"]
        [options.operations.submit]
        path = "/take"
        body = """{{ "ref": {{{{ case.case_number }}}} }}"""
        [options.notice]
        "#
    );
    UpstreamConfig::parse(&text, &Origin::Default).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// The delivery of the case, as somebody sees it beside its handoff.
async fn delivery(case: &Case, who: &Gql) -> Value {
    let document = "query($id: ID!) { case(by: { id: $id }) { handoffs { upstream dueAt
        deliveries { state stateText reason reportDueAt availableActions operatorContact } } } }";
    let seen = who.data(document, json!({ "id": case.id })).await["case"].clone();
    let bound = handoff(&seen, |one| one["upstream"] != Value::Null);
    let mut delivery = bound["deliveries"][0].clone();
    delivery["workDueAt"] = bound["dueAt"].clone();
    delivery
}

/// What somebody's board says of silent systems: how many, and of which cases.
async fn silent(who: &Gql) -> (Value, Vec<Value>) {
    let document = "{ all: handoffs { silent } these: handoffs(filter: { silent: true }) { page { nodes { case { id } } } } }";
    let seen = who.data(document, json!({})).await;
    let nodes = seen["these"]["page"]["nodes"].as_array().unwrap();
    let cases = nodes.iter().map(|node| node["case"]["id"].clone()).collect();
    (seen["all"]["silent"].clone(), cases)
}

async fn reported(app: &TestApp, case: &Case, event: &str, seq: u64, state: &str) -> u16 {
    let notice = json!({ "event": event, "ref": case.reference(), "seq": seq, "state": state });
    let url = format!("http://{}/callbacks/sandbox", app.addr());
    let told = http_client().post(url).body(notice.to_string()).send().await;
    told.unwrap().status().as_u16()
}

async fn counted(app: &TestApp, count: u32) {
    let url = format!("http://{}/metrics", app.addr());
    let line = format!("onedoor_upstream_reports_overdue{{upstream=\"sandbox\"}} {count}");
    until("the gauge tells how many are silent", PATIENCE, async || {
        let scrape = http_client()
            .get(&url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        scrape.lines().any(|one| one == line)
    })
    .await;
}

story!(
    a_promised_report_that_does_not_come_is_on_the_board_and_changes_nothing,
    async |world| {
        let county = County::open().await;
        let system = RawServer::answering("202 Accepted", "{}").await;
        let app = county
            .gateway_with(world, &[], vec![unaskable(&system.url())])
            .await;
        let case = offered_to_county(&app).await;
        let clerk = app.clerk(TOWNSHIP);
        case.taken_over(&clerk).await;
        // a receipt is not the report that was promised
        assert_eq!(reported(&app, &case, "one", 1, "RECEIVED").await / 100, 2);
        let waiting = delivery(&case, &clerk).await;
        assert_eq!(
            (&waiting["state"], &waiting["reason"]),
            (&json!("DELIVERED"), &json!("AWAITS_CALLBACK")),
            "{waiting}"
        );
        assert!(waiting["reportDueAt"].is_string(), "{waiting}");
        assert_eq!(waiting["reportDueAt"], waiting["workDueAt"]);
        assert_eq!(silent(&clerk).await, (json!(0), vec![]));

        county.days_later(40);
        let clerk = app.clerk(TOWNSHIP);
        let overdue = delivery(&case, &clerk).await;
        assert_eq!(
            (
                &overdue["state"],
                &overdue["reason"],
                &overdue["availableActions"]
            ),
            (&json!("DELIVERED"), &json!("CALLBACK_OVERDUE"), &json!([])),
            "there is nothing to send again: {overdue}"
        );
        assert!(
            overdue["stateText"].as_str().unwrap().contains("逾期未回告"),
            "{overdue}"
        );
        assert_eq!(overdue["operatorContact"], "人社局信息中心 0552-0000009");
        for who in [&clerk, &app.supervisor(COUNTY)] {
            assert_eq!(silent(who).await, (json!(1), vec![json!(case.id)]));
        }
        assert_eq!(silent(&app.clerk(OTHER_TOWNSHIP)).await, (json!(0), vec![]));
        let admin = app.anybody().bearing(&app.actors.admin());
        let seen = admin.data("{ upstreams { silent } }", json!({})).await;
        assert_eq!(seen["upstreams"], json!([{ "silent": 1 }]));
        counted(&app, 1).await;
        let seen = case.seen_by(&clerk).await;
        assert_eq!(seen["status"], "IN_REVIEW", "silence changes no state");
        assert_eq!(system.requests().len(), 1, "and nothing is sent twice");

        // the report comes after all
        assert_eq!(reported(&app, &case, "two", 2, "GRANTED").await / 100, 2);
        let seen = case.becomes("COMPLETED", &clerk).await;
        assert!(events(&seen).contains(&"DECIDED".to_owned()));
        let ended = delivery(&case, &clerk).await;
        assert_eq!(
            (&ended["state"], &ended["reason"], &ended["reportDueAt"]),
            (&json!("DELIVERED"), &Value::Null, &Value::Null)
        );
        assert_eq!(silent(&clerk).await, (json!(0), vec![]));
        app.stop(world).await;
    }
);
