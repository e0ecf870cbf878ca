//! Limits hold over replicas, count field executions, fall back at once, and lock nobody out who has the right secret (P29).

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use onedoor::clock::HeldClock;
use onedoor_domain::identifier::division_code::DivisionCode;
use onedoor_domain::tracking::TrackingCode;
use serde_json::{Value, json};

use super::journey::{self, Submitted};
use crate::harness::app::{MONDAY_AT_TEN, TestApp};
use crate::harness::gql::{Answer, Gql, http_client};
use crate::harness::own_redis::OwnRedis;
use crate::harness::people::FARMER;
use crate::harness::story::story;
use crate::harness::template::Ground;
use crate::harness::world::{World, WorldKind};

const STATION: &str = journey::STATION;

fn morning() -> HeldClock {
    HeldClock::at(MONDAY_AT_TEN.parse().unwrap())
}

/// An operation of so many field executions.
fn fields(count: usize) -> String {
    format!("{{ viewer {{ {} }} }}", "kind ".repeat(count - 1))
}

async fn spend(by: &Gql, count: usize) -> Vec<String> {
    let answer = by.ask(&fields(count), json!({})).await;
    answer.codes().into_iter().map(str::to_owned).collect()
}

async fn track(who: &Gql, code: &str, secret: &str) -> Answer {
    let document = "query($code: String!, $secret: String!) { trackCase(trackingCode: $code, secret: $secret) { status } }";
    who.ask(document, json!({ "code": code, "secret": secret })).await
}

async fn replica(world: &World, first: &TestApp, settings: &[(&str, &str)]) -> TestApp {
    TestApp::start_with(world, first.clock.clone(), settings).await
}

/// A code that was never given out.
fn unknown_code(number: u64) -> String {
    let village: DivisionCode = "340321101200".parse().unwrap();
    let day = "2026-03-02".parse().unwrap();
    (0..9_u64)
        .find_map(|more| TrackingCode::draw(&village, day, (number * 9 + more).to_be_bytes()))
        .unwrap()
        .to_string()
}

story!(
    what_is_spent_at_one_replica_is_spent_at_the_other_where_there_is_redis,
    async |world| {
        let limits = [
            ("ONEDOOR__LIMITS__FIELDS_PER_MINUTE_ANONYMOUS", "100"),
            // a busy machine is no reason to do without Redis here
            ("ONEDOOR__REDIS__COMMAND_TIMEOUT_MS", "5000"),
            ("ONEDOOR__LIMITS__FIELDS_PER_MINUTE_DEVICE", "50"),
            ("ONEDOOR__LIMITS__FIELDS_PER_MINUTE", "200"),
        ];
        let here = TestApp::start_with(world, morning(), &limits).await;
        let there = replica(world, &here, &limits).await;
        let (kiosk, clerk) = (here.actors.kiosk(STATION), here.actors.clerk(STATION));
        let limited = vec!["RATE_LIMITED".to_owned()];
        for (token, budget) in [(None, 100), (Some(&kiosk), 50), (Some(&clerk), 200)] {
            let at =
                |app: &TestApp| token.map_or_else(|| app.anybody(), |token| app.anybody().bearing(token));
            assert_eq!(spend(&at(&here), budget - 10).await, Vec::<String>::new());
            // field executions count, not requests
            let beyond = spend(&at(&there), budget - 10).await;
            match world.kind() {
                WorldKind::Postgres => assert_eq!(beyond, limited, "{budget}"),
                // each counts for itself: twice the limit, and never more
                WorldKind::Sqlite => assert_eq!(beyond, Vec::<String>::new(), "{budget}"),
            }
            assert_eq!(spend(&at(&here), budget - 10).await, limited, "{budget} here");
        }
        // nothing that is counted can be read where it is counted
        let kept = world.redis_entries().await;
        let limits: Vec<&String> = kept
            .iter()
            .map(|(key, _)| key)
            .filter(|key| key.contains("limit:"))
            .collect();
        assert_eq!(limits.len(), if world.redis_url().is_some() { 3 } else { 0 });
        for key in limits {
            assert!(
                !key.contains("127.0.0.1") && !key.contains("kiosk") && !key.contains("clerk"),
                "{key}"
            );
        }
        there.stop(world).await;
        here.stop(world).await;
    }
);

#[test]
fn a_redis_that_hangs_costs_a_moment_and_the_limit_holds_here() {
    actix_web::rt::System::new().block_on(async {
        let world = World::open(WorldKind::Sqlite, Ground::Loaded).await;
        let redis = OwnRedis::start().await;
        let url = redis.url();
        let limits = [
            ("ONEDOOR__REDIS__URL", url.as_str()),
            ("ONEDOOR__LIMITS__FIELDS_PER_MINUTE_ANONYMOUS", "100"),
        ];
        let app = TestApp::start_with(&world, morning(), &limits).await;
        let anybody = app.anybody();
        assert_eq!(spend(&anybody, 40).await, Vec::<String>::new());
        redis.freeze();
        let began = Instant::now();
        assert_eq!(spend(&anybody, 40).await, Vec::<String>::new());
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        assert_eq!(spend(&anybody, 40).await, ["RATE_LIMITED"]);
        redis.thaw();
        app.stop(&world).await;
        world.close().await;
    });
}

story!(every_alias_is_a_guess_of_its_own, async |world| {
    let limits = [
        ("ONEDOOR__TRACKING__FAILURES_PER_SOURCE_PER_MINUTE", "6"),
        ("ONEDOOR__TRACKING__FAILURES_PER_SOURCE_AND_CODE_PER_MINUTE", "6"),
    ];
    let app = TestApp::start_with(world, morning(), &limits).await;
    let case = journey::submit(&app.kiosk(STATION), journey::senior_card(FARMER)).await;
    let citizen = app.anybody().bearing(&app.actors.citizen("citizen-1"));
    let mut document = String::from("query($code: String!) {");
    for number in 10..25 {
        write!(
            document,
            " a{number}: trackCase(trackingCode: $code, secret: \"ZZZZZZ{number}\") {{ id }}"
        )
        .unwrap();
    }
    document.push('}');
    let told = citizen.ask(&document, json!({ "code": case.code() })).await;
    // only so many errors are shown; whatever is shown, six were compared at most
    let compared = told.codes().iter().filter(|code| **code == "NOT_FOUND").count();
    assert!((1..=6).contains(&compared), "{}", told.body);
    assert!(told.codes().contains(&"RATE_LIMITED"), "{}", told.body);
    let more = track(&citizen, case.code(), "ZZZZZZZZ").await;
    assert_eq!(more.codes(), ["RATE_LIMITED"]);
    // whoever was not it comes in, at the same address too
    let applicant = track(&app.anybody(), case.code(), &case.secret).await;
    assert_eq!(
        applicant.at("/trackCase/status"),
        "SUBMITTED",
        "{}",
        applicant.body
    );
    app.stop(world).await;
});

/// How long an answer takes.
async fn time(who: &Gql, code: &str, secret: &str, expected: &str) -> Duration {
    let began = Instant::now();
    let answer = track(who, code, secret).await;
    let told = answer.codes().first().map_or_else(
        || answer.at("/trackCase/status").as_str().unwrap().to_owned(),
        |code| (*code).to_owned(),
    );
    assert_eq!(told, expected, "{}", answer.body);
    began.elapsed()
}

story!(
    /// Twenty wrong secrets leave a code slow, at another replica and after a restart too, and its owner comes in; a code that
    /// nobody has is as slow.
    a_code_that_was_hammered_answers_slowly_after_a_restart_and_to_nobody_a_no,
    async |world| {
        let limits = [
            ("ONEDOOR__TRACKING__FAILURES_PER_SOURCE_PER_MINUTE", "1000"),
            ("ONEDOOR__TRACKING__FAILURES_PER_SOURCE_AND_CODE_PER_MINUTE", "1000"),
        ];
        let app = TestApp::start_with(world, morning(), &limits).await;
        let case = journey::submit(&app.kiosk(STATION), journey::senior_card(FARMER)).await;
        let nobodys = unknown_code(7);
        for code in [case.code(), &nobodys] {
            for _ in 0..10 {
                time(&app.anybody(), code, "ZZZZZZZZ", "NOT_FOUND").await;
            }
        }
        let clock = app.clock.clone();
        app.stop(world).await;
        let app = TestApp::start_with(world, clock, &limits).await;
        let slow = Duration::from_millis(600);
        for code in [case.code(), &nobodys] {
            let took = time(&app.anybody(), code, "ZZZZZZZZ", "NOT_FOUND").await;
            assert!(took >= slow, "{took:?} after ten wrong answers");
        }
        let took = time(&app.anybody(), case.code(), &case.secret, "SUBMITTED").await;
        assert!(took < Duration::from_secs(4), "the owner waits two seconds at most and not {took:?}");
        app.clock.advance(chrono::TimeDelta::minutes(11));
        // the count in this process goes by its own clock; another one begins with what the database says
        let fresh = replica(world, &app, &limits).await;
        if world.kind() == WorldKind::Sqlite {
            let took = time(&fresh.anybody(), case.code(), &case.secret, "SUBMITTED").await;
            assert!(took < slow, "forgotten after ten minutes: {took:?}");
        }
        fresh.stop(world).await;
        app.stop(world).await;
    }
);

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

story!(an_unknown_code_takes_as_long_as_a_wrong_secret, async |world| {
    let limits = [
        ("ONEDOOR__TRACKING__FAILURES_PER_SOURCE_PER_MINUTE", "10000"),
        (
            "ONEDOOR__TRACKING__FAILURES_PER_SOURCE_AND_CODE_PER_MINUTE",
            "10000",
        ),
        ("ONEDOOR__LIMITS__FIELDS_PER_MINUTE_ANONYMOUS", "100000"),
    ];
    let app = TestApp::start_with(world, morning(), &limits).await;
    let kiosk = app.kiosk(STATION);
    let mut cases: Vec<Submitted> = Vec::new();
    for _ in 0..21 {
        cases.push(journey::submit(&kiosk, journey::senior_card(FARMER)).await);
    }
    let anybody = app.anybody();
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    // three tries of a code cost no delay yet
    for round in 0..3 {
        for (number, case) in (1_000_u64..).zip(&cases) {
            let nobodys = unknown_code(number);
            // who goes first changes from one to the next
            if (number + round) % 2 == 0 {
                known.push(time(&anybody, case.code(), "ZZZZZZZZ", "NOT_FOUND").await);
                unknown.push(time(&anybody, &nobodys, "ZZZZZZZZ", "NOT_FOUND").await);
            } else {
                unknown.push(time(&anybody, &nobodys, "ZZZZZZZZ", "NOT_FOUND").await);
                known.push(time(&anybody, case.code(), "ZZZZZZZZ", "NOT_FOUND").await);
            }
        }
    }
    assert!(known.len() >= 60);
    let (known, unknown) = (median(known), median(unknown));
    let (fast, slow) = (known.min(unknown), known.max(unknown));
    assert!(
        slow < fast * 3 / 2 + Duration::from_millis(3),
        "known {known:?}, unknown {unknown:?}"
    );
    app.stop(world).await;
});

story!(receipts_cannot_be_enumerated, async |world| {
    let few = [("ONEDOOR__LIMITS__FIELDS_PER_MINUTE_ANONYMOUS", "30")];
    let app = TestApp::start_with(world, morning(), &few).await;
    let case = journey::submit(&app.kiosk(STATION), journey::senior_card(FARMER)).await;
    let clerk = app.clerk(STATION);
    let ask = "query($id: ID!) { case(by: { id: $id }) { receipts { id } } }";
    let data = clerk.data(ask, json!({ "id": case.id() })).await;
    let receipt = data["case"]["receipts"][0]["id"].as_str().unwrap().to_owned();
    let look = async |id: &str| {
        let answer = http_client()
            .get(format!("http://{}/verify/{id}", app.addr()))
            .send()
            .await
            .unwrap();
        let status = answer.status().as_u16();
        let again = answer.headers().get("retry-after").is_some();
        (status, again, answer.text().await.unwrap())
    };
    let (status, _, page) = look(&receipt).await;
    assert_eq!(status, 200);
    for told in [FARMER.name, FARMER.id_number, FARMER.phone, FARMER.address] {
        assert!(!page.contains(told), "a stranger reads {told}");
    }
    let near = receipt
        .chars()
        .rev()
        .enumerate()
        .map(|(place, letter)| match (place, letter) {
            (0, '0') => '1',
            (0, _) => '0',
            (_, letter) => letter,
        });
    let near: String = near.collect::<String>().chars().rev().collect();
    let (missing, none) = (look(&near).await, look("none").await);
    assert_eq!(
        (missing.0, &missing),
        (404, &none),
        "a near miss looks like any other"
    );
    let limited = look(&receipt).await;
    assert_eq!(
        (limited.0, limited.1),
        (429, true),
        "looks are counted by source, as fields are"
    );
    let by_field = app
        .anybody()
        .ask(
            "query($id: ID!) { verifyReceipt(by: { id: $id }) { verdict } }",
            json!({ "id": receipt }),
        )
        .await;
    assert_eq!(by_field.status, 429, "and in one budget with them");
    assert_eq!(by_field.body["data"], Value::Null);
    app.stop(world).await;
});
