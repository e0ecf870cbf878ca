//! What can be done: one file a group of acts.

mod act;
pub mod cases;
pub mod intake;
pub mod supervision;
