//! Upstream systems, good and evil: what the driver makes of them, and that each protocol keeps its description.

mod auth;
mod callbacks;
pub(crate) mod certificates;
mod city;
mod conformance;
mod driver;
mod evil;
pub(crate) mod fixture;
pub(crate) mod raw;
mod sandbox;
mod signatures;
pub(crate) mod talker;
mod tools;
mod traces;
