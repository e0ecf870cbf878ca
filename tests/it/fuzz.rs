//! What strangers send is tried with texts near to good ones; each target states the property that it looks for.
//!
//! `ONEDOOR_FUZZ_CASES=100 scripts/test.sh fuzz::` tries a hundred times as many. What was once found is kept in
//! tests/fuzz and tried first.

mod callbacks;
mod canonical;
mod cursors;
mod documents;
mod identifiers;
mod imports;
mod near;
