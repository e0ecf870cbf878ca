//! Use cases: what a person or a system can ask of the gateway.

pub mod form;
pub mod guard;
pub mod health;
pub mod identity;
pub mod receipt_text;
