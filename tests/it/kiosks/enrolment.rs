//! A kiosk is enrolled once by a code, takes short tokens by its key, and tells that it lives.

use chrono::TimeDelta;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use super::device::{Device, Key, admin, enroll, given, invite, seen};
use crate::harness::app::TestApp;
use crate::harness::story::story;
use crate::harness::world::World;
use crate::stories::kit::{NEXT_STATION, STATION};

/// What stands in the audit log of kiosks, in order: who, what, why.
pub(super) async fn audited(world: &World) -> Vec<(String, String)> {
    let database = world.database().await;
    let sql = "SELECT actor, action FROM audit_entry WHERE action LIKE 'KIOSK%' ORDER BY at, id";
    let rows = database
        .query_all_raw(Statement::from_string(database.get_database_backend(), sql))
        .await
        .unwrap();
    database.close().await.unwrap();
    rows.iter()
        .map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap()))
        .collect()
}

story!(
    /// With either kind of key; and the code is nowhere in the database.
    a_device_is_enrolled_once_and_works_at_its_station,
    async |world| {
        let app = TestApp::start(world).await;
        for key in [Key::ed25519(), Key::p256()] {
            let (id, code) = invite(&app, STATION).await;
            let invited = seen(&app, &id).await;
            assert_eq!((&invited["state"], &invited["station"]["code"]), (&json!("INVITED"), &json!(STATION)));
            let mut device = Device::new(app.addr(), key);
            let enrolled = device.enrol(&code.to_lowercase().replace('-', " ")).await;
            assert_eq!((enrolled.status, device.id.as_str()), (200, id.as_str()), "{}", enrolled.body);
            assert_eq!(enrolled.body["station"], STATION);
            device.works().await;
            let viewer = device.ask("{ viewer { kind subject organization { code } } }", json!({})).await;
            let expected = json!({ "kind": "KIOSK", "subject": id, "organization": { "code": STATION } });
            assert_eq!(viewer.body["data"]["viewer"], expected, "{}", viewer.body);
            let now = seen(&app, &id).await;
            assert_eq!((&now["state"], &now["counter"]), (&json!("ACTIVE"), &json!(1)));
            assert_eq!(now["codeExpiresAt"], Value::Null);
        }
        let acts = [("SYSTEM_ADMIN", "KIOSK_INVITED"), ("KIOSK", "KIOSK_ENROLLED")];
        let expected: Vec<_> = acts.iter().chain(&acts).map(|(who, what)| ((*who).to_owned(), (*what).to_owned())).collect();
        assert_eq!(audited(world).await, expected);
        app.stop(world).await;
    }
);

story!(
    /// Used, expired, replaced and made up: one answer; and guesses are few.
    codes_that_do_not_work_answer_alike_and_guesses_are_limited,
    async |world| {
        // four looks at a source's budget, and not one more
        let settings = [("ONEDOOR__LIMITS__FIELDS_PER_MINUTE_ANONYMOUS", "260")];
        let clock = onedoor::clock::HeldClock::at(crate::harness::app::MONDAY_AT_TEN.parse().unwrap());
        let app = TestApp::start_with(world, clock, &settings).await;
        let (_, used) = invite(&app, STATION).await;
        assert_eq!(Device::new(app.addr(), Key::ed25519()).enrol(&used).await.status, 200);
        let (id, replaced) = invite(&app, STATION).await;
        let again = json!({ "kiosk": id, "idempotencyKey": Uuid::now_v7() });
        let (_, late) = given(&enroll(&app, again).await);
        app.clock.advance(TimeDelta::hours(24) + TimeDelta::seconds(1));
        let mut answers = Vec::new();
        let mut thief = Device::new(app.addr(), Key::ed25519());
        for code in [used.as_str(), late.as_str(), replaced.as_str(), "0000-0000-0000-0000"] {
            let mut answer = thief.enrol(code).await;
            if answer.status == 429 {
                assert!(answer.headers.contains_key("retry-after"));
                break;
            }
            answer.body["correlationId"] = Value::Null;
            answers.push((answer.status, answer.body));
        }
        assert_eq!(answers.len(), 3, "the fourth guess waits: {answers:?}");
        assert!(answers.iter().all(|answer| *answer == answers[0] && answer.0 == 401), "{answers:?}");
        app.stop(world).await;
    }
);

story!(
    the_same_request_gives_the_same_code_and_another_under_its_key_none,
    async |world| {
        let app = TestApp::start(world).await;
        let (id, _) = invite(&app, STATION).await;
        let input = json!({ "kiosk": id, "name": "二号机", "idempotencyKey": Uuid::now_v7() });
        let first = enroll(&app, input.clone()).await;
        assert_eq!(enroll(&app, input.clone()).await, first);
        let mut other = input;
        other["name"] = json!("三号机");
        assert_eq!(
            enroll(&app, other).await["userErrors"][0]["code"],
            "IDEMPOTENCY_MISMATCH"
        );
        let nowhere = json!({ "name": "四号机", "idempotencyKey": Uuid::now_v7() });
        assert_eq!(
            enroll(&app, nowhere).await["userErrors"],
            json!([{ "code": "INVALID_FIELD", "field": ["station"] }])
        );
        let nobody = app
            .clerk(STATION)
            .ask(
                "query($id: ID!) { node(id: $id) { id } kiosks { totalCount } }",
                json!({ "id": id }),
            )
            .await;
        assert_eq!(
            (nobody.at("/node"), nobody.codes().as_slice()),
            (&Value::Null, ["FORBIDDEN"].as_slice())
        );
        app.stop(world).await;
    }
);

story!(
    /// Version, queue and clock are told by heartbeats; one that stays away is silent.
    a_kiosk_that_is_not_heard_of_is_shown_as_silent,
    async |world| {
        let app = TestApp::start(world).await;
        let mut device = Device::at_work(&app, STATION).await;
        let other = Device::at_work(&app, NEXT_STATION).await;
        let ahead = app.clock_now() + TimeDelta::days(365);
        let beat = json!({ "appVersion": "1.4.2", "queueLength": 3, "deviceTime": ahead });
        let answer = device.beat(beat.clone()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.body["state"], "ACTIVE");
        assert_eq!(answer.body["clockAheadSeconds"], 365 * 86_400);
        let now = seen(&app, &device.id).await;
        assert_eq!((&now["appVersion"], &now["queueLength"]), (&json!("1.4.2"), &json!(3)));
        assert_eq!((&now["clockAheadSeconds"], &now["silent"]), (&json!(365 * 86_400), &json!(false)));
        app.clock.advance(TimeDelta::seconds(901));
        device.works().await;
        assert_eq!(device.beat(beat).await.status, 200);
        let document = "{ kiosks(filter: { silent: true }) { totalCount nodes { id state } } }";
        let silent = admin(&app).data(document, json!({})).await["kiosks"].clone();
        assert_eq!(silent, json!({ "totalCount": 1, "nodes": [{ "id": other.id, "state": "ACTIVE" }] }));
        app.stop(world).await;
    }
);
