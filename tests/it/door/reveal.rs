//! Personal data is shown to who works on the case, for a purpose, within a day's budget, and never without its record (P27).

use chrono::TimeDelta;
use futures_util::future::join_all;
use onedoor::service::identity::claims::Role;
use onedoor::service::identity::demo::TokenRequest;
use serde_json::{Value, json};
use uuid::Uuid;

use super::journey::{self, CENTER, COUNTY, STATION};
use super::looking::{
    ALL_FIELDS, ask, codes, count, hands, let_in_again, look, on_the_desk, records_of, refuse_records,
    reveal, search, sign, tracked_records,
};
use crate::harness::actors::of_role;
use crate::harness::app::{MONDAY_AT_TEN, TestApp};
use crate::harness::gql::Gql;
use crate::harness::people::{self, FARMER, NEIGHBOUR};
use crate::harness::story::story;

/// Another county's township.
const ELSEWHERE: &str = "340302001000:township.service-center";

/// A clerk of the township with an account of their own.
fn clerk(app: &TestApp, subject: &str) -> Gql {
    let token = app.actors.issue(&TokenRequest {
        subject: Some(subject.to_owned()),
        organization: Some(CENTER.to_owned()),
        ..of_role(Role::Clerk)
    });
    app.anybody().bearing(&token)
}

story!(
    /// The office that holds the case sees it, for a purpose; no other office, no supervisor, no terminal, nobody.
    only_who_works_on_the_case_sees_its_person,
    async |world| {
        let app = TestApp::start(world).await;
        let hands = hands(&app);
        let case = journey::submit(&hands.kiosk, journey::senior_card(FARMER)).await;
        // both hands before the township signs: the station answers for it, the township is asked to accept it
        for who in [&hands.station, &hands.clerk] {
            let shown = reveal(who, &look(case.id(), "VERIFY_IDENTITY")).await;
            assert_eq!(codes(&shown), [""; 0]);
            assert_eq!(shown["data"]["idNumber"], FARMER.id_number);
        }
        sign(&hands, &case).await;
        for who in [&hands.clerk, &hands.officer] {
            let shown = reveal(who, &look(case.id(), "CASE_HANDLING")).await;
            let data = &shown["data"];
            assert_eq!(data["name"], FARMER.name);
            assert_eq!(data["idNumber"], FARMER.id_number);
            assert_eq!(data["phone"], FARMER.phone);
            assert_eq!(data["contactName"], Value::Null);
            assert_eq!(data["form"]["idNo"], FARMER.id_number);
            assert_eq!(data["materialNotes"][0]["note"], FARMER.address);
            assert!(shown["accessRecord"].as_str().unwrap().starts_with("access_"));
        }
        let mut only = look(case.id(), "CONTACT_APPLICANT");
        only["fields"] = json!(["PHONE"]);
        let data = reveal(&hands.clerk, &only).await["data"].clone();
        let expected = json!({
            "erased": false, "name": null, "idNumber": null, "phone": FARMER.phone, "contactName": null,
            "addresses": null, "form": null, "materialNotes": null,
        });
        assert_eq!(data, expected, "what was not asked for is not shown");

        // the station handed it on: it sees the case, and its person no more
        let past = reveal(&hands.station, &look(case.id(), "CASE_HANDLING")).await;
        assert_eq!((codes(&past), &past["data"]), (vec!["WRONG_ORGANIZATION"], &Value::Null));
        let bearing = |token: String| app.anybody().bearing(&token);
        for (who, caller, expected) in [
            ("another county", app.clerk(ELSEWHERE), "NOT_FOUND"),
            ("another resident", bearing(app.actors.citizen("somebody")), "NOT_FOUND"),
            ("the terminal", hands.kiosk.clone(), "FORBIDDEN"),
            ("the supervisor", app.supervisor(COUNTY), "FORBIDDEN"),
            ("the auditor", bearing(app.actors.auditor()), "FORBIDDEN"),
            ("the system administrator", bearing(app.actors.admin()), "FORBIDDEN"),
            ("the security administrator", bearing(app.actors.security_admin()), "FORBIDDEN"),
            ("the audit administrator", bearing(app.actors.audit_admin()), "FORBIDDEN"),
            ("nobody in particular", app.anybody(), "UNAUTHENTICATED"),
        ] {
            let answer = ask(&caller, &look(case.id(), "CASE_HANDLING")).await;
            assert_eq!(answer.codes(), [expected], "{who}");
            people::assert_nobody_in(who, &answer.bytes);
        }
        let nothing = format!("case_{}", Uuid::now_v7().simple());
        let absent = ask(&app.clerk(ELSEWHERE), &look(&nothing, "CASE_HANDLING")).await;
        assert_eq!(absent.codes(), ["NOT_FOUND"], "a foreign case looks absent");
        app.stop(world).await;
    }
);

story!(
    /// A look says what it is for, and asks for no more than it names.
    a_look_needs_a_purpose,
    async |world| {
        let app = TestApp::start(world).await;
        let hands = hands(&app);
        let case = on_the_desk(&hands, FARMER).await;
        let with = |changes: Value| {
            let mut input = look(case.id(), "OTHER");
            for (name, value) in changes.as_object().unwrap() {
                input[name] = value.clone();
            }
            input
        };
        for (input, code, field) in [
            (with(json!({})), "PURPOSE_TEXT_REQUIRED", "purposeText"),
            (with(json!({ "purposeText": "  " })), "PURPOSE_TEXT_REQUIRED", "purposeText"),
            (with(json!({ "purposeText": "长".repeat(201) })), "INVALID_FIELD", "purposeText"),
            (with(json!({ "purpose": "OWN_DATA" })), "INVALID_FIELD", "purpose"),
            (with(json!({ "purpose": "CASE_HANDLING", "fields": [] })), "INVALID_FIELD", "fields"),
        ] {
            let payload = reveal(&hands.clerk, &input).await;
            assert_eq!(codes(&payload), [code]);
            assert_eq!(payload["userErrors"][0]["field"], json!([field]));
            assert_eq!((&payload["data"], &payload["accessRecord"]), (&Value::Null, &Value::Null));
        }
        for purpose in ["", ", purpose: CURIOSITY"] {
            let document = format!(
                r#"mutation {{ revealPersonalData(input: {{ case: "{}", fields: [NAME], idempotencyKey: "{}"{purpose} }}) {{
                    data {{ name }} }} }}"#,
                case.id(),
                Uuid::now_v7()
            );
            let answer = hands.clerk.ask(&document, json!({})).await;
            assert_eq!(answer.codes(), ["GRAPHQL_VALIDATION_FAILED"]);
        }
        let database = world.database().await;
        assert_eq!(count(&database, "select count(*) from access_record").await, 0);
        let shown = reveal(&hands.clerk, &with(json!({ "purposeText": "核对低保名册" }))).await;
        assert_eq!(shown["data"]["name"], FARMER.name);
        let english = reveal(&hands.clerk.in_english(), &with(json!({}))).await;
        assert!(english["userErrors"][0]["message"].as_str().unwrap().contains("OTHER"));
        let told = tracked_records(&app.anybody(), &case).await;
        assert_eq!(told["nodes"][0]["purposeText"], "核对低保名册");
        database.close().await.unwrap();
        app.stop(world).await;
    }
);

story!(
    /// Without its record nothing is shown: fail closed. Once it can be kept, the same key shows.
    nothing_is_shown_that_is_not_recorded,
    async |world| {
        let app = TestApp::start(world).await;
        let hands = hands(&app);
        let case = on_the_desk(&hands, FARMER).await;
        let database = world.database().await;
        refuse_records(world, &database).await;
        app.expect_error("no room for records");
        app.expect_error("the database refused a statement");
        let input = look(case.id(), "CASE_HANDLING");
        let answer = ask(&hands.clerk, &input).await;
        assert_eq!(answer.codes(), ["INTERNAL_SERVER_ERROR"]);
        people::assert_nobody_in("an answer without a record", &answer.bytes);
        let looks = "select count(*) from audit_entry where action = 'PERSONAL_DATA_REVEALED'";
        assert_eq!(count(&database, looks).await, 0, "the two records stand or fall together");
        assert_eq!(count(&database, "select count(*) from access_budget").await, 0);
        let_in_again(world, &database).await;
        let shown = reveal(&hands.clerk, &input).await;
        assert_eq!(shown["data"]["name"], FARMER.name);
        assert_eq!(count(&database, "select count(*) from access_record").await, 1);
        assert_eq!(count(&database, looks).await, 1);
        database.close().await.unwrap();
        app.stop(world).await;
    }
);

story!(
    /// The same key is one look: one record, one count, also asked fifty times at once; other content is refused, and the
    /// record of the key holds nothing of a person.
    a_look_repeated_is_one_look,
    async |world| {
        let app = TestApp::start_with(world, held(), &[("ONEDOOR__PRIVACY__REVEALS_PER_DAY", "5")]).await;
        let hands = hands(&app);
        let case = on_the_desk(&hands, FARMER).await;
        let input = look(case.id(), "CASE_HANDLING");
        let shown = join_all((0..50).map(|_| reveal(&hands.clerk, &input))).await;
        for one in &shown {
            assert_eq!(one["data"]["idNumber"], FARMER.id_number);
            assert_eq!(one["accessRecord"], shown[0]["accessRecord"]);
            assert_eq!(one["remainingToday"], 4);
        }
        let database = world.database().await;
        assert_eq!(count(&database, "select count(*) from access_record").await, 1);
        let mut other = input.clone();
        other["fields"] = json!(["NAME"]);
        assert_eq!(codes(&reveal(&hands.clerk, &other).await), ["IDEMPOTENCY_MISMATCH"]);
        // who no longer works on the case sees nothing by an old key either
        journey::act(&hands.clerk, "declineCase", json!({
            "case": case.id(), "expectedVersion": journey::read(&hands.clerk, case.id()).await["version"],
            "ground": "REFUSED", "reasons": "r", "remedy": "r",
        })).await;
        let late = reveal(&hands.clerk, &input).await;
        assert_eq!((codes(&late), &late["data"]), (vec!["WRONG_ORGANIZATION"], &Value::Null));
        database.close().await.unwrap();
        app.stop(world).await;
    }
);

story!(
    /// A budget a day and person, shared by replicas and exact also when fifty ask at once; it ends at midnight in
    /// Beijing, and supervisors see who ran into it.
    a_day_has_so_many_looks_however_many_replicas_are_asked,
    async |world| {
        let settings = [("ONEDOOR__PRIVACY__REVEALS_PER_DAY", "20")];
        let clock = held();
        let app = TestApp::start_with(world, clock.clone(), &settings).await;
        let replica = TestApp::start_with(world, clock.clone(), &settings).await;
        let case = on_the_desk(&hands(&app), FARMER).await;
        let (here, there) = (clerk(&app, "the-curious-clerk"), clerk(&replica, "the-curious-clerk"));
        let asked = (0..50).map(|turn| {
            let who = if turn % 2 == 0 { &here } else { &there };
            let input = look(case.id(), "CASE_HANDLING");
            async move { reveal(who, &input).await }
        });
        let answers = join_all(asked).await;
        let (shown, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|one| !one["data"].is_null());
        assert_eq!((shown.len(), refused.len()), (20, 30));
        for one in &refused {
            assert_eq!(codes(one), ["BUDGET_EXHAUSTED"]);
            people::assert_nobody_in("a refusal", one.to_string().as_bytes());
        }
        let database = world.database().await;
        assert_eq!(count(&database, "select count(*) from access_record where outcome = 'SHOWN'").await, 20);
        let noted = count(&database, "select count(*) from access_record where outcome = 'REFUSED'").await;
        assert_eq!(noted, 10, "a script that goes on fills no disk");
        let denied = "select count(*) from audit_entry where outcome = 'DENIED' and reason = 'BUDGET_EXHAUSTED'";
        assert_eq!(count(&database, denied).await, 10);

        // others have their own day, and the supervisor sees this one's
        let colleague = reveal(&clerk(&app, "a-colleague"), &look(case.id(), "CASE_HANDLING")).await;
        assert_eq!(colleague["remainingToday"], 19);
        let filter = json!({ "subject": "the-curious-clerk", "outcome": "REFUSED" });
        let found = search(&app.supervisor(COUNTY), filter).await;
        assert_eq!(found["totalCount"], 10);
        let told = tracked_records(&app.anybody(), &case).await;
        assert_eq!(told["totalCount"], 21, "the applicant reads who saw something");

        // 10:00 on Monday; one second before midnight, then midnight
        clock.advance(TimeDelta::hours(14) - TimeDelta::seconds(1));
        assert_eq!(codes(&reveal(&here, &look(case.id(), "CASE_HANDLING")).await), ["BUDGET_EXHAUSTED"]);
        clock.advance(TimeDelta::seconds(1));
        assert_eq!(reveal(&there, &look(case.id(), "CASE_HANDLING")).await["remainingToday"], 19);
        database.close().await.unwrap();
        replica.stop(world).await;
        app.stop(world).await;
    }
);

story!(
    /// Applicants see their own data as often as they like, and who else looked; by code and secret as well.
    the_applicant_sees_who_looked,
    async |world| {
        let settings = [("ONEDOOR__PRIVACY__REVEALS_PER_DAY", "2")];
        let app = TestApp::start_with(world, held(), &settings).await;
        let hands = hands(&app);
        let resident = app.anybody().bearing(&app.actors.citizen("the-farmer"));
        let mut online = journey::senior_card(FARMER);
        for material in online["materials"].as_array_mut().unwrap() {
            material["trust"] = json!("C");
        }
        let case = journey::submit(&resident, online).await;
        for _ in 0..4 {
            let own = reveal(&resident, &look(case.id(), "OWN_DATA")).await;
            assert_eq!((&own["data"]["name"], &own["remainingToday"]), (&json!(FARMER.name), &Value::Null));
        }
        let other = reveal(&resident, &look(case.id(), "CASE_HANDLING")).await;
        assert_eq!(codes(&other), ["INVALID_FIELD"]);
        sign(&hands, &case).await;
        let mut input = look(case.id(), "VERIFY_IDENTITY");
        input["fields"] = json!(["NAME", "ID_NUMBER", "NAME"]);
        reveal(&clerk(&app, "one-clerk"), &input).await;
        app.clock.advance(TimeDelta::seconds(1));
        reveal(&clerk(&app, "another-clerk"), &look(case.id(), "ISSUE_RESULT")).await;
        app.clock.advance(TimeDelta::seconds(1));
        reveal(&clerk(&app, "one-clerk"), &look(case.id(), "CASE_HANDLING")).await;

        let by_secret = tracked_records(&app.anybody(), &case).await;
        let by_account = records_of(&resident, case.id()).await;
        assert_eq!(by_secret, by_account);
        let nodes = by_account["nodes"].as_array().unwrap();
        assert_eq!(by_account["totalCount"], 7);
        assert_eq!(
            (&nodes[0]["purpose"], &nodes[1]["purpose"], &nodes[2]["purpose"]),
            (&json!("CASE_HANDLING"), &json!("ISSUE_RESULT"), &json!("VERIFY_IDENTITY")),
        );
        assert_eq!(nodes[2]["fields"], json!(["NAME", "ID_NUMBER"]));
        assert_eq!(nodes[2]["organization"]["code"], CENTER);
        assert_eq!((&nodes[2]["actorKind"], &nodes[6]["actorKind"]), (&json!("CLERK"), &json!("CITIZEN")));
        assert_eq!(nodes[0]["person"], nodes[2]["person"], "the same person has the same name");
        assert_ne!(nodes[0]["person"], nodes[1]["person"]);
        assert!(nodes.iter().all(|node| node["subject"].is_null()), "and no account is told");
        assert!(!by_secret.to_string().contains("one-clerk"));

        // supervisors of the subtree and auditors see whom; offices, terminals and other residents see nothing
        let auditor = app.anybody().bearing(&app.actors.auditor());
        for who in [&app.supervisor(COUNTY), &app.supervisor("340321101000"), &auditor] {
            let seen = records_of(who, case.id()).await;
            assert_eq!((&seen["totalCount"], &seen["nodes"][0]["subject"]), (&json!(7), &json!("one-clerk")));
        }
        for who in [&hands.clerk, &hands.officer] {
            assert_eq!(records_of(who, case.id()).await, Value::Null);
        }
        let stranger = app.anybody().bearing(&app.actors.citizen("somebody"));
        let clerk_with_secret = tracked_records(&hands.clerk, &case).await;
        assert_eq!(clerk_with_secret, Value::Null, "an office does not read them by the applicant's secret");
        assert_eq!(records_of(&stranger, case.id()).await, Value::Null);
        let answer = resident.data(
            "mutation($input: WithdrawCaseInput!) { withdrawCase(input: $input) {
                 case { accessRecords { totalCount } } userErrors { code } } }",
            json!({ "input": { "case": case.id(), "idempotencyKey": Uuid::now_v7(),
                "expectedVersion": journey::read(&resident, case.id()).await["version"] } }),
        ).await;
        assert_eq!(answer["withdrawCase"]["case"]["accessRecords"]["totalCount"], 7);
        app.stop(world).await;
    }
);

story!(
    /// Browsing is found: by person, office, time and purpose, within the division one oversees; nobody else searches.
    overseers_find_who_browses,
    async |world| {
        let app = TestApp::start(world).await;
        let hands = hands(&app);
        let (one, other) = (on_the_desk(&hands, FARMER).await, on_the_desk(&hands, NEIGHBOUR).await);
        let curious = clerk(&app, "the-curious-clerk");
        reveal(&curious, &look(one.id(), "CASE_HANDLING")).await;
        app.clock.advance(TimeDelta::minutes(5));
        reveal(&curious, &look(other.id(), "CONTACT_APPLICANT")).await;
        reveal(&hands.officer, &look(one.id(), "CASE_HANDLING")).await;
        let supervisor = app.supervisor(COUNTY);
        let document = "query($code: String!) { organization(by: { code: $code }) { id } }";
        let office = supervisor.data(document, json!({ "code": CENTER })).await;
        let office = office["organization"]["id"].clone();
        let auditor = app.anybody().bearing(&app.actors.auditor());
        for who in [&supervisor, &auditor] {
            for (filter, expected) in [
                (json!({}), 3),
                (json!({ "subject": "the-curious-clerk" }), 2),
                (json!({ "subject": "nobody" }), 0),
                (json!({ "organization": office }), 3),
                (json!({ "purpose": "CONTACT_APPLICANT" }), 1),
                (json!({ "from": "2026-03-02T02:04:00Z" }), 2),
                (json!({ "to": "2026-03-02T02:04:00Z", "outcome": "SHOWN" }), 1),
            ] {
                let found = search(who, filter.clone()).await;
                assert_eq!(found["totalCount"], expected, "{filter}");
                assert_eq!(found["nodes"].as_array().unwrap().len(), expected);
                people::assert_nobody_in("records", found.to_string().as_bytes());
            }
        }
        let found = search(&supervisor, json!({ "subject": "the-curious-clerk" })).await;
        assert_eq!(found["nodes"][1]["trackingCode"], one.code());
        assert_eq!(found["nodes"][0]["fields"], json!(ALL_FIELDS));
        assert_eq!(search(&app.supervisor("340302000000"), json!({})).await["totalCount"], 0);
        let page = "query($after: String) { accessRecords(first: 2, after: $after) {
            nodes { id } pageInfo { hasNextPage endCursor } } }";
        let first = supervisor.data(page, json!({})).await["accessRecords"].clone();
        assert_eq!(first["pageInfo"]["hasNextPage"], true);
        let second = supervisor.data(page, json!({ "after": first["pageInfo"]["endCursor"] })).await;
        assert_eq!(second["accessRecords"]["nodes"].as_array().unwrap().len(), 1);
        for who in [&hands.clerk, &hands.officer, &hands.kiosk, &app.clerk(STATION)] {
            let answer = who.ask("{ accessRecords { totalCount } }", json!({})).await;
            assert_eq!(answer.codes(), ["FORBIDDEN"]);
        }
        app.stop(world).await;
    }
);

fn held() -> onedoor::clock::HeldClock {
    onedoor::clock::HeldClock::at(MONDAY_AT_TEN.parse().unwrap())
}
