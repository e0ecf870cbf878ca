//! Arms the named failpoints of the test build from the environment; a release has none.
//!
//! `FAILPOINTS` speaks the `fail` crate's own language (`commit.middle=1*return->off`). `ONEDOOR_CRASH_AT` takes
//! `name=n` and ends the process when the point is passed for the n-th time, as `kill -9` would: no destructor runs,
//! nothing is flushed, no answer leaves.

use std::sync::atomic::{AtomicU32, Ordering};

use fail::FailScenario;

/// Names the point and the passing at which the process ends.
const CRASH_AT: &str = "ONEDOOR_CRASH_AT";

/// Arms the points until the returned scenario is dropped.
///
/// # Errors
/// `ONEDOOR_CRASH_AT` is not `name=n`, or there is no registry of points in this build.
#[expect(
    clippy::disallowed_methods,
    reason = "a switch of the test build, no setting of the gateway"
)]
pub fn arm() -> Result<FailScenario<'static>, String> {
    let scenario = FailScenario::setup();
    if let Ok(text) = std::env::var(CRASH_AT) {
        let (name, passing) = text
            .split_once('=')
            .ok_or_else(|| format!("{CRASH_AT} must be name=n"))?;
        let left: u32 = passing
            .parse()
            .map_err(|error| format!("{CRASH_AT} must be name=n: {error}"))?;
        let left = AtomicU32::new(left);
        fail::cfg_callback(name, move || {
            if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                std::process::abort();
            }
        })?;
    }
    Ok(scenario)
}
