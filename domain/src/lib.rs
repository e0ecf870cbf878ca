//! The pure rules of OneDoor: every function takes state, command and time, and gives data back.

pub mod access;
pub mod actor;
pub mod admission;
pub mod applicant;
pub mod audit;
pub mod board;
pub mod calendar;
pub mod canonical;
pub mod card;
pub mod case;
pub mod clock;
pub mod delivery;
pub mod digest;
pub mod directory;
pub mod division;
pub mod draft;
pub mod edition;
pub mod evaluation;
pub mod feed;
pub mod handoff;
pub mod id;
pub mod idempotency;
pub mod identifier;
pub mod item;
pub mod ledger;
pub mod limit;
pub mod lookup;
pub mod mask;
pub mod material;
pub mod notice;
pub mod organization;
pub mod page;
pub mod policy;
pub mod proof;
pub mod receipt;
pub mod reconciliation;
pub mod route;
pub mod sla;
pub mod statistics;
pub mod text;
pub mod timeline;
pub mod tracking;

#[cfg(test)]
mod vectors;
