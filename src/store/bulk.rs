//! Many rows in few statements: each batch travels as one JSON text, whatever its size.

use std::fmt::Write as _;

use sea_orm::{ConnectionTrait as _, Statement};
use serde::Serialize;

use super::dialect;
use super::error::StoreError;
use super::tx::Tx;

/// Rows of one statement: some megabytes of JSON.
const ROWS_MAX: usize = 20_000;

/// The type of a column, as far as reading it from JSON needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text.
    Text,
    /// UUID.
    Uuid,
    /// Boolean.
    Boolean,
}

/// A table and its columns. A row is a JSON object that has the columns' names.
pub(super) struct Target {
    /// The table.
    pub(super) table: &'static str,
    /// Its columns; rows of the same key are overwritten.
    pub(super) columns: &'static [(&'static str, Kind)],
    /// The columns of its key.
    pub(super) key: &'static [&'static str],
}

/// Inserts rows, and overwrites those that are there.
pub(super) async fn upsert<R: Serialize>(tx: &Tx, target: &Target, rows: &[R]) -> Result<(), StoreError> {
    let backend = tx.connection().get_database_backend();
    let sql = statement(target, &dialect::rows_of_json(backend, target.columns));
    for rows in rows.chunks(ROWS_MAX) {
        let json = serde_json::to_string(rows).map_err(StoreError::other)?;
        tx.connection()
            .execute_raw(Statement::from_sql_and_values(backend, &sql, [json.into()]))
            .await?;
    }
    Ok(())
}

fn statement(target: &Target, rows: &str) -> String {
    let names: Vec<_> = target.columns.iter().map(|(name, _)| *name).collect();
    let mut sql = format!(
        "insert into {} ({}) {rows} on conflict ({}) do update set ",
        target.table,
        names.join(", "),
        target.key.join(", ")
    );
    let changed = names.iter().filter(|name| !target.key.contains(name));
    for (index, name) in changed.enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        // writing to a String cannot fail
        write!(sql, "{comma}{name} = excluded.{name}").ok();
    }
    sql
}
