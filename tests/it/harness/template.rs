//! Migrates and loads the reference data once per run, and gives every test a copy.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use onedoor::cache::hints::Hints;
use onedoor::cache::{Cache, CacheSettings};
use onedoor::clock::SystemClock;
use onedoor::config::catalogue::SettingRule;
use onedoor::service::directory::UpstreamBindings;
use onedoor::service::import::shipped;
use onedoor::service::{Foundations, Services};
use onedoor::store::database::{Database, DatabaseSettings};
use onedoor::telemetry::metrics::Metrics;
use sea_orm::{ConnectionTrait as _, DatabaseConnection};

use super::files::run_folder;
use super::world::{connect, required};

/// What a story's database holds before the gateway first sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    /// All migrations and the reference data that ships, as after a first start.
    Loaded,
    /// All migrations and no row.
    Empty,
}

impl Ground {
    /// Names the template after this build of the suite, so that an old one is never taken for a new one.
    fn template(self) -> String {
        let built = fs::metadata(std::env::current_exe().unwrap())
            .unwrap()
            .modified()
            .unwrap();
        let at = built.duration_since(UNIX_EPOCH).unwrap().as_nanos();
        match self {
            Self::Loaded => format!("template_loaded_{at}"),
            Self::Empty => format!("template_empty_{at}"),
        }
    }
}

/// Copies the SQLite template to where a test wants it.
pub(crate) async fn copy_sqlite(ground: Ground, to: &Path) {
    let template = run_folder().join(ground.template()).with_extension("db");
    let _alone = alone();
    if !template.exists() {
        let part = template.with_extension("part");
        drop(fs::remove_file(&part));
        prepare(ground, &format!("sqlite://{}?mode=rwc", part.display())).await;
        fs::rename(&part, &template).unwrap();
    }
    fs::copy(&template, to).unwrap();
}

/// Makes a database of this name from the PostgreSQL template and gives its address.
pub(crate) async fn copy_postgres(ground: Ground, name: &str) -> String {
    let admin = admin().await;
    let template = ground.template();
    {
        let _alone = alone();
        let known = format!("SELECT 1 FROM pg_database WHERE datname = '{template}'");
        if admin.execute_unprepared(&known).await.unwrap().rows_affected() == 0 {
            let part = format!("{template}_part");
            admin
                .execute_unprepared(&format!("DROP DATABASE IF EXISTS {part} WITH (FORCE)"))
                .await
                .unwrap();
            admin
                .execute_unprepared(&format!("CREATE DATABASE {part}"))
                .await
                .unwrap();
            prepare(ground, &url_of(&part)).await;
            admin
                .execute_unprepared(&format!("ALTER DATABASE {part} RENAME TO {template}"))
                .await
                .unwrap();
        }
    }
    admin
        .execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
        .await
        .unwrap();
    admin.close().await.unwrap();
    url_of(name)
}

/// Brings a new database to what its ground says.
async fn prepare(ground: Ground, url: &str) {
    let database = Database::connect(&DatabaseSettings::for_url(url.to_owned()), None)
        .await
        .unwrap();
    database.migrate().await.unwrap();
    if ground == Ground::Loaded {
        shipped::load_if_empty(&services(database.clone()))
            .await
            .unwrap()
            .unwrap();
    }
    database.close().await.unwrap();
}

/// As much of a gateway as loads reference data.
pub(crate) fn services(database: Database) -> Services {
    let cache = CacheSettings {
        entries_max: 1_000,
        ttl: Duration::from_secs(60),
    };
    Services::new(Foundations {
        database,
        cache: Cache::new(cache, None, &Metrics::default()).unwrap(),
        hints: Hints::new(None),
        clock: Arc::new(SystemClock),
        bindings: UpstreamBindings::default(),
        setting_rule: SettingRule::CommitteeKind,
    })
}

/// The suite's PostgreSQL, for making and dropping databases.
pub(crate) async fn admin() -> DatabaseConnection {
    connect(&url_of("postgres")).await
}

/// The address of a database on the suite's PostgreSQL.
fn url_of(name: &str) -> String {
    format!("{}/{name}", required("ONEDOOR_TEST_POSTGRES"))
}

/// Held while a template is made: nextest runs every test in a process of its own.
fn alone() -> File {
    let lock = File::create(run_folder().join("template.lock")).unwrap();
    lock.lock().unwrap();
    lock
}
