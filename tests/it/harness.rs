//! What every story stands on: two worlds, servers to break, a proxy for faults, the real binary, a client.
#![expect(dead_code, reason = "the stories that use the rest are being told")]

pub(crate) mod actors;
pub(crate) mod app;
pub(crate) mod at_rest;
pub(crate) mod browser;
pub(crate) mod events;
pub(crate) mod fault_proxy;
pub(crate) mod files;
pub(crate) mod gql;
pub(crate) mod oidc;
pub(crate) mod own_postgres;
pub(crate) mod own_redis;
pub(crate) mod people;
pub(crate) mod process;
pub(crate) mod story;
pub(crate) mod subscriber;
pub(crate) mod template;
pub(crate) mod wait;
pub(crate) mod world;
