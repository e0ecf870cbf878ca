//! Grid events (四级网格): reported, assigned, handled, fed back, checked, and again where the check fails.

use onedoor::service::identity::claims::Role;
use onedoor::service::identity::demo::TokenRequest;
use serde_json::{Value, json};
use uuid::Uuid;

use super::kit::{COUNTY, Case, County, STATION, VILLAGE, clock, codes, events, handoff, submit};
use crate::harness::actors::of_role;
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::people::FARMER;
use crate::harness::story::story;

const GRID: &str = "340302001001:village.grid";
const CENTER: &str = "340302001000:township.grid-center";
/// One of the departments that the centre may choose.
const HOUSING: &str = "340302000000:county.housing";

/// A report without anything about the reporter but what the form asks for.
fn report() -> Value {
    json!({
        "idempotencyKey": Uuid::now_v7(),
        "serviceItem": "grid-report",
        "division": VILLAGE,
        "applicant": { "kind": "PERSON", "name": FARMER.name, "idType": "RESIDENT_ID" },
        "form": { "reason": "路面积水", "place": "东门桥下", "mobile": FARMER.phone },
    })
}

async fn id_of(app: &TestApp, organization: &str) -> Value {
    let document = "query($code: String!) { organization(by: { code: $code }) { id } }";
    let data = app
        .anybody()
        .data(document, json!({ "code": organization }))
        .await;
    data["organization"]["id"].clone()
}

/// An event that its grid reported and the county's housing department handles.
async fn handled(app: &TestApp) -> Case {
    let case = submit(&app.clerk(GRID), report()).await;
    assigned_from(app, &case).await;
    case
}

/// The grid has it: it goes to the centre, which assigns it.
async fn assigned_from(app: &TestApp, case: &Case) {
    case.done(&app.clerk(GRID), "handOff", json!({})).await;
    let center = app.officer(CENTER);
    let assigned = case.done(&center, "acceptCase", json!({})).await;
    assert_eq!(word(&assigned), "ASSIGNED");
    let nobody = case.act(&center, "handOff", json!({})).await;
    assert_eq!(codes(&nobody), ["CHOOSE_ORGANIZATION"]);
    let to = id_of(app, HOUSING).await;
    case.done(&center, "handOff", json!({ "to": to })).await;
    let signed = case.signed_for(&app.officer(HOUSING)).await;
    assert_eq!(
        (word(&signed), &signed["owner"]["code"]),
        ("HANDLING", &json!(HOUSING))
    );
}

async fn fed_back(app: &TestApp, case: &Case, decision: &str) -> Value {
    let more = json!({ "decision": decision, "reasons": "已到现场处理" });
    let case = case.done(&app.officer(HOUSING), "decideCase", more).await;
    assert_eq!((word(&case), &case["decision"]), ("FED_BACK", &json!(decision)));
    let verify = handoff(&case, |one| one["step"] == 3 && one["state"] == "OFFERED");
    assert_eq!(verify["to"]["code"], GRID, "VERIFY goes to the reporting grid");
    assert_eq!(
        (
            &case["nextStep"]["kind"],
            &case["nextStep"]["organization"]["code"]
        ),
        (&json!("CHECK"), &json!(GRID))
    );
    case
}

async fn checked(app: &TestApp, case: &Case, result: &str) -> Value {
    let more = json!({ "result": result, "text": "现场已看" });
    case.done(&app.clerk(GRID), "checkGridEvent", more).await
}

fn word(case: &Value) -> &str {
    case["grid"]["status"].as_str().unwrap()
}

/// The same person at another desk.
fn person(app: &TestApp, role: Role, organization: &str) -> Gql {
    app.anybody().bearing(&app.actors.issue(&TokenRequest {
        subject: Some("one-and-the-same".to_owned()),
        organization: Some(organization.to_owned()),
        ..of_role(role)
    }))
}

/// The loops of a division as somebody may read them.
async fn loops(who: &Gql, division: &str) -> Value {
    let document = "query($code: DivisionCode!) { division(by: { code: $code }) { level loopClosure {
        total { reported fedBack checked failedChecks reopenings closureRate }
        bySetting { setting reported checked closureRate } } } }";
    let data = who.data(document, json!({ "code": division })).await;
    data["division"]["loopClosure"].clone()
}

story!(a_grid_event_is_resolved_checked_and_closed, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let case = submit(&app.clerk(GRID), report()).await;
    let reported = case.seen_by(&app.clerk(GRID)).await;
    assert_eq!(
        (
            word(&reported),
            &reported["statusText"],
            &reported["owner"]["code"]
        ),
        ("REPORTED", &json!("已上报"), &json!(GRID))
    );
    assert_eq!(
        case.seen_by(&app.clerk(GRID).in_english()).await["statusText"],
        "reported"
    );
    assigned_from(&app, &case).await;
    fed_back(&app, &case, "RESOLVED").await;
    let grid = app.clerk(GRID);
    let finish = case.seen_by(&grid).await;
    let actions = finish["availableActions"].as_array().unwrap();
    assert!(actions.contains(&json!("CHECK_GRID_EVENT")), "{actions:?}");
    assert!(!actions.contains(&json!("FINISH_HANDOFF")), "{actions:?}");
    let delivered = case.act(&app.officer(HOUSING), "deliverResult", json!({})).await;
    assert_eq!(codes(&delivered), ["ILLEGAL_ACT"], "there is no delivery");
    let closed = checked(&app, &case, "PASS").await;
    assert_eq!(
        (
            word(&closed),
            &closed["status"],
            &closed["owner"],
            &closed["statusText"]
        ),
        ("CHECKED", &json!("COMPLETED"), &Value::Null, &json!("已核查"))
    );
    assert_eq!(closed["nextStep"]["kind"], "NOTHING");
    let clocks = closed["clocks"].as_array().unwrap();
    assert!(
        clocks.iter().all(|clock| clock["state"] == "STOPPED"),
        "{clocks:?}"
    );
    let kinds: Vec<_> = closed["handoffs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["kind"])
        .collect();
    assert!(!kinds.contains(&&json!("DELIVERY")));
    let read = case.seen_by(&grid).await;
    assert_eq!(
        (&read["grid"], &read["clocks"]),
        (&closed["grid"], &closed["clocks"]),
        "as it was written"
    );
    app.stop(world).await;
});

story!(
    an_unfounded_event_that_fails_its_check_goes_back_and_the_time_between_does_not_count,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let case = handled(&app).await;
        let seen = case.seen_by(&app.clerk(GRID)).await;
        // Monday 2026-03-02 and five working days
        assert_eq!(clock(&seen, "PROMISE")["dueDate"], "2026-03-09");
        county.days_later(1);
        let reasonless = json!({ "decision": "UNFOUNDED" });
        let refused = case.act(&app.officer(HOUSING), "decideCase", reasonless).await;
        assert_eq!(codes(&refused), ["REASONS_REQUIRED"]);
        fed_back(&app, &case, "UNFOUNDED").await;
        county.days_later(2);
        let silent = case
            .act(&app.clerk(GRID), "checkGridEvent", json!({ "result": "FAIL" }))
            .await;
        assert_eq!(codes(&silent), ["INVALID_FIELD"]);
        let back = checked(&app, &case, "FAIL").await;
        assert_eq!(
            (
                word(&back),
                &back["owner"]["code"],
                &back["decision"],
                &back["decidedAt"]
            ),
            ("HANDLING", &json!(HOUSING), &Value::Null, &Value::Null)
        );
        assert_eq!(back["grid"]["failedChecks"], 1);
        let assign = handoff(&back, |one| one["kind"] == "ASSIGN");
        assert_eq!(
            (&assign["state"], &assign["to"]["code"], &assign["step"]),
            (&json!("ACKNOWLEDGED"), &json!(HOUSING), &json!(2))
        );
        let promise = clock(&back, "PROMISE");
        assert_eq!(
            (&promise["state"], &promise["dueDate"]),
            (&json!("RUNNING"), &json!("2026-03-11")),
            "Wednesday and Thursday lay between"
        );
        let again = case.seen_by(&app.officer(HOUSING)).await;
        assert_eq!(again["clocks"], back["clocks"], "as it was written");
        fed_back(&app, &case, "RESOLVED").await;
        let closed = checked(&app, &case, "PASS").await;
        assert_eq!(closed["status"], "COMPLETED");
        let told = events(&case.seen_by(&app.clerk(GRID)).await);
        assert_eq!(told.iter().filter(|event| *event == "GRID_CHECKED").count(), 2);
        app.stop(world).await;
    }
);

story!(
    a_supervisor_opens_a_completed_event_again_within_thirty_days,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let case = submit(&app.kiosk(STATION), report()).await;
        case.signed_for(&app.clerk(GRID)).await;
        assigned_from(&app, &case).await;
        fed_back(&app, &case, "UNFOUNDED").await;
        checked(&app, &case, "PASS").await;
        county.days_later(30);
        let reason = json!({ "reason": "雨后再次积水" });
        let foreign = case.seen_by(&app.supervisor("340322000000")).await;
        assert_eq!(
            foreign,
            Value::Null,
            "another county's supervisor does not see it"
        );
        let reopened = case
            .done(&app.supervisor(COUNTY), "reopenCase", reason.clone())
            .await;
        assert_eq!(
            (
                word(&reopened),
                &reopened["owner"]["code"],
                &reopened["completedAt"]
            ),
            ("HANDLING", &json!(HOUSING), &Value::Null)
        );
        assert_eq!(reopened["grid"]["reopenings"], 1);
        assert_eq!(clock(&reopened, "PROMISE")["state"], "RUNNING");
        let twice = case
            .act(&app.supervisor(COUNTY), "reopenCase", reason.clone())
            .await;
        assert_eq!(codes(&twice), ["ILLEGAL_ACT"]);
        fed_back(&app, &case, "RESOLVED").await;
        assert_eq!(checked(&app, &case, "PASS").await["status"], "COMPLETED");
        county.days_later(31);
        let late = case.act(&app.supervisor(COUNTY), "reopenCase", reason).await;
        assert_eq!(codes(&late), ["ILLEGAL_ACT"]);
        app.stop(world).await;
    }
);

story!(
    nobody_checks_what_they_resolved_and_a_supervisor_checks_what_others_did,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let case = handled(&app).await;
        let more = json!({ "decision": "RESOLVED" });
        case.done(&person(&app, Role::Officer, HOUSING), "decideCase", more)
            .await;
        let pass = json!({ "result": "PASS" });
        let same = case
            .act(&person(&app, Role::Clerk, GRID), "checkGridEvent", pass.clone())
            .await;
        assert_eq!(codes(&same), ["ILLEGAL_ACT"]);
        assert!(
            same["userErrors"][0]["message"]
                .as_str()
                .unwrap()
                .contains("处置人以外"),
            "{same}"
        );
        let resolver = case
            .act(&app.clerk(HOUSING), "checkGridEvent", pass.clone())
            .await;
        assert_eq!(codes(&resolver), ["WRONG_ORGANIZATION"]);
        let document =
            "mutation($input: DecideCaseInput!) { decideCase(input: $input) { userErrors { code } } }";
        let input = json!({
            "case": case.id, "expectedVersion": 1, "idempotencyKey": Uuid::now_v7(), "decision": "RESOLVED",
        });
        let handling = app
            .supervisor(COUNTY)
            .ask(document, json!({ "input": input }))
            .await;
        assert_eq!(
            handling.codes(),
            ["FORBIDDEN"],
            "a supervisor is never the handler"
        );
        let passed = case.done(&app.supervisor(COUNTY), "checkGridEvent", pass).await;
        assert_eq!(passed["status"], "COMPLETED");
        app.stop(world).await;
    }
);

story!(
    loop_closure_is_counted_on_four_levels_by_what_the_reader_may_read,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let closed = handled(&app).await;
        fed_back(&app, &closed, "RESOLVED").await;
        checked(&app, &closed, "FAIL").await;
        fed_back(&app, &closed, "RESOLVED").await;
        checked(&app, &closed, "PASS").await;
        let waiting = handled(&app).await;
        fed_back(&app, &waiting, "UNFOUNDED").await;
        let city = app.supervisor("340300000000");
        for division in ["340300000000", COUNTY, "340302001000", VILLAGE] {
            let figures = loops(&city, division).await;
            assert_eq!(
                figures["total"],
                json!({
                    "reported": 2, "fedBack": 1, "checked": 1, "failedChecks": 1, "reopenings": 0, "closureRate": 0.5,
                }),
                "{division}"
            );
            assert_eq!(
                figures["bySetting"],
                json!([{ "setting": "URBAN", "reported": 2, "checked": 1, "closureRate": 0.5 }])
            );
        }
        let elsewhere = loops(&app.supervisor("340322000000"), COUNTY).await;
        assert_eq!(
            elsewhere["total"]["reported"], 0,
            "the reader's scope cuts every figure"
        );
        assert_eq!(elsewhere["total"]["closureRate"], Value::Null);
        let own = loops(&app.clerk(GRID), VILLAGE).await;
        assert_eq!(own["total"]["reported"], 2);
        let nobody = app
            .anybody()
            .ask(
                "{ division(by: { code: \"340300000000\" }) { loopClosure { total { reported } } } }",
                json!({}),
            )
            .await;
        assert_eq!(nobody.codes(), ["UNAUTHENTICATED"]);
        app.stop(world).await;
    }
);
