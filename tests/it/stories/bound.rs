//! A bound office does by its own word what people do here: it accepts, asks, answers, stands still, decides, hands over.

use onedoor::upstream::config::UpstreamConfig;
use serde_json::{Value, json};

use super::kit::{
    County, HUMAN_RESOURCES, STATION, TOWNSHIP, VILLAGE, application, brings, clock, codes, events, funeral,
    handoff, pension, submit,
};
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::people::FARMER;
use crate::harness::story::story;
use crate::harness::world::World;

async fn office(who: &Gql, code: &str) -> Value {
    let document = "query($code: String!) { organization(by: { code: $code }) { id } }";
    who.data(document, json!({ "code": code })).await["organization"]["id"].clone()
}

/// A gateway whose township is the bound one, and no longer the county.
async fn before_the_township(county: &County, world: &World) -> TestApp {
    let mut config: UpstreamConfig = county.upstream();
    config.roles = Vec::new();
    config.organizations = vec![TOWNSHIP.to_owned()];
    county.gateway_with(world, &[], vec![config]).await
}

/// The line of an event, the last one.
fn line(case: &Value, event: &str) -> Value {
    let lines = case["timeline"].as_array().unwrap();
    let found = lines.iter().rev().find(|line| line["event"] == event);
    found.unwrap_or_else(|| panic!("{event} of {lines:?}")).clone()
}

fn receipts(case: &Value) -> Vec<&str> {
    let all = case["receipts"].as_array().unwrap().iter();
    all.map(|one| one["kind"].as_str().unwrap()).collect()
}

story!(
    a_bound_office_answers_a_question_and_an_escalation_to_the_one_who_asked,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let township = app.clerk(TOWNSHIP);
        let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
        case.done(&township, "acceptCase", json!({})).await;
        let to = office(&township, HUMAN_RESOURCES).await;
        let answers = [
            ("CONSULT", "AGREE_WITH_CONDITIONS", "须核对缴费记录"),
            ("ESCALATE", "AGREE", "按规定办理"),
        ];
        for (kind, opinion, words) in answers {
            let ask = json!({ "kind": kind, "to": to, "reason": "逝者是否参保" });
            case.done(&township, "handOff", ask).await;
            case.comes_to(&township, "the question has arrived", |case| {
                handoff(case, |one| one["kind"] == kind)["state"] == "ACKNOWLEDGED"
            })
            .await;
            county
                .says(
                    &case,
                    json!({ "kind": "OPINION", "answer": opinion, "text": words }),
                )
                .await;
            let seen = case
                .comes_to(&township, "it is answered", |case| {
                    handoff(case, |one| one["kind"] == kind)["state"] == "DONE"
                })
                .await;
            let answered = handoff(&seen, |one| one["kind"] == kind);
            assert_eq!(
                (&answered["opinion"], &answered["upstream"]),
                (&json!(opinion), &json!("sandbox"))
            );
            let done = line(&seen, "HANDOFF_DONE");
            assert_eq!(
                (&done["text"], &done["upstream"], &done["organization"]["code"]),
                (&json!(words), &json!("sandbox"), &json!(HUMAN_RESOURCES)),
                "{kind}: by its system, in its name"
            );
            assert_eq!(seen["owner"]["code"], TOWNSHIP, "the owner keeps the case");
        }
        let asked = &county.department.applications().await[0];
        assert_eq!(asked["asked"], "逝者是否参保", "it was told what is asked");
        app.stop(world).await;
    }
);

story!(
    a_bound_office_asks_for_papers_accepts_and_its_sender_hands_on_in_its_name,
    async |world| {
        let county = County::open().await;
        let app = before_the_township(&county, world).await;
        let anybody = app.anybody();
        let case = submit(&app.kiosk(STATION), pension(&FARMER)).await;
        let station = app.officer(STATION);
        case.comes_to(&station, "the township has it", |case| {
            case["owner"]["code"] == TOWNSHIP
        })
        .await;
        let words =
            json!({ "kind": "SUPPLEMENT_REQUESTED", "materials": ["bankc"], "text": "银行卡复印件不清" });
        county.says(&case, words).await;
        let asked = case.becomes("AWAITING_SUPPLEMENT", &station).await;
        assert!(receipts(&asked).contains(&"SUPPLEMENT"));
        let told = line(&case.tracked(&anybody).await, "SUPPLEMENT_REQUESTED");
        assert_eq!(told["text"], "银行卡复印件不清", "the applicant is told");
        let brought = brings(&case, &anybody, "bankc").await;
        assert_eq!(codes(&brought), Vec::<&str>::new());
        assert_eq!(brought["case"]["status"], "SUBMITTED");
        county.says(&case, json!({ "kind": "ACCEPTED" })).await;
        let accepted = case.becomes("ACCEPTED", &station).await;
        assert!(receipts(&accepted).contains(&"ACCEPTANCE"));
        let by = line(&accepted, "ACCEPTED");
        assert_eq!(
            (&by["upstream"], &by["organization"]["code"]),
            (&json!("sandbox"), &json!(TOWNSHIP))
        );
        let handed = case.done(&station, "handOff", json!({})).await;
        assert_eq!(
            line(&handed, "HANDOFF_OFFERED")["onBehalfOf"]["code"],
            TOWNSHIP,
            "an officer of its sender hands on in its name"
        );
        case.signed_for(&app.officer(HUMAN_RESOURCES)).await;
        let granted = json!({ "decision": "GRANTED" });
        case.done(&app.officer(HUMAN_RESOURCES), "decideCase", granted)
            .await;
        let ended = case
            .done(&app.clerk(HUMAN_RESOURCES), "deliverResult", json!({}))
            .await;
        assert_eq!(ended["status"], "DELIVERED");
        app.stop(world).await;
    }
);

story!(
    a_special_procedure_of_a_bound_office_stops_the_clocks_and_its_result_is_collected_there,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let township = || app.clerk(TOWNSHIP);
        let case = super::kit::offered_to_county(&app).await;
        case.taken_over(&township()).await;
        let begun =
            json!({ "kind": "SPECIAL_BEGUN", "special_kind": "2", "working_days": 5, "text": "须实地核查" });
        county.says(&case, begun).await;
        let paused = case.becomes("SPECIAL_PROCEDURE", &township()).await;
        assert_eq!(clock(&paused, "PROMISE")["state"], "PAUSED");
        assert_eq!(clock(&paused, "SPECIAL")["dueDate"], "2026-03-09");
        assert!(receipts(&paused).contains(&"SPECIAL_PROCEDURE"));
        county.days_later(2);
        county
            .says(&case, json!({ "kind": "SPECIAL_ENDED", "text": "核查完毕" }))
            .await;
        let resumed = case.becomes("IN_REVIEW", &township()).await;
        assert_eq!(clock(&resumed, "PROMISE")["state"], "RUNNING");
        // collected before it is decided: out of order, kept, and it buries nothing
        county.says(&case, json!({ "kind": "DELIVERED" })).await;
        case.comes_to(&township(), "the news is kept", |case| {
            events(case).contains(&"NEWS_KEPT".to_owned())
        })
        .await;
        county.decides(&case, "APPROVED", None).await;
        case.becomes("COMPLETED", &township()).await;
        county.says(&case, json!({ "kind": "DELIVERED" })).await;
        let ended = case.becomes("DELIVERED", &township()).await;
        let by = line(&ended, "DELIVERED");
        assert_eq!(
            (&by["upstream"], &by["organization"]["code"]),
            (&json!("sandbox"), &json!(HUMAN_RESOURCES))
        );
        assert!(receipts(&ended).contains(&"DELIVERY"));
        app.stop(world).await;
    }
);

story!(
    a_grant_while_papers_are_owed_waits_for_them_and_is_repeated,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let (township, anybody) = (app.clerk(TOWNSHIP), app.anybody());
        let form = json!({ "hukou": VILLAGE, "level": "200" });
        let paper = application("pension-enroll", &FARMER, form, &["id", "hk"]);
        let case = submit(&app.kiosk(STATION), paper).await;
        let owing = json!({ "advance": true, "owed": [{ "material": "bankc", "due": "2026-03-03" }] });
        case.done(&township, "acceptCase", owing).await;
        case.taken_over(&township).await;
        county.decides(&case, "APPROVED", Some("符合参保条件")).await;
        let kept = case
            .comes_to(&township, "the grant is kept", |case| {
                events(case).contains(&"NEWS_KEPT".to_owned())
            })
            .await;
        assert_eq!(
            (&kept["status"], &kept["decision"]),
            (&json!("IN_REVIEW"), &Value::Null)
        );
        assert_eq!(line(&kept, "NEWS_KEPT")["text"], "符合参保条件");
        let document = "query($id: ID!) { case(by: { id: $id }) { handoffTimeline {
            ... on HandoffNews { said outOfOrder waitsForPapers } } } }";
        let seen = township.data(document, json!({ "id": case.id })).await;
        let told = seen["case"]["handoffTimeline"].as_array().unwrap();
        assert!(
            told.contains(&json!({ "said": "DECIDED", "outOfOrder": false, "waitsForPapers": true })),
            "{told:?}"
        );
        let brought = brings(&case, &anybody, "bankc").await;
        assert_eq!(codes(&brought), Vec::<&str>::new());
        assert_eq!(
            (&brought["case"]["status"], &brought["case"]["decision"]),
            (&json!("COMPLETED"), &json!("GRANTED"))
        );
        assert_eq!(
            receipts(&brought["case"]),
            ["RECEIPT", "ACCEPTANCE", "RECEIPT", "DECISION"]
        );
        assert_eq!(line(&brought["case"], "DECIDED")["upstream"], "sandbox");
        app.stop(world).await;
    }
);
