//! The store: the only place that speaks to a database.
//!
//! Readers take `Database::read()`; writers take a [`tx::Tx`] from `Database::write_tx()`, and nothing else begins
//! a transaction. Rows become domain values here; a row that does not parse is `StoreError::Corrupt`.

pub mod calendar;
pub mod catalogue;
pub mod database;
mod dialect;
pub mod division;
pub mod epoch;
pub mod error;
pub mod names;
pub mod organization;
pub mod page;
pub mod tx;
