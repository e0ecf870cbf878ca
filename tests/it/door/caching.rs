//! The catalogue over HTTP: an entity tag, and no statement for what is known, here or on the other replica.

use onedoor::clock::HeldClock;
use reqwest::header::{ETAG, IF_NONE_MATCH};
use serde_json::json;

use crate::harness::app::{MONDAY_AT_TEN, TestApp};
use crate::harness::gql::http_client;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, eventually, until};
use crate::harness::world::WorldKind;

/// A page of the portal.
const PAGE: &str =
    "{ serviceItems(first: 20) { totalCount nodes { code name materials { name } lineAgency { name } } }
    divisions(filter: { level: TOWNSHIP }, first: 50) { nodes { name parent { name } } }
    organizations(first: 50) { nodes { name division { name } } } calendar { number } }";

/// Loops that look by themselves, as seldom as the settings allow, so that what is counted is the story's.
const QUIET: &[(&str, &str)] = &[
    ("ONEDOOR__AUTH__REVOCATION_POLL_MS", "10000"),
    ("ONEDOOR__CACHE__EPOCH_POLL_MS", "60000"),
    ("ONEDOOR__OUTBOX__TICK_MS", "600000"),
    ("ONEDOOR__WORKER__FEED_POLL_MS", "60000"),
    ("ONEDOOR__LIMITS__FIELDS_PER_MINUTE_ANONYMOUS", "1000000"),
];

fn monday() -> HeldClock {
    HeldClock::at(MONDAY_AT_TEN.parse().unwrap())
}

/// Statements that a gateway has sent to its database so far.
async fn statements(app: &TestApp) -> u64 {
    let url = format!("http://{}/metrics", app.addr());
    let scrape = http_client().get(url).send().await.unwrap().text().await.unwrap();
    scrape
        .lines()
        .filter(|line| line.starts_with("onedoor_database_statement_seconds_count"))
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap())
        .sum()
}

/// Whether asking costs no statement: seen once between two counts that no loop disturbed, it is so.
async fn asking_is_free(app: &TestApp, document: &str) -> bool {
    let before = statements(app).await;
    for _ in 0..5 {
        app.anybody().data(document, json!({})).await;
    }
    statements(app).await == before
}

story!(
    /// Asked again, the whole page costs the database nothing.
    a_known_page_costs_no_statement_over_http,
    async |world| {
        let app = TestApp::start_with(world, monday(), QUIET).await;
        let first = app.anybody().data(PAGE, json!({})).await;
        assert_eq!(first["serviceItems"]["totalCount"], 36);
        until("asking again is free", PATIENCE, async || asking_is_free(&app, PAGE).await).await;
        assert_eq!(app.anybody().data(PAGE, json!({})).await, first);
        app.stop(world).await;
    }
);

story!(
    /// What one replica stored in Redis costs the other no statement either; in the SQLite world there is one process,
    /// whose own memory is meant.
    what_the_other_replica_stored_costs_no_statement,
    async |world| {
        let one = TestApp::start_with(world, monday(), QUIET).await;
        let stored = one.anybody().data(PAGE, json!({})).await;
        if world.kind() == WorldKind::Sqlite {
            until("its own copy is free", PATIENCE, async || asking_is_free(&one, PAGE).await).await;
            one.stop(world).await;
            return;
        }
        // the first question of a fresh replica is counted: a loop that looks between the two counts makes the try
        // worthless, so another fresh replica is tried
        eventually("the first question of a replica is free", PATIENCE, async || {
            let other = TestApp::start_with(world, monday(), QUIET).await;
            until("the replica is quiet", PATIENCE, async || {
                let before = statements(&other).await;
                other.anybody().data("{ __typename }", json!({})).await;
                statements(&other).await == before
            })
            .await;
            let before = statements(&other).await;
            let told = other.anybody().data(PAGE, json!({})).await;
            let free = statements(&other).await == before;
            assert_eq!(told, stored);
            other.stop(world).await;
            free.then_some(())
        })
        .await;
        one.stop(world).await;
    }
);

story!(
    /// GET with a tag: the same answer is not sent twice, another language is another answer.
    a_catalogue_answer_has_an_entity_tag,
    async |world| {
        let app = TestApp::start(world).await;
        let mut url = reqwest::Url::parse(&format!("http://{}/graphql", app.addr())).unwrap();
        url.query_pairs_mut().append_pair("query", "{ serviceItems(first: 5) { nodes { code name } } }");
        let get = |language: &'static str| http_client().get(url.clone()).header("accept-language", language);
        let first = get("zh").send().await.unwrap();
        assert_eq!(first.status(), 200);
        let tag = first.headers()[ETAG].clone();
        assert!(first.headers()["vary"].to_str().unwrap().contains("Accept-Language"));
        let body = first.text().await.unwrap();
        assert!(body.contains("登记"), "{body}");
        let again = get("zh").header(IF_NONE_MATCH, &tag).send().await.unwrap();
        assert_eq!((again.status().as_u16(), again.headers()[ETAG].clone()), (304, tag.clone()));
        assert!(again.bytes().await.unwrap().is_empty());
        let english = get("en").header(IF_NONE_MATCH, &tag).send().await.unwrap();
        assert_eq!(english.status(), 200);
        assert_ne!(english.headers()[ETAG], tag);
        assert!(!english.text().await.unwrap().contains("登记"));
        app.stop(world).await;
    }
);
