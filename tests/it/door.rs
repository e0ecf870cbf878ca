//! The whole gateway behind its one door: the contract as callers meet it.

mod abuse;
mod caching;
mod canary;
mod copy;
pub(crate) mod journey;
mod judges;
mod ledger;
mod masking;
mod matrix;
mod scrape;
mod typed_client;
mod visibility;
