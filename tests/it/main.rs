//! The integration suite, by story.

#![expect(
    clippy::as_conversions,
    clippy::string_slice,
    reason = "a wrong number or a cut letter fails a test, no user"
)]

// `cfg(test)` tells clippy that all of this is test code, not only the test functions
#[cfg(test)]
mod harness;

#[cfg(test)]
mod case_store;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod door;
#[cfg(test)]
mod durability;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod kiosks;
#[cfg(test)]
mod pinned_defects;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod store_base;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod upstreams;
#[cfg(test)]
mod worlds;
