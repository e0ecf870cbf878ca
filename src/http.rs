//! The HTTP edge: authenticates, bounds and answers requests.

pub mod health;
