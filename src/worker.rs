//! Reconcilers: loops without input that read the intended state and act on it.

pub mod attachments;
pub mod cases;
pub mod denials;
pub mod epochs;
pub mod identity;
mod outbox;
pub mod privacy;
mod reconcile;
pub mod supervise;
mod watch;
