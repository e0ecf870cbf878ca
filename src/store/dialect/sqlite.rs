//! SQLite: one writer, many readers, every commit synced to the disk.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sea_orm::sqlx::Connection as _;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{Database, DatabaseConnection, DbErr, RuntimeErr, Value};

use super::super::bulk::{Cell, Record};
use super::super::database::DatabaseSettings;
use super::super::error::StoreError;
use super::super::writer::Writer;
use super::{Backend, Failures, Fault, Handles, common_options, scalar};

/// How long SQLite waits for a lock that another process holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Attempts to open: switching to WAL fails at once, without the busy timeout, when another process does the same.
const OPEN_ATTEMPTS: u32 = 20;

pub(super) async fn connect(settings: &DatabaseSettings) -> Result<Handles, StoreError> {
    let parsed =
        SqliteConnectOptions::from_str(settings.url.expose()).map_err(|error| StoreError::Unavailable {
            source: DbErr::Conn(RuntimeErr::SqlxError(error.into())),
        })?;
    create_private_file(parsed.get_filename()).map_err(|error| StoreError::Unavailable {
        source: DbErr::Conn(RuntimeErr::SqlxError(sea_orm::sqlx::Error::Io(error).into())),
    })?;
    let writer = open_writer(settings).await?;
    let reader = open(settings, Role::Reader).await?;
    if scalar(
        &writer,
        "select cast(synchronous as text) from pragma_synchronous",
    )
    .await?
        != "2"
    {
        return Err(StoreError::other("SQLite does not run with synchronous=FULL"));
    }
    Ok(Handles {
        backend: Backend::Sqlite,
        reader,
        writer,
        turns: Some(Writer::start(settings.acquire_timeout)?),
        failures: Failures::default(),
    })
}

/// Creates the file readable by its owner only, before SQLite would create it for everybody.
fn create_private_file(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_file) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

#[derive(Clone, Copy)]
enum Role {
    Writer,
    Reader,
}

async fn open_writer(settings: &DatabaseSettings) -> Result<DatabaseConnection, StoreError> {
    let mut attempt = 1;
    loop {
        match open(settings, Role::Writer).await {
            Err(StoreError::Busy { .. } | StoreError::Unavailable { .. }) if attempt < OPEN_ATTEMPTS => {
                tokio::time::sleep(Duration::from_millis(25)).await;
                attempt += 1;
            }
            other => return other,
        }
    }
}

async fn open(settings: &DatabaseSettings, role: Role) -> Result<DatabaseConnection, StoreError> {
    let mut options = common_options(settings);
    if matches!(role, Role::Writer) {
        options.max_connections(1);
    }
    // a connection keeps its page cache and prepared statements: never retire one
    options.idle_timeout(None).max_lifetime(None);
    options
        .map_sqlx_sqlite_before_acquire(|connection, _metadata| Box::pin(outside_transactions(connection)));
    options.map_sqlx_sqlite_opts(move |opts| {
        let opts = opts
            .create_if_missing(true)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            .synchronous(SqliteSynchronous::Full)
            .pragma("temp_store", "memory");
        match role {
            Role::Writer => opts.journal_mode(SqliteJournalMode::Wal),
            Role::Reader => opts.pragma("query_only", "on"),
        }
    });
    Ok(Database::connect(options).await?)
}

/// Whether a connection is outside of every transaction, as the driver counts them; else it is replaced.
///
/// A full disk makes SQLite roll back by itself. The driver's ROLLBACK then fails, and it goes on counting a transaction
/// that is gone: the next one would be a savepoint, and what a savepoint above it took back would leave one open in
/// which "committed" writes wait for a commit that never comes. sqlx 0.9.0; to be removed when its count follows
/// `sqlite3_get_autocommit`.
async fn outside_transactions(connection: &mut SqliteConnection) -> Result<bool, sea_orm::sqlx::Error> {
    if !connection.is_in_transaction() {
        return Ok(true);
    }
    // a rollback that was asked for by dropping the transaction stands in the connection's queue before this
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Variables that one statement can bind.
const VARIABLES_MAX: usize = 32_766;

/// Rows of so many columns that one statement can bind.
pub(super) const fn rows_per_statement(columns: usize) -> usize {
    match VARIABLES_MAX.checked_div(columns) {
        Some(rows) => rows,
        None => VARIABLES_MAX,
    }
}

/// Rows of variables.
pub(super) fn rows_source(columns: usize, rows: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    format!("values {}", vec![row; rows].join(", "))
}

/// One value for each variable.
pub(super) fn rows_values<R: Record>(rows: &[R]) -> Result<Vec<Value>, StoreError> {
    let value = |cell| match cell {
        Cell::Null => Value::String(None),
        Cell::Text(text) => text.into_owned().into(),
        Cell::Uuid(key) => key.into(),
        Cell::Boolean(truth) => truth.into(),
    };
    let mut values = Vec::new();
    for row in rows {
        values.extend(row.cells()?.into_iter().map(value));
    }
    Ok(values)
}

/// Indexes that statements made; those of keys stay. Rows must come after those that they refer to: else each row that
/// comes is looked for among all that may have waited for it, and the index for that is down.
pub(super) fn indexes_of(tables: &[&str]) -> String {
    format!(
        "select 'drop index ' || name as take_down, sql as put_back from sqlite_master \
         where type = 'index' and sql is not null and tbl_name in ('{}')",
        tables.join("', '")
    )
}

/// Classifies an extended result code.
pub(super) fn classify(code: &str, message: &str) -> Fault {
    let Ok(extended) = code.parse::<i32>() else {
        return Fault::Other;
    };
    if matches!(extended, 1555 | 2067) {
        let columns = message
            .strip_prefix("UNIQUE constraint failed: ")
            .unwrap_or("unique");
        return Fault::Conflict(columns.to_owned());
    }
    match extended & 0xff {
        5 | 6 => Fault::Busy,                       // BUSY, LOCKED
        7 | 8 | 10 | 13 | 14 => Fault::Unavailable, // NOMEM, READONLY, IOERR, FULL, CANTOPEN
        _ => Fault::Other,
    }
}

/// IOERR, FULL, CANTOPEN.
pub(super) fn lacks_room(code: &str) -> bool {
    code.parse::<i32>()
        .is_ok_and(|extended| matches!(extended & 0xff, 10 | 13 | 14))
}

/// FULL rolls back by itself; after an I/O error the frames may still surface at the next recovery.
pub(super) fn commit_surely_failed(code: &str) -> bool {
    code.parse::<i32>()
        .is_ok_and(|extended| matches!(extended & 0xff, 13 | 19))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_codes_say_what_the_caller_can_do() {
        for (code, fault) in [
            ("5", Fault::Busy),
            ("517", Fault::Busy), // BUSY_SNAPSHOT
            ("6", Fault::Busy),
            ("13", Fault::Unavailable),   // FULL
            ("10", Fault::Unavailable),   // IOERR
            ("1034", Fault::Unavailable), // IOERR_FSYNC
            ("14", Fault::Unavailable),
            ("11", Fault::Other), // CORRUPT
            ("1", Fault::Other),
            ("?", Fault::Other),
        ] {
            assert_eq!(classify(code, ""), fault, "{code}");
        }
        let unique = classify("2067", "UNIQUE constraint failed: case.tracking_code");
        assert_eq!(unique, Fault::Conflict("case.tracking_code".to_owned()));
        assert!(commit_surely_failed("13") && !commit_surely_failed("1034"));
        assert!(lacks_room("13") && lacks_room("778") && !lacks_room("5"));
    }
}
