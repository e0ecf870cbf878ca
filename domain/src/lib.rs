//! The pure rules of OneDoor: every function takes state, command and time, and gives data back.

pub mod actor;
pub mod id;
