//! The whole gateway behind its one door: the contract as callers meet it.

mod abuse;
mod asking;
mod audit;
mod caching;
mod canary;
mod copy;
mod fields;
mod headers;
pub(crate) mod journey;
mod judges;
mod ledger;
mod look_up;
mod looking;
mod masked_everywhere;
mod masking;
mod matrix;
mod qr;
mod reveal;
mod scrape;
mod shared_limits;
mod things;
mod timing;
mod typed_client;
mod visibility;
