//! Use cases: what a person or a system can ask of the gateway.

pub mod form;
pub mod receipt_text;
