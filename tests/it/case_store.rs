//! What the store promises of cases: everything or nothing, once, in order, and to nobody else.

mod commit;
mod fixture;
mod lists;
mod outbox;
mod records;
