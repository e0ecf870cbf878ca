//! The fields of Query, by area.

pub mod access;
pub mod audit;
pub mod board;
pub mod calendar;
pub mod cards;
pub mod cases;
pub mod catalogue;
pub mod changes;
pub mod divisions;
pub mod kiosks;
pub mod organizations;
pub mod receipts;
pub mod reconciliations;
pub mod revocations;
pub mod statistics;
pub mod upstreams;
pub mod viewer;
