//! The GraphQL edge over a small schema of its own: transports, limits, disconnects, and outside judges.

mod abuse;
mod crowd;
mod differential;
mod disconnect;
mod endpoint;
mod home;
pub(crate) mod judges;
mod kit;
mod limits;
mod socket;
mod stream;
