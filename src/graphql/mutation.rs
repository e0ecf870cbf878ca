//! What can be done: one file a group of acts.

pub mod cases;
pub mod intake;
