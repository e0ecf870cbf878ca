//! OneDoor: a GraphQL gateway to government services, in reading order from the ground up.

pub mod clock;
pub mod config;
pub mod error;
pub mod secret;
pub mod telemetry;

pub mod cache;
pub mod storage;
pub mod store;
pub mod upstream;

pub mod service;

pub mod graphql;
pub mod http;
pub mod worker;

pub mod app;
pub mod cli;
#[cfg(feature = "failpoints")]
pub mod failpoints;
pub mod sandbox;
