//! Every story has a world of its own, on the back ends that its name says.

use std::panic::{AssertUnwindSafe, catch_unwind};

use onedoor::clock::{Clock as _, HeldClock, SystemClock};
use onedoor::service::identity::demo::DemoIssuer;
use onedoor::service::identity::issuer::Issuers;
use onedoor::service::identity::verifier;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};

use crate::harness::actors::Actors;
use crate::harness::at_rest::assert_nobody_at_rest;
use crate::harness::own_redis;
use crate::harness::people::FARMER;
use crate::harness::process::onedoor;
use crate::harness::story::story;
use crate::harness::world::WorldKind;

story!(a_world_is_what_its_name_says, async |world| {
    let database = world.database().await;
    match world.kind() {
        WorldKind::Sqlite => {
            assert!(text(&database, "SELECT sqlite_version()").await.starts_with("3."));
            assert_eq!(world.redis_url(), None);
        }
        WorldKind::Postgres => {
            assert!(
                text(&database, "SELECT version()")
                    .await
                    .starts_with("PostgreSQL ")
            );
            let redis = redis::Client::open(world.redis_url().unwrap()).unwrap();
            let mut redis = redis.get_multiplexed_async_connection().await.unwrap();
            let info: String = redis::cmd("INFO")
                .arg("server")
                .query_async(&mut redis)
                .await
                .unwrap();
            let version = info
                .lines()
                .find_map(|line| line.strip_prefix("redis_version:"))
                .unwrap();
            assert!(
                own_redis::version().contains(&format!("v={}", version.trim())),
                "{info}"
            );
        }
    }
});

story!(what_one_world_stores_no_other_sees, async |world| {
    let database = world.database().await;
    database
        .execute_unprepared("CREATE TABLE mine (id INTEGER)")
        .await
        .unwrap();
    database
        .execute_unprepared("INSERT INTO mine VALUES (1)")
        .await
        .unwrap();
    let again = world.database().await;
    assert_eq!(text(&again, "SELECT CAST(COUNT(*) AS TEXT) FROM mine").await, "1");
    assert_eq!(world.redis_entries().await, []);
});

story!(
    personal_data_in_the_clear_is_found_in_the_database,
    async |world| {
        let database = world.database().await;
        database
            .execute_unprepared("CREATE TABLE open (name TEXT)")
            .await
            .unwrap();
        assert_nobody_at_rest(world);
        let insert = format!("INSERT INTO open VALUES ('{}')", FARMER.name);
        database.execute_unprepared(&insert).await.unwrap();
        assert!(catch_unwind(AssertUnwindSafe(|| assert_nobody_at_rest(world))).is_err());
    }
);

story!(a_worlds_settings_are_accepted_and_its_tokens_too, async |world| {
    let config = world.config(&[("ONEDOOR__OUTBOX__CLAIM_MAX", "7")]);
    assert_eq!(
        (
            config.outbox.claim_max,
            config.data_dir.starts_with(world.folder())
        ),
        (7, true)
    );
    let clock = HeldClock::at(SystemClock.now());
    let token = Actors::of(world, clock.clone()).kiosk("340302001001:village.station");
    verifier::install_crypto();
    let issuer = DemoIssuer::open(&config.keys_dir()).unwrap().issuer(&config.auth);
    let issuers = Issuers::new(vec![issuer], config.auth.token_max_bytes);
    assert!(issuers.accept(&token, clock.now()).await.is_ok());
});

#[test]
fn the_binary_runs() {
    let (status, _, errors) = onedoor(&["--help"], &[]);
    assert!(status.success(), "{errors}");
}

async fn text(database: &DatabaseConnection, query: &str) -> String {
    let backend = database.get_database_backend();
    let row = database
        .query_one_raw(Statement::from_string(backend, query))
        .await
        .unwrap()
        .unwrap();
    row.try_get_by_index(0).unwrap()
}
