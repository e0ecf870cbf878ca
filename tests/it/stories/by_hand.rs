//! Handoffs by hand over HTTP: passed on, returned, refused, recalled, asked beside, waived, and what the lists admit.

use onedoor::service::import::{Mode, admissions};
use serde_json::{Value, json};

use super::kit::{
    CIVIL_AFFAIRS, COMMITTEE, Case, County, DISABLED_FEDERATION, HUMAN_RESOURCES, MEDICAL_SECURITY, STATION,
    TOWNSHIP, act, application, clock, codes, events, funeral, handoff, offered_to_county, pension, submit,
};
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::people::FARMER;
use crate::harness::story::story;
use crate::reference::replica::Replica;

/// The city's civil affairs bureau: the level above the county's.
const CITY_CIVIL_AFFAIRS: &str = "BB-MCA";
/// The lists as they ship for a demonstration.
const SAMPLE: &str = include_str!("../../../data/admissions.csv");

async fn id_of(app: &TestApp, organization: &str) -> Value {
    let document = "query($code: String!) { organization(by: { code: $code }) { id } }";
    let data = app
        .anybody()
        .data(document, json!({ "code": organization }))
        .await;
    data["organization"]["id"].clone()
}

/// What a case says of its hands.
async fn hands(case: &Case, who: &Gql) -> Value {
    let document = "query($id: ID!) { case(by: { id: $id }) {
        status version backAndForth availableHandoffKinds owner { code }
        handoffs { id kind state version refusalReason admission slip originals materials { material hash } to { code } }
        timeline { event text refusalReason } } }";
    who.data(document, json!({ "id": case.id })).await["case"].clone()
}

/// An act on the one handoff that waits for its answer.
async fn answer(case: &Case, who: &Gql, mutation: &str, more: Value) -> Value {
    let open = handoff(&case.seen_by(who).await, |one| one["state"] == "OFFERED");
    let mut input = case.input(&open["version"], json!({ "handoff": open["id"] }));
    for (name, value) in more.as_object().unwrap() {
        input[name] = value.clone();
    }
    act(who, mutation, input).await
}

/// A funeral subsidy that the county's civil affairs hold.
async fn at_civil_affairs(app: &TestApp) -> Case {
    let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
    let more = json!({ "advance": true });
    case.done(&app.clerk(TOWNSHIP), "acceptCase", more).await;
    case.signed_for(&app.clerk(CIVIL_AFFAIRS)).await;
    case
}

story!(
    who_gets_the_step_by_transfer_decides_in_the_others_place,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let case = at_civil_affairs(&app).await;
        let step = clock(&case.seen_by(&app.clerk(CIVIL_AFFAIRS)).await, "STEP");
        let to = id_of(&app, MEDICAL_SECURITY).await;
        let mute = json!({ "kind": "TRANSFER", "to": to });
        let refused = case.act(&app.clerk(CIVIL_AFFAIRS), "handOff", mute).await;
        assert_eq!(codes(&refused), ["INVALID_FIELD"], "a reason is required");
        let transfer =
            json!({ "kind": "TRANSFER", "to": to, "reason": "属医保待遇", "originals": 2, "slip": "S-7" });
        let payload = case.act(&app.clerk(CIVIL_AFFAIRS), "handOff", transfer).await;
        assert_eq!(payload["receipt"]["kind"], "TRANSFER_SLIP");
        let taken = case.signed_for(&app.clerk(MEDICAL_SECURITY)).await;
        assert_eq!(taken["owner"]["code"], MEDICAL_SECURITY);
        assert_eq!(
            clock(&taken, "STEP")["dueDate"],
            step["dueDate"],
            "STEP goes on in the same step"
        );
        let decision = json!({ "decision": "GRANTED" });
        let decided = case
            .done(&app.officer(MEDICAL_SECURITY), "decideCase", decision)
            .await;
        assert_eq!(decided["decision"], "GRANTED");
        app.stop(world).await;
    }
);

story!(
    a_refusal_leaves_the_case_with_its_sender_and_counts,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let township = app.clerk(TOWNSHIP);
        let case = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
        let refusal = json!({ "reason": "NOT_OUR_DUTY", "text": "不属本单位" });
        let into = answer(&case, &township, "refuseHandoff", refusal.clone()).await;
        assert_eq!(
            codes(&into),
            ["ILLEGAL_ACT"],
            "into the accepting step declineCase speaks"
        );
        let message = into["userErrors"][0]["message"].as_str().unwrap();
        assert!(message.contains("declineCase"), "{message}");
        case.done(&township, "acceptCase", json!({ "advance": true }))
            .await;
        let refused = answer(&case, &app.clerk(CIVIL_AFFAIRS), "refuseHandoff", refusal).await;
        assert_eq!(refused["userErrors"], json!([]));

        let seen = hands(&case, &township).await;
        assert_eq!(
            (&seen["owner"]["code"], &seen["backAndForth"]),
            (&json!(TOWNSHIP), &json!(1))
        );
        let turned_down = handoff(&seen, |one| one["state"] == "REFUSED");
        assert_eq!(turned_down["refusalReason"], "NOT_OUR_DUTY");
        let line = seen["timeline"].as_array().unwrap().iter().rev();
        let line = line
            .clone()
            .find(|line| line["event"] == "HANDOFF_REFUSED")
            .unwrap();
        assert_eq!(
            (&line["text"], &line["refusalReason"]),
            (&json!("不属本单位"), &json!("NOT_OUR_DUTY"))
        );

        case.done(&township, "handOff", json!({})).await;
        let recalled = answer(&case, &township, "recallHandoff", json!({})).await;
        assert_eq!(recalled["userErrors"], json!([]));
        case.done(&township, "handOff", json!({})).await;
        case.signed_for(&app.clerk(CIVIL_AFFAIRS)).await;
        let back = json!({ "kind": "RETURN", "reason": "请补充户籍信息" });
        case.done(&app.clerk(CIVIL_AFFAIRS), "handOff", back).await;
        let returned = case.signed_for(&township).await;
        assert_eq!(returned["owner"]["code"], TOWNSHIP);
        assert_eq!(hands(&case, &township).await["backAndForth"], 2);
        case.done(&township, "handOff", json!({})).await;
        case.signed_for(&app.clerk(CIVIL_AFFAIRS)).await;
        let decision = json!({ "decision": "GRANTED" });
        case.done(&app.officer(CIVIL_AFFAIRS), "decideCase", decision)
            .await;
        app.stop(world).await;
    }
);

story!(
    the_level_above_answers_the_sender_who_keeps_the_case,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let case = at_civil_affairs(&app).await;
        let clerk = app.clerk(CIVIL_AFFAIRS);
        let kinds = hands(&case, &clerk).await["availableHandoffKinds"].clone();
        assert_eq!(
            kinds,
            json!([
                "ASSIGN",
                "TRANSFER",
                "RETURN",
                "ESCALATE",
                "CONSULT",
                "COUNTERSIGN",
                "JOINT_REVIEW"
            ])
        );
        let beside =
            json!({ "kind": "ESCALATE", "to": id_of(&app, MEDICAL_SECURITY).await, "reason": "请示" });
        let sideways = case.act(&clerk, "handOff", beside).await;
        assert_eq!(codes(&sideways), ["RECEIVER_UNFIT"]);
        let up =
            json!({ "kind": "ESCALATE", "to": id_of(&app, CITY_CIVIL_AFFAIRS).await, "reason": "请示标准" });
        case.done(&clerk, "handOff", up).await;
        let city = app.clerk(CITY_CIVIL_AFFAIRS);
        let silent = answer(&case, &city, "finishHandoff", json!({})).await;
        assert_eq!(codes(&silent), ["ILLEGAL_ACT"], "it is answered in words");
        let answered = answer(&case, &city, "finishHandoff", json!({ "text": "按新标准执行" })).await;
        assert_eq!(answered["userErrors"], json!([]));
        let seen = case.seen_by(&clerk).await;
        assert_eq!(seen["owner"]["code"], CIVIL_AFFAIRS);
        let said = seen["timeline"]
            .as_array()
            .unwrap()
            .iter()
            .any(|line| line["text"] == "按新标准执行");
        assert!(said, "the sender reads the answer");
        app.stop(world).await;
    }
);

story!(an_officer_does_without_a_signature_with_a_reason, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let form = json!({ "disab": "1", "disabLevel": "2", "bank": "6222020000000000", "bankName": "试验银行" });
    let paper = application("disability-two-subsidies", &FARMER, form, &["id", "dis", "bankc"]);
    let case = submit(&app.kiosk(STATION), paper).await;
    case.done(&app.clerk(TOWNSHIP), "acceptCase", json!({ "advance": true }))
        .await;
    let waive = json!({ "waive": "逾期未复，已电话确认" });
    let clerk = answer(&case, &app.clerk(TOWNSHIP), "finishHandoff", waive.clone()).await;
    assert_eq!(codes(&clerk), ["ILLEGAL_ACT"], "an officer's act");
    let both = json!({ "waive": "x", "opinion": "AGREE" });
    let both = answer(&case, &app.officer(TOWNSHIP), "finishHandoff", both).await;
    assert_eq!(codes(&both), ["INVALID_FIELD"]);
    let waived = answer(&case, &app.officer(TOWNSHIP), "finishHandoff", waive).await;
    assert_eq!(waived["userErrors"], json!([]));
    let beside = handoff(&waived["case"], |one| one["kind"] == "COUNTERSIGN");
    assert_eq!(
        (&beside["state"], &beside["to"]["code"]),
        (&json!("WAIVED"), &json!(DISABLED_FEDERATION))
    );
    case.done(&app.clerk(TOWNSHIP), "handOff", json!({})).await;
    app.stop(world).await;
});

story!(
    a_recalled_delivery_is_cancelled_and_the_next_goes_out,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let busy = json!({ "mode": "answer", "status": 429, "retry_after_s": 900, "times": 1 });
        county.department.told(busy).await;
        let case = offered_to_county(&app).await;
        case.delivery_becomes(&app, "PENDING", 1).await;
        let township = app.clerk(TOWNSHIP);
        let open = handoff(&case.seen_by(&township).await, |one| {
            one["upstream"] != Value::Null
        });
        let recall = case.input(&open["version"], json!({ "handoff": open["id"] }));
        let recalled = act(&township, "recallHandoff", recall).await;
        assert_eq!(recalled["userErrors"], json!([]));
        let deliveries = case.deliveries(&app).await;
        let handed = deliveries
            .iter()
            .find(|one| one["operation"] == "SUBMIT")
            .unwrap();
        assert_eq!(handed["state"], "CANCELLED", "nothing of it had left");
        assert_eq!(recalled["case"]["owner"]["code"], TOWNSHIP);
        case.done(&township, "handOff", json!({})).await;
        let taken = case.taken_over(&township).await;
        assert_eq!(taken["owner"]["code"], HUMAN_RESOURCES);
        app.stop(world).await;
    }
);

story!(
    what_a_system_answers_to_a_recalled_handoff_is_kept,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        // its word that it took the case over is lost as well
        county
            .department
            .told(json!({ "mode": "callback-never", "times": 1 }))
            .await;
        let lost = json!({ "mode": "accept-then-hang", "times": 1 });
        county.department.told(lost).await;
        let case = offered_to_county(&app).await;
        case.delivery_becomes(&app, "PENDING", 1).await;
        let township = app.clerk(TOWNSHIP);
        let sent = handoff(&case.seen_by(&township).await, |one| one["state"] == "SENT");
        let recall = case.input(&sent["version"], json!({ "handoff": sent["id"] }));
        let recalled = act(&township, "recallHandoff", recall).await;
        assert_eq!(recalled["userErrors"], json!([]));
        county.decides(&case, "APPROVED", None).await;
        let seen = case
            .comes_to(&township, "the news is kept", |case| {
                events(case).contains(&"NEWS_KEPT".to_owned())
            })
            .await;
        assert_eq!(
            (&seen["owner"]["code"], &seen["status"]),
            (&json!(TOWNSHIP), &json!("IN_REVIEW")),
            "never backwards, never past the recall"
        );
        // what is in doubt is looked at once more, and is no longer wanted
        county.seconds_later(301);
        app.stop(world).await;
    }
);

story!(
    the_grassroots_get_by_hand_only_what_the_lists_admit,
    async |world| {
        let replica = Replica::start(world).await;
        let dry = admissions::import(&replica.cx, SAMPLE, Mode::DryRun)
            .await
            .unwrap();
        assert_eq!((dry.rows, dry.counts.added), (6, 6));
        let written = admissions::import(&replica.cx, SAMPLE, Mode::Write)
            .await
            .unwrap();
        assert_eq!(written.counts.added, 6, "a dry run changed nothing");
        let again = admissions::import(&replica.cx, SAMPLE, Mode::Write)
            .await
            .unwrap();
        assert!(again.counts.is_no_change());
        replica.stop().await;

        let county = County::open().await;
        let app = county.gateway(world).await;
        let document = "{ serviceItem(by: { code: \"pension-enroll\" }) {
        admissions { number list approver fundsNote validFrom validTo divisionCode } } }";
        let listed = app.anybody().data(document, json!({})).await;
        let entries = listed["serviceItem"]["admissions"].as_array().unwrap().clone();
        assert_eq!(entries[0]["number"], "SAMPLE-ASSIST-01");

        let to = id_of(&app, COMMITTEE).await;
        let assign = json!({ "kind": "ASSIGN", "to": to, "reason": "请协助核实" });
        let listed = submit(&app.kiosk(STATION), pension(&FARMER)).await;
        listed.signed_for(&app.clerk(TOWNSHIP)).await;
        listed.done(&app.clerk(TOWNSHIP), "handOff", assign.clone()).await;
        let seen = hands(&listed, &app.clerk(TOWNSHIP)).await;
        let given = handoff(&seen, |one| one["kind"] == "ASSIGN");
        assert_eq!(given["admission"], "SAMPLE-ASSIST-01");
        assert_eq!(
            given["materials"].as_array().unwrap().len(),
            3,
            "all on file went along"
        );
        let taken = listed.signed_for(&app.clerk(COMMITTEE)).await;
        assert_eq!(taken["owner"]["code"], COMMITTEE);
        let accepted = listed.done(&app.clerk(COMMITTEE), "acceptCase", json!({})).await;
        assert_eq!(accepted["status"], "ACCEPTED", "it accepts in the other's place");

        let unlisted = submit(&app.kiosk(STATION), funeral(&FARMER)).await;
        unlisted.signed_for(&app.clerk(TOWNSHIP)).await;
        let refused = unlisted.act(&app.clerk(TOWNSHIP), "handOff", assign).await;
        assert_eq!(codes(&refused), ["NOT_ADMITTED"]);
        app.stop(world).await;
    }
);
