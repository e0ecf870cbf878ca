//! Columns to domain values and back: instants, numbers, JSON, and rows that name themselves in complaints.

use std::fmt::Display;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::StoreError;
use super::names::named;

/// A document for a text column.
pub(super) fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(StoreError::other)
}

/// A number for a narrower or signed column.
pub(super) fn number<T, U>(value: T) -> Result<U, StoreError>
where
    U: TryFrom<T>,
    U::Error: std::error::Error + Send + Sync + 'static,
{
    U::try_from(value).map_err(StoreError::other)
}

/// Microseconds UTC for a column.
pub(super) fn micros(at: Option<DateTime<Utc>>) -> Option<i64> {
    at.map(|at| at.timestamp_micros())
}

/// A row being read; names itself in every complaint.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    table: &'static str,
    id: &'a dyn Display,
}

impl<'a> Row<'a> {
    pub(super) const fn of(table: &'static str, id: &'a dyn Display) -> Self {
        Self { table, id }
    }

    pub(super) fn corrupt(self, column: &'static str) -> StoreError {
        StoreError::corrupt(self.table, self.id, column)
    }

    /// A value of a closed list.
    pub(super) fn word<T: DeserializeOwned>(self, column: &'static str, name: &str) -> Result<T, StoreError> {
        named(name).ok_or_else(|| self.corrupt(column))
    }

    pub(super) fn word_opt<T: DeserializeOwned>(
        self,
        column: &'static str,
        name: Option<&str>,
    ) -> Result<Option<T>, StoreError> {
        name.map(|name| self.word(column, name)).transpose()
    }

    pub(super) fn instant(self, column: &'static str, micros: i64) -> Result<DateTime<Utc>, StoreError> {
        DateTime::from_timestamp_micros(micros).ok_or_else(|| self.corrupt(column))
    }

    pub(super) fn instant_opt(
        self,
        column: &'static str,
        micros: Option<i64>,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        micros.map(|micros| self.instant(column, micros)).transpose()
    }

    pub(super) fn number<T, U: TryFrom<T>>(self, column: &'static str, value: T) -> Result<U, StoreError> {
        U::try_from(value).ok().ok_or_else(|| self.corrupt(column))
    }

    pub(super) fn number_opt<T, U: TryFrom<T>>(
        self,
        column: &'static str,
        value: Option<T>,
    ) -> Result<Option<U>, StoreError> {
        value.map(|value| self.number(column, value)).transpose()
    }

    pub(super) fn json<T: DeserializeOwned>(self, column: &'static str, text: &str) -> Result<T, StoreError> {
        // the cause would quote the document
        serde_json::from_str(text)
            .ok()
            .ok_or_else(|| self.corrupt(column))
    }

    /// Any other text that parses.
    pub(super) fn text<T: std::str::FromStr>(
        self,
        column: &'static str,
        text: &str,
    ) -> Result<T, StoreError> {
        text.parse().ok().ok_or_else(|| self.corrupt(column))
    }
}
