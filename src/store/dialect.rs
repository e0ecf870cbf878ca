//! The differences between the two databases: the only file that knows which one it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sea_orm::sea_query::extension::postgres::PgFunc;
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, SelectStatement, SimpleExpr};
use sea_orm::sqlx::error::DatabaseError;
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, FromQueryResult, RuntimeErr,
    Statement, Value, sqlx,
};

use super::bulk::{Kind, Record};
use super::database::DatabaseSettings;
use super::error::{StoreError, fault_of};
use super::tx::Tx;
use super::writer::Writer;

mod postgres;
mod sqlite;

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// The embedded one.
    Sqlite,
    /// The served one.
    Postgres,
}

/// The connections of one database.
pub(super) struct Handles {
    pub(super) backend: Backend,
    pub(super) reader: DatabaseConnection,
    /// On PostgreSQL the same pool as `reader`.
    pub(super) writer: DatabaseConnection,
    /// Where writes queue up when only one can be done at a time; `None`: the database arranges that itself.
    pub(super) turns: Option<Writer>,
    failures: Failures,
}

impl Handles {
    pub(super) fn each_mut(&mut self) -> [&mut DatabaseConnection; 2] {
        [&mut self.reader, &mut self.writer]
    }

    pub(super) fn failures(&self) -> Failures {
        self.failures.clone()
    }

    /// How the pools are used now.
    pub(super) fn pools(&self) -> Vec<PoolUse> {
        let pool_use = |pool, open: u32, idle: usize| {
            let idle = Ord::min(u32::try_from(idle).unwrap_or(u32::MAX), open);
            PoolUse {
                pool,
                busy: open.saturating_sub(idle),
                idle,
            }
        };
        match self.backend {
            Backend::Sqlite => [("reader", &self.reader), ("writer", &self.writer)]
                .map(|(name, handle)| {
                    let pool = handle.get_sqlite_connection_pool();
                    pool_use(name, pool.size(), pool.num_idle())
                })
                .to_vec(),
            Backend::Postgres => {
                let pool = self.writer.get_postgres_connection_pool();
                vec![pool_use("shared", pool.size(), pool.num_idle())]
            }
        }
    }
}

/// How a pool of connections is used at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUse {
    /// `reader` and `writer` on SQLite, `shared` on PostgreSQL.
    pub pool: &'static str,
    /// Connections that are lent out.
    pub busy: u32,
    /// Connections that wait for work.
    pub idle: u32,
}

/// Says for how many more acquires the connections are suspect, because a statement failed a moment ago.
#[derive(Debug, Clone, Default)]
pub(super) struct Failures(Arc<AtomicU32>);

impl Failures {
    /// How many acquires after a failed statement are checked: enough to visit every connection of a pool.
    const SUSPECT_ACQUIRES: u32 = 32;

    /// Notes that a statement failed.
    pub(super) fn note(&self) {
        self.0.store(Self::SUSPECT_ACQUIRES, Ordering::Relaxed);
    }

    /// Whether the connection about to be handed out should be checked; counts down.
    fn suspect(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_ok()
    }
}

/// What a refusal of the database means to a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// A unique constraint, by name or by columns.
    Conflict(String),
    /// Another transaction is in the way.
    Busy,
    /// The database cannot work now.
    Unavailable,
    /// A bug, most likely.
    Other,
}

/// Opens the connections that a URL asks for.
pub(super) async fn connect(settings: &DatabaseSettings) -> Result<Handles, StoreError> {
    // parsed here, because the driver's own complaint would repeat the URL with its password
    let url = url::Url::parse(settings.url.expose()).map_err(StoreError::other)?;
    match url.scheme() {
        "postgres" | "postgresql" => postgres::connect(settings).await,
        "sqlite" => sqlite::connect(settings).await,
        _ => Err(StoreError::other(
            "the database URL begins with neither sqlite: nor postgres:",
        )),
    }
}

/// Connection options that hold for both: no statement text in logs or spans, no needless pings.
fn common_options(settings: &DatabaseSettings) -> ConnectOptions {
    let mut options = ConnectOptions::new(settings.url.expose().clone());
    options
        .sqlx_logging(false)
        .acquire_timeout(settings.acquire_timeout)
        .test_before_acquire_if_idle_for(Duration::from_secs(15))
        .max_connections(settings.connections_max);
    options.record_stmt_in_spans(false);
    options
}

/// Reads what the database says of itself.
pub(super) async fn server_version(reader: &DatabaseConnection) -> Result<String, StoreError> {
    let sql = if reader.get_database_backend() == DbBackend::Postgres {
        "select version()"
    } else {
        "select 'SQLite ' || sqlite_version()"
    };
    scalar(reader, sql).await
}

/// Waits for the right to migrate, until the transaction ends.
pub(super) async fn lock_migrations(tx: Tx) -> Result<Tx, StoreError> {
    if tx.connection().get_database_backend() == DbBackend::Postgres {
        postgres::lock_migrations(tx.connection()).await?;
    }
    // SQLite: BEGIN IMMEDIATE already holds the one write lock
    Ok(tx)
}

/// Lets a transaction take the time that a whole table needs, between its statements as well.
pub(super) async fn be_patient(tx: &Tx) -> Result<(), StoreError> {
    if tx.connection().get_database_backend() == DbBackend::Postgres {
        postgres::be_patient(tx.connection()).await?;
    }
    Ok(())
}

/// Lets a table that numbers its rows go on behind the highest number it holds.
pub(super) async fn number_on(tx: &Tx, table: &'static str) -> Result<(), StoreError> {
    // SQLite looks for the highest number by itself
    if tx.connection().get_database_backend() == DbBackend::Postgres {
        postgres::number_on(tx.connection(), table).await?;
    }
    Ok(())
}

/// Whether a column is one of a few values that a query picks, such as the rows to claim.
///
/// PostgreSQL cannot know how few they are when the limit is bound, and would read the whole table beside them; an
/// array it looks up value by value.
pub(super) fn is_one_of(connection: &impl ConnectionTrait, column: Expr, few: SelectStatement) -> Expr {
    if connection.get_database_backend() == DbBackend::Postgres {
        let few = Expr::SubQuery(None, Box::new(few.into()));
        column.eq(PgFunc::any(Func::cust("array").arg(few)))
    } else {
        column.in_subquery(few)
    }
}

/// Whether a part of a query can be asked anew for each row before it.
pub(super) fn joins_laterally(backend: DbBackend) -> bool {
    backend == DbBackend::Postgres
}

/// How many rows of so many columns one statement takes.
pub(super) fn rows_per_statement(backend: DbBackend, columns: usize) -> usize {
    if backend == DbBackend::Postgres {
        postgres::ROWS_PER_STATEMENT
    } else {
        sqlite::rows_per_statement(columns)
    }
}

/// The rows that [`rows_values`] binds, as an insert statement reads them.
pub(super) fn rows_source(backend: DbBackend, columns: &[(&str, Kind)], rows: usize) -> String {
    if backend == DbBackend::Postgres {
        postgres::rows_source(columns)
    } else {
        sqlite::rows_source(columns.len(), rows)
    }
}

/// The values of rows of so many columns.
pub(super) fn rows_values<R: Record>(
    backend: DbBackend,
    columns: usize,
    rows: &[R],
) -> Result<Vec<Value>, StoreError> {
    if backend == DbBackend::Postgres {
        postgres::rows_values(columns, rows)
    } else {
        sqlite::rows_values(rows)
    }
}

/// An index or a constraint, and how it is taken down and put back.
#[derive(FromQueryResult)]
pub(super) struct IndexOf {
    pub(super) take_down: String,
    pub(super) put_back: String,
}

/// The indexes of some tables that this connection may take down, in the order in which they can be; they are put back
/// in the opposite one.
pub(super) async fn indexes_of(tx: &Tx, tables: &[&str]) -> Result<Vec<IndexOf>, StoreError> {
    let backend = tx.connection().get_database_backend();
    let sql = if backend == DbBackend::Postgres {
        postgres::indexes_of(tables)
    } else {
        sqlite::indexes_of(tables)
    };
    let found = IndexOf::find_by_statement(Statement::from_string(backend, sql));
    Ok(found.all(tx.connection()).await?)
}

/// The day in Beijing of a column of instants, as `YYYY-MM-DD`.
pub(super) fn beijing_day(backend: DbBackend, column: &str) -> SimpleExpr {
    const SECONDS_AHEAD: u32 = 28_800;
    let seconds = format!("{column} / 1000000 + {SECONDS_AHEAD}");
    Expr::cust(if backend == DbBackend::Postgres {
        format!("to_char(to_timestamp({seconds}) at time zone 'UTC', 'YYYY-MM-DD')")
    } else {
        format!("date({seconds}, 'unixepoch')")
    })
}

/// Classifies a refusal of either database.
pub(super) fn classify(refusal: &dyn DatabaseError) -> Fault {
    let code = refusal.code().unwrap_or_default();
    if refusal.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        sqlite::classify(&code, refusal.message())
    } else {
        postgres::classify(&code, refusal.constraint())
    }
}

/// Whether the disk below the database, or its memory, did not take what was written; a smaller write may still pass.
pub(super) fn lacks_room(error: &DbErr) -> bool {
    refusal_of(error).is_some_and(|(_, refusal)| {
        let code = refusal.code().unwrap_or_default();
        if refusal.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
            sqlite::lacks_room(&code)
        } else {
            postgres::lacks_room(&code)
        }
    })
}

/// The words of the database itself, where it had any.
fn refusal_of(error: &DbErr) -> Option<(&sqlx::Error, &dyn DatabaseError)> {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error
    else {
        return None;
    };
    let sqlx::Error::Database(refusal) = cause.as_ref() else {
        return None;
    };
    Some((cause.as_ref(), refusal.as_ref()))
}

/// Whether a failed commit is known to have stored nothing.
pub(super) fn commit_surely_failed(error: &DbErr) -> bool {
    let Some((cause, refusal)) = refusal_of(error) else {
        return false;
    };
    let code = refusal.code().unwrap_or_default();
    match fault_of(cause) {
        Fault::Busy | Fault::Conflict(_) => true,
        Fault::Unavailable | Fault::Other => {
            if refusal.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
                sqlite::commit_surely_failed(&code)
            } else {
                postgres::commit_surely_failed(&code)
            }
        }
    }
}

/// Runs a statement that answers one text.
async fn scalar(handle: &DatabaseConnection, sql: &str) -> Result<String, StoreError> {
    let row = handle
        .query_one_raw(Statement::from_string(handle.get_database_backend(), sql))
        .await?
        .ok_or(StoreError::NotFound { what: "answer" })?;
    Ok(row.try_get_by_index(0)?)
}
