//! The whole gateway behind its one door: the contract as callers meet it.

mod abuse;
mod audit;
mod caching;
mod canary;
mod copy;
mod headers;
mod journey;
mod judges;
mod ledger;
mod masking;
mod matrix;
mod scrape;
mod shared_limits;
mod typed_client;
mod visibility;
