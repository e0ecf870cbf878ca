//! The whole gateway behind its one door: the contract as callers meet it.

mod abuse;
mod caching;
mod canary;
mod journey;
mod judges;
mod masking;
mod matrix;
mod scrape;
mod typed_client;
mod visibility;
