//! The protocols this gateway speaks: a new one is a file here and its line in the table.

use std::sync::Arc;

use crate::upstream::adapter::Adapter;
use crate::upstream::config::section::Section;

/// One protocol.
#[derive(Debug, Clone, Copy)]
pub struct Protocol {
    /// Its name in configuration files.
    pub kind: &'static str,
    /// Builds the adapter from the `[options]` of an upstream.
    pub build: BuildAdapter,
}

/// Builds an adapter from its options, noting faults in the section; options left over there are faults too.
/// `None` only after a fault.
pub type BuildAdapter = fn(&mut Section) -> Option<Arc<dyn Adapter>>;

macro_rules! protocols {
    ($($(#[$doc:meta])* $module:ident;)*) => {
        $($(#[$doc])* pub mod $module;)*

        /// All protocols. The conformance suite runs over each of them.
        pub const PROTOCOLS: &[Protocol] = &[$($module::PROTOCOL,)*];
    };
}

protocols! {
    county_rest;
    digit;
    open311;
    /// Any REST, XML or form system, described in its configuration alone.
    template;
    x_road;
}
