//! Closed lists as their columns hold them: the names that serde gives the values.

use serde::Serialize;
use serde::de::{DeserializeOwned, IntoDeserializer as _, value::Error};

use super::error::StoreError;

/// The name of a value of a closed list, for its column.
///
/// # Errors
/// `Other` for a value that is not one plain name: a bug.
pub fn name_of(value: impl Serialize) -> Result<String, StoreError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => Ok(name),
        Ok(_) => Err(StoreError::other("a value of a closed list has no plain name")),
        Err(error) => Err(StoreError::other(error)),
    }
}

/// The value that a column names; `None`: no value has that name.
#[must_use]
pub fn named<T: DeserializeOwned>(name: &str) -> Option<T> {
    let name: serde::de::value::StrDeserializer<'_, Error> = name.into_deserializer();
    T::deserialize(name).ok()
}

/// Rows of one insert statement: far below the bound variables that either database takes.
pub(super) const ROWS_PER_INSERT: usize = 500;

/// What an import changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImportCounts {
    /// Rows that were not there.
    pub added: usize,
    /// Rows that were there with other content.
    pub changed: usize,
    /// Rows that were there just so.
    pub unchanged: usize,
    /// Divisions that ended.
    pub ended: usize,
    /// Organizations whose work another one does since.
    pub succeeded: usize,
}

impl ImportCounts {
    /// Whether nothing was written.
    #[must_use]
    pub const fn is_no_change(&self) -> bool {
        self.added == 0 && self.changed == 0 && self.ended == 0 && self.succeeded == 0
    }
}
