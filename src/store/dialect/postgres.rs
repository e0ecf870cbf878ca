//! PostgreSQL: one pool with timeouts, durable commits, and no connection to a demoted primary.

use std::time::Duration;

use sea_orm::sqlx::{self, Row as _};
use sea_orm::{ConnectionTrait as _, Database, DatabaseTransaction, DbBackend, Statement};

use super::super::database::DatabaseSettings;
use super::super::error::StoreError;
use super::{Backend, Failures, Fault, Handles, common_options, scalar};

/// How long a statement waits for a row lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a transaction may sit idle; a stalled process must not hold its locks for ever.
const IDLE_IN_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(30);
/// Key of the advisory lock under which migrations run: "onedoor" in ASCII.
const MIGRATION_LOCK: i64 = 0x6f_6e65_646f_6f72;

pub(super) async fn connect(settings: &DatabaseSettings) -> Result<Handles, StoreError> {
    let failures = Failures::default();
    let mut options = common_options(settings);
    let statement_timeout = settings.statement_timeout;
    options
        .set_application_name("onedoor")
        .map_sqlx_postgres_opts(move |opts| {
            opts.options([
                ("statement_timeout", millis(statement_timeout)),
                ("lock_timeout", millis(LOCK_TIMEOUT)),
                (
                    "idle_in_transaction_session_timeout",
                    millis(IDLE_IN_TRANSACTION_TIMEOUT),
                ),
                ("synchronous_commit", "on".to_owned()),
            ])
        });
    let suspicion = failures.clone();
    options.map_sqlx_postgres_before_acquire(move |connection, _metadata| {
        let suspect = suspicion.suspect();
        Box::pin(async move {
            if !suspect {
                return Ok(true);
            }
            // a statement failed a moment ago: was it because this server is no longer the primary (25006)?
            let row = sqlx::query("select current_setting('transaction_read_only')")
                .fetch_one(connection)
                .await?;
            Ok(row.try_get::<String, _>(0)? == "off")
        })
    });
    let pool = Database::connect(options).await?;
    if scalar(&pool, "select current_setting('synchronous_commit')").await? != "on" {
        return Err(StoreError::other(
            "PostgreSQL does not run with synchronous_commit=on",
        ));
    }
    Ok(Handles {
        backend: Backend::Postgres,
        reader: pool.clone(),
        writer: pool,
        turns: None,
        failures,
    })
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}

/// Waits until no other replica migrates, without the timeouts of ordinary statements.
pub(super) async fn lock_migrations(tx: &DatabaseTransaction) -> Result<(), StoreError> {
    for sql in ["set local statement_timeout = 0", "set local lock_timeout = 0"] {
        tx.execute_unprepared(sql).await?;
    }
    tx.execute_raw(Statement::from_sql_and_values(
        DbBackend::Postgres,
        "select pg_advisory_xact_lock($1)",
        [MIGRATION_LOCK.into()],
    ))
    .await?;
    Ok(())
}

/// Disk full, out of memory, an error of the system below.
pub(super) fn lacks_room(code: &str) -> bool {
    matches!(code, "53100" | "53200") || code.starts_with("58")
}

/// An import of a country reads and plans longer than a request may, and its statements carry megabytes.
pub(super) async fn be_patient(tx: &DatabaseTransaction) -> Result<(), StoreError> {
    for sql in [
        "set local statement_timeout = 0",
        "set local idle_in_transaction_session_timeout = 0",
    ] {
        tx.execute_unprepared(sql).await?;
    }
    Ok(())
}

/// Classifies an SQLSTATE.
pub(super) fn classify(code: &str, constraint: Option<&str>) -> Fault {
    match code {
        "23505" => Fault::Conflict(constraint.unwrap_or("unique").to_owned()),
        // serialization failure, deadlock, lock timeout
        "40001" | "40P01" | "55P03" => Fault::Busy,
        // cancelled by the statement timeout; a demoted primary; idle too long in a transaction
        "57014" | "25006" | "25P03" => Fault::Unavailable,
        _ => match code.get(..2) {
            // connection exception, resources, operator intervention, system error
            Some("08" | "53" | "57" | "58") => Fault::Unavailable,
            _ => Fault::Other,
        },
    }
}

/// A refusal of the commit itself rolls back; a shutdown or lost connection may come after it was durable.
pub(super) fn commit_surely_failed(code: &str) -> bool {
    matches!(code.get(..2), Some("23" | "25" | "40"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlstates_say_what_the_caller_can_do() {
        for (code, fault) in [
            ("40001", Fault::Busy),
            ("40P01", Fault::Busy),
            ("55P03", Fault::Busy),
            ("57P01", Fault::Unavailable),
            ("57P03", Fault::Unavailable),
            ("08006", Fault::Unavailable),
            ("25006", Fault::Unavailable),
            ("53100", Fault::Unavailable),
            ("53300", Fault::Unavailable),
            ("23503", Fault::Other),
            ("42P01", Fault::Other),
            ("", Fault::Other),
        ] {
            assert_eq!(classify(code, None), fault, "{code}");
        }
        assert_eq!(
            classify("23505", Some("ux_case")),
            Fault::Conflict("ux_case".to_owned())
        );
        assert!(commit_surely_failed("40001") && !commit_surely_failed("57P01"));
        assert!(lacks_room("53100") && lacks_room("58030") && !lacks_room("53300"));
    }
}
