//! The whole gateway behind its one door: the contract as callers meet it.

mod abuse;
mod asking;
mod caching;
mod canary;
mod copy;
mod fields;
mod journey;
mod judges;
mod ledger;
mod masking;
mod matrix;
mod qr;
mod scrape;
mod things;
mod timing;
mod typed_client;
mod visibility;
