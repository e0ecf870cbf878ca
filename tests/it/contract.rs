//! What the project promises about itself: read from its own files, not from its behaviour.

mod dependencies;
mod files;
mod imports;
mod source;
