//! Many who ask an agency's system the same at once are one question (G3b), and a system that is down takes nothing else along.

use std::time::Duration;

use futures_util::future::join_all;
use onedoor::upstream::config::UpstreamConfig;
use serde_json::{Value, json};

use super::kit::{COUNTY, Case, County, STATION, TOWNSHIP, act, funeral, offered_to_county, submit};
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::people::NEIGHBOUR;
use crate::harness::story::story;
use crate::harness::world::{World, WorldKind};

const STATUS: &str = "handoffs { upstream upstreamStatus { upstream state version asOf source stale } }";
/// Limits that are not what these stories are about.
pub(super) const PATIENT: &[(&str, &str)] = &[
    ("ONEDOOR__LIMITS__QUERY_TIMEOUT_MS", "60000"),
    ("ONEDOOR__DATABASE__ACQUIRE_TIMEOUT_MS", "30000"),
    ("ONEDOOR__OUTBOX__LEASE_MS", "120000"),
];

pub(super) fn patient(mut config: UpstreamConfig) -> UpstreamConfig {
    config.live.wait = Duration::from_secs(60);
    config.timeout = Duration::from_secs(30);
    config
}

/// The statuses of the bound handoffs of some cases, and the codes of the errors.
pub(super) async fn statuses(who: &Gql, cases: &[Case]) -> (Vec<Value>, Vec<String>) {
    let fields: Vec<String> = cases
        .iter()
        .enumerate()
        .map(|(index, case)| format!("c{index}: case(by: {{ id: \"{}\" }}) {{ {STATUS} }}", case.id))
        .collect();
    let answer = who.ask(&format!("{{ {} }}", fields.join(" ")), json!({})).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.bytes));
    let bound = |index: usize| {
        let handoffs = answer.body["data"][format!("c{index}")]["handoffs"]
            .as_array()
            .cloned();
        let mut bound = handoffs
            .unwrap_or_default()
            .into_iter()
            .filter(|one| !one["upstream"].is_null());
        bound
            .next()
            .map_or(Value::Null, |one| one["upstreamStatus"].clone())
    };
    let codes = answer.codes().into_iter().map(str::to_owned).collect();
    ((0..cases.len()).map(bound).collect(), codes)
}

pub(super) async fn questions(county: &County) -> usize {
    let requests = county.department.requests().await;
    requests.iter().filter(|line| line["method"] == "GET").count()
}

pub(super) async fn taken_over(app: &TestApp, count: usize) -> Vec<Case> {
    let mut cases = Vec::new();
    for _ in 0..count {
        cases.push(offered_to_county(app).await);
    }
    for case in &cases {
        case.taken_over(&app.clerk(TOWNSHIP)).await;
    }
    cases
}

story!(
    two_hundred_readers_of_twenty_cases_are_one_question_a_case,
    async |world| {
        let county = County::open().await;
        let config = || vec![patient(county.upstream())];
        let replicas = [
            county.gateway_with(world, PATIENT, config()).await,
            county.gateway_with(world, PATIENT, config()).await,
        ];
        let cases = taken_over(&replicas[0], 20).await;
        assert_eq!(questions(&county).await, 0);
        let slow = json!({ "mode": "slow", "on": "query", "delay_ms": 300 });
        county.department.told(slow).await;
        let clerks = [replicas[0].clerk(TOWNSHIP), replicas[1].clerk(TOWNSHIP)];
        // root fields have a limit of their own: fifteen in one operation
        let halves = [&cases[..10], &cases[10..]];
        let all = join_all((0..400).map(|turn| statuses(&clerks[turn % 2], halves[turn / 2 % 2]))).await;
        for (seen, errors) in &all {
            assert_eq!(errors, &Vec::<String>::new());
            assert!(
                seen.iter()
                    .all(|one| one["state"] == "RECEIVED" && one["stale"] == false),
                "{seen:?}"
            );
        }
        let replicas_that_ask = match world.kind() {
            WorldKind::Sqlite => 2,
            WorldKind::Postgres => 1,
        };
        let asked = questions(&county).await;
        assert!(
            (20..=20 * replicas_that_ask).contains(&asked),
            "{asked} questions"
        );

        // one more class of readers asks for itself, and an answer that is too old is asked for again
        let supervisor = replicas[0].supervisor(COUNTY);
        statuses(&supervisor, &cases[..1]).await;
        assert_eq!(
            questions(&county).await,
            asked + 1,
            "readers of other rights share nothing"
        );
        let (again, _) = statuses(&supervisor, &cases[..1]).await;
        assert_eq!(
            (&again[0]["source"], questions(&county).await),
            (&json!("CACHE"), asked + 1)
        );
        county.seconds_later(6);
        let (fresh, _) = statuses(&supervisor, &cases[..1]).await;
        assert_eq!(
            (&fresh[0]["source"], questions(&county).await),
            (&json!("UPSTREAM"), asked + 2)
        );
        let [one, other] = replicas;
        one.stop(world).await;
        other.stop(world).await;
    }
);

/// The county's second system: civil affairs.
pub(super) fn second(other: &County) -> UpstreamConfig {
    let mut config = other.upstream();
    config.name = "civil".parse().unwrap();
    config.roles = vec!["county.civil-affairs".to_owned()];
    config.live.stale_if_error = Duration::from_secs(60);
    config.breaker.failures = 3;
    config
}

async fn at_two_systems(world: &World, county: &County, other: &County) -> (TestApp, [Case; 2]) {
    let app = county
        .gateway_with(world, &[], vec![county.upstream(), second(other)])
        .await;
    let pension = offered_to_county(&app).await;
    pension.taken_over(&app.clerk(TOWNSHIP)).await;
    let funeral = submit(&app.kiosk(STATION), funeral(&NEIGHBOUR)).await;
    let clerk = app.clerk(TOWNSHIP);
    let version = funeral.seen_by(&clerk).await["version"].clone();
    act(
        &clerk,
        "acceptCase",
        funeral.input(&version, json!({ "advance": true })),
    )
    .await;
    funeral
        .comes_to(&clerk, "civil affairs' system has a number", |case| {
            case["externalNumbers"][0]["upstream"] == "civil"
        })
        .await;
    (app, [pension, funeral])
}

/// One question over both systems while the second is silent: the first answers, the second fails where it stands, by name.
async fn told_apart(who: &Gql, cases: &[Case; 2]) {
    let [pension, funeral] = cases;
    let document = format!(
        "{{ pension: case(by: {{ id: \"{}\" }}) {{ status {STATUS} }}
            funeral: case(by: {{ id: \"{}\" }}) {{ status {STATUS} }} }}",
        pension.id, funeral.id
    );
    let answer = who.ask(&document, json!({})).await;
    assert_eq!(answer.status, 200, "partial data is an answer");
    let bound = |case: &str| {
        let handoffs = answer.body["data"][case]["handoffs"].as_array().unwrap();
        let at = handoffs
            .iter()
            .position(|one| !one["upstream"].is_null())
            .unwrap();
        (at, handoffs[at]["upstreamStatus"].clone())
    };
    let (_, told) = bound("pension");
    assert_eq!(
        (&told["upstream"], &told["state"], &told["source"], &told["stale"]),
        (
            &json!("sandbox"),
            &json!("RECEIVED"),
            &json!("UPSTREAM"),
            &json!(false)
        )
    );
    assert!(told["asOf"].is_string(), "{told}");
    let (at, silent) = bound("funeral");
    assert_eq!(silent, Value::Null);
    assert!(
        answer.body["data"]["funeral"]["status"].is_string(),
        "its own case stands"
    );
    let errors = answer.body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(
        errors[0]["path"],
        json!(["funeral", "handoffs", at, "upstreamStatus"])
    );
    let extensions = &errors[0]["extensions"];
    assert_eq!(
        (
            &extensions["code"],
            &extensions["upstream"],
            &extensions["retryable"]
        ),
        (&json!("UPSTREAM_TIMEOUT"), &json!("civil"), &json!(true))
    );
    assert!(extensions["correlationId"].is_string(), "{extensions}");
}

story!(
    one_system_that_is_down_leaves_the_others_field_intact,
    async |world| {
        let (county, other) = (County::open().await, County::open().await);
        let (app, cases) = at_two_systems(world, &county, &other).await;
        let clerk = app.clerk(TOWNSHIP);
        let (seen, errors) = statuses(&clerk, &cases).await;
        assert_eq!(errors, Vec::<String>::new());
        assert_eq!(
            (&seen[0]["upstream"], &seen[1]["upstream"]),
            (&json!("sandbox"), &json!("civil"))
        );

        // an older answer stands in for a while, and says so
        let hang = json!({ "mode": "hang", "on": "query", "times": 1 });
        county.seconds_later(10);
        other
            .department
            .told(json!({ "mode": "answer", "status": 500, "on": "query", "times": 1 }))
            .await;
        let (seen, errors) = statuses(&clerk, &cases).await;
        assert_eq!(errors, Vec::<String>::new());
        assert_eq!(
            (&seen[0]["stale"], &seen[1]["stale"]),
            (&json!(false), &json!(true))
        );

        county.seconds_later(120);
        other.department.told(hang).await;
        told_apart(&clerk, &cases).await;

        other.department.close().await;
        let (seen, errors) = statuses(&clerk, &cases).await;
        assert_eq!((&seen[0]["state"], &seen[1]), (&json!("RECEIVED"), &Value::Null));
        assert_eq!(errors, ["UPSTREAM_UNAVAILABLE"]);
        let (seen, errors) = statuses(&clerk, &cases).await;
        assert_eq!(
            (&seen[0]["state"], errors),
            (&json!("RECEIVED"), vec!["CIRCUIT_OPEN".to_owned()])
        );
        app.stop(world).await;
    }
);

story!(
    a_case_is_found_by_its_number_in_the_agencys_system,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let case = taken_over(&app, 2).await.remove(1);
        let clerk = app.clerk(TOWNSHIP);
        let number = case.seen_by(&clerk).await["externalNumbers"][0]["number"].clone();
        let document = "query($number: String!) { cases(filter: { externalNumber: $number }) { nodes { id } totalCount } }";
        let found = clerk.data(document, json!({ "number": number })).await["cases"].clone();
        assert_eq!(found, json!({ "nodes": [{ "id": case.id }], "totalCount": 1 }));
        let stranger = app.clerk(super::kit::OTHER_TOWNSHIP);
        let hidden = stranger.data(document, json!({ "number": number })).await["cases"].clone();
        assert_eq!(hidden, json!({ "nodes": [], "totalCount": 0 }));
        app.stop(world).await;
    }
);
