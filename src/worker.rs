//! Reconcilers: loops without input that read the intended state and act on it.

pub mod attachments;
pub mod cases;
pub mod epochs;
mod outbox;
mod reconcile;
pub mod supervise;
mod watch;
