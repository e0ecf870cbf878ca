//! One test's world: a database of its own, a corner of Redis of its own, a folder, and the settings that lead there.

use std::path::Path;
use std::time::Duration;

use onedoor::config::{Config, ConfigInputs};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbErr};
use tempfile::TempDir;
use uuid::Uuid;

use super::files::{folder, setting};
use super::template::Ground;
use super::{people, template};

/// The back ends a story is told on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WorldKind {
    /// An SQLite file and the in-process cache.
    Sqlite,
    /// A PostgreSQL database and Redis.
    Postgres,
}

/// The world of one test.
pub(crate) struct World {
    kind: WorldKind,
    name: String,
    folder: TempDir,
    database_url: String,
    redis_url: Option<String>,
}

impl World {
    /// Makes a world; its database holds what the ground says.
    pub(crate) async fn open(kind: WorldKind, ground: Ground) -> Self {
        let folder = folder("story-");
        let name = format!("story_{}", Uuid::now_v7().simple());
        let (database_url, redis_url) = match kind {
            WorldKind::Sqlite => {
                let file = folder.path().join("onedoor.db");
                template::copy_sqlite(ground, &file).await;
                (format!("sqlite://{}?mode=rwc", file.display()), None)
            }
            WorldKind::Postgres => (
                template::copy_postgres(ground, &name).await,
                Some(required("ONEDOOR_TEST_REDIS")),
            ),
        };
        Self {
            kind,
            name,
            folder,
            database_url,
            redis_url,
        }
    }

    /// Which back ends these are.
    pub(crate) const fn kind(&self) -> WorldKind {
        self.kind
    }

    /// The folder of this test.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The database as the gateway is told it.
    pub(crate) fn database_url(&self) -> &str {
        &self.database_url
    }

    /// Redis as the gateway is told it; none in the SQLite world.
    pub(crate) fn redis_url(&self) -> Option<&str> {
        self.redis_url.as_deref()
    }

    /// The prefix of this test's keys and channels.
    pub(crate) fn redis_prefix(&self) -> String {
        format!("{}:", self.name)
    }

    /// The environment with which a gateway lives in this world, on any free port.
    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        let mut settings = vec![
            ("ONEDOOR__SERVER__LISTEN", "127.0.0.1:0".to_owned()),
            (
                "ONEDOOR__DATA_DIR",
                self.folder().join("data").display().to_string(),
            ),
            ("ONEDOOR__DATABASE__URL", self.database_url.clone()),
            ("ONEDOOR__LOG__FORMAT", "json".to_owned()),
            // the loops of systems that are of no story of this suite
            ("ONEDOOR__SANDBOX__CITY", "false".to_owned()),
        ];
        if let Some(redis_url) = &self.redis_url {
            settings.push(("ONEDOOR__REDIS__URL", redis_url.clone()));
            settings.push(("ONEDOOR__REDIS__PREFIX", self.redis_prefix()));
        }
        settings
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// The same as a checked configuration; `extra` wins.
    pub(crate) fn config(&self, extra: &[(&str, &str)]) -> Config {
        let mut env = self.settings();
        env.extend(
            extra
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        Config::load(&ConfigInputs {
            file: None,
            env,
            demo: true,
        })
        .unwrap_or_else(|faults| panic!("{faults}"))
    }

    /// A connection beside the gateway's own, for looking at what it stored.
    pub(crate) async fn database(&self) -> DatabaseConnection {
        connect(&self.database_url).await
    }

    /// Every key of this test in Redis with its bytes; empty in the SQLite world.
    pub(crate) async fn redis_entries(&self) -> Vec<(String, Vec<u8>)> {
        let Some(url) = &self.redis_url else {
            return Vec::new();
        };
        let mut redis = redis::Client::open(url.as_str())
            .unwrap()
            .get_multiplexed_async_connection()
            .await
            .unwrap();
        let pattern = format!("{}*", self.redis_prefix());
        let keys: Vec<String> = redis::cmd("KEYS")
            .arg(pattern)
            .query_async(&mut redis)
            .await
            .unwrap();
        let mut entries = Vec::new();
        for key in keys {
            let value: Option<Vec<u8>> = redis::cmd("DUMP")
                .arg(&key)
                .query_async(&mut redis)
                .await
                .unwrap();
            entries.push((key, value.unwrap_or_default()));
        }
        entries
    }

    /// Ends the world: nothing personal may be left in the cache, and the database goes.
    pub(crate) async fn close(self) {
        let entries = self.redis_entries().await;
        if self.kind == WorldKind::Postgres {
            let admin = template::admin().await;
            let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
            admin.execute_unprepared(&drop).await.unwrap();
            admin.close().await.unwrap();
        }
        for (key, value) in entries {
            people::assert_nobody_in("Redis", key.as_bytes());
            people::assert_nobody_in("Redis", &value);
        }
    }
}

/// One connection to a database.
pub(crate) async fn connect(url: &str) -> DatabaseConnection {
    try_connect(url)
        .await
        .unwrap_or_else(|error| panic!("cannot connect to {url}: {error}"))
}

/// One connection to a database that may be away. A refused connection is tried again for as long as the pool waits.
pub(crate) async fn try_connect(url: &str) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(1)
        .sqlx_logging(false)
        .acquire_timeout(Duration::from_secs(2));
    Database::connect(options).await
}

/// A setting without which half of the suite would silently not run.
pub(crate) fn required(name: &str) -> String {
    setting(name).unwrap_or_else(|| {
        panic!("{name} is not set: run the suite by `make test`, which starts the servers")
    })
}
