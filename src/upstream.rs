//! Upstream systems: translate, send once, say honestly what happened.
//!
//! An [`adapter`] translates between a case and one protocol and does nothing else. The [`driver`] is the one
//! way out: it holds the secrets, the limits and the connections, and tells of each attempt which of the five
//! [`outcome`]s it had. The [`registry`] builds both from one TOML file per system.
//! A new system is one file in `config/upstreams`; a new protocol is one file in `adapters/`.

pub mod adapter;
pub mod adapters;
pub mod auth;
pub mod breaker;
pub mod budget;
pub mod callback;
pub mod command;
pub mod config;
pub mod driver;
pub mod egress;
pub mod exchange_file;
pub mod fact;
pub mod fetch;
pub mod folder;
pub mod listeners;
pub mod metrics;
pub mod name;
pub mod outcome;
pub mod pace;
pub mod probe;
pub mod recording;
pub mod registry;
pub mod sample;
pub mod signing;
pub mod text;
pub mod transport;
pub mod view;
pub mod wire;
