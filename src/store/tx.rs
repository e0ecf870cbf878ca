//! Transactions: the only file that begins one.

use std::sync::Arc;

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait as _,
};

use super::dialect;
use super::error::StoreError;
use super::room::Room;

/// An open write transaction; dropped without `commit`, it rolls back.
///
/// Hand it around by reference within one task. While it is open, never query through `Database::read()` on its
/// behalf: it would not see what the transaction wrote.
#[derive(Debug)]
pub struct Tx {
    inner: DatabaseTransaction,
    room: Arc<Room>,
}

impl Tx {
    /// Begins a write transaction; IMMEDIATE on SQLite, where a deferred one could fail half-way.
    pub(super) async fn begin(writer: &DatabaseConnection, room: &Arc<Room>) -> Result<Self, StoreError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(Self {
            inner: writer.begin_with_options(options).await?,
            room: Arc::clone(room),
        })
    }

    /// The connection to run statements on, inside this transaction.
    #[must_use]
    pub const fn connection(&self) -> &DatabaseTransaction {
        &self.inner
    }

    /// Commits. Only `Ok` means that everything is stored.
    ///
    /// # Errors
    /// `Unknown` when the outcome cannot be told (look for the idempotency key before anything else); every other
    /// error means that nothing was stored.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.inner.commit().await {
            Ok(()) => {
                self.room.note_commit();
                Ok(())
            }
            Err(error) => Err(self.room.note(commit_error(error))),
        }
    }

    /// Takes everything back now instead of when dropped.
    ///
    /// # Errors
    /// When the connection is lost; then the database takes it back by itself.
    pub async fn rollback(self) -> Result<(), StoreError> {
        Ok(self.inner.rollback().await?)
    }
}

fn commit_error(error: DbErr) -> StoreError {
    if dialect::commit_surely_failed(&error) {
        error.into()
    } else {
        StoreError::Unknown { source: error }
    }
}
