//! What can be done: one file a group of acts.

pub mod acceptance;
pub mod access;
mod act;
pub mod applicant;
pub mod attachments;
pub mod cases;
pub mod deliveries;
pub mod evaluation;
pub mod grid;
pub mod hands;
pub mod intake;
pub mod kiosks;
pub mod privacy;
pub mod reconciliations;
pub mod special;
pub mod supervision;
pub mod sync;
