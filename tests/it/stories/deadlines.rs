//! What follows when a day passes: silence accepts, a supplement lapses, owed papers are missed.

use serde_json::{Value, json};

use super::clocks::{cards_of, raised};
use super::kit::{
    COUNTY, Case, County, HUMAN_RESOURCES, STATION, TOWNSHIP, VILLAGE, act, application, clock, codes,
    events, funeral, submit,
};
use crate::harness::app::TestApp;
use crate::harness::people::FARMER;
use crate::harness::story::story;
use crate::harness::world::World;

/// Clocks are looked at often, so that a story need not wait.
const OFTEN: &[(&str, &str)] = &[("ONEDOOR__WORKER__CLOCKS_TICK_MS", "20")];
async fn open(county: &County, world: &World) -> TestApp {
    county.gateway_with(world, OFTEN, vec![county.upstream()]).await
}

/// A licence that nobody has answered yet, and the office that has to.
async fn licence(app: &TestApp) -> (Case, String) {
    let items = super::every_item::items(app).await;
    let item = items
        .iter()
        .find(|item| item["code"] == "road-excavation")
        .unwrap();
    let case = submit(&app.kiosk(STATION), super::every_item::application(item)).await;
    let auditor = app.anybody().bearing(&app.actors.auditor());
    let seen = case.seen_by(&auditor).await;
    let asked = clock(&seen, "ACCEPTANCE");
    assert_eq!(asked["state"], "RUNNING", "{seen}");
    let office = seen["nextStep"]["organization"]["code"].as_str().unwrap();
    (case, office.to_owned())
}

/// The line of an event, the last one.
fn line(case: &Value, event: &str) -> Value {
    let lines = case["timeline"].as_array().unwrap();
    let found = lines.iter().rev().find(|line| line["event"] == event);
    found.unwrap_or_else(|| panic!("{event} of {lines:?}")).clone()
}

story!(
    silence_accepts_a_licence_after_a_warning_and_the_law_runs_from_the_offer,
    async |world| {
        let county = County::open().await;
        let app = open(&county, world).await;
        let (case, office) = licence(&app).await;
        let desk = || app.clerk(&office);
        let due = clock(&case.seen_by(&desk()).await, "ACCEPTANCE")["dueDate"].clone();
        assert_eq!(due, "2026-03-09", "five working days after Monday 2026-03-02");
        // Friday 2026-03-06: one working day remains
        county.days_later(4);
        let warning = raised(&case, &desk(), "ACCEPTANCE", "WARNING").await;
        assert_eq!(warning["holder"]["code"], office.as_str());
        assert_eq!(
            case.seen_by(&desk()).await["status"],
            "SUBMITTED",
            "warned before"
        );
        // Monday's evening is still in time, Tuesday's first instant is not
        county.days_later(3);
        assert_eq!(case.seen_by(&desk()).await["status"], "SUBMITTED");
        county.days_later(1);
        let accepted = case.becomes("ACCEPTED", &desk()).await;
        let deemed = line(&accepted, "DEEMED_ACCEPTED");
        assert_eq!(deemed["actorKind"], "SYSTEM");
        assert_eq!(accepted["acceptedAt"], accepted["submittedAt"], "from the offer");
        assert_eq!(
            accepted["owner"]["code"],
            office.as_str(),
            "the offer counts as signed for"
        );
        assert_eq!(clock(&accepted, "ACCEPTANCE")["state"], "STOPPED");
        let kinds: Vec<_> = accepted["receipts"].as_array().unwrap().iter().collect();
        let receipt = kinds.iter().find(|one| one["kind"] == "ACCEPTANCE").unwrap();
        assert!(receipt["signature"].is_string(), "signed by the gateway");
        assert!(accepted["receipts"].as_array().unwrap().len() == 2);
        let late = case
            .act(
                &desk(),
                "declineCase",
                json!({ "ground": "REFUSED", "reasons": "超出范围", "remedy": "可以申请行政复议" }),
            )
            .await;
        assert_eq!(codes(&late), ["ILLEGAL_ACT"], "never undone");
        app.stop(world).await;
    }
);

story!(
    a_supplement_that_does_not_come_lets_the_case_lapse,
    async |world| {
        let county = County::open().await;
        let app = open(&county, world).await;
        let township = app.clerk(TOWNSHIP);
        let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
        let ask = json!({ "materials": ["death"], "text": "死亡证明不清晰" });
        let asked = case.done(&township, "requestSupplement", ask).await;
        let due = clock(&asked, "SUPPLEMENT");
        assert_eq!(
            due["dueDate"], "2026-04-14",
            "thirty working days, over the Qingming holiday"
        );
        county.days_later(43);
        let anybody = app.anybody();
        assert_eq!(
            case.tracked(&anybody).await["status"],
            "AWAITING_SUPPLEMENT",
            "the last day counts"
        );
        county.days_later(1);
        let lapsed = case.becomes("LAPSED", &app.clerk(TOWNSHIP)).await;
        assert_eq!(
            (&lapsed["owner"], &line(&lapsed, "LAPSED")["actorKind"]),
            (&Value::Null, &json!("SYSTEM"))
        );
        let tracked = case.tracked(&anybody).await;
        assert_eq!(tracked["availableActions"], json!([]));
        let clocks = tracked["clocks"].as_array().unwrap();
        assert!(
            clocks.iter().all(|clock| clock["state"] == "STOPPED"),
            "{clocks:?}"
        );
        let bring = json!({
            "credential": { "trackingCode": case.tracking_code, "secret": case.secret },
            "expectedVersion": tracked["version"], "idempotencyKey": uuid::Uuid::now_v7(),
            "materials": [{ "code": "death", "trust": "C" }],
        });
        assert_eq!(
            codes(&act(&anybody, "supplementCase", bring).await),
            ["ILLEGAL_ACT"]
        );
        app.stop(world).await;
    }
);

story!(
    owed_papers_that_are_missed_raise_a_card_and_propose_a_denial,
    async |world| {
        let county = County::open().await;
        // nobody's system: people of the county decide
        let app = county.gateway_with(world, OFTEN, Vec::new()).await;
        let township = app.clerk(TOWNSHIP);
        let form = json!({ "hukou": VILLAGE, "level": "200" });
        let paper = application("pension-enroll", &FARMER, form, &["id", "hk"]);
        let case = submit(&app.kiosk(STATION), paper).await;
        let owing = json!({ "advance": true, "owed": [{ "material": "bankc", "due": "2026-03-03" }] });
        case.done(&township, "acceptCase", owing).await;
        let officer = || app.officer(HUMAN_RESOURCES);
        case.signed_for(&officer()).await;
        let early = case
            .act(&officer(), "decideCase", json!({ "decision": "GRANTED" }))
            .await;
        assert_eq!(codes(&early), ["ILLEGAL_ACT"], "a grant waits for what is owed");
        county.days_later(2);
        let missed = case
            .comes_to(&officer(), "the day has passed", |case| {
                events(case).contains(&"OWED_MISSED".to_owned())
            })
            .await;
        assert_eq!(missed["status"], "IN_REVIEW", "a denial is proposed, not made");
        let card = raised(&case, &officer(), "OWED", "YELLOW").await;
        assert_eq!(card["holder"]["code"], HUMAN_RESOURCES);
        assert_eq!(cards_of(&case, &app.supervisor(COUNTY)).await["card"], "YELLOW");
        let denied = json!({
            "decision": "DENIED", "reasons": "容缺材料逾期未补", "remedy": "六十日内可以申请行政复议",
        });
        let decided = case.done(&officer(), "decideCase", denied).await;
        assert_eq!(decided["decision"], "DENIED");
        assert_eq!(clock(&decided, "OWED")["state"], "STOPPED");
        app.stop(world).await;
    }
);
