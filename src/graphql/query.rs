//! The fields of Query, by area.

pub mod calendar;
pub mod catalogue;
pub mod divisions;
pub mod organizations;
