//! 好差评: graded once, by code and secret or by account, and a bad grade is answered.

use serde_json::{Value, json};
use uuid::Uuid;

use super::kit::{
    CIVIL_AFFAIRS, COUNTY, Case, County, NEXT_STATION, STATION, TOWNSHIP, VILLAGE, act, answer, clock, codes,
    funeral, submit,
};
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::people::{FARMER, NEIGHBOUR, Person};
use crate::harness::story::story;

/// A case that civil affairs granted.
async fn granted(app: &TestApp, by: &Gql, person: &Person) -> Case {
    let mut application = funeral(person);
    application["division"] = json!(VILLAGE);
    let case = submit(by, application).await;
    case.done(&app.clerk(TOWNSHIP), "acceptCase", json!({ "advance": true }))
        .await;
    let officer = app.officer(CIVIL_AFFAIRS);
    case.signed_for(&officer).await;
    case.done(&officer, "decideCase", json!({ "decision": "GRANTED" }))
        .await;
    case
}

fn by_code(case: &Case, grade: &str) -> Value {
    json!({
        "credential": { "trackingCode": case.tracking_code, "secret": case.secret },
        "idempotencyKey": Uuid::now_v7(), "grade": grade, "comment": "等了很久",
    })
}

fn answered(case: &Case, what: &str) -> Value {
    json!({ "case": case.id, "idempotencyKey": Uuid::now_v7(), "answer": what, "text": "已电话联系" })
}

story!(
    a_bad_grade_is_answered_by_the_decider_also_when_the_case_is_closed,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let case = granted(&app, &app.kiosk(STATION), &FARMER).await;
        let desk = app.clerk(CIVIL_AFFAIRS);
        case.done(&desk, "deliverResult", json!({})).await;
        let version = case.seen_by(&desk).await["version"].clone();
        let input = by_code(&case, "DISSATISFIED");
        let first = answer(&app.anybody(), "evaluateCase", &input).await;
        let graded = first.at("/evaluateCase/case").clone();
        assert_eq!(
            (
                &graded["status"],
                &graded["version"],
                &graded["evaluation"]["stars"],
                &graded["evaluation"]["code"]
            ),
            (&json!("DELIVERED"), &version, &json!(2), &json!(4)),
            "{:?}",
            first.body
        );
        let again = answer(&app.anybody(), "evaluateCase", &input).await;
        assert_eq!(first.bytes, again.bytes, "the same key, the same answer");
        let other = act(&app.anybody(), "evaluateCase", by_code(&case, "SATISFIED")).await;
        assert_eq!(codes(&other), ["ILLEGAL_ACT"], "once per case");
        for (kind, due) in [("CONTACT", "2026-03-03"), ("RECTIFY", "2026-03-23")] {
            let running = clock(&graded, kind);
            assert_eq!(
                (&running["state"], &running["dueDate"]),
                (&json!("RUNNING"), &json!(due))
            );
        }
        assert_eq!(
            case.seen_by(&desk).await["availableActions"],
            json!(["ANSWER_EVALUATION", "EVALUATE_HANDOFF"])
        );
        let stranger = act(
            &app.clerk(TOWNSHIP),
            "answerEvaluation",
            answered(&case, "CONTACT"),
        )
        .await;
        assert_eq!(codes(&stranger), ["WRONG_ORGANIZATION"]);
        let early = act(&desk, "answerEvaluation", answered(&case, "FOLLOW_UP")).await;
        assert_eq!(codes(&early), ["ILLEGAL_ACT"]);
        for what in ["CONTACT", "RECTIFIED", "FOLLOW_UP"] {
            let payload = act(&desk, "answerEvaluation", answered(&case, what)).await;
            assert_eq!(codes(&payload), Vec::<&str>::new(), "{what}");
        }
        let over = case.seen_by(&desk).await;
        assert_eq!(
            (
                &clock(&over, "CONTACT")["state"],
                &clock(&over, "RECTIFY")["state"]
            ),
            (&json!("STOPPED"), &json!("STOPPED"))
        );
        assert!(over["evaluation"]["followedUpAt"].is_string());
        let comment = |seen: &Value| {
            let lines = seen["timeline"].as_array().unwrap();
            lines.iter().find(|line| line["event"] == "EVALUATED").unwrap()["text"].clone()
        };
        assert_eq!(comment(&over), "等了很久");
        assert_eq!(
            comment(&case.seen_by(&app.supervisor(COUNTY)).await),
            Value::Null,
            "texts are not for supervision"
        );
        app.stop(world).await;
    }
);

story!(
    an_applicant_grades_their_own_decided_case_and_nobody_elses,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let resident = |name: &str| app.anybody().bearing(&app.actors.citizen(name));
        let own = resident("a-resident");
        let mut application = funeral(&FARMER);
        application["division"] = json!(VILLAGE);
        let open = submit(&own, application).await;
        let grade =
            |case: &Case| json!({ "case": case.id, "idempotencyKey": Uuid::now_v7(), "grade": "SATISFIED" });
        let early = act(&own, "evaluateCase", grade(&open)).await;
        assert_eq!(codes(&early), ["ILLEGAL_ACT"], "not before the decision");
        let case = granted(&app, &own, &NEIGHBOUR).await;
        assert!(
            case.seen_by(&own).await["availableActions"]
                .as_array()
                .unwrap()
                .contains(&json!("EVALUATE_CASE"))
        );
        let foreign = answer(&resident("the-neighbour"), "evaluateCase", &grade(&case)).await;
        assert_eq!(foreign.codes(), ["NOT_FOUND"]);
        let absent = json!({
            "case": format!("case_{}", Uuid::now_v7().simple()), "idempotencyKey": Uuid::now_v7(), "grade": "SATISFIED",
        });
        let nothing = answer(&resident("the-neighbour"), "evaluateCase", &absent).await;
        assert_eq!(nothing.codes(), ["NOT_FOUND"], "as if it were not there");
        let mut wrong = by_code(&case, "VERY_DISSATISFIED");
        wrong["credential"]["secret"] = json!("00000000");
        let guessed = answer(&app.anybody(), "evaluateCase", &wrong).await;
        assert_eq!(guessed.codes(), ["NOT_FOUND"]);
        let office = answer(&app.officer(CIVIL_AFFAIRS), "evaluateCase", &grade(&case)).await;
        assert_eq!(office.codes(), ["FORBIDDEN"], "never steered");
        let without = act(&app.kiosk(NEXT_STATION), "evaluateCase", grade(&case)).await;
        assert_eq!(
            codes(&without),
            ["INVALID_FIELD"],
            "a terminal needs code and secret"
        );
        let graded = act(&own, "evaluateCase", grade(&case)).await;
        assert_eq!(codes(&graded), Vec::<&str>::new());
        assert_eq!(graded["case"]["evaluation"]["negative"], false);
        assert_eq!(clock(&graded["case"], "RECTIFY"), Value::Null);
        let good = act(
            &app.officer(CIVIL_AFFAIRS),
            "answerEvaluation",
            answered(&case, "CONTACT"),
        )
        .await;
        assert_eq!(codes(&good), ["ILLEGAL_ACT"], "a good grade needs no answer");
        app.stop(world).await;
    }
);

story!(
    satisfaction_is_a_public_figure_that_tells_of_nobody,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let document = "query($code: DivisionCode) { satisfaction(division: $code) {
            total { evaluated positiveRate grades { code stars count } } bySetting { setting evaluated } } }";
        let figures = async |code: Value| {
            let data = app.anybody().data(document, json!({ "code": code })).await;
            data["satisfaction"].clone()
        };
        let graded = async |person: &Person, grade: &str| {
            let case = granted(&app, &app.kiosk(STATION), person).await;
            let payload = act(&app.anybody(), "evaluateCase", by_code(&case, grade)).await;
            assert_eq!(codes(&payload), Vec::<&str>::new());
        };
        for _ in 0..4 {
            graded(&FARMER, "VERY_SATISFIED").await;
        }
        let few = figures(json!(VILLAGE)).await;
        assert_eq!(
            (&few["total"]["evaluated"], &few["total"]["positiveRate"]),
            (&Value::Null, &Value::Null),
            "four people could be known"
        );
        assert_eq!(few["total"]["grades"][0]["count"], Value::Null);
        assert_eq!(
            few["bySetting"],
            json!([{ "setting": "URBAN", "evaluated": null }])
        );
        graded(&FARMER, "VERY_SATISFIED").await;
        for _ in 0..5 {
            graded(&NEIGHBOUR, "VERY_DISSATISFIED").await;
        }
        for code in [Value::Null, json!("340300000000"), json!(VILLAGE)] {
            let told = figures(code).await;
            let total = &told["total"];
            assert_eq!(
                (&total["evaluated"], &total["positiveRate"]),
                (&json!(10), &json!(0.5))
            );
            assert_eq!(total["grades"][0], json!({ "code": 1, "stars": 5, "count": 5 }));
            assert_eq!(total["grades"][4], json!({ "code": 5, "stars": 1, "count": 5 }));
            assert_eq!(
                told["bySetting"],
                json!([{ "setting": "URBAN", "evaluated": 10 }])
            );
        }
        graded(&FARMER, "FAIRLY_SATISFIED").await;
        let one = figures(json!(VILLAGE)).await;
        assert_eq!(
            (&one["total"]["evaluated"], &one["total"]["grades"][2]["count"]),
            (&json!(11), &Value::Null)
        );
        assert_eq!(
            one["total"]["grades"][0]["count"],
            Value::Null,
            "or it could be computed"
        );
        let elsewhere = figures(json!("340322000000")).await;
        assert_eq!(elsewhere["total"]["evaluated"], 0);
        app.stop(world).await;
    }
);

/// What a viewer reads of the evaluations of the handoff from the township to civil affairs.
async fn between(case: &Case, who: &Gql) -> Value {
    let document = "query($id: ID!) { case(by: { id: $id }) { handoffs { id seq
        evaluations { grade code stars negative comment by { code } of { code } } }
        timeline { event text } } }";
    who.data(document, json!({ "id": case.id })).await["case"].clone()
}

story!(
    both_offices_of_a_closed_handoff_grade_each_other_and_supervision_reads_it,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let case = granted(&app, &app.kiosk(STATION), &FARMER).await;
        let (township, affairs) = (app.clerk(TOWNSHIP), app.clerk(CIVIL_AFFAIRS));
        let handoff = case.seen_by(&township).await["handoffs"][2].clone();
        let grade = |key: Uuid, grade: &str, comment: &str| {
            json!({
                "case": case.id, "handoff": handoff["id"], "idempotencyKey": key, "grade": grade, "comment": comment,
            })
        };
        let open = grade(Uuid::now_v7(), "SATISFIED", "x");
        let early = act(&township, "evaluateHandoff", open.clone()).await;
        assert_eq!(codes(&early), ["ILLEGAL_ACT"], "civil affairs still holds it");
        case.done(&affairs, "deliverResult", json!({})).await;
        let seen = case.seen_by(&township).await;
        assert!(
            seen["availableActions"]
                .as_array()
                .unwrap()
                .contains(&json!("EVALUATE_HANDOFF"))
        );
        let mine = grade(Uuid::now_v7(), "DISSATISFIED", "办理超出承诺");
        let first = act(&township, "evaluateHandoff", mine.clone()).await;
        assert_eq!(codes(&first), Vec::<&str>::new());
        assert_eq!(
            act(&township, "evaluateHandoff", mine).await,
            first,
            "once by its key"
        );
        let twice = act(
            &township,
            "evaluateHandoff",
            grade(Uuid::now_v7(), "SATISFIED", "y"),
        )
        .await;
        assert_eq!(codes(&twice), ["ILLEGAL_ACT"]);
        let theirs = grade(Uuid::now_v7(), "VERY_SATISFIED", "材料齐全");
        let payload = act(&app.officer(CIVIL_AFFAIRS), "evaluateHandoff", theirs).await;
        assert_eq!(codes(&payload), Vec::<&str>::new());
        let no_party = act(
            &app.clerk(STATION),
            "evaluateHandoff",
            grade(Uuid::now_v7(), "SATISFIED", "z"),
        )
        .await;
        assert_eq!(codes(&no_party), ["WRONG_ORGANIZATION"]);

        let told = json!([
            { "grade": "DISSATISFIED", "code": 4, "stars": 2, "negative": true, "comment": "办理超出承诺",
              "by": { "code": TOWNSHIP }, "of": { "code": CIVIL_AFFAIRS } },
            { "grade": "VERY_SATISFIED", "code": 1, "stars": 5, "negative": false, "comment": "材料齐全",
              "by": { "code": CIVIL_AFFAIRS }, "of": { "code": TOWNSHIP } },
        ]);
        for who in [&township, &affairs, &app.supervisor(COUNTY)] {
            let seen = between(&case, who).await;
            assert_eq!(seen["handoffs"][2]["evaluations"], told);
        }
        let station = between(&case, &app.clerk(STATION)).await;
        assert_eq!(station["handoffs"][2]["evaluations"], json!([]), "nobody else");
        let lines = station["timeline"].as_array().unwrap();
        let said: Vec<_> = lines
            .iter()
            .filter(|line| line["event"] == "HANDOFF_EVALUATED")
            .collect();
        assert_eq!(said.len(), 2, "each is a line of the ledger");
        assert!(said.iter().all(|line| line["text"].is_null()));
        let document = "query($code: String!, $secret: String!) {
            trackCase(trackingCode: $code, secret: $secret) { handoffs { evaluations { grade } } } }";
        let keys = json!({ "code": case.tracking_code, "secret": case.secret });
        let tracked = app.anybody().data(document, keys).await;
        assert_eq!(tracked["trackCase"]["handoffs"][2]["evaluations"], json!([]));
        app.stop(world).await;
    }
);
