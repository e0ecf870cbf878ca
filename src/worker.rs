//! Reconcilers: loops without input that read the intended state and act on it.

pub mod cases;
pub mod epochs;
pub mod identity;
mod outbox;
mod reconcile;
pub mod supervise;
mod watch;
