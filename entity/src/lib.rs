//! SeaORM entities, one file per table: columns and relations, no logic.
//!
//! Columns are raw; the store parses rows into domain types and calls a row that does not parse corrupt.

pub mod access_budget;
pub mod access_record;
pub mod admission;
pub mod applicant_index;
pub mod audit_entry;
pub mod calendar_day;
pub mod calendar_version;
pub mod case_card;
pub mod case_clock;
pub mod case_party;
pub mod case_private;
pub mod cases;
pub mod change;
pub mod delivery;
pub mod delivery_attempt;
pub mod division;
pub mod division_code;
pub mod draft;
pub mod external_number;
pub mod handoff;
pub mod idempotency;
pub mod inbox;
pub mod ledger_checkpoint;
pub mod ledger_checkpoint_head;
pub mod ledger_event;
pub mod ledger_head;
pub mod ledger_private;
pub mod organization;
pub mod organization_name;
pub mod receipt;
pub mod reconciliation;
pub mod reconciliation_difference;
pub mod reference_epoch;
pub mod service_item;
pub mod service_item_version;
pub mod upstream_watch;
pub mod write_probe;
