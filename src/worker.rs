//! Reconcilers: loops without input that read the intended state and act on it.

pub mod cases;
pub mod epochs;
mod outbox;
pub mod privacy;
mod reconcile;
pub mod supervise;
mod watch;
