//! The types of the schema.

pub mod calendar;
pub mod case_enums;
pub mod division;
pub mod organization;
pub mod scalars;
pub mod service_item;
