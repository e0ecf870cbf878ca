//! Acts beside the straight way, over HTTP: supplements, owed papers, refusals, transfers, special procedures, ends.

use serde_json::{Value, json};

use super::kit::{
    CASE, CIVIL_AFFAIRS, COUNTY, Case, County, STATION, TOWNSHIP, act, clock, codes, events, funeral,
    handoff, mutation, submit,
};
use crate::harness::actors::of_role;
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::people::{FARMER, NEIGHBOUR};
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, eventually};
use onedoor::service::identity::claims::Role;
use onedoor::service::identity::demo::TokenRequest;

const POLICE: &str = "340302001000:township.police";

fn approver(app: &TestApp, organization: &str) -> Gql {
    let request = TokenRequest {
        organization: Some(organization.to_owned()),
        approver: true,
        ..of_role(Role::Officer)
    };
    app.anybody().bearing(&app.actors.issue(&request))
}

async fn office(who: &Gql, code: &str) -> Value {
    let document = "query($code: String!) { organization(by: { code: $code }) { id } }";
    who.data(document, json!({ "code": code })).await["organization"]["id"].clone()
}

/// The input of an applicant's act, by code and secret.
async fn by_secret(case: &Case, anybody: &Gql, more: Value) -> Value {
    let version = case.tracked(anybody).await["version"].clone();
    let mut input = case.input(&version, more);
    input.as_object_mut().unwrap().remove("case");
    input["credential"] = json!({ "trackingCode": case.tracking_code, "secret": case.secret });
    input
}

fn brought(codes: &[&str]) -> Value {
    let entry = |code: &&str| json!({ "code": code, "trust": "C" });
    json!({ "materials": codes.iter().map(entry).collect::<Vec<_>>() })
}

fn receipts(case: &Value) -> Vec<&str> {
    let all = case["receipts"].as_array().unwrap().iter();
    all.map(|one| one["kind"].as_str().unwrap()).collect()
}

/// A funeral subsidy that civil affairs reviews.
async fn in_review(app: &TestApp) -> Case {
    let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
    case.done(&app.clerk(TOWNSHIP), "acceptCase", json!({ "advance": true }))
        .await;
    case.signed_for(&app.officer(CIVIL_AFFAIRS)).await;
    case
}

story!(
    a_supplement_is_asked_for_once_before_acceptance_and_brought_by_code_and_secret,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let (township, anybody) = (app.clerk(TOWNSHIP), app.anybody());
        let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
        let empty = case.act(&township, "requestSupplement", json!({})).await;
        assert_eq!(codes(&empty), ["INVALID_FIELD"]);
        let ask = json!({ "materials": ["death", "bankc"], "text": "死亡证明不清晰" });
        let asked = case.done(&township, "requestSupplement", ask.clone()).await;
        assert_eq!(asked["status"], "AWAITING_SUPPLEMENT");
        assert_eq!(asked["nextStep"]["kind"], "SUPPLEMENT");
        assert!(receipts(&asked).contains(&"SUPPLEMENT"));

        let tracked = case.tracked(&anybody).await;
        assert_eq!(
            tracked["availableActions"],
            json!(["SUPPLEMENT_CASE", "WITHDRAW_CASE"])
        );
        let lines = tracked["timeline"].as_array().unwrap();
        let line = lines
            .iter()
            .find(|line| line["event"] == "SUPPLEMENT_REQUESTED")
            .unwrap();
        assert_eq!(line["text"], "死亡证明不清晰", "the applicant is told");

        let half = by_secret(&case, &anybody, brought(&["death"])).await;
        let half = act(&anybody, "supplementCase", half).await;
        assert_eq!(codes(&half), ["MATERIAL_MISSING"]);
        let mut guess = by_secret(&case, &anybody, brought(&["death", "bankc"])).await;
        guess["credential"]["secret"] = json!("AAAAAAAA");
        let answer = anybody
            .ask(&mutation("supplementCase"), json!({ "input": guess }))
            .await;
        assert_eq!(answer.codes(), ["NOT_FOUND"]);
        let whole = by_secret(&case, &anybody, brought(&["death", "bankc"])).await;
        let first = act(&anybody, "supplementCase", whole.clone()).await;
        assert_eq!(first["userErrors"], json!([]));
        assert_eq!(first["case"]["status"], "SUBMITTED");
        assert_eq!(
            first["receipt"]["kind"], "RECEIPT",
            "what was brought is receipted"
        );
        let again = act(&anybody, "supplementCase", whole).await;
        assert_eq!(again, first, "the same key gets the same answer");

        let once = case.act(&township, "requestSupplement", ask).await;
        assert_eq!(codes(&once), ["ILLEGAL_ACT"]);
        let accepted = case.done(&township, "acceptCase", json!({})).await;
        assert_eq!(accepted["status"], "ACCEPTED");
        app.stop(world).await;
    }
);

story!(
    a_supplement_after_acceptance_stops_the_clocks_and_an_agent_brings_it,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let case = in_review(&app).await;
        let officer = app.officer(CIVIL_AFFAIRS);
        let before = case.seen_by(&officer).await;
        let due = clock(&before, "PROMISE")["dueDate"].clone();
        case.done(&officer, "requestSupplement", json!({ "materials": ["bankc"] }))
            .await;
        let paused = case.seen_by(&officer).await;
        assert_eq!(clock(&paused, "PROMISE")["state"], "PAUSED");
        county.days_later(3);
        let station = app.clerk(STATION);
        let bare = case.act(&station, "supplementCase", brought(&["bankc"])).await;
        assert_eq!(
            codes(&bare),
            ["INVALID_FIELD"],
            "an authorization must be on file"
        );
        let mut more = brought(&["bankc"]);
        more["materials"][0]["trust"] = json!("B");
        more["authorization"] =
            json!({ "kind": "MANDATE", "reference": "东风社区 2026-14", "date": "2026-03-30" });
        let future = case.act(&station, "supplementCase", more.clone()).await;
        assert_eq!(codes(&future), ["INVALID_FIELD"], "of a day to come");
        more["authorization"]["date"] = json!("2026-03-01");
        let stranger = case
            .act(&app.clerk(TOWNSHIP), "supplementCase", more.clone())
            .await;
        assert_eq!(
            codes(&stranger),
            ["WRONG_ORGANIZATION"],
            "neither first contact nor owner"
        );
        let back = case.done(&station, "supplementCase", more).await;
        assert_eq!(back["status"], "IN_REVIEW");
        let promise = clock(&back, "PROMISE");
        assert_eq!(promise["state"], "RUNNING");
        assert_ne!(promise["dueDate"], due, "the days in between do not count");
        let document = "query($id: ID!) { case(by: { id: $id }) { timeline { event forApplicant materials
        organization { code } } supplements { beforeAcceptance materials broughtAt } } }";
        let seen = app
            .officer(CIVIL_AFFAIRS)
            .data(document, json!({ "id": case.id }))
            .await["case"]
            .clone();
        let lines = seen["timeline"].as_array().unwrap();
        let line = lines
            .iter()
            .find(|line| line["event"] == "MATERIALS_BROUGHT")
            .unwrap();
        assert_eq!(
            (
                &line["forApplicant"],
                &line["organization"]["code"],
                &line["materials"]
            ),
            (&json!(true), &json!(STATION), &json!(["bankc"])),
            "the event names both"
        );
        assert_eq!(seen["supplements"][0]["beforeAcceptance"], false);
        app.stop(world).await;
    }
);

story!(papers_that_are_owed_hold_back_a_grant, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let township = app.clerk(TOWNSHIP);
    let form = json!({ "hukou": super::kit::VILLAGE, "level": "200" });
    let paper = super::kit::application("pension-enroll", &FARMER, form, &["id", "hk"]);
    let case = submit(&app.kiosk(STATION), paper).await;
    let owe = |code: &str, due: &str| json!({ "owed": [{ "material": code, "due": due }] });
    let major = case.act(&township, "acceptCase", owe("id", "2026-03-03")).await;
    assert_eq!(codes(&major), ["INVALID_FIELD"]);
    let late = case
        .act(&township, "acceptCase", owe("bankc", "2026-04-30"))
        .await;
    assert_eq!(codes(&late), ["INVALID_FIELD"]);
    let accepted = case
        .done(&township, "acceptCase", owe("bankc", "2026-03-03"))
        .await;
    assert_eq!(clock(&accepted, "OWED")["dueDate"], "2026-03-03");
    let anybody = app.anybody();
    let bring = by_secret(&case, &anybody, brought(&["bankc"])).await;
    let done = act(&anybody, "supplementCase", bring).await;
    assert_eq!(done["userErrors"], json!([]));
    assert_eq!(done["case"]["status"], "ACCEPTED", "the state does not change");
    assert_eq!(clock(&done["case"], "OWED")["state"], "STOPPED");
    app.stop(world).await;
});

story!(an_application_is_refused_with_reasons_and_remedy, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let (township, anybody) = (app.clerk(TOWNSHIP), app.anybody());
    let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
    let bare = case
        .act(&township, "declineCase", json!({ "ground": "REFUSED" }))
        .await;
    assert_eq!(codes(&bare), ["REASONS_REQUIRED"]);
    let more =
        json!({ "ground": "REFUSED", "reasons": "不属于补贴范围", "remedy": "六十日内可以申请行政复议" });
    let payload = case.act(&township, "declineCase", more.clone()).await;
    assert_eq!(payload["userErrors"], json!([]));
    assert_eq!(payload["case"]["status"], "NOT_ACCEPTED");
    assert_eq!(payload["receipt"]["kind"], "REFUSAL");
    let tracked = case.tracked(&anybody).await;
    assert_eq!(tracked["availableActions"], json!([]));
    let lines = tracked["timeline"].as_array().unwrap();
    let line = lines.iter().find(|line| line["event"] == "DECLINED").unwrap();
    assert_eq!(
        (&line["text"], &line["remedy"]),
        (&json!("不属于补贴范围"), &json!("六十日内可以申请行政复议"))
    );
    let again = case.act(&township, "declineCase", more).await;
    assert_eq!(codes(&again), ["ILLEGAL_ACT"], "who held it learns the state");
    assert_eq!(again["userErrors"][0]["status"], "NOT_ACCEPTED");
    app.stop(world).await;
});

story!(
    whoever_is_not_competent_offers_the_case_to_whoever_is,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let township = app.clerk(TOWNSHIP);
        let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
        let nobody = case
            .act(&township, "declineCase", json!({ "ground": "NOT_COMPETENT" }))
            .await;
        assert_eq!(codes(&nobody), ["INVALID_FIELD"]);
        let own = json!({ "ground": "NOT_COMPETENT", "competent": office(&township, TOWNSHIP).await });
        assert_eq!(
            codes(&case.act(&township, "declineCase", own).await),
            ["INVALID_FIELD"]
        );
        let police = json!({ "ground": "NOT_COMPETENT", "competent": office(&township, POLICE).await });
        let offered = case.done(&township, "declineCase", police).await;
        assert_eq!(
            (&offered["status"], &offered["owner"]["code"]),
            (&json!("SUBMITTED"), &json!(TOWNSHIP))
        );
        let transfer = handoff(&offered, |one| one["kind"] == "TRANSFER");
        assert_eq!(
            (&transfer["to"]["code"], &transfer["state"]),
            (&json!(POLICE), &json!("OFFERED"))
        );
        let accepted = case
            .done(&app.clerk(POLICE), "acceptCase", json!({ "advance": true }))
            .await;
        assert_eq!(
            (&accepted["status"], &accepted["owner"]["code"]),
            (&json!("IN_REVIEW"), &json!(POLICE))
        );
        case.signed_for(&app.officer(CIVIL_AFFAIRS)).await;
        let granted = json!({ "decision": "GRANTED" });
        let decided = case
            .done(&app.officer(CIVIL_AFFAIRS), "decideCase", granted)
            .await;
        assert_eq!(decided["status"], "COMPLETED");

        let other = submit(&app.kiosk(STATION), funeral(&NEIGHBOUR)).await;
        let outside = json!({ "ground": "NOT_COMPETENT", "competentName": "某海关" });
        let ended = other.done(&township, "declineCase", outside).await;
        assert_eq!(ended["status"], "NOT_ACCEPTED");
        app.stop(world).await;
    }
);

story!(
    a_special_procedure_and_an_extension_are_told_in_writing,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let case = in_review(&app).await;
        let officer = app.officer(CIVIL_AFFAIRS);
        let begin = json!({ "reason": "须实地核查", "workingDays": 5 });
        let payload = case.act(&officer, "beginSpecialProcedure", begin).await;
        assert_eq!(payload["case"]["status"], "SPECIAL_PROCEDURE");
        assert_eq!(payload["receipt"]["kind"], "SPECIAL_PROCEDURE");
        assert_eq!(clock(&payload["case"], "PROMISE")["state"], "PAUSED");
        let clerk = case.input(&payload["case"]["version"], json!({}));
        let answer = app
            .clerk(CIVIL_AFFAIRS)
            .ask(&mutation("endSpecialProcedure"), json!({ "input": clerk }))
            .await;
        assert_eq!(answer.codes(), ["FORBIDDEN"], "not for clerks");
        let ended = case.done(&officer, "endSpecialProcedure", json!({})).await;
        assert_eq!(ended["status"], "IN_REVIEW");
        let due = clock(&ended, "PROMISE")["dueDate"].clone();

        let more = json!({ "workingDays": 10, "reason": "材料核实需要时间" });
        let input = case.input(&ended["version"], more.clone());
        let answer = officer
            .ask(&mutation("extendCase"), json!({ "input": input }))
            .await;
        assert_eq!(answer.codes(), ["FORBIDDEN"], "only with the claim approver");
        let approver = approver(&app, CIVIL_AFFAIRS);
        let too_long = case
            .act(
                &approver,
                "extendCase",
                json!({ "workingDays": 11, "reason": "复杂" }),
            )
            .await;
        assert_eq!(codes(&too_long), ["INVALID_FIELD"]);
        let payload = case.act(&approver, "extendCase", more.clone()).await;
        assert_eq!(payload["userErrors"], json!([]));
        assert_eq!(payload["receipt"]["kind"], "EXTENSION");
        assert_ne!(clock(&payload["case"], "PROMISE")["dueDate"], due);
        let again = case.act(&approver, "extendCase", more).await;
        assert_eq!(codes(&again), ["ILLEGAL_ACT"], "once");
        app.stop(world).await;
    }
);

story!(
    the_applicant_takes_the_case_back_and_a_delivery_not_yet_sent_is_cancelled,
    async |world| {
        let county = County::open().await;
        county
            .department
            .told(json!({ "mode": "answer", "status": 503, "retry_after_s": 900, "times": 1 }))
            .await;
        let app = county.gateway(world).await;
        let anybody = app.anybody();
        let case = super::kit::offered_to_county(&app).await;
        case.delivery_becomes(&app, "PENDING", 1).await;
        let withdraw = by_secret(&case, &anybody, json!({ "reason": "不办了" })).await;
        let payload = act(&anybody, "withdrawCase", withdraw).await;
        assert_eq!(payload["userErrors"], json!([]));
        assert_eq!(payload["case"]["status"], "WITHDRAWN");
        assert!(events(&payload["case"]).contains(&"WITHDRAWN".to_owned()));
        county.seconds_later(1_000);
        eventually("the delivery is cancelled", PATIENCE, async || {
            let all = case.deliveries(&app).await;
            all.iter().all(|one| one["state"] == "CANCELLED").then_some(())
        })
        .await;
        let neighbour = submit(&app.kiosk(STATION), funeral(&NEIGHBOUR)).await;
        let stranger = neighbour
            .act(&app.clerk(TOWNSHIP), "withdrawCase", json!({}))
            .await;
        assert_eq!(codes(&stranger), ["WRONG_ORGANIZATION"]);
        app.stop(world).await;
    }
);

story!(a_supervisor_voids_a_case_that_it_did_not_handle, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let case = in_review(&app).await;
    let supervisor = app.supervisor(COUNTY);
    let seen = case.seen_by(&supervisor).await;
    assert_eq!(
        seen["availableActions"],
        json!([
            "VOID_CASE",
            "ISSUE_CARD",
            "REMIND_HOLDER",
            "ISSUE_SUPERVISION_ORDER"
        ])
    );
    let voided = case
        .done(&supervisor, "voidCase", json!({ "reason": "重复申请" }))
        .await;
    assert_eq!(
        (&voided["status"], &voided["owner"]),
        (&json!("VOIDED"), &Value::Null)
    );
    let elsewhere = app.supervisor("340322000000");
    let input = case.input(&voided["version"], json!({ "reason": "越权" }));
    let answer = elsewhere
        .ask(&mutation("voidCase"), json!({ "input": input }))
        .await;
    assert_eq!(answer.codes(), ["NOT_FOUND"]);
    app.stop(world).await;
});

story!(
    an_agent_hands_in_and_collects_the_result_for_a_resident,
    async |world| {
        let county = County::deciding_by_itself().await;
        let app = county.gateway(world).await;
        let on_file = json!({ "kind": "MANDATE", "reference": "东风社区 2026-15", "date": "2026-03-01" });
        let station = app.clerk(STATION);
        let mut paper = super::kit::pension(&FARMER);
        for entry in paper["materials"].as_array_mut().unwrap() {
            entry["originals"] = json!(1);
            entry["trust"] = json!("B");
        }
        paper["authorization"] = on_file.clone();
        let mut at_kiosk = paper.clone();
        at_kiosk["idempotencyKey"] = json!(uuid::Uuid::now_v7());
        let refused = act(&app.kiosk(STATION), "submitCase", at_kiosk).await;
        assert!(
            codes(&refused).contains(&"INVALID_FIELD"),
            "a kiosk is nobody's agent"
        );
        let case = submit(&station, paper).await;
        case.done(&app.clerk(TOWNSHIP), "acceptCase", json!({ "advance": true }))
            .await;
        case.becomes("COMPLETED", &station).await;
        case.done(&station, "deliverResult", json!({ "authorization": on_file }))
            .await;
        let document = format!(
            "query($id: ID!) {{ case(by: {{ id: $id }}) {{ ...C timeline {{ forApplicant }} }} }} {CASE}"
        );
        let seen = station.data(&document, json!({ "id": case.id })).await["case"].clone();
        assert_eq!(seen["status"], "DELIVERED");
        for name in ["SUBMITTED", "DELIVERED"] {
            let lines = seen["timeline"].as_array().unwrap();
            let line = lines.iter().find(|line| line["event"] == name).unwrap();
            assert_eq!(
                (&line["forApplicant"], &line["organization"]["code"]),
                (&json!(true), &json!(STATION)),
                "{name} names both"
            );
        }
        app.stop(world).await;
    }
);
