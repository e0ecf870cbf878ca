//! The store: the only place that speaks to a database.
//!
//! Readers take `Database::read()`; writers take a [`tx::Tx`] from `Database::write_tx()`, and nothing else begins
//! a transaction. What many write at once goes through `Database::in_turn`. Rows become domain values here; a row that does not parse is `StoreError::Corrupt`.

pub mod access;
pub mod access_list;
pub mod admission;
pub mod applicant_index;
pub mod audit;
mod bulk;
pub mod calendar;
pub mod card_list;
pub mod case;
pub mod case_list;
pub mod catalogue;
pub mod change_feed;
pub mod checkpoint;
mod commit;
pub mod copy;
pub mod database;
pub mod delivery_list;
mod dialect;
pub mod division;
pub mod draft;
pub mod edition;
pub mod epoch;
pub mod error;
pub mod figures;
pub mod handoff_list;
pub mod idempotency;
pub mod inbox;
pub mod ledger;
pub mod ledger_export;
pub mod names;
pub mod organization;
pub mod outbox;
pub mod page;
mod parse;
mod reach;
pub mod receipt;
pub mod reconciliation;
pub mod reconciliation_list;
pub mod retention;
mod room;
pub mod succession;
pub mod tick;
pub mod tx;
pub mod watch;
pub mod write_set;
mod writer;
