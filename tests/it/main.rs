//! The integration suite, by story.

mod store_base;
