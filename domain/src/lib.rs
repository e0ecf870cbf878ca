//! The pure rules of OneDoor: every function takes state, command and time, and gives data back.

pub mod actor;
pub mod calendar;
pub mod division;
pub mod id;
pub mod item;
pub mod limit;
pub mod organization;
pub mod page;
pub mod route;
pub mod sla;

#[cfg(test)]
mod vectors;
