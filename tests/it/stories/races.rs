//! Who is late, wrong, or not concerned: one wins, the others are told what to do, and nobody learns what is not theirs.

use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::kit::{CIVIL_AFFAIRS, County, OTHER_TOWNSHIP, STATION, TOWNSHIP, answer, codes, pension, submit};
use crate::harness::gql::Answer;
use crate::harness::people::FARMER;
use crate::harness::story::story;

const WIDTH: usize = 50;

story!(
    of_fifty_clerks_who_accept_at_once_one_wins_and_the_others_see_why_not,
    async |world| {
        let county = County::open().await;
        let replicas = [county.gateway(world).await, county.gateway(world).await];
        let case = submit(&replicas[0].kiosk(STATION), pension(&FARMER)).await;
        let clerks = replicas.each_ref().map(|app| app.clerk(TOWNSHIP));
        let version = case.seen_by(&clerks[0]).await["version"].clone();
        let inputs: Vec<_> = (0..WIDTH).map(|_| case.input(&version, json!({}))).collect();
        let asked = inputs
            .iter()
            .enumerate()
            .map(|(number, input)| answer(&clerks[number % 2], "acceptCase", input));
        let answers = join_all(asked).await;
        let mut won = 0;
        for answer in &answers {
            assert_eq!(answer.status, 200, "{}", answer.body);
            let payload = answer.at("/acceptCase");
            let Some(error) = payload["userErrors"].get(0) else {
                won += 1;
                assert_eq!(payload["case"]["status"], "ACCEPTED");
                continue;
            };
            assert_eq!(payload["case"], Value::Null);
            match error["code"].as_str().unwrap() {
                "STALE_VERSION" => assert!(error["currentVersion"].as_i64() > version.as_i64(), "{error}"),
                "ILLEGAL_ACT" => {
                    assert_eq!(error["status"], "ACCEPTED");
                    assert_eq!(error["possibleActions"], json!(["HAND_OFF"]));
                }
                other => panic!("{other}"),
            }
        }
        assert_eq!(won, 1);
        let seen = case.seen_by(&clerks[1]).await;
        let accepted = super::kit::events(&seen)
            .iter()
            .filter(|name| *name == "ACCEPTED")
            .count();
        assert_eq!(accepted, 1);
        let [one, other] = replicas;
        one.stop(world).await;
        other.stop(world).await;
    }
);

/// A body without the id that joins it to the log.
fn without_correlation(answer: &Answer) -> Value {
    let mut body = answer.body.clone();
    for error in body["errors"].as_array_mut().into_iter().flatten() {
        error["extensions"]
            .as_object_mut()
            .unwrap()
            .remove("correlationId");
    }
    body
}

story!(
    the_wrong_office_is_told_so_when_it_sees_the_case_and_nothing_when_it_does_not,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let case = submit(&app.kiosk(STATION), pension(&FARMER)).await;
        let early = case.act(&app.clerk(STATION), "acceptCase", json!({})).await;
        assert_eq!(
            codes(&early),
            ["ILLEGAL_ACT"],
            "it answers for the case, and accepting is the township's"
        );

        let stranger = app.clerk(OTHER_TOWNSHIP);
        assert_eq!(case.seen_by(&stranger).await, Value::Null);
        let hidden = answer(&stranger, "acceptCase", &case.input(&json!(1), json!({}))).await;
        assert_eq!(hidden.codes(), ["NOT_FOUND"]);
        let absent =
            json!({ "case": Uuid::now_v7(), "expectedVersion": 1, "idempotencyKey": Uuid::now_v7() });
        let absent = answer(&stranger, "acceptCase", &absent).await;
        assert_eq!(hidden.status, absent.status);
        assert_eq!(
            without_correlation(&hidden),
            without_correlation(&absent),
            "hidden looks like absent"
        );

        case.done(&app.clerk(TOWNSHIP), "acceptCase", json!({})).await;
        let seen = case.act(&app.clerk(STATION), "handOff", json!({})).await;
        assert_eq!(codes(&seen), ["WRONG_ORGANIZATION"], "the first contact sees it");

        // an office of the route that the case has not come to
        let later = answer(
            &app.officer(CIVIL_AFFAIRS),
            "decideCase",
            &case.input(&json!(1), json!({ "decision": "GRANTED" })),
        )
        .await;
        assert_eq!(later.codes(), ["NOT_FOUND"]);
        app.stop(world).await;
    }
);

story!(
    what_a_role_may_not_do_is_forbidden_whatever_the_case,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let case = submit(&app.kiosk(STATION), pension(&FARMER)).await;
        let accept = case.input(&json!(1), json!({}));
        let decide = case.input(&json!(1), json!({ "decision": "GRANTED" }));
        for (who, mutation, input, code) in [
            (app.anybody(), "acceptCase", &accept, "UNAUTHENTICATED"),
            (app.kiosk(STATION), "acceptCase", &accept, "FORBIDDEN"),
            (app.supervisor("340302000000"), "acceptCase", &accept, "FORBIDDEN"),
            (
                app.anybody().bearing(&app.actors.auditor()),
                "acceptCase",
                &accept,
                "FORBIDDEN",
            ),
            (
                app.anybody().bearing(&app.actors.citizen("c")),
                "acceptCase",
                &accept,
                "FORBIDDEN",
            ),
            (app.clerk(TOWNSHIP), "decideCase", &decide, "FORBIDDEN"),
        ] {
            let refused = answer(&who, mutation, input).await;
            assert_eq!(refused.codes(), [code], "{mutation}");
        }
        assert_eq!(case.seen_by(&app.clerk(TOWNSHIP)).await["status"], "SUBMITTED");
        app.stop(world).await;
    }
);
