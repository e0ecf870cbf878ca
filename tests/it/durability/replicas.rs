//! P16: two replicas that start at once on nothing make one database; a start that was cut off is completed.

use std::time::Duration;

use sea_orm::ConnectionTrait as _;

use super::county::County;
use super::desks::pause;
use super::evidence::number;
use crate::harness::own_postgres::OwnPostgres;
use crate::harness::process::Gateway;
use crate::harness::story::story;
use crate::harness::world::{World, WorldKind, connect};

/// What a first start leaves, and that each of it is there once.
const ONCE: &[(&str, &str, i64)] = &[
    ("divisions", "SELECT COUNT(*) FROM division", 1_254),
    ("items", "SELECT COUNT(*) FROM service_item", 36),
    ("versions", "SELECT COUNT(*) FROM service_item_version", 36),
    ("calendars", "SELECT COUNT(*) FROM calendar_version", 1),
    (
        "organizations beyond their codes",
        "SELECT COUNT(*) - COUNT(DISTINCT code) FROM organization",
        0,
    ),
    (
        "migrations beyond their names",
        "SELECT COUNT(*) - COUNT(DISTINCT version) FROM seaql_migrations",
        0,
    ),
];

story!(
    empty two_replicas_that_start_at_once_make_one_database,
    async |world| {
        let own = nothing(world).await;
        let url = address(world, own.as_ref(), "at_once").await;
        let county = County::open(world, 40).await;
        let settings = county.settings_and(&[("ONEDOOR__DATABASE__URL", &url)]);
        let mut replicas = [Gateway::prepare(world, &settings), Gateway::prepare(world, &settings)];
        for replica in &mut replicas {
            replica.launch();
        }
        for replica in &mut replicas {
            replica.wait_until_ready().await;
        }
        assert_one_copy(&url).await;
        for replica in &mut replicas {
            assert!(replica.terminate(Duration::from_secs(15)).await.success());
        }
    }
);

story!(
    empty a_first_start_that_was_cut_off_is_completed,
    async |world| {
        let own = nothing(world).await;
        let url = address(world, own.as_ref(), "cut_off").await;
        let county = County::open(world, 40).await;
        let mut replica = Gateway::prepare(world, &county.settings_and(&[("ONEDOOR__DATABASE__URL", &url)]));
        for round in 1..=8 {
            replica.launch();
            pause(Duration::from_millis(rand::random_range(30..120) * round)).await;
            replica.kill();
        }
        // whoever runs it starts it again while the killed ones' sessions still end
        for _ in 0..5 {
            replica.launch();
            if replica.ready_or_ended().await.is_none() {
                break;
            }
        }
        replica.wait_until_ready().await;
        assert_one_copy(&url).await;
        assert!(replica.terminate(Duration::from_secs(15)).await.success());
    }
);

/// A PostgreSQL without anything of ours, in that world.
async fn nothing(world: &World) -> Option<OwnPostgres> {
    match world.kind() {
        WorldKind::Sqlite => None,
        WorldKind::Postgres => Some(OwnPostgres::start(&["fsync=off"]).await),
    }
}

/// A database that nobody has opened yet.
async fn address(world: &World, own: Option<&OwnPostgres>, name: &str) -> String {
    let Some(own) = own else {
        return format!(
            "sqlite://{}?mode=rwc",
            world.folder().join(name).with_extension("db").display()
        );
    };
    let database = connect(&own.url()).await;
    database
        .execute_unprepared(&format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    database.close().await.unwrap();
    own.url_of(name)
}

async fn assert_one_copy(url: &str) {
    let database = connect(url).await;
    for (what, sql, count) in ONCE {
        assert_eq!(number(&database, sql).await, *count, "{what}");
    }
    database.close().await.unwrap();
}
