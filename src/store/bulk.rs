//! Very many rows in few statements: PostgreSQL takes each column as one text, SQLite rows of bound values.
//!
//! An index that is kept up to date row by row costs more than the rows; tables that are filled for the first time get
//! theirs when the rows are there.

use std::borrow::Cow;
use std::fmt::Write as _;

use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use uuid::Uuid;

use super::dialect;
use super::error::StoreError;
use super::tx::Tx;

/// The type of a column, as far as reading it from a text needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text.
    Text,
    /// UUID.
    Uuid,
    /// Boolean.
    Boolean,
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    /// None.
    Null,
    /// A text.
    Text(Cow<'a, str>),
    /// A key.
    Uuid(Uuid),
    /// A truth.
    Boolean(bool),
}

impl<'a> Cell<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn text_opt(text: Option<impl Into<Cow<'a, str>>>) -> Self {
        text.map_or(Self::Null, Self::text)
    }

    pub(super) fn uuid_opt(key: Option<Uuid>) -> Self {
        key.map_or(Self::Null, Self::Uuid)
    }
}

/// A table and its columns.
pub(super) struct Target {
    /// The table.
    pub(super) table: &'static str,
    /// Its columns, in the order of a row's cells.
    pub(super) columns: &'static [(&'static str, Kind)],
    /// The columns of its key.
    pub(super) key: &'static [&'static str],
}

/// Something that is written down as a row of one table.
pub(super) trait Record {
    /// A cell for each column of the target.
    fn cells(&self) -> Result<Vec<Cell<'_>>, StoreError>;
}

/// Inserts rows whose keys are all new.
pub(super) async fn insert<R: Record>(tx: &Tx, target: &Target, rows: &[R]) -> Result<(), StoreError> {
    write(tx, target, "", rows).await
}

/// Inserts rows, and overwrites those that are there.
pub(super) async fn upsert<R: Record>(tx: &Tx, target: &Target, rows: &[R]) -> Result<(), StoreError> {
    write(tx, target, &overwriting(target), rows).await
}

async fn write<R: Record>(tx: &Tx, target: &Target, clash: &str, rows: &[R]) -> Result<(), StoreError> {
    let backend = tx.connection().get_database_backend();
    let mut chunks = rows.chunks(dialect::rows_per_statement(backend, target.columns.len()));
    let mut next = chunks
        .next()
        .map(|rows| statement(backend, target, clash, rows))
        .transpose()?;
    while let Some(statement_of_now) = next {
        // the next statement is made while the database works on this one
        let written = async { Ok(tx.connection().execute_raw(statement_of_now).await?) };
        let made = async {
            tokio::task::yield_now().await;
            chunks
                .next()
                .map(|rows| statement(backend, target, clash, rows))
                .transpose()
        };
        (_, next) = tokio::try_join!(written, made)?;
    }
    Ok(())
}

fn statement<R: Record>(
    backend: DbBackend,
    target: &Target,
    clash: &str,
    rows: &[R],
) -> Result<Statement, StoreError> {
    let names: Vec<_> = target.columns.iter().map(|(name, _)| *name).collect();
    let source = dialect::rows_source(backend, target.columns, rows.len());
    let sql = format!(
        "insert into {} ({}) {source} {clash}",
        target.table,
        names.join(", ")
    );
    let values = dialect::rows_values(backend, target.columns.len(), rows)?;
    Ok(Statement::from_sql_and_values(backend, sql, values))
}

fn overwriting(target: &Target) -> String {
    let mut sql = format!("on conflict ({}) do update set ", target.key.join(", "));
    let names = target.columns.iter().map(|(name, _)| name);
    for (index, name) in names.filter(|name| !target.key.contains(name)).enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        // writing to a String cannot fail
        write!(sql, "{comma}{name} = excluded.{name}").ok();
    }
    sql
}

/// The indexes of tables that are being filled, taken down; a transaction that ends without putting them back takes
/// everything back.
#[must_use = "the indexes have to be put back"]
pub(super) struct TakenDown {
    put_back: Vec<String>,
}

/// Takes the indexes of empty tables down, and what rests on them. Where the connection may not do that, because another
/// role owns the tables, they stay.
pub(super) async fn take_indexes_down(tx: &Tx, tables: &[&str]) -> Result<TakenDown, StoreError> {
    let mut put_back = Vec::new();
    for index in dialect::indexes_of(tx, tables).await? {
        tx.connection().execute_unprepared(&index.take_down).await?;
        put_back.push(index.put_back);
    }
    Ok(TakenDown { put_back })
}

impl TakenDown {
    /// Makes the indexes again.
    pub(super) async fn put_back(self, tx: &Tx) -> Result<(), StoreError> {
        for sql in self.put_back.into_iter().rev() {
            tx.connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }
}
