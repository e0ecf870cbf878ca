//! P21: what a kiosk collected offline is neither lost nor doubled, whatever happens on the way.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use super::device::Device;
use crate::harness::app::TestApp;
use crate::harness::fault_proxy::{Fault, FaultProxy};
use crate::harness::gql::{Answer, Gql};
use crate::harness::people::{FARMER, NEIGHBOUR};
use crate::harness::story::story;
use crate::harness::world::World;
use crate::stories::kit::{NEXT_STATION, STATION, funeral, pension};

const SYNC: &str = "mutation($input: SyncKioskInput!) { syncKiosk(input: $input) {
    results { idempotencyKey provisionalNumber outcome trackingSecret retryAfterMs
        case { id trackingCode status submittedAt } receipt { id canonical signature eventAt capturedAt provisionalNumber }
        warnings { message } userErrors { code field message } }
    userErrors { code field } } }";

/// An item captured some time ago.
pub(super) fn item(number: &str, application: Value, captured_at: DateTime<Utc>) -> Value {
    json!({
        "idempotencyKey": application["idempotencyKey"], "provisionalNumber": number, "capturedAt": captured_at,
        "input": application,
    })
}

async fn sync(who: &Gql, input: &Value) -> Answer {
    let answer = who.ask(SYNC, json!({ "input": input })).await;
    assert_eq!((answer.status, answer.codes().len()), (200, 0), "{}", answer.body);
    assert_eq!(answer.at("/syncKiosk/userErrors"), &json!([]));
    answer
}

fn outcomes(answer: &Answer) -> Vec<&str> {
    let results = answer.at("/syncKiosk/results").as_array().unwrap();
    results
        .iter()
        .map(|one| one["outcome"].as_str().unwrap())
        .collect()
}

fn code(answer: &Answer, at: usize) -> &Value {
    &answer.at("/syncKiosk/results")[at]["userErrors"][0]["code"]
}

async fn cases_in(world: &World) -> i64 {
    let database = world.database().await;
    let statement = Statement::from_string(database.get_database_backend(), "SELECT count(*) FROM cases");
    let row = database.query_one_raw(statement).await.unwrap().unwrap();
    database.close().await.unwrap();
    row.try_get_by_index(0).unwrap()
}

impl TestApp {
    /// What the gateway's clock says.
    pub(super) fn clock_now(&self) -> DateTime<Utc> {
        use onedoor::clock::Clock as _;
        self.clock.now()
    }
}

story!(
    /// Half of it bad, one twice: each ends by itself, and sent again it ends the same, byte for byte.
    a_bad_item_stops_no_other_and_a_repetition_gives_the_same_bytes,
    async |world| {
        let app = TestApp::start(world).await;
        let kiosk = app.kiosk(STATION);
        let (now, hour) = (app.clock_now(), TimeDelta::hours(1));
        let good = funeral(&FARMER);
        let mut empty = pension(&FARMER);
        empty["materials"] = json!([]);
        let mut torn = funeral(&FARMER);
        torn["applicant"] = json!("裘");
        let mut elsewhere = item("K1-6", funeral(&NEIGHBOUR), now);
        elsewhere["idempotencyKey"] = json!(Uuid::now_v7());
        let batch = json!({ "deviceTime": now, "items": [
            item("K1-1", good.clone(), now - hour),
            item("K1-2", empty, now - hour),
            item("K1-3", torn, now - hour),
            item("K1-1", good.clone(), now - hour),
            item("K1-5", funeral(&NEIGHBOUR), now),
            elsewhere,
            item("k1", funeral(&NEIGHBOUR), now),
            item("K1-5", funeral(&NEIGHBOUR), now),
            json!({ "idempotencyKey": Uuid::now_v7(), "provisionalNumber": "K1-9", "capturedAt": now }),
            json!({ "idempotencyKey": Uuid::now_v7(), "provisionalNumber": "K1-10", "capturedAt": now, "sealedInput": "a..b.c.d" }),
        ] });
        let first = sync(&kiosk, &batch).await;
        assert_eq!(
            outcomes(&first),
            ["ACCEPTED", "REFUSED", "REFUSED", "DUPLICATE", "ACCEPTED", "REFUSED", "REFUSED", "REFUSED", "REFUSED", "REFUSED"],
            "{}", first.body
        );
        let codes: Vec<_> = [1, 2, 5, 6, 7, 8, 9].map(|at| code(&first, at).as_str().unwrap().to_owned()).into();
        assert_eq!(codes, [
            "MATERIAL_MISSING", "INVALID_FIELD", "IDEMPOTENCY_MISMATCH", "INVALID_FIELD", "PROVISIONAL_NUMBER_TAKEN",
            "INVALID_FIELD", "SEALED_UNREADABLE",
        ]);
        assert_eq!(cases_in(world).await, 2);
        app.clock.advance(hour);
        let again = sync(&kiosk, &batch).await;
        assert_eq!(again.bytes, first.bytes);
        assert_eq!(cases_in(world).await, 2);

        // the receipt tells both times; the case counts from its arrival
        let taken = &first.at("/syncKiosk/results")[0];
        let receipt = &taken["receipt"];
        let read = |value: &Value| value.as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
        assert_eq!((read(&receipt["capturedAt"]), read(&receipt["eventAt"])), (now - hour, now));
        assert_eq!(read(&taken["case"]["submittedAt"]), now);
        assert!(receipt["canonical"].as_str().unwrap().contains("\"provisionalNumber\":\"K1-1\""));

        // the same application by submitCase is the same case
        let online = crate::stories::kit::act(&kiosk, "submitCase", good).await;
        assert_eq!(online["case"]["id"], taken["case"]["id"]);

        // found by what was printed, by the kiosk and its station's clerk and nobody else
        let find = "query($by: CaseBy!) { case(by: $by) { id } }";
        let own = json!({ "by": { "provisionalNumber": { "number": "K1-1" } } });
        assert_eq!(kiosk.data(find, own.clone()).await["case"]["id"], taken["case"]["id"]);
        let device = format!("device-of-{STATION}");
        let named = json!({ "by": { "provisionalNumber": { "kiosk": device, "number": "K1-1" } } });
        assert_eq!(app.clerk(STATION).data(find, named.clone()).await["case"]["id"], taken["case"]["id"]);
        assert_eq!(app.clerk(NEXT_STATION).data(find, named).await["case"], Value::Null);
        assert_eq!(app.kiosk(NEXT_STATION).data(find, own).await["case"], Value::Null);
        app.stop(world).await;
    }
);

story!(
    /// The request and the answer cut at many places, and the whole batch sent again each time.
    a_batch_cut_anywhere_loses_nothing_and_doubles_nothing,
    async |world| {
        let app = TestApp::start(world).await;
        let proxy = FaultProxy::to(app.addr().port());
        let token = app.actors.kiosk(STATION);
        let now = app.clock_now();
        let mut expected = 0;
        let cuts = [0, 1, 60, 300, 900, 1_500, 2_200, 2_900, 3_500, 20_000];
        let faults = cuts
            .iter()
            .flat_map(|&bytes| [Fault::CutRequestAfter(bytes), Fault::CutAnswerAfter(bytes)])
            .chain([Fault::LoseAnswers]);
        for (round, fault) in faults.enumerate() {
            let numbered = |at: usize| item(&format!("K{round}-{at}"), funeral(&FARMER), now);
            let batch = json!({ "deviceTime": now, "items": [numbered(0), numbered(1), numbered(2)] });
            let through = Gql::anonymous(proxy.address()).bearing(&token);
            proxy.set(fault);
            let cut = through.try_ask(SYNC, json!({ "input": batch }));
            let cut = tokio::time::timeout(std::time::Duration::from_millis(1_500), cut).await;
            proxy.heal();
            let kiosk = app.kiosk(STATION);
            let first = sync(&kiosk, &batch).await;
            assert_eq!(outcomes(&first), ["ACCEPTED"; 3], "{fault:?}");
            if let Ok(Ok(whole)) = cut && whole.status == 200 && !whole.body.is_null() {
                assert_eq!(whole.bytes, first.bytes, "{fault:?}");
            }
            assert_eq!(sync(&kiosk, &batch).await.bytes, first.bytes, "{fault:?}");
            expected += 3;
            assert_eq!(cases_in(world).await, expected, "{fault:?}");
        }
        app.stop(world).await;
    }
);

story!(
    /// Up to 72 hours, by the device's own reckoning; its clock may be a year wrong.
    a_capture_is_as_old_as_the_device_says_whatever_its_clock_shows,
    async |world| {
        let app = TestApp::start(world).await;
        let kiosk = app.kiosk(STATION);
        let (now, year) = (app.clock_now(), TimeDelta::days(365));
        let device = now - year;
        let ago = |span: TimeDelta, number: &str| item(number, funeral(&FARMER), device - span);
        let boot = Uuid::now_v7();
        let mut by_uptime = ago(TimeDelta::days(4), "K2-5");
        by_uptime["boot"] = json!(boot);
        by_uptime["uptimeSeconds"] = json!(1_000);
        let batch = json!({ "deviceTime": device, "boot": boot, "uptimeSeconds": 8_200, "items": [
            ago(TimeDelta::hours(1), "K2-1"),
            ago(TimeDelta::hours(72), "K2-2"),
            ago(TimeDelta::hours(72) + TimeDelta::seconds(1), "K2-3"),
            ago(TimeDelta::hours(-1), "K2-4"),
            by_uptime,
        ] });
        let first = sync(&kiosk, &batch).await;
        assert_eq!(outcomes(&first), ["ACCEPTED", "ACCEPTED", "REFUSED", "REFUSED", "ACCEPTED"], "{}", first.body);
        assert_eq!((code(&first, 2), code(&first, 3)), (&json!("CAPTURED_TOO_LONG_AGO"), &json!("CAPTURED_IN_FUTURE")));
        let captured = |at: usize| -> DateTime<Utc> {
            let result = &first.at("/syncKiosk/results")[at];
            result["receipt"]["capturedAt"].as_str().unwrap().parse().unwrap()
        };
        assert_eq!(captured(0), now - TimeDelta::hours(1));
        assert_eq!(captured(1), now - TimeDelta::hours(72));
        assert_eq!(captured(4), now - TimeDelta::seconds(7_200));
        // what was stored is told again even when it would be too old by now
        app.clock.advance(TimeDelta::hours(80));
        let late = json!({ "deviceTime": device + TimeDelta::hours(80), "items": [batch["items"][0]] });
        let again = sync(&app.kiosk(STATION), &late).await;
        assert_eq!(again.at("/syncKiosk/results")[0], first.at("/syncKiosk/results")[0]);
        app.stop(world).await;
    }
);

story!(
    /// Five tabs on two replicas send the same batch at the same time.
    the_same_batch_from_many_tabs_at_once_is_one_batch,
    async |world| {
        let app = TestApp::start(world).await;
        let other = TestApp::start_with(world, app.clock.clone(), &[]).await;
        let now = app.clock_now();
        let batch = json!({ "deviceTime": now, "items": [
            item("K3-1", funeral(&FARMER), now), item("K3-2", funeral(&NEIGHBOUR), now), item("K3-3", pension(&FARMER), now),
        ] });
        let tabs: Vec<_> = (0..5)
            .map(|tab| if tab % 2 == 0 { app.kiosk(STATION) } else { other.kiosk(STATION) })
            .collect();
        let answers = futures_util::future::join_all(tabs.iter().map(|tab| sync(tab, &batch))).await;
        // whoever was in the way of another is told to come again, and then all say the same
        let mut last = Vec::new();
        for (tab, answer) in tabs.iter().zip(answers) {
            assert!(outcomes(&answer).iter().all(|one| matches!(*one, "ACCEPTED" | "RETRY")), "{}", answer.body);
            last.push(sync(tab, &batch).await.bytes);
        }
        assert!(last.iter().all(|bytes| *bytes == last[0]));
        assert_eq!(cases_in(world).await, 3);
        other.stop(world).await;
        app.stop(world).await;
    }
);

story!(
    /// The database goes away in the middle: what is stored stays, the rest is kept by the kiosk and sent again.
    trouble_in_the_middle_of_a_batch_is_retry_for_the_rest,
    async |world| {
        let app = TestApp::start(world).await;
        let kiosk = app.kiosk(STATION);
        let now = app.clock_now();
        let items: Vec<_> = (1..=4).map(|at| item(&format!("K4-{at}"), funeral(&FARMER), now)).collect();
        let batch = json!({ "deviceTime": now, "items": items });
        fail::cfg("commit.before", "1*off->1*return->off").unwrap();
        let first = sync(&kiosk, &batch).await;
        fail::remove("commit.before");
        assert_eq!(outcomes(&first), ["ACCEPTED", "RETRY", "RETRY", "RETRY"], "{}", first.body);
        assert!(first.at("/syncKiosk/results")[1]["retryAfterMs"].as_i64().unwrap() > 0);
        assert_eq!(cases_in(world).await, 1);
        let second = sync(&kiosk, &batch).await;
        assert_eq!(outcomes(&second), ["ACCEPTED"; 4]);
        assert_eq!(second.at("/syncKiosk/results")[0], first.at("/syncKiosk/results")[0]);
        assert_eq!(cases_in(world).await, 4);
        app.stop(world).await;
    }
);

story!(
    /// A body above the usual limit is a batch of a kiosk or nothing, and each item of it is paid for.
    only_a_batch_may_be_large_and_each_item_costs,
    async |world| {
        let settings = [("ONEDOOR__LIMITS__FIELDS_PER_MINUTE_DEVICE", "700")];
        let clock = onedoor::clock::HeldClock::at(crate::harness::app::MONDAY_AT_TEN.parse().unwrap());
        let app = TestApp::start_with(world, clock, &settings).await;
        let mut device = Device::at_work(&app, STATION).await;
        let now = app.clock_now();
        let large = |at: i32| json!({
            "idempotencyKey": Uuid::now_v7(), "provisionalNumber": format!("K5-{at}"), "capturedAt": now,
            "sealedInput": "A".repeat(15_000),
        });
        let few = "mutation($input: SyncKioskInput!) { syncKiosk(input: $input) { results { outcome } } }";
        let batch = |count: i32| json!({ "input": { "deviceTime": now, "items": (0..count).map(large).collect::<Vec<_>>() } });
        let taken = device.ask(few, batch(150)).await;
        assert_eq!(taken.status, 200, "{}", taken.body);
        assert_eq!(taken.at("/syncKiosk/results").as_array().unwrap().len(), 150);
        let two = "mutation($input: SyncKioskInput!) { syncKiosk(input: $input) { results { outcome } }
            again: syncKiosk(input: $input) { results { outcome } } }";
        let refused = device.ask(two, batch(150)).await;
        assert_eq!(refused.codes(), ["PAYLOAD_TOO_LARGE"], "{}", refused.body);
        let query = "query($code: String!) { trackCase(trackingCode: $code, secret: \"x\") { id } }";
        let other = device.ask(query, json!({ "code": "A".repeat(2_000_000) })).await;
        assert_eq!((other.status, other.codes().as_slice()), (413, ["PAYLOAD_TOO_LARGE"].as_slice()));
        let clerk = app.clerk(STATION).try_ask(few, batch(150)).await;
        assert!(clerk.is_err() || clerk.unwrap().status == 413);
        // 150 items of three fields are spent by now, and 200 more are too many for this minute
        let limited = device.ask(few, batch(200)).await;
        assert_eq!(limited.status, 429, "{}", limited.body);
        app.stop(world).await;
    }
);
