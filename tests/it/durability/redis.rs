//! P13: Redis absent, stopped, hung, flushed or locked: slower, never wrong, and it recovers by itself.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::county::County;
use super::desks::{Desks, Journal};
use super::evidence::assert_nothing_lost;
use crate::harness::own_redis::OwnRedis;
use crate::harness::process::Gateway;
use crate::harness::template::Ground;
use crate::harness::wait::until;
use crate::harness::world::{World, WorldKind};

/// The promise.
const RECOVERED_WITHIN: Duration = Duration::from_secs(30);
/// Far above one command timeout, far below a client's patience.
const SLOWER_AT_MOST: Duration = Duration::from_secs(5);
const CATALOGUE: &str = "{ serviceItems(first: 50) { totalCount edges { node { code version } } } }";

#[actix_web::test]
async fn redis_may_do_anything_and_no_answer_is_wrong() {
    let world = World::open(WorldKind::Sqlite, Ground::Loaded).await;
    let mut redis = OwnRedis::absent();
    let url = redis.url();
    let county = County::open(&world, 40).await;
    let settings = county.settings_and(&[
        ("ONEDOOR__REDIS__URL", &url),
        // nothing is answered from the process's own memory alone for long
        ("ONEDOOR__CACHE__ENTRIES_MAX", "100"),
    ]);
    let mut gateway = Gateway::start(&world, &settings).await;
    let scene = Scene {
        desks: Desks::at(gateway.address(), &world),
        journal: RefCell::default(),
    };
    let expected = scene.works(None).await;

    redis.start_again().await;
    back(&gateway, 1).await;
    scene.works(Some(&expected)).await;

    redis.stop().await;
    scene.works(Some(&expected)).await;
    redis.start_again().await;
    back(&gateway, 2).await;
    scene.works(Some(&expected)).await;

    redis.freeze();
    scene.works(Some(&expected)).await;
    away(&gateway, 3).await;
    scene.works(Some(&expected)).await;
    redis.thaw();
    back(&gateway, 3).await;
    scene.works(Some(&expected)).await;

    redis.flush().await;
    scene.works(Some(&expected)).await;

    redis.stop().await;
    redis.start_again_with_password("another").await;
    away(&gateway, 4).await;
    scene.works(Some(&expected)).await;

    assert_nothing_lost(
        &world,
        world.database_url(),
        (&scene.desks, &county),
        &scene.journal,
    )
    .await;
    assert!(gateway.terminate(Duration::from_secs(15)).await.success());
    world.close().await;
}

#[actix_web::test]
async fn a_wrong_password_at_the_start_is_a_missing_cache() {
    let world = World::open(WorldKind::Sqlite, Ground::Loaded).await;
    let mut redis = OwnRedis::absent();
    redis.start_again_with_password("right").await;
    let county = County::open(&world, 40).await;
    let url = redis.url_with_wrong_password();
    let mut gateway = Gateway::start(&world, &county.settings_and(&[("ONEDOOR__REDIS__URL", &url)])).await;
    let scene = Scene {
        desks: Desks::at(gateway.address(), &world),
        journal: RefCell::default(),
    };
    scene.works(None).await;
    assert!(!gateway.log().contains("wrong@"), "the password is not told");
    assert_nothing_lost(
        &world,
        world.database_url(),
        (&scene.desks, &county),
        &scene.journal,
    )
    .await;
    assert!(gateway.terminate(Duration::from_secs(15)).await.success());
    world.close().await;
}

struct Scene {
    desks: Desks,
    journal: RefCell<Journal>,
}

impl Scene {
    /// Reads and writes work in time, and what is read is what was read before.
    async fn works(&self, expected: Option<&Value>) -> Value {
        let began = Instant::now();
        let catalogue = self.desks.kiosk.data(CATALOGUE, json!({})).await;
        self.desks.carry_one(&self.journal).await;
        assert!(began.elapsed() < SLOWER_AT_MOST, "{:?}", began.elapsed());
        if let Some(expected) = expected {
            assert_eq!(catalogue, *expected);
        }
        catalogue
    }
}

/// Waits until the gateway has said for the n-th time that Redis answers again.
async fn back(gateway: &Gateway, times: usize) {
    said(gateway, "redis answers again", times).await;
}

/// Waits until the gateway has said for the n-th time that it leaves Redis alone.
async fn away(gateway: &Gateway, times: usize) {
    said(gateway, "redis does not answer and is left alone", times).await;
}

async fn said(gateway: &Gateway, words: &str, times: usize) {
    until(words, RECOVERED_WITHIN, async || {
        gateway.log().matches(words).count() >= times
    })
    .await;
}
