//! What the project promises about itself: read from its own files, not from its behaviour.

mod dependencies;
mod errors;
mod files;
mod imports;
mod names;
mod page;
mod schema;
pub(crate) mod sdl;
mod source;
pub(crate) mod telemetry;
mod upstreams;
