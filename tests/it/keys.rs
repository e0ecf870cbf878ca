//! Keys and what they seal: suites, values in their places, rotation, erasure.

mod erasure;
mod kit;
mod places;
mod rotation;
mod suites;
