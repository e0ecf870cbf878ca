//! The integration suite, by story.
