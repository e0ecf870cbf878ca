//! The types of the schema.

pub mod access;
pub mod admission;
pub mod calendar;
pub mod card;
pub mod case;
pub mod case_enums;
pub mod case_parts;
pub mod clock;
pub mod delivery;
pub mod division;
pub mod draft;
pub mod evaluation;
pub mod figures;
pub mod grid;
pub mod handoff;
pub mod handoff_event;
pub mod organization;
pub mod receipt;
pub mod receipt_check;
pub mod reconciliation;
pub mod scalars;
pub mod service_item;
pub mod timeline;
pub mod upstream;
pub mod upstream_status;
