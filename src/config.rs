//! Configuration: every option, its default and its check.
