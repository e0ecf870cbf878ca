//! Where a run keeps its files, what the surroundings tell it, and which ports are free.

use std::net::TcpListener;
use std::path::PathBuf;

use tempfile::TempDir;

/// A setting of the run, given by scripts/test.sh; the gateway itself never sees these.
#[expect(
    clippy::disallowed_methods,
    reason = "the suite is told its servers by the environment"
)]
pub(crate) fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The folder that all processes of one run share.
pub(crate) fn run_folder() -> PathBuf {
    setting("ONEDOOR_TEST_FOLDER").map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from)
}

/// A folder of one test, gone when dropped.
pub(crate) fn folder(prefix: &str) -> TempDir {
    tempfile::Builder::new()
        .prefix(prefix)
        .tempdir_in(run_folder())
        .unwrap()
}

/// A loopback port that nobody listens on now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A script of the project.
pub(crate) fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("scripts")
        .join(name)
}
