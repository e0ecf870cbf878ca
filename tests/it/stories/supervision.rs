//! Supervision: reminders, orders with a clock and an answer, cards by hand, appeals and cancellations.

use serde_json::{Value, json};
use uuid::Uuid;

use super::clocks::{cards_of, raised};
use super::kit::{
    COUNTY, Case, County, OTHER_TOWNSHIP, STATION, TOWNSHIP, clock, codes, events, funeral, submit,
};
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::people::FARMER;
use crate::harness::story::story;
use crate::harness::world::World;

const OFTEN: &[(&str, &str)] = &[("ONEDOOR__WORKER__CLOCKS_TICK_MS", "20")];

async fn open(county: &County, world: &World) -> TestApp {
    county.gateway_with(world, OFTEN, vec![county.upstream()]).await
}

async fn id_of(app: &TestApp, organization: &str) -> Value {
    let document = "query($code: String!) { organization(by: { code: $code }) { id } }";
    let data = app
        .anybody()
        .data(document, json!({ "code": organization }))
        .await;
    data["organization"]["id"].clone()
}

async fn orders_of(case: &Case, who: &Gql) -> Vec<Value> {
    let document = "query($id: ID!) { case(by: { id: $id }) {
        supervisionOrders { id to { code } division { code } issuedAt dueAt answeredAt } } }";
    let data = who.data(document, json!({ "id": case.id })).await;
    data["case"]["supervisionOrders"].as_array().unwrap().clone()
}

fn text_of(case: &Value, event: &str) -> Value {
    let lines = case["timeline"].as_array().unwrap();
    lines
        .iter()
        .rev()
        .find(|line| line["event"] == event)
        .map_or(Value::Null, |line| line["text"].clone())
}

story!(
    whoever_took_a_case_in_and_the_supervisor_remind_its_holder,
    async |world| {
        let county = County::open().await;
        let app = open(&county, world).await;
        let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
        let input = json!({ "case": case.id, "idempotencyKey": Uuid::now_v7(), "text": "请尽快签收" });
        for who in [app.clerk(STATION), app.supervisor(COUNTY)] {
            let mut input = input.clone();
            input["idempotencyKey"] = json!(Uuid::now_v7());
            let payload = super::kit::act(&who, "remindHolder", input).await;
            assert_eq!(payload["userErrors"], json!([]));
        }
        let again = super::kit::act(&app.clerk(STATION), "remindHolder", input.clone()).await;
        let replay = super::kit::act(&app.clerk(STATION), "remindHolder", input).await;
        assert_eq!(again, replay, "the same key reminds once");
        let other = json!({ "case": case.id, "idempotencyKey": Uuid::now_v7() });
        let refused = super::kit::act(&app.clerk(TOWNSHIP), "remindHolder", other).await;
        assert_eq!(
            codes(&refused),
            ["WRONG_ORGANIZATION"],
            "nobody reminds themselves"
        );

        let seen = case.seen_by(&app.clerk(STATION)).await;
        let reminded = events(&seen)
            .iter()
            .filter(|event| *event == "HOLDER_REMINDED")
            .count();
        assert_eq!(reminded, 3);
        assert_eq!(text_of(&seen, "HOLDER_REMINDED"), "请尽快签收");
        let tracked = case.tracked(&app.anybody()).await;
        assert_eq!(
            text_of(&tracked, "HOLDER_REMINDED"),
            Value::Null,
            "not a word of it for others"
        );
        app.stop(world).await;
    }
);

story!(
    a_supervision_order_has_its_own_limit_and_is_answered_by_whom_it_is_for,
    async |world| {
        let county = County::open().await;
        let app = open(&county, world).await;
        let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
        case.done(&app.clerk(TOWNSHIP), "acceptCase", json!({})).await;
        let order =
            json!({ "text": "请三日内办结并说明原因", "limit": { "value": 3, "unit": "WORKING_DAY" } });
        let supervisor = app.supervisor(COUNTY);
        case.done(&supervisor, "issueSupervisionOrder", order.clone())
            .await;
        let seen = case.seen_by(&app.clerk(TOWNSHIP)).await;
        // Monday, and three working days
        assert_eq!(clock(&seen, "SUPERVISION")["dueDate"], "2026-03-05");
        assert_eq!(text_of(&seen, "SUPERVISION_ORDERED"), "请三日内办结并说明原因");
        assert!(
            seen["availableActions"]
                .as_array()
                .unwrap()
                .contains(&json!("ANSWER_SUPERVISION_ORDER"))
        );
        let issued = orders_of(&case, &supervisor).await;
        assert_eq!((issued.len(), &issued[0]["to"]["code"]), (1, &json!(TOWNSHIP)));
        assert_eq!(issued[0]["division"]["code"], COUNTY);

        for bad in [
            json!({ "text": "x", "limit": { "value": 0, "unit": "WORKING_DAY" } }),
            json!({ "text": " ", "limit": { "value": 1, "unit": "WORKING_DAY" } }),
        ] {
            let refused = case.act(&supervisor, "issueSupervisionOrder", bad).await;
            assert_eq!(codes(&refused), ["INVALID_FIELD"]);
        }
        let mut stranger = order.clone();
        stranger["to"] = id_of(&app, OTHER_TOWNSHIP).await;
        let refused = case.act(&supervisor, "issueSupervisionOrder", stranger).await;
        assert_eq!(codes(&refused), ["NOT_A_HOLDER"]);

        county.days_later(4);
        raised(&case, &app.clerk(TOWNSHIP), "SUPERVISION", "YELLOW").await;
        let answer = json!({ "order": issued[0]["id"], "text": "已核实，今日办结" });
        let not_theirs = case
            .act(&app.clerk(STATION), "answerSupervisionOrder", answer.clone())
            .await;
        assert_eq!(codes(&not_theirs), ["WRONG_ORGANIZATION"]);
        case.done(&app.clerk(TOWNSHIP), "answerSupervisionOrder", answer.clone())
            .await;
        let again = case
            .act(&app.clerk(TOWNSHIP), "answerSupervisionOrder", answer)
            .await;
        assert_eq!(codes(&again), ["ILLEGAL_ACT"]);
        let supervisor = app.supervisor(COUNTY);
        assert_ne!(orders_of(&case, &supervisor).await[0]["answeredAt"], Value::Null);
        let seen = case.seen_by(&supervisor).await;
        assert_eq!(clock(&seen, "SUPERVISION")["state"], "STOPPED");
        assert_eq!(
            text_of(&seen, "SUPERVISION_ANSWERED"),
            "已核实，今日办结",
            "the supervisor reads it"
        );
        app.stop(world).await;
    }
);

story!(
    a_card_is_appealed_by_its_holder_and_cancelled_by_the_level_above_alone,
    async |world| {
        let county = County::open().await;
        let app = open(&county, world).await;
        let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
        county.days_later(2);
        let card = raised(&case, &app.clerk(TOWNSHIP), "HANDOFF_ACK", "YELLOW").await;
        let appeal = json!({ "card": card["id"], "reason": "停电" });
        let not_theirs = case
            .act(&app.officer(STATION), "appealCard", appeal.clone())
            .await;
        assert_eq!(codes(&not_theirs), ["WRONG_ORGANIZATION"]);
        case.done(&app.officer(TOWNSHIP), "appealCard", appeal).await;
        let cancel = json!({ "card": card["id"], "reason": "情况属实" });
        for (level, code) in [
            ("340302001000", "LEVEL_TOO_LOW"),
            ("340302001001", "LEVEL_TOO_LOW"),
        ] {
            let refused = case
                .act(&app.supervisor(level), "cancelCard", cancel.clone())
                .await;
            assert_eq!(codes(&refused), [code], "{level}");
        }
        case.done(&app.supervisor(COUNTY), "cancelCard", cancel.clone())
            .await;
        let again = case.act(&app.supervisor(COUNTY), "cancelCard", cancel).await;
        assert_eq!(codes(&again), ["ILLEGAL_ACT"]);
        let seen = cards_of(&case, &app.supervisor(COUNTY)).await;
        let cards = seen["cards"].as_array().unwrap();
        let cancelled = cards.iter().find(|one| one["id"] == card["id"]).unwrap();
        assert_eq!(
            (&cancelled["state"], &cancelled["isCurrent"]),
            (&json!("CANCELLED"), &json!(false))
        );
        let told: Vec<&Value> = seen["timeline"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|line| line["cardId"] == card["id"])
            .map(|line| &line["event"])
            .collect();
        assert_eq!(told, ["CARD_RAISED", "CARD_APPEALED", "CARD_CANCELLED"]);
        app.stop(world).await;
    }
);

story!(
    a_supervisor_raises_a_card_by_hand_but_never_judges_what_its_own_organization_handles,
    async |world| {
        let county = County::open().await;
        let app = open(&county, world).await;
        let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
        let card = json!({ "to": id_of(&app, TOWNSHIP).await, "reason": "COMPLETE_REFUSED", "text": "材料齐全而退件" });
        case.done(&app.supervisor(COUNTY), "issueCard", card.clone())
            .await;
        let seen = cards_of(&case, &app.officer(TOWNSHIP)).await;
        assert_eq!(
            (&seen["card"], &seen["cards"][0]["cause"]),
            (&json!("YELLOW"), &json!("COMPLETE_REFUSED"))
        );
        let too_low = case
            .act(&app.supervisor("340302001000"), "issueCard", card.clone())
            .await;
        assert_eq!(codes(&too_low), ["LEVEL_TOO_LOW"]);

        // a supervisor who works for the township
        let own = onedoor::service::identity::demo::TokenRequest {
            organization: Some(TOWNSHIP.to_owned()),
            division: Some(COUNTY.to_owned()),
            ..crate::harness::actors::of_role(onedoor::service::identity::claims::Role::Supervisor)
        };
        let own = app.anybody().bearing(&app.actors.issue(&own));
        for (mutation, more) in [
            ("issueCard", card),
            (
                "issueSupervisionOrder",
                json!({ "text": "x", "limit": { "value": 1, "unit": "WORKING_DAY" } }),
            ),
            (
                "cancelCard",
                json!({ "card": seen["cards"][0]["id"], "reason": "x" }),
            ),
        ] {
            let refused = case.act(&own, mutation, more).await;
            assert_eq!(codes(&refused), ["WRONG_ORGANIZATION"], "{mutation}");
        }
        app.stop(world).await;
    }
);
