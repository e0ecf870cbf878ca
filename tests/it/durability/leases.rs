//! P11: one delivery, one worker; who stalled past his lease changes nothing any more.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use serde_json::json;

use super::county::County;
use super::desks::{Desks, Journal, pause};
use super::evidence::assert_nothing_lost;
use super::postgres::ready;
use crate::harness::process::Gateway;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};

/// A replica that looks at its outbox when told and otherwise never: nothing else of it can be in anybody's way.
const UNHURRIED: (&str, &str) = ("ONEDOOR__OUTBOX__TICK_MS", "600000");
/// A lease, and what a busy machine adds.
const LEASE_IS_OVER_WITHIN: Duration = Duration::from_secs(40);

story!(two_replicas_never_send_the_same_delivery_at_once, async |world| {
    let county = County::open(world, 40).await;
    // each sending takes a while, so that a second worker would find it under way
    county.told(json!({ "mode": "slow", "delay_ms": 150 })).await;
    let hurried = county.settings_and(&[("ONEDOOR__OUTBOX__TICK_MS", "20")]);
    let mut replicas = [
        Gateway::start(world, &hurried).await,
        Gateway::start(world, &hurried).await,
    ];
    let journal = RefCell::new(Journal::default());
    let desks = replicas
        .each_ref()
        .map(|replica| Desks::at(replica.address(), world));
    let some = async |desks: &Desks| {
        for _ in 0..12 {
            desks.carry_one(&journal).await;
        }
    };
    tokio::join!(some(&desks[0]), some(&desks[1]), some(&desks[0]), some(&desks[1]));
    assert_nothing_lost(world, world.database_url(), (&desks[0], &county), &journal).await;
    let mut requests: BTreeMap<String, u32> = BTreeMap::new();
    for request in county.requests().await {
        *requests
            .entry(request["key"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    assert_eq!(requests.len(), 48);
    assert!(requests.values().all(|count| *count == 1), "{requests:?}");
    for replica in &mut replicas {
        assert!(replica.terminate(Duration::from_secs(15)).await.success());
    }
});

story!(
    a_worker_that_stalled_past_its_lease_overwrites_nothing,
    async |world| {
        let county = County::open(world, 4_000).await;
        county
            .told(json!({ "mode": "slow", "delay_ms": 1_500, "times": 1 }))
            .await;
        let mut stalled = Gateway::start(world, &county.settings_and(&[UNHURRIED])).await;
        let desks = Desks::at(stalled.address(), world);
        let journal = RefCell::new(Journal::default());
        desks.carry_one(&journal).await;
        until("the county was asked", PATIENCE, async || {
            county.requests().await.len() == 1
        })
        .await;
        stalled.freeze();

        let mut other = Gateway::start(world, &county.settings()).await;
        let database = world.database().await;
        until(
            "the other replica has delivered",
            LEASE_IS_OVER_WITHIN,
            async || delivery(&database).await.0 == "DELIVERED",
        )
        .await;
        let before = delivery(&database).await;
        assert_eq!(before.2, 2, "the second attempt is the other's");
        stalled.thaw();
        until("the stalled replica goes on", PATIENCE, async || {
            ready(&stalled).await == 200
        })
        .await;
        // its own attempt ends now, by the answer that waited or by its deadline
        pause(Duration::from_secs(3)).await;
        assert_eq!(delivery(&database).await, before, "what the other learnt stands");
        database.close().await.unwrap();
        assert_nothing_lost(world, world.database_url(), (&desks, &county), &journal).await;
        for replica in [&mut stalled, &mut other] {
            assert!(replica.terminate(Duration::from_secs(15)).await.success());
        }
    }
);

/// State, fence and attempts of the one delivery.
async fn delivery(database: &DatabaseConnection) -> (String, i64, i32) {
    let sql = "SELECT state, fence, attempts FROM delivery";
    let statement = Statement::from_string(database.get_database_backend(), sql);
    let row = database.query_one_raw(statement).await.unwrap().unwrap();
    (
        row.try_get_by_index(0).unwrap(),
        row.try_get_by_index(1).unwrap(),
        row.try_get_by_index(2).unwrap(),
    )
}
