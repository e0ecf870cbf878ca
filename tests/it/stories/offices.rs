//! Items that people decide: by an unbound office, on the spot, with a countersignature, after a publicity.

use serde_json::{Value, json};

use super::kit::{
    CIVIL_AFFAIRS, COMMITTEE, Case, County, DISABLED_FEDERATION, MEDICAL_SECURITY, STATION, TOWNSHIP,
    VILLAGE, act, application, clock, codes, events, funeral, handoff, submit,
};
use crate::harness::app::TestApp;
use crate::harness::people::{FARMER, NEIGHBOUR};
use crate::harness::story::story;

const BANK: &str = "6222020000000000";

/// A funeral subsidy that the township has handed on and civil affairs has signed for.
async fn at_civil_affairs(app: &TestApp) -> Case {
    let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
    let township = app.clerk(TOWNSHIP);
    let accepted = case.done(&township, "acceptCase", json!({})).await;
    assert_eq!(
        (&accepted["status"], &accepted["owner"]["code"]),
        (&json!("ACCEPTED"), &json!(TOWNSHIP))
    );
    let handed = case
        .done(
            &township,
            "handOff",
            json!({ "originals": 2, "slip": "BB-2026-0001" }),
        )
        .await;
    assert_eq!(
        handed["owner"]["code"], TOWNSHIP,
        "until the county signs, the township answers"
    );
    let signed = case.signed_for(&app.officer(CIVIL_AFFAIRS)).await;
    assert_eq!(
        (&signed["status"], &signed["owner"]["code"]),
        (&json!("IN_REVIEW"), &json!(CIVIL_AFFAIRS))
    );
    case
}

story!(
    an_unbound_office_grants_and_hands_the_result_over,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let case = at_civil_affairs(&app).await;
        let officer = app.officer(CIVIL_AFFAIRS);
        let decided = case
            .done(&officer, "decideCase", json!({ "decision": "GRANTED" }))
            .await;
        assert_eq!(
            (&decided["status"], &decided["decision"]),
            (&json!("COMPLETED"), &json!("GRANTED"))
        );
        assert_eq!(
            decided["owner"]["code"], CIVIL_AFFAIRS,
            "the decider keeps it until the result is handed over"
        );
        let again = case
            .act(&officer, "decideCase", json!({ "decision": "GRANTED" }))
            .await;
        assert_eq!(codes(&again), ["ILLEGAL_ACT"]);
        assert_eq!(
            again["userErrors"][0]["possibleActions"],
            json!(["DELIVER_RESULT"])
        );
        let delivered = case
            .done(&app.clerk(CIVIL_AFFAIRS), "deliverResult", json!({}))
            .await;
        assert_eq!(delivered["status"], "DELIVERED");
        let tracked = case.tracked(&app.anybody()).await;
        let receipts = tracked["receipts"].as_array().unwrap();
        let kinds: Vec<_> = receipts.iter().map(|one| one["kind"].as_str().unwrap()).collect();
        assert_eq!(
            kinds,
            ["RECEIPT", "ACCEPTANCE", "TRANSFER_SLIP", "DECISION", "DELIVERY"]
        );
        assert!(
            county.department.requests().await.is_empty(),
            "nobody told the other office"
        );
        app.stop(world).await;
    }
);

story!(a_denial_gives_reasons_and_remedy, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let case = at_civil_affairs(&app).await;
    let officer = app.officer(CIVIL_AFFAIRS);
    for bare in [
        json!({ "decision": "DENIED" }),
        json!({ "decision": "DENIED", "reasons": "材料不实" }),
        json!({ "decision": "DENIED", "reasons": "  ", "remedy": "复议" }),
    ] {
        let refused = case.act(&officer, "decideCase", bare).await;
        assert_eq!(codes(&refused), ["REASONS_REQUIRED"]);
    }
    let whole =
        json!({ "decision": "DENIED", "reasons": "不符合条件", "remedy": "六十日内可以申请行政复议" });
    let denied = case.done(&officer, "decideCase", whole).await;
    assert_eq!(
        (&denied["status"], &denied["decision"]),
        (&json!("COMPLETED"), &json!("DENIED"))
    );
    let tracked = case.tracked(&app.anybody()).await;
    let lines = tracked["timeline"].as_array().unwrap();
    let decided = lines.iter().find(|line| line["event"] == "DECIDED").unwrap();
    assert_eq!(
        (&decided["text"], &decided["remedy"]),
        (&json!("不符合条件"), &json!("六十日内可以申请行政复议"))
    );
    assert_eq!(
        case.done(&officer, "deliverResult", json!({})).await["status"],
        "DELIVERED"
    );
    app.stop(world).await;
});

story!(an_immediate_item_is_decided_in_one_act, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let form = json!({ "hukou": VILLAGE });
    let paper = application("medical-enroll", &NEIGHBOUR, form, &["id", "hk"]);
    let case = submit(&app.kiosk(STATION), paper).await;
    let officer = app.officer(TOWNSHIP);
    let seen = case.seen_by(&officer).await;
    let can = seen["availableActions"].as_array().unwrap();
    assert!(can.contains(&json!("ACCEPT_CASE")), "{can:?}");
    let decided = case
        .done(&officer, "decideCase", json!({ "decision": "GRANTED" }))
        .await;
    assert_eq!(decided["status"], "COMPLETED");
    let names = events(&decided);
    for name in ["HANDOFF_ACKNOWLEDGED", "ACCEPTED", "DECIDED", "COMPLETED"] {
        assert!(names.iter().any(|one| one == name), "{name}: {names:?}");
    }
    assert_eq!(
        case.done(&officer, "deliverResult", json!({})).await["status"],
        "DELIVERED"
    );
    app.stop(world).await;
});

story!(a_countersigner_signs_beside_the_owner_who_waits, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let form = json!({ "disab": "1", "disabLevel": "2", "bank": BANK, "bankName": "试验银行" });
    let paper = application("disability-two-subsidies", &FARMER, form, &["id", "dis", "bankc"]);
    let case = submit(&app.kiosk(STATION), paper).await;
    let township = app.clerk(TOWNSHIP);
    let accepted = case
        .done(&township, "acceptCase", json!({ "advance": true }))
        .await;
    let beside = handoff(&accepted, |one| one["kind"] == "COUNTERSIGN");
    assert_eq!(
        (&beside["to"]["code"], &beside["required"]),
        (&json!(DISABLED_FEDERATION), &json!(true))
    );
    assert_eq!(accepted["owner"]["code"], TOWNSHIP);
    let early = case.act(&township, "handOff", json!({})).await;
    assert_eq!(codes(&early), ["ILLEGAL_ACT"]);

    let federation = app.clerk(DISABLED_FEDERATION);
    let beside = handoff(&case.seen_by(&federation).await, |one| {
        one["kind"] == "COUNTERSIGN"
    });
    let opinion =
        json!({ "handoff": beside["id"], "opinion": "AGREE_WITH_CONDITIONS", "text": "须每年复核" });
    let finished = act(
        &federation,
        "finishHandoff",
        case.input(&beside["version"], opinion),
    )
    .await;
    assert_eq!(finished["userErrors"], json!([]));
    let done = handoff(&finished["case"], |one| one["kind"] == "COUNTERSIGN");
    assert_eq!(
        (&done["state"], &done["opinion"]),
        (&json!("DONE"), &json!("AGREE_WITH_CONDITIONS"))
    );

    case.done(&township, "handOff", json!({})).await;
    case.signed_for(&app.clerk(CIVIL_AFFAIRS)).await;
    let decided = case
        .done(
            &app.officer(CIVIL_AFFAIRS),
            "decideCase",
            json!({ "decision": "GRANTED" }),
        )
        .await;
    assert_eq!(decided["decision"], "GRANTED");
    app.stop(world).await;
});

story!(a_publicity_stops_the_clocks_and_is_not_cut_short, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let form = json!({ "bank": BANK, "bankName": "试验银行", "reason": "住院费用负担过重" });
    let paper = application("medical-aid", &FARMER, form, &["id", "inc", "med", "bankc"]);
    let case = submit(&app.kiosk(STATION), paper).await;
    let accepted = case
        .done(&app.clerk(TOWNSHIP), "acceptCase", json!({ "advance": true }))
        .await;
    assert_eq!(clock(&accepted, "PROMISE")["dueDate"], "2026-03-23");

    let shown = case.signed_for(&app.clerk(COMMITTEE)).await;
    assert_eq!(shown["status"], "SPECIAL_PROCEDURE");
    let promise = clock(&shown, "PROMISE");
    assert_eq!(
        (&promise["state"], &promise["dueDate"]),
        (&json!("PAUSED"), &Value::Null)
    );
    assert_eq!(clock(&shown, "SPECIAL")["dueDate"], "2026-03-16");

    // seven days after the second of March end with the ninth
    county.days_later(7);
    let early = case.act(&app.clerk(COMMITTEE), "handOff", json!({})).await;
    assert_eq!(codes(&early), ["ILLEGAL_ACT"]);
    let message = early["userErrors"][0]["message"].as_str().unwrap();
    assert!(message.contains("2026-03-10"), "it says from when: {message}");
    county.days_later(1);
    let handed = case.done(&app.clerk(COMMITTEE), "handOff", json!({})).await;
    assert_eq!(handed["status"], "IN_REVIEW");
    assert_eq!(
        clock(&handed, "PROMISE")["dueDate"],
        "2026-03-31",
        "six working days did not count"
    );
    case.signed_for(&app.clerk(MEDICAL_SECURITY)).await;
    let decision = json!({ "decision": "GRANTED", "reasons": "公示期满无异议" });
    let decided = case
        .done(&app.officer(MEDICAL_SECURITY), "decideCase", decision)
        .await;
    assert_eq!(decided["decision"], "GRANTED");
    app.stop(world).await;
});
