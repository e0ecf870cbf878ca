//! The stories of the first slice, told over HTTP: an application travels from a village to the county and back.

mod bad_input;
mod board;
mod disconnects;
mod drafts;
mod follow;
mod idempotency;
mod isolation;
mod journey;
mod kit;
mod lists;
mod notices;
mod offices;
mod races;
mod trouble;
