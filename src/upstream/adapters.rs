//! The protocols this gateway speaks: a new one is a file here and its line in the table.

use std::sync::Arc;

use crate::upstream::adapter::Adapter;
use crate::upstream::config::Fault;

/// One protocol.
#[derive(Debug, Clone, Copy)]
pub struct Protocol {
    /// Its name in configuration files.
    pub kind: &'static str,
    /// Builds the adapter from the `[options]` of an upstream; faults carry paths below it.
    pub build: BuildAdapter,
}

/// Builds an adapter from its options.
pub type BuildAdapter = fn(&toml::Table) -> Result<Arc<dyn Adapter>, Vec<Fault>>;

macro_rules! protocols {
    ($($(#[$doc:meta])* $module:ident;)*) => {
        $($(#[$doc])* pub mod $module;)*

        /// All protocols. The conformance suite runs over each of them.
        pub const PROTOCOLS: &[Protocol] = &[$($module::PROTOCOL,)*];
    };
}

protocols! {
    county_rest;
}
