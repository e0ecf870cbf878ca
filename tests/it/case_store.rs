//! What the store promises of cases: everything or nothing, once, in order, and to nobody else.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a story names what it expects; everything else fails it"
)]

mod commit;
mod fixture;
mod lists;
mod outbox;
mod reconciliation;
mod records;
mod retention;
