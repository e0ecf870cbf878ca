//! The whole gateway behind its one door: the contract as callers meet it.

mod abuse;
mod caching;
mod canary;
mod copy;
mod journey;
mod judges;
mod ledger;
mod look_up;
mod looking;
mod masked_everywhere;
mod masking;
mod matrix;
mod reveal;
mod scrape;
mod typed_client;
mod visibility;
