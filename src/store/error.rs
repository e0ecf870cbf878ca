//! What can go wrong in the store, classified once.

use sea_orm::{DbErr, RuntimeErr, sqlx};

use super::dialect::{self, Fault};
use crate::error::{AppError, ErrorCode};

/// An error of the store. Texts hold table, column and constraint names, never values.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such row.
    #[error("no such {what}")]
    NotFound {
        /// What was looked for, for example `case`.
        what: &'static str,
    },
    /// A unique constraint refuses the row.
    #[error("already there: {constraint}")]
    Conflict {
        /// The constraint (PostgreSQL) or its columns (SQLite).
        constraint: String,
    },
    /// The row is no longer at the expected version.
    #[error("the row moved on")]
    Stale,
    /// Another transaction is in the way; the same command may succeed at once. Nothing was stored.
    #[error("another transaction is in the way")]
    Busy {
        /// The database's words.
        source: DbErr,
    },
    /// The database cannot be reached or cannot write. Nothing was stored.
    #[error("the database is not available")]
    Unavailable {
        /// The database's words.
        source: DbErr,
    },
    /// A commit was sent and its outcome is not known: re-read by the idempotency key before doing anything.
    #[error("the outcome of a commit is not known")]
    Unknown {
        /// The database's words.
        source: DbErr,
    },
    /// A row holds something it cannot hold.
    #[error("{table}.{column} of row {id} cannot be read")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// Key of the row; never a person's number.
        id: String,
        /// The column.
        column: &'static str,
    },
    /// Anything else: a bug, or a database that is not as the migrations left it.
    #[error("the database refused a statement")]
    Other {
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// A row that does not parse.
    #[must_use]
    pub fn corrupt(table: &'static str, id: &dyn std::fmt::Display, column: &'static str) -> Self {
        Self::Corrupt {
            table,
            id: id.to_string(),
            column,
        }
    }

    /// Anything else, with its cause.
    pub fn other(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Other {
            source: source.into(),
        }
    }

    /// Whether nothing was stored and the same command, run again at once, may succeed.
    #[must_use]
    pub const fn retry_at_once(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }
}

impl From<DbErr> for StoreError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "a foreign, non-exhaustive enum")]
    fn from(error: DbErr) -> Self {
        match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::Unavailable { source: error },
            DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
                match fault_of(cause) {
                    Fault::Conflict(constraint) => Self::Conflict { constraint },
                    Fault::Busy => Self::Busy { source: error },
                    Fault::Unavailable => Self::Unavailable { source: error },
                    Fault::Other => Self::other(error),
                }
            }
            DbErr::RecordNotFound(_) => Self::NotFound { what: "row" },
            DbErr::RecordNotUpdated => Self::Stale,
            DbErr::RecordNotInserted => Self::Conflict {
                constraint: "insert".to_owned(),
            },
            _ => Self::other(error),
        }
    }
}

/// Tells what an error of the driver means to a caller.
#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign, non-exhaustive enum")]
pub(super) fn fault_of(cause: &sqlx::Error) -> Fault {
    match cause {
        sqlx::Error::Database(refusal) => dialect::classify(refusal.as_ref()),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => Fault::Unavailable,
        _ => Fault::Other,
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NotFound { .. } => Self::of(ErrorCode::NotFound),
            StoreError::Unavailable { .. } => Self::of(ErrorCode::StoreUnavailable)
                .retry_after_ms(1_000)
                .because(error),
            // a caller that cares has looked at these before; to the others they say: try again with the same key
            StoreError::Conflict { .. }
            | StoreError::Stale
            | StoreError::Busy { .. }
            | StoreError::Unknown { .. } => {
                Self::of(ErrorCode::Overloaded).retry_after_ms(500).because(error)
            }
            StoreError::Corrupt { .. } | StoreError::Other { .. } => Self::internal(error),
        }
    }
}
