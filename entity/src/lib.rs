//! SeaORM entities, one file per table: columns and relations, no logic.
//!
//! Columns are raw; the store parses rows into domain types and calls a row that does not parse corrupt.

pub mod calendar_day;
pub mod calendar_version;
pub mod division;
pub mod division_code;
pub mod organization;
pub mod organization_name;
pub mod reference_epoch;
pub mod service_item;
pub mod service_item_version;
