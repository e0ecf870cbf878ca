//! Reference data: what ships is loaded whole, found by routes, cached, and right on every replica.

mod caching;
mod graphql;
mod load;
mod redis_faults;
pub(crate) mod replica;
