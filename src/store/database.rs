//! The connections: readers and one writer on SQLite, one pool on PostgreSQL.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use onedoor_migration::Migrator;
use sea_orm::{DatabaseConnection, DbErr};
use sea_orm_migration::MigratorTrait as _;
use tokio::time::Instant;

use super::dialect::{self, Handles};
use super::error::StoreError;
use super::room::{self, Proof, Room};
use super::tx::Tx;
use crate::config::Config;
use crate::secret::Redacted;

pub use super::dialect::{Backend, PoolUse};

/// How to reach the database and how long to wait for it.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// `sqlite://path?mode=rwc` or `postgres://user:password@host:port/name`.
    pub url: Redacted<String>,
    /// Connections of the pool; on SQLite the readers beside the one writer.
    pub connections_max: u32,
    /// How long a request waits for a connection before it is shed.
    pub acquire_timeout: Duration,
    /// Longest statement (PostgreSQL).
    pub statement_timeout: Duration,
}

impl DatabaseSettings {
    /// The settings of this process.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self {
            url: config.database_url(),
            connections_max: config.database.connections_max,
            acquire_timeout: Duration::from_millis(config.database.acquire_timeout_ms),
            statement_timeout: Duration::from_millis(config.database.statement_timeout_ms),
        }
    }

    /// The defaults of `config/default.toml` for a database.
    #[must_use]
    pub const fn for_url(url: String) -> Self {
        Self {
            url: Redacted::new(url),
            connections_max: 10,
            acquire_timeout: Duration::from_millis(3_000),
            statement_timeout: Duration::from_millis(10_000),
        }
    }
}

/// What is told of every statement: how long it took, and whether it failed.
pub type StatementObserver = Arc<dyn Fn(Duration, bool) + Send + Sync>;

/// The database. Cheap to clone; every clone shares the same connections.
#[derive(Clone)]
pub struct Database {
    handles: Arc<Handles>,
    room: Arc<Room>,
    statements: Arc<AtomicU64>,
}

impl Database {
    /// Opens the connections, and asserts that a commit is durable.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be reached; `Other` when it would not keep what it acknowledges.
    pub async fn connect(
        settings: &DatabaseSettings,
        observer: Option<StatementObserver>,
    ) -> Result<Self, StoreError> {
        let mut handles = dialect::connect(settings).await?;
        let statements = Arc::new(AtomicU64::new(0));
        let failures = handles.failures();
        for handle in handles.each_mut() {
            let (statements, failures, observer) = (statements.clone(), failures.clone(), observer.clone());
            handle.set_metric_callback(move |info| {
                statements.fetch_add(1, Ordering::Relaxed);
                if info.failed {
                    failures.note();
                }
                if let Some(observer) = &observer {
                    observer(info.elapsed, info.failed);
                }
            });
        }
        Ok(Self {
            handles: Arc::new(handles),
            room: Arc::default(),
            statements,
        })
    }

    /// The handle for reading outside a transaction. On SQLite it refuses to write.
    #[must_use]
    pub fn read(&self) -> &DatabaseConnection {
        &self.handles.reader
    }

    /// Begins the one kind of transaction there is: for writing, and on SQLite IMMEDIATE.
    ///
    /// # Errors
    /// `Busy` when another process holds the write lock for too long, `Unavailable` when no connection is free.
    pub async fn write_tx(&self) -> Result<Tx, StoreError> {
        Tx::begin(&self.handles.writer, &self.room).await
    }

    /// Runs a write that may meet many others: where there is one writer, in turn and on its thread. The write begins its
    /// own transaction; it must not ask for a turn again. What is expensive and needs no transaction is done before.
    ///
    /// # Errors
    /// The write's own; `Unavailable` when its turn did not come in time: then nothing was begun.
    pub(super) async fn in_turn<T, W>(&self, write: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        match &self.handles.turns {
            Some(turns) => turns.run(write).await,
            None => write.await,
        }
    }

    /// Which database it is; for start-up reports and tests, never for deciding.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.handles.backend
    }

    /// The server's own words about itself, as proof of which database answers.
    ///
    /// # Errors
    /// As any query.
    pub async fn server_version(&self) -> Result<String, StoreError> {
        dialect::server_version(self.read()).await
    }

    /// How its pools of connections are used now.
    #[must_use]
    pub fn pools(&self) -> Vec<PoolUse> {
        self.handles.pools()
    }

    /// How many statements ran so far through any handle or transaction of this database.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Proves that writes can be committed now; where something was refused for want of room, and from time to time
    /// without that, whole write sets.
    ///
    /// # Errors
    /// As any write.
    pub async fn check_writable(&self) -> Result<(), StoreError> {
        let (database, due) = (self.clone(), self.room.proof_due(Instant::now()));
        self.in_turn(async move {
            let tx = database.write_tx().await?;
            match due {
                Proof::Given | Proof::Row => {
                    super::epoch::touch(&tx).await?;
                    tx.commit().await
                }
                Proof::Trial(refusals) => {
                    room::write_trial(&tx)
                        .await
                        .map_err(|error| database.room.note(error))?;
                    tx.commit().await?;
                    database.room.note_trial(refusals);
                    Ok(())
                }
            }
        })
        .await
    }

    /// Whether a commit of a moment ago proves as much as [`Self::check_writable`] would. Under load the queue for the
    /// writer is long, and a probe that stands in it would call a busy database a dead one.
    #[must_use]
    pub fn wrote_a_moment_ago(&self) -> bool {
        self.room.proof_due(Instant::now()) == Proof::Given
    }

    /// Keeps in mind what a refused write says of the room that is left; a failed commit is noted already.
    pub(super) fn note(&self, error: StoreError) -> StoreError {
        self.room.note(error)
    }

    /// Applies all pending migrations in one transaction; waits while another replica does the same.
    ///
    /// # Errors
    /// As any write; a database that is ahead of this binary is `Other`.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let tx = self.migration_tx().await?;
        Migrator::up(tx.connection(), None).await?;
        super::epoch::ensure_instance(&tx).await?;
        tx.commit().await
    }

    /// Takes back the last `steps` migrations; `None`: all.
    ///
    /// # Errors
    /// As any write.
    pub async fn migrate_down(&self, steps: Option<u32>) -> Result<(), StoreError> {
        let tx = self.migration_tx().await?;
        Migrator::down(tx.connection(), steps).await?;
        tx.commit().await
    }

    /// Names of the migrations that are not applied yet; changes nothing.
    ///
    /// # Errors
    /// As any query.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        let pending = Migrator::get_pending_migrations_read_only(self.read()).await?;
        Ok(pending.iter().map(|step| step.name().to_owned()).collect())
    }

    /// Closes all connections after the running statements.
    ///
    /// # Errors
    /// When a connection does not end in order.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.handles.reader.close_by_ref().await?;
        self.handles.writer.close_by_ref().await
    }

    /// A transaction that holds the migration lock, waiting for its turn.
    async fn migration_tx(&self) -> Result<Tx, StoreError> {
        let mut waits = 0_u32;
        loop {
            let begun = match self.write_tx().await {
                Ok(tx) => dialect::lock_migrations(tx).await,
                Err(error) => Err(error),
            };
            match begun {
                // the other replica's migration outlasted the busy timeout: keep waiting for a minute
                Err(StoreError::Busy { .. }) if waits < 12 => waits += 1,
                other => return other,
            }
        }
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Database")
            .field("backend", &self.backend())
            .finish_non_exhaustive()
    }
}
