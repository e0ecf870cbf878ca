//! Schema steps, up and down, on both databases.
