//! 对账: what an agency's system says otherwise is found at night and on demand, shown to whom it concerns, and changes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use onedoor::upstream::config::UpstreamConfig;
use serde_json::{Value, json};
use uuid::Uuid;

use super::kit::{
    COUNTY, Case, County, HUMAN_RESOURCES, OTHER_TOWNSHIP, STATION, TOWNSHIP, events, offered_to_county,
};
use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, eventually};

const DIFFERENCES: &str = "query($upstream: String) { openDifferences(filter: { upstream: $upstream }) {
    totalCount nodes { id kind text ours theirs number firstSeenAt lastSeenAt resolvedAt case { id } } } }";
const RUNS: &str = "{ reconciliations { nodes {
    id upstream trigger state reason checked differing unanswered unsettled resolved
    differences { nodes { kind resolvedAt case { id } } } } } }";
/// Longer than what moved may be on its way.
const SETTLED_S: i64 = 400;

fn admin(app: &TestApp) -> Gql {
    app.anybody().bearing(&app.actors.admin())
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

pub(super) async fn asked_for(app: &TestApp, key: Uuid, upstream: &str) -> Value {
    let document = "mutation($input: ReconcileUpstreamInput!) { reconcileUpstream(input: $input) {
        run { id trigger state } userErrors { code field } } }";
    let input = json!({ "upstream": upstream, "idempotencyKey": key });
    admin(app).data(document, json!({ "input": input })).await["reconcileUpstream"].clone()
}

async fn runs(app: &TestApp) -> Vec<Value> {
    let data = admin(app).data(RUNS, json!({})).await;
    data["reconciliations"]["nodes"].as_array().unwrap().clone()
}

/// Waits until a run is over, and gives it.
pub(super) async fn over(app: &TestApp, id: &Value) -> Value {
    eventually("the run is over", PATIENCE, async || {
        let all = runs(app).await;
        let mut found = all.into_iter().filter(|run| run["id"] == *id);
        found
            .next()
            .filter(|run| run["state"] != "WAITING" && run["state"] != "RUNNING")
    })
    .await
}

/// Compares on demand, and gives the run.
async fn compared(app: &TestApp) -> Value {
    let payload = asked_for(app, Uuid::now_v7(), "sandbox").await;
    assert_eq!(payload["userErrors"], json!([]));
    assert_eq!(payload["run"]["trigger"], "ON_DEMAND");
    let run = over(app, &payload["run"]["id"]).await;
    assert_eq!(run["state"], "DONE", "{run}");
    run
}

pub(super) async fn open(who: &Gql) -> Vec<Value> {
    let data = who.data(DIFFERENCES, json!({ "upstream": "sandbox" })).await;
    let found = data["openDifferences"].clone();
    let nodes = found["nodes"].as_array().unwrap().clone();
    assert_eq!(found["totalCount"], nodes.len());
    nodes
}

/// Kind by case, as somebody who sees the cases is told.
async fn by_case(who: &Gql) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found = open(who).await;
    found
        .iter()
        .map(|one| (text(&one["case"]["id"]), text(&one["kind"])))
        .collect()
}

async fn questions(county: &County) -> Vec<Value> {
    let requests = county.department.requests().await;
    requests
        .into_iter()
        .filter(|line| line["method"] == "GET" && line["path"] == "/api/applications")
        .collect()
}

story!(
    /// Nothing is overwritten: cases are the same before and after, line by line, and what is repaired is gone next time.
    what_a_system_says_otherwise_is_reported_and_changes_no_case,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let cases = taken_over(&app, 5).await;
        let [alike, forgotten, renumbered, ahead, silent] = [0, 1, 2, 3, 4].map(|index| cases[index].clone());
        county.seconds_later(SETTLED_S);
        let found = compared(&app).await;
        assert_eq!(
            (&found["checked"], &found["differing"]),
            (&json!(5), &json!(0)),
            "{found}"
        );

        let rules = [
            json!({ "mode": "forget", "on": "query", "our_ref": forgotten.reference() }),
            json!({ "mode": "renumber", "on": "query", "our_ref": renumbered.reference() }),
            json!({ "mode": "hang", "on": "query", "our_ref": silent.reference() }),
            json!({ "mode": "callback-never", "our_ref": ahead.reference() }),
        ];
        for rule in rules {
            county.department.told(rule).await;
        }
        county.decides(&ahead, "APPROVED", None).await;
        let clerk = app.clerk(TOWNSHIP);
        let mut before = Vec::new();
        for case in &cases {
            before.push(case.seen_by(&clerk).await);
        }
        // what it said a moment ago may be on its way
        let early = compared(&app).await;
        assert_eq!(
            (&early["differing"], &early["unsettled"], &early["unanswered"]),
            (&json!(2), &json!(1), &json!(1)),
            "{early}"
        );
        county.seconds_later(SETTLED_S);
        let run = compared(&app).await;
        assert_eq!(
            (&run["checked"], &run["differing"], &run["unanswered"]),
            (&json!(5), &json!(3), &json!(1)),
            "{run}"
        );
        let expected: BTreeMap<String, String> = [
            (forgotten.id.clone(), "ABSENT_THERE".to_owned()),
            (renumbered.id.clone(), "NUMBER_DIFFERS".to_owned()),
            (ahead.id.clone(), "AHEAD_THERE".to_owned()),
        ]
        .into();
        assert_eq!(by_case(&clerk).await, expected);
        for (case, before) in cases.iter().zip(&before) {
            assert_eq!(&case.seen_by(&clerk).await, before, "a comparison changes nothing");
        }
        let told = open(&clerk).await;
        let of = |kind: &str| told.iter().find(|one| one["kind"] == kind).unwrap().clone();
        assert_eq!(
            (&of("AHEAD_THERE")["ours"], &of("AHEAD_THERE")["theirs"]),
            (&json!("IN_REVIEW"), &json!("GRANTED"))
        );
        assert!(of("NUMBER_DIFFERS")["number"].as_str().unwrap().ends_with("-B"));
        assert!(of("ABSENT_THERE")["text"].as_str().unwrap().contains("查无此件"));

        // found again it stays one; once the news has come it is gone
        let first = of("ABSENT_THERE");
        county.department.told(json!({ "mode": "normal" })).await;
        county
            .department
            .told(json!({ "mode": "forget", "on": "query", "our_ref": forgotten.reference() }))
            .await;
        county.decides(&ahead, "APPROVED", None).await;
        ahead.becomes("COMPLETED", &clerk).await;
        county.seconds_later(SETTLED_S);
        let later = compared(&app).await;
        assert_eq!(
            (&later["differing"], &later["resolved"], &later["unanswered"]),
            (&json!(1), &json!(2), &json!(0)),
            "{later}"
        );
        let still = open(&clerk).await;
        assert_eq!(still.len(), 1);
        assert_eq!(
            (&still[0]["id"], &still[0]["firstSeenAt"]),
            (&first["id"], &first["firstSeenAt"])
        );
        assert_ne!(still[0]["lastSeenAt"], first["lastSeenAt"]);
        assert_eq!(alike.seen_by(&clerk).await["status"], "IN_REVIEW");
        // what stood at the time of an earlier run is still told
        let data = clerk.data(RUNS, json!({})).await;
        let all = data["reconciliations"]["nodes"].as_array().unwrap();
        let earlier = all.iter().find(|one| one["id"] == run["id"]).unwrap();
        assert_eq!(earlier["differences"]["nodes"].as_array().unwrap().len(), 3);
        app.stop(world).await;
    }
);

story!(
    a_case_that_ended_here_and_is_worked_on_there_is_found,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let cases = taken_over(&app, 2).await;
        let clerk = app.clerk(TOWNSHIP);
        // the county's system is told, and one of the two tellings it does not carry out
        county
            .department
            .told(json!({ "mode": "answer", "status": 422, "on": "submit", "our_ref": cases[1].reference() }))
            .await;
        let supervisor = app.supervisor(COUNTY);
        for case in &cases {
            case.done(&supervisor, "voidCase", json!({ "reason": "重复" }))
                .await;
        }
        app.deliveries_settle(world).await;
        county.seconds_later(SETTLED_S);
        let run = compared(&app).await;
        assert_eq!(
            (&run["checked"], &run["differing"]),
            (&json!(2), &json!(1)),
            "{run}"
        );
        let expected = [(cases[1].id.clone(), "OPEN_THERE_CLOSED_HERE".to_owned())];
        assert_eq!(by_case(&clerk).await, expected.into());
        // eight days later nobody asks any more
        county.days_later(8);
        assert_eq!(compared(&app).await["checked"], 0);
        assert!(open(&app.clerk(TOWNSHIP)).await.is_empty());
        app.stop(world).await;
    }
);

story!(
    a_difference_is_told_to_whom_it_concerns_and_to_nobody_else,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let case = taken_over(&app, 1).await.remove(0);
        county.seconds_later(SETTLED_S);
        county
            .department
            .told(json!({ "mode": "renumber", "on": "query" }))
            .await;
        compared(&app).await;
        let counted = async |who: &Gql| open(who).await.len();
        // who handed it over, and supervision of its division
        for who in [app.clerk(TOWNSHIP), app.officer(TOWNSHIP), app.supervisor(COUNTY)] {
            let seen = open(&who).await;
            assert_eq!(seen.len(), 1);
            assert_eq!(seen[0]["case"]["id"], case.id);
            assert!(!seen[0]["number"].is_null());
        }
        // an administrator counts, and sees neither case nor number
        let seen = open(&admin(&app)).await;
        assert_eq!(seen.len(), 1);
        assert_eq!(
            (&seen[0]["case"], &seen[0]["number"]),
            (&Value::Null, &Value::Null)
        );
        // first contact did not hand it to the system; other offices and divisions see none, whatever there is
        for stranger in [
            app.clerk(STATION),
            app.clerk(OTHER_TOWNSHIP),
            app.officer(HUMAN_RESOURCES),
            app.supervisor("340322000000"),
        ] {
            assert_eq!(counted(&stranger).await, 0);
        }
        // only administrators ask for a run
        for stranger in [app.officer(TOWNSHIP), app.supervisor(COUNTY), app.kiosk(STATION)] {
            let document = "mutation($key: UUID!) { reconcileUpstream(input: { upstream: \"sandbox\",
                idempotencyKey: $key }) { userErrors { code } } }";
            let answer = stranger.ask(document, json!({ "key": Uuid::now_v7() })).await;
            assert_eq!(answer.codes(), ["FORBIDDEN"]);
        }
        app.stop(world).await;
    }
);

story!(a_request_is_one_run_and_its_key_says_so, async |world| {
    let county = County::open().await;
    let app = county.gateway(world).await;
    let key = Uuid::now_v7();
    let first = asked_for(&app, key, "sandbox").await;
    over(&app, &first["run"]["id"]).await;
    let again = asked_for(&app, key, "sandbox").await;
    assert_eq!(again["run"]["id"], first["run"]["id"]);
    assert_eq!(runs(&app).await.len(), 1);
    let other = asked_for(&app, key, "elsewhere").await;
    assert_eq!(other["userErrors"][0]["code"], "IDEMPOTENCY_MISMATCH");
    let unknown = asked_for(&app, Uuid::now_v7(), "elsewhere").await;
    assert_eq!(
        unknown["userErrors"],
        json!([{ "code": "INVALID_FIELD", "field": ["upstream"] }])
    );
    app.stop(world).await;
});

/// Two places for questions, so that a run has several pages.
fn narrow(county: &County) -> UpstreamConfig {
    let mut config = county.upstream();
    config.concurrency_max = 4;
    config
}

story!(
    /// The hour strikes at 02:30 in Beijing; the stories begin at ten.
    two_replicas_compare_once_a_night_and_a_missed_night_is_made_up_once,
    async |world| {
        let county = County::open().await;
        let config = || vec![narrow(&county)];
        let replicas = [
            county.gateway_with(world, &[], config()).await,
            county.gateway_with(world, &[], config()).await,
        ];
        let cases = taken_over(&replicas[0], 5).await;
        assert!(runs(&replicas[0]).await.is_empty(), "nights count from the first look");
        let before = questions(&county).await.len();
        county.seconds_later(17 * 3_600);
        let nightly = |count: usize| {
            let app = &replicas[1];
            async move {
                eventually("the night's run", PATIENCE, async || {
                    let all = runs(app).await;
                    (all.len() == count && all.iter().all(|run| run["state"] == "DONE")).then_some(all)
                })
                .await
            }
        };
        let found = nightly(1).await;
        assert_eq!(
            (&found[0]["trigger"], &found[0]["checked"]),
            (&json!("NIGHTLY"), &json!(5))
        );
        let asked = questions(&county).await.split_off(before);
        let mut references: Vec<&str> = asked.iter().map(|one| one["our_ref"].as_str().unwrap()).collect();
        references.sort_unstable();
        let mut expected: Vec<String> = cases.iter().map(Case::reference).collect();
        expected.sort_unstable();
        assert_eq!(references, expected, "each case is asked for once, by one replica");

        // three nights pass at once: one is made up
        county.days_later(3);
        nightly(2).await;
        county.seconds_later(3_600);
        let again = compared(&replicas[0]).await;
        assert_eq!(runs(&replicas[1]).await.len(), 3, "{again}");
        let [one, other] = replicas;
        one.stop(world).await;
        other.stop(world).await;
    }
);

story!(
    a_crash_around_the_storing_of_a_page_neither_loses_nor_doubles_a_difference,
    async |world| {
        let county = County::open().await;
        let app = county.gateway_with(world, &[], vec![narrow(&county)]).await;
        app.expect_error("panic");
        let cases = taken_over(&app, 5).await;
        county.seconds_later(SETTLED_S);
        county
            .department
            .told(json!({ "mode": "forget", "on": "query" }))
            .await;
        for point in ["reconcile.asked", "reconcile.stored"] {
            fail::cfg(point, "1*off->1*panic(the process dies here)->off").unwrap();
            let payload = asked_for(&app, Uuid::now_v7(), "sandbox").await;
            // the lease of whoever died runs out
            let run = eventually("the run after the crash", PATIENCE, async || {
                county.seconds_later(1);
                let all = runs(&app).await;
                let mut ours = all.into_iter().filter(|run| run["id"] == payload["run"]["id"]);
                ours.next().filter(|run| run["state"] == "DONE")
            })
            .await;
            fail::remove(point);
            assert_eq!(
                (&run["checked"], &run["differing"], &run["unanswered"]),
                (&json!(5), &json!(5), &json!(0)),
                "{point}: {run}"
            );
            let found = open(&app.clerk(TOWNSHIP)).await;
            assert_eq!(found.len(), cases.len(), "{point}");
        }
        app.stop(world).await;
    }
);

story!(a_run_waits_while_the_system_rests_and_goes_on, async |world| {
    let county = County::open().await;
    let mut config = narrow(&county);
    config.breaker.failures = 2;
    config.breaker.rest = Duration::from_millis(200);
    config.timeout = Duration::from_millis(1_100);
    let app = county.gateway_with(world, &[], vec![config]).await;
    let cases = taken_over(&app, 6).await;
    county.seconds_later(SETTLED_S);
    county
        .department
        .told(json!({ "mode": "answer", "status": 500, "on": "query", "times": 2 }))
        .await;
    let payload = asked_for(&app, Uuid::now_v7(), "sandbox").await;
    let run = eventually("the run after the rest", PATIENCE, async || {
        county.seconds_later(1);
        let all = runs(&app).await;
        let mut ours = all.into_iter().filter(|run| run["id"] == payload["run"]["id"]);
        ours.next().filter(|run| run["state"] == "DONE")
    })
    .await;
    assert_eq!(
        (&run["checked"], &run["unanswered"]),
        (&json!(cases.len()), &json!(2)),
        "{run}"
    );
    app.stop(world).await;
});

story!(
    a_system_that_refuses_our_credentials_ends_the_run_and_what_stood_stands,
    async |world| {
        let county = County::open().await;
        let app = county.gateway(world).await;
        let case = taken_over(&app, 1).await.remove(0);
        county.seconds_later(SETTLED_S);
        county
            .department
            .told(json!({ "mode": "forget", "on": "query", "times": 1 }))
            .await;
        compared(&app).await;
        county
            .department
            .told(json!({ "mode": "answer", "status": 401, "on": "query" }))
            .await;
        let payload = asked_for(&app, Uuid::now_v7(), "sandbox").await;
        let run = over(&app, &payload["run"]["id"]).await;
        assert_eq!(
            (&run["state"], &run["reason"]),
            (&json!("FAILED"), &json!("UNAUTHENTICATED"))
        );
        let clerk = app.clerk(TOWNSHIP);
        assert_eq!(open(&clerk).await.len(), 1);
        assert_eq!(
            events(&case.seen_by(&clerk).await)
                .iter()
                .filter(|one| *one == "NEWS_KEPT")
                .count(),
            0
        );
        app.stop(world).await;
    }
);
