//! A thousand who ask an agency's system the same at once are one question, here and on other replicas; without Redis one a
//! replica.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::kit::{COUNTY, Case, County, TOWNSHIP};
use super::live::{PATIENT, patient, questions, statuses, taken_over};
use crate::harness::app::TestApp;
use crate::harness::own_redis::OwnRedis;
use crate::harness::story::story;
use crate::harness::template::Ground;
use crate::harness::wait::{PATIENCE, until};
use crate::harness::world::{World, WorldKind};

const READERS: usize = 1_000;
/// Longer than an answer is served again.
const TOO_OLD_S: i64 = 121;
/// Longer than a thousand readers take on a busy machine: Redis forgets by its own clock, which does not stand still.
const SERVED_AGAIN: Duration = Duration::from_secs(120);

async fn two_replicas(world: &World, county: &County, more: &[(&str, &str)]) -> [TestApp; 2] {
    let mut settings = vec![
        ("ONEDOOR__SERVER__REQUESTS_MAX", "4000"),
        // a thousand callers and two gateways share this process: their requests take a while to arrive
        ("ONEDOOR__SERVER__BODY_TIMEOUT_MS", "60000"),
        // and a replica that waits too long for Redis rightly asks for itself
        ("ONEDOOR__REDIS__COMMAND_TIMEOUT_MS", "10000"),
    ];
    settings.extend_from_slice(PATIENT);
    settings.extend_from_slice(more);
    let config = || {
        let mut config = patient(county.upstream());
        config.live.ttl = SERVED_AGAIN;
        vec![config]
    };
    [
        county.gateway_with(world, &settings, config()).await,
        county.gateway_with(world, &settings, config()).await,
    ]
}

/// All ask at once, half of them at each replica, and all get the same answer; gives how often the system was asked.
async fn asked_by_all(county: &County, replicas: &[TestApp; 2], case: &Case) -> usize {
    let before = questions(county).await;
    let clerks = [replicas[0].clerk(TOWNSHIP), replicas[1].clerk(TOWNSHIP)];
    let all =
        join_all((0..READERS).map(|turn| statuses(&clerks[turn % 2], std::slice::from_ref(case)))).await;
    for (seen, errors) in &all {
        assert_eq!(errors, &Vec::<String>::new());
        assert_eq!(
            (&seen[0]["state"], &seen[0]["stale"]),
            (&json!("RECEIVED"), &json!(false))
        );
    }
    let dated: std::collections::BTreeSet<String> =
        all.iter().map(|(seen, _)| seen[0]["asOf"].to_string()).collect();
    assert_eq!(
        dated.len(),
        1,
        "all are told of the same moment: the clock stands still"
    );
    questions(county).await - before
}

story!(a_thousand_readers_at_once_are_one_question, async |world| {
    let county = County::open().await;
    let replicas = two_replicas(world, &county, &[]).await;
    let case = taken_over(&replicas[0], 1).await.remove(0);
    let slow = json!({ "mode": "slow", "on": "query", "delay_ms": 500 });
    county.department.told(slow).await;
    let asked = asked_by_all(&county, &replicas, &case).await;
    match world.kind() {
        WorldKind::Sqlite => assert!((1..=2).contains(&asked), "one a replica at the most: {asked}"),
        WorldKind::Postgres => assert_eq!(asked, 1, "the replicas share one question"),
    }
    // readers of another class never get that answer, not even one that was just given
    let before = questions(&county).await;
    let (seen, _) = statuses(&replicas[0].supervisor(COUNTY), std::slice::from_ref(&case)).await;
    assert_eq!(seen[0]["source"], "UPSTREAM");
    assert_eq!(questions(&county).await, before + 1);
    // and who may not see the case gets nothing, though an answer is kept
    let stranger = replicas[0].clerk(super::kit::OTHER_TOWNSHIP);
    let (hidden, _) = statuses(&stranger, std::slice::from_ref(&case)).await;
    assert_eq!((&hidden[0], questions(&county).await), (&Value::Null, before + 1));
    let [one, two] = replicas;
    one.stop(world).await;
    two.stop(world).await;
});

#[actix_web::test]
async fn without_redis_each_replica_asks_at_most_once() {
    let world = World::open(WorldKind::Sqlite, Ground::Loaded).await;
    let mut redis = OwnRedis::start().await;
    let url = redis.url();
    let county = County::open().await;
    let replicas = two_replicas(&world, &county, &[("ONEDOOR__REDIS__URL", &url)]).await;
    let case = taken_over(&replicas[0], 1).await.remove(0);
    let slow = json!({ "mode": "slow", "on": "query", "delay_ms": 500 });
    county.department.told(slow).await;
    assert_eq!(asked_by_all(&county, &replicas, &case).await, 1, "with Redis");

    redis.stop().await;
    county.seconds_later(TOO_OLD_S);
    let asked = asked_by_all(&county, &replicas, &case).await;
    assert!((1..=2).contains(&asked), "without Redis: {asked}");

    redis.start_again().await;
    until("the replicas share again", PATIENCE, async || {
        county.seconds_later(TOO_OLD_S);
        asked_by_all(&county, &replicas, &case).await == 1
    })
    .await;
    let [one, two] = replicas;
    one.stop(&world).await;
    two.stop(&world).await;
    world.close().await;
}
