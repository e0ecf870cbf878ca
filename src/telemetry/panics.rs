//! Panics go through the log, by place only: their message may quote a value.

use std::panic;

/// Replaces the default hook, which would print the message to stderr.
pub fn install_hook() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current();
        tracing::error!(
            panic.location = place,
            thread.name = thread.name().unwrap_or_default(),
            "a panic unwound; its message is withheld because it may quote personal data"
        );
    }));
}
