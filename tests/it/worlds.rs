//! The harness itself: each world is real, each fault happens, each server can be broken and comes back.

mod faults;
mod gateway;
mod servers;
mod stories;
