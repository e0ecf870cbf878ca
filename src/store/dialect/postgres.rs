//! PostgreSQL: one pool with timeouts, durable commits, and no connection to a demoted primary.

use std::time::Duration;

use sea_orm::sqlx::{self, Row as _};
use sea_orm::{ConnectionTrait as _, Database, DatabaseTransaction, DbBackend, Statement, Value};
use uuid::Uuid;

use super::super::bulk::{Cell, Kind, Record};
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
        // indexes of a country are sorted in memory
        "set local maintenance_work_mem = '256MB'",
    ] {
        tx.execute_unprepared(sql).await?;
    }
    Ok(())
}

/// Lets a table that numbers its rows by `id` go on behind the highest.
pub(super) async fn number_on(tx: &DatabaseTransaction, table: &'static str) -> Result<(), StoreError> {
    tx.execute_unprepared(&format!(
        "select setval(pg_get_serial_sequence('{table}', 'id'), (select coalesce(max(id), 0) + 1 from {table}), false)"
    ))
    .await?;
    Ok(())
}

/// Rows of one statement: some megabytes of text.
pub(super) const ROWS_PER_STATEMENT: usize = 20_000;
/// Bytes that a value usually takes.
const VALUE_USUAL: usize = 16;
/// Ends each value of a column's text; no value has it.
const END: char = '\u{1f}';
/// A value that is none.
const NONE: char = '\u{1e}';

/// The columns, each bound as one text, side by side. The last end leaves an empty value behind it, which is cut off:
/// without that, a single empty value could not be told from none at all.
pub(super) fn rows_source(columns: &[(&str, Kind)]) -> String {
    let list = |of: &dyn Fn(usize, &str, Kind) -> String| {
        let list: Vec<_> = columns
            .iter()
            .enumerate()
            .map(|(index, (name, kind))| of(index + 1, name, *kind))
            .collect();
        list.join(", ")
    };
    let values = list(&|_, name, kind| match kind {
        Kind::Text => name.to_owned(),
        Kind::Uuid => format!("{name}::uuid"),
        Kind::Boolean => format!("{name}::boolean"),
    });
    let arrays = list(&|place, _, _| format!("trim_array(string_to_array(${place}, chr(31), chr(30)), 1)"));
    let names = list(&|_, name, _| name.to_owned());
    format!("select {values} from unnest({arrays}) as r({names})")
}

/// One text for each column.
pub(super) fn rows_values<R: Record>(columns: usize, rows: &[R]) -> Result<Vec<Value>, StoreError> {
    let mut texts = vec![String::with_capacity(rows.len() * VALUE_USUAL); columns];
    let mut digits = Uuid::encode_buffer();
    for row in rows {
        for (text, cell) in texts.iter_mut().zip(row.cells()?) {
            match cell {
                Cell::Null => text.push(NONE),
                Cell::Text(value) if value.contains([END, NONE]) => {
                    return Err(StoreError::other("a text holds a character that parts texts"));
                }
                Cell::Text(value) => text.push_str(&value),
                Cell::Uuid(value) => text.push_str(value.simple().encode_lower(&mut digits)),
                Cell::Boolean(value) => text.push(if value { 't' } else { 'f' }),
            }
            text.push(END);
        }
    }
    Ok(texts.into_iter().map(Value::from).collect())
}

/// References to the tables, then their primary keys and indexes.
pub(super) fn indexes_of(tables: &[&str]) -> String {
    let tables: Vec<_> = tables
        .iter()
        .map(|table| format!("'{table}'::regclass"))
        .collect();
    let tables = tables.join(", ");
    format!(
        "with constraints as (select c.*, c.conrelid::regclass as of_table from pg_constraint c \
         join pg_class t on t.oid = c.conrelid where pg_has_role(t.relowner, 'usage') \
         and (c.contype = 'f' and c.confrelid in ({tables}) or c.contype = 'p' and c.conrelid in ({tables}))), \
         parts as (select format('alter table %s drop constraint %I', of_table, conname) as take_down, \
         format('alter table %s add constraint %I %s', of_table, conname, pg_get_constraintdef(oid)) as put_back, \
         case contype when 'f' then 1 else 2 end as turn from constraints \
         union all \
         select format('drop index %s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid), 3 \
         from pg_index i join pg_class t on t.oid = i.indrelid \
         where t.oid in ({tables}) and pg_has_role(t.relowner, 'usage') \
         and not exists (select 1 from pg_constraint c where c.conindid = i.indexrelid and c.contype <> 'f')) \
         select take_down, put_back from parts order by turn"
    )
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
    fn a_text_that_would_part_a_column_is_refused() {
        struct Named(&'static str);
        impl Record for Named {
            fn cells(&self) -> Result<Vec<Cell<'_>>, StoreError> {
                Ok(vec![Cell::text(self.0), Cell::Null])
            }
        }
        let values = rows_values(2, &[Named("")]).unwrap();
        assert_eq!(values, [Value::from("\u{1f}"), Value::from("\u{1e}\u{1f}")]);
        assert!(rows_values(2, &[Named("a\u{1f}b")]).is_err());
    }

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
