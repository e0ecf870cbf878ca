//! A person's cases are found by the whole number, inside one's own organization, on record; rows of the index are made
//! anew when they are missing or their key has changed.

use std::fs;

use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use uuid::Uuid;

use super::journey::{self, COUNTY, STATION};
use super::looking::{
    ask_for, codes, count, find, hands, ids, let_in_again, number, on_the_desk, refuse_records, search,
    tracked_records,
};
use crate::harness::app::TestApp;
use crate::harness::people::{self, FARMER, NEIGHBOUR};
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};

/// Another county's village and township.
const ELSEWHERE: [&str; 2] = [
    "340302001001:village.station",
    "340302001000:township.service-center",
];

fn full_width(text: &str) -> String {
    let widen = |letter: char| char::from_u32(u32::from(letter) + 0xFEE0).unwrap();
    text.chars().map(widen).collect()
}

story!(
    /// However the number is typed, the cases on the own desk are found, masked; other offices find nothing.
    a_number_is_found_however_it_is_typed_and_never_across_organizations,
    async |world| {
        let app = TestApp::start(world).await;
        let hands = hands(&app);
        let first = on_the_desk(&hands, FARMER).await;
        let second = journey::submit(&hands.kiosk, journey::senior_card(FARMER)).await;
        on_the_desk(&hands, NEIGHBOUR).await;
        let wide = full_width(FARMER.id_number);
        let (head, tail) = FARMER.id_number.split_at(6);
        for typed in [FARMER.id_number, &wide, &format!(" {head}-{tail} "), &format!("{head}\u{3000}{tail}")] {
            let found = find(&hands.clerk, &number(typed)).await;
            assert_eq!(ids(&found), [second.id(), first.id()], "held, and offered");
            people::assert_nobody_in("what was found", found.to_string().as_bytes());
            assert_eq!(found["cases"][0]["applicant"]["name"], "裘*");
            assert_eq!(found["accessRecords"].as_array().unwrap().len(), 2);
        }
        // who took them in keeps them; a past owner beside that does not
        let taken_in = find(&hands.station, &number(FARMER.id_number)).await;
        assert_eq!(ids(&taken_in), [second.id(), first.id()]);
        for office in ELSEWHERE {
            let nothing = find(&app.clerk(office), &number(FARMER.id_number)).await;
            assert_eq!((ids(&nothing), codes(&nothing)), (vec![], vec![]));
            assert_eq!(nothing["accessRecords"].as_array().unwrap().len(), 1, "a look in vain is a look");
        }
        let bearing = |token: String| app.anybody().bearing(&token);
        let auditor = bearing(app.actors.auditor());
        for who in [hands.kiosk.clone(), app.supervisor(COUNTY), auditor, bearing(app.actors.admin())] {
            let answer = ask_for(&who, &number(FARMER.id_number)).await;
            assert_eq!(answer.codes(), ["FORBIDDEN"]);
        }
        let other_kind = json!({ "idType": "PASSPORT", "idNumber": FARMER.id_number, "purpose": "CASE_HANDLING",
            "idempotencyKey": Uuid::now_v7() });
        assert_eq!(ids(&find(&hands.clerk, &other_kind).await), [""; 0]);
        app.stop(world).await;
    }
);

story!(
    /// A wrong number costs nothing, a right one a look of the day; the applicant and the supervisor see it.
    a_look_up_is_recorded_and_counted,
    async |world| {
        let clock = onedoor::clock::HeldClock::at(crate::harness::app::MONDAY_AT_TEN.parse().unwrap());
        let app = TestApp::start_with(world, clock, &[("ONEDOOR__PRIVACY__LOOKUPS_PER_DAY", "2")]).await;
        let hands = hands(&app);
        let case = on_the_desk(&hands, FARMER).await;
        let mut slip = FARMER.id_number.to_owned();
        slip.replace_range(16..17, "2");
        for typed in [slip.as_str(), "", "裘稻香", "34032219780315001"] {
            let payload = find(&hands.clerk, &number(typed)).await;
            assert_eq!(codes(&payload), ["INVALID_FIELD"]);
            assert_eq!(payload["userErrors"][0]["field"], json!(["idNumber"]));
            people::assert_nobody_in("a wrong number", payload.to_string().as_bytes());
        }
        let mut no_reason = number(FARMER.id_number);
        no_reason["purpose"] = json!("OTHER");
        assert_eq!(codes(&find(&hands.clerk, &no_reason).await), ["PURPOSE_TEXT_REQUIRED"]);
        let database = world.database().await;
        assert_eq!(count(&database, "select count(*) from access_record").await, 0);

        let input = number(FARMER.id_number);
        for _ in 0..3 {
            let found = find(&hands.clerk, &input).await;
            assert_eq!(ids(&found), [case.id()]);
            assert_eq!(found["remainingToday"], 1, "the same key counts once");
        }
        let mut other = input.clone();
        other["idNumber"] = json!(NEIGHBOUR.id_number);
        assert_eq!(codes(&find(&hands.clerk, &other).await), ["IDEMPOTENCY_MISMATCH"]);
        assert_eq!(find(&hands.clerk, &number(NEIGHBOUR.id_number)).await["remainingToday"], 0);
        let exhausted = find(&hands.clerk, &number(FARMER.id_number)).await;
        assert_eq!((codes(&exhausted), ids(&exhausted)), (vec!["BUDGET_EXHAUSTED"], vec![]));

        let told = tracked_records(&app.anybody(), &case).await;
        assert_eq!((&told["totalCount"], &told["nodes"][0]["kind"]), (&json!(1), &json!("LOOK_UP")));
        let seen = search(&app.supervisor(COUNTY), json!({})).await;
        let seen: Vec<(&Value, &Value)> = seen["nodes"].as_array().unwrap().iter()
            .map(|node| (&node["outcome"], &node["trackingCode"])).collect();
        let (code, none) = (json!(case.code()), Value::Null);
        assert_eq!(seen.len(), 3);
        assert!(seen.contains(&(&json!("SHOWN"), &code)) && seen.contains(&(&json!("SHOWN"), &none)));
        assert!(seen.contains(&(&json!("REFUSED"), &none)), "a refusal names no case: it would tell of a match");
        let audited = "select count(*) from audit_entry where action = 'APPLICANT_LOOKED_UP'";
        assert_eq!(count(&database, audited).await, 3);
        database.close().await.unwrap();
        app.stop(world).await;
    }
);

story!(
    /// Without its record nothing is found.
    nothing_is_found_that_is_not_recorded,
    async |world| {
        let app = TestApp::start(world).await;
        let hands = hands(&app);
        let case = on_the_desk(&hands, FARMER).await;
        let database = world.database().await;
        refuse_records(world, &database).await;
        app.expect_error("no room for records");
        app.expect_error("the database refused a statement");
        let input = number(FARMER.id_number);
        let answer = ask_for(&hands.clerk, &input).await;
        assert_eq!(answer.codes(), ["INTERNAL_SERVER_ERROR"]);
        assert!(!String::from_utf8_lossy(&answer.bytes).contains(case.id()));
        let_in_again(world, &database).await;
        assert_eq!(ids(&find(&hands.clerk, &input).await), [case.id()]);
        database.close().await.unwrap();
        app.stop(world).await;
    }
);

story!(
    /// Cases from before the index are indexed by the loop, and found.
    cases_without_a_row_are_indexed,
    async |world| {
        let app = TestApp::start(world).await;
        let case = on_the_desk(&hands(&app), FARMER).await;
        app.stop(world).await;
        let database = world.database().await;
        database.execute_unprepared("delete from applicant_index").await.unwrap();
        let app = TestApp::start(world).await;
        let indexed = "select count(*) from applicant_index where hash is not null";
        until("the case is indexed", PATIENCE, async || count(&database, indexed).await == 1).await;
        assert_eq!(ids(&find(&hands(&app).clerk, &number(FARMER.id_number)).await), [case.id()]);
        database.close().await.unwrap();
        app.stop(world).await;
    }
);

story!(
    /// A new key finds rows of the old one at once, and makes them anew; then the old one is needed no more.
    the_key_of_the_index_is_changed_without_a_look_up_that_fails,
    async |world| {
        let app = TestApp::start(world).await;
        let case = on_the_desk(&hands(&app), FARMER).await;
        app.stop(world).await;
        let (old, new) = (world.folder().join("data/keys/index.key"), world.folder().join("new-index.key"));
        fs::write(&new, "5f3c9a0e7b1d48268d2f6e0a91c4b7d35e8f1a2b3c4d5e6f708192a3b4c5d6e7").unwrap();
        let retired = format!("[{:?}]", old.display().to_string());
        let new = new.display().to_string();
        let database = world.database().await;
        let keys = "select count(distinct key_id) from applicant_index";
        let before = key_of(&database).await;
        let clock = onedoor::clock::HeldClock::at(crate::harness::app::MONDAY_AT_TEN.parse().unwrap());
        let both = [
            ("ONEDOOR__SECRETS__INDEX_KEY_FILE", new.as_str()),
            ("ONEDOOR__SECRETS__INDEX_KEY_RETIRED_FILES", retired.as_str()),
        ];
        let app = TestApp::start_with(world, clock.clone(), &both).await;
        assert_eq!(ids(&find(&hands(&app).clerk, &number(FARMER.id_number)).await), [case.id()]);
        until("the row is made anew", PATIENCE, async || key_of(&database).await != before).await;
        assert_eq!(count(&database, keys).await, 1);
        app.stop(world).await;
        let app = TestApp::start_with(world, clock, &both[..1]).await;
        assert_eq!(ids(&find(&hands(&app).clerk, &number(FARMER.id_number)).await), [case.id()]);
        assert_eq!(ids(&find(&app.clerk(STATION), &number(FARMER.id_number)).await), [case.id()]);
        database.close().await.unwrap();
        app.stop(world).await;
    }
);

async fn key_of(database: &sea_orm::DatabaseConnection) -> String {
    let sql = "select key_id from applicant_index";
    let statement = sea_orm::Statement::from_string(database.get_database_backend(), sql);
    database
        .query_one_raw(statement)
        .await
        .unwrap()
        .unwrap()
        .try_get_by_index(0)
        .unwrap()
}
