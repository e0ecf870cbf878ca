//! 受理信息联动: acceptance on either side appears on the other, within one delivery, one callback or one poll, and a case is
//! found by the number of either side.

use std::time::Duration;

use onedoor::upstream::config::UpstreamConfig;
use onedoor::upstream::config::notify::{NotifyCases, NotifyConfig};
use onedoor::upstream::config::poll::PollConfig;
use onedoor_domain::notice::NoticeKind;
use serde_json::{Value, json};

use super::kit::{
    Case, County, HUMAN_RESOURCES, STATION, TOWNSHIP, events, funeral, offered_to_county, pension, submit,
};
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::people::FARMER;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, eventually, until};

/// The county's system, which is told of these.
fn told_of(county: &County, events: &[NoticeKind]) -> UpstreamConfig {
    let mut config = county.upstream();
    config.notify = Some(NotifyConfig {
        events: events.iter().copied().collect(),
        cases: NotifyCases::Handed,
        divisions: Vec::new(),
        items: Vec::new(),
        roles: Vec::new(),
    });
    config
}

/// The application of a case at the county.
async fn at_the_county(county: &County, case: &Case) -> Value {
    let all = county.department.applications().await;
    let of_case = all.into_iter().find(|one| one["our_ref"] == case.reference());
    of_case.unwrap_or(Value::Null)
}

/// What the county was told of a case, in order.
async fn told(county: &County, case: &Case) -> Vec<String> {
    let application = at_the_county(county, case).await;
    let notices = application["notices"].as_array().cloned().unwrap_or_default();
    notices
        .iter()
        .map(|one| one["kind"].as_str().unwrap().to_owned())
        .collect()
}

async fn found_by_number(who: &Gql, number: &Value) -> Value {
    let document = "query($number: String!) { cases(filter: { externalNumber: $number }) { nodes { id } } }";
    who.data(document, json!({ "number": number })).await["cases"]["nodes"].clone()
}

async fn office(who: &Gql, code: &str) -> Value {
    let document = "query($code: String!) { organization(by: { code: $code }) { id } }";
    who.data(document, json!({ "code": code })).await["organization"]["id"].clone()
}

/// Whether somebody's view of the case has its acceptance.
fn is_accepted(case: &Value) -> bool {
    case["acceptedAt"] != Value::Null
}

async fn deliveries(app: &TestApp, case: &Case, operation: &str) -> Vec<Value> {
    let mut all = case.deliveries(app).await;
    all.retain(|one| one["operation"] == operation);
    all
}

story!(
    our_acceptance_appears_in_the_journal_of_the_system_beside_it,
    async |world| {
        let county = County::open().await;
        let configs = vec![told_of(&county, &[NoticeKind::Accepted, NoticeKind::Decided])];
        let app = county.gateway_with(world, &[], configs).await;
        let case = offered_to_county(&app).await;
        let township = app.clerk(TOWNSHIP);
        let seen = case.taken_over(&township).await;
        until("our acceptance is there", PATIENCE, async || {
            told(&county, &case).await == ["ACCEPTED"]
        })
        .await;
        let [delivery] = &deliveries(&app, &case, "NOTIFY").await[..] else {
            panic!("one notice")
        };
        assert_eq!(
            (&delivery["state"], &delivery["attempts"]),
            (&json!("DELIVERED"), &json!(1))
        );
        let requests = county.department.requests().await;
        let did: Vec<&Value> = requests.iter().map(|one| &one["did"]).collect();
        assert_eq!(
            did,
            ["accepted", "noticed"],
            "behind the handoff that brought the case"
        );
        assert_eq!(requests[1]["our_ref"], case.reference());

        // it is told of no word of its own
        county.decides(&case, "APPROVED", None).await;
        case.becomes("COMPLETED", &township).await;
        app.deliveries_settle(world).await;
        assert_eq!(told(&county, &case).await, ["ACCEPTED"]);

        // and the case is found by the number of either side
        let number = &seen["externalNumbers"][0]["number"];
        assert_eq!(
            found_by_number(&township, number).await,
            json!([{ "id": case.id }])
        );
        assert_eq!(at_the_county(&county, &case).await["serial_no"], *number);
        app.stop(world).await;
    }
);

story!(
    an_acceptance_reaches_the_office_that_was_asked_before_it,
    async |world| {
        let county = County::open().await;
        let events = [NoticeKind::Accepted, NoticeKind::Decided, NoticeKind::HandedOver];
        let app = county
            .gateway_with(world, &[], vec![told_of(&county, &events)])
            .await;
        let township = app.clerk(TOWNSHIP);
        let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
        case.signed_for(&township).await;
        let to = office(&township, HUMAN_RESOURCES).await;
        let ask = json!({ "kind": "CONSULT", "to": to, "reason": "逝者是否参保" });
        case.done(&township, "handOff", ask).await;
        eventually("the county has the question", PATIENCE, async || {
            (at_the_county(&county, &case).await != Value::Null).then_some(())
        })
        .await;
        assert_eq!(
            told(&county, &case).await,
            Vec::<String>::new(),
            "the question tells itself"
        );
        case.done(&township, "acceptCase", json!({})).await;
        until("our acceptance is there", PATIENCE, async || {
            told(&county, &case).await == ["ACCEPTED"]
        })
        .await;
        let notice = at_the_county(&county, &case).await["notices"][0].clone();
        assert!(
            notice["text"].as_str().unwrap().contains("中心"),
            "it names who accepted: {notice}"
        );

        // a case that the county never had is none of its business
        let other = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
        other.done(&township, "acceptCase", json!({})).await;
        assert_eq!(deliveries(&app, &other, "NOTIFY").await, Vec::<Value>::new());
        app.stop(world).await;
    }
);

story!(
    a_lost_answer_to_news_brings_it_again_and_it_counts_once,
    async |world| {
        let county = County::open().await;
        let app = county
            .gateway_with(world, &[], vec![told_of(&county, &[NoticeKind::Accepted])])
            .await;
        app.expect_error("on purpose");
        let township = app.clerk(TOWNSHIP);
        let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
        case.signed_for(&township).await;
        let to = office(&township, HUMAN_RESOURCES).await;
        let ask = json!({ "kind": "CONSULT", "to": to, "reason": "逝者是否参保" });
        case.done(&township, "handOff", ask).await;
        case.comes_to(&township, "the county has its number", |case| {
            case["externalNumbers"][0]["number"].is_string()
        })
        .await;
        county
            .department
            .told(json!({ "mode": "accept-then-reset", "times": 1 }))
            .await;
        case.done(&township, "acceptCase", json!({})).await;
        eventually("the answer was lost", PATIENCE, async || {
            let all = deliveries(&app, &case, "NOTIFY").await;
            (all[0]["state"] == "PENDING" && all[0]["attempts"] == 1).then_some(())
        })
        .await;
        county.seconds_later(301);
        app.deliveries_settle(world).await;
        assert_eq!(told(&county, &case).await, ["ACCEPTED"]);
        let did: Vec<Value> = county.department.requests().await;
        let did: Vec<&Value> = did.iter().map(|one| &one["did"]).collect();
        assert_eq!(did, ["accepted", "noticed", "repeated"]);
        let seen = case.seen_by(&township).await;
        assert!(
            !events(&seen).contains(&"UPSTREAM_TOLD".to_owned()),
            "nothing follows from it"
        );
        app.stop(world).await;
    }
);

story!(their_acceptance_appears_here_within_one_callback, async |world| {
    let county = County::open().await;
    let mut config = told_of(&county, &[NoticeKind::Accepted]);
    config.roles = Vec::new();
    config.organizations = vec![TOWNSHIP.to_owned()];
    let app = county.gateway_with(world, &[], vec![config]).await;
    let case = submit(&app.kiosk(STATION), pension(&FARMER)).await;
    let station = app.officer(STATION);
    case.comes_to(&station, "the township has it", |case| {
        case["owner"]["code"] == TOWNSHIP
    })
    .await;
    county.says(&case, json!({ "kind": "ACCEPTED" })).await;
    case.comes_to(&station, "their acceptance", is_accepted).await;
    until(
        "their receipt and their acceptance, once each",
        PATIENCE,
        async || county.department.callbacks().await.len() == 2,
    )
    .await;
    assert!(
        deliveries(&app, &case, "NOTIFY").await.is_empty(),
        "its own word is not told back"
    );
    app.stop(world).await;
});

story!(their_acceptance_appears_here_within_one_poll, async |world| {
    let county = County::open().await;
    let mut config = county.upstream();
    config.roles = Vec::new();
    config.organizations = vec![TOWNSHIP.to_owned()];
    config.callback = None;
    config.poll = Some(PollConfig {
        every: Duration::from_secs(60),
        pages_max: 20,
    });
    let app = county.gateway_with(world, &[], vec![config]).await;
    let case = submit(&app.kiosk(STATION), pension(&FARMER)).await;
    let station = app.officer(STATION);
    let seen = case
        .comes_to(&station, "the township has it", |case| {
            case["owner"]["code"] == TOWNSHIP
        })
        .await;
    county.says(&case, json!({ "kind": "ACCEPTED" })).await;
    county.seconds_later(61);
    case.comes_to(&station, "their acceptance", is_accepted).await;
    assert!(county.department.callbacks().await.is_empty());
    let number = &seen["externalNumbers"][0]["number"];
    assert_eq!(
        found_by_number(&station, number).await,
        json!([{ "id": case.id }])
    );
    app.stop(world).await;
});
