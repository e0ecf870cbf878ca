//! Waits for a condition, never for a time: the bound is only there so that a broken condition ends the test.

use std::time::{Duration, Instant};

/// Long enough for a busy machine; a healthy one needs a hundredth of it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const FIRST_LOOK_AGAIN: Duration = Duration::from_millis(5);
const LAST_LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Looks until something is seen; panics with `what` when it is not seen in time.
pub(crate) async fn eventually<T>(
    what: &str,
    within: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + within;
    let mut pause = FIRST_LOOK_AGAIN;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited {within:?} in vain: {what}");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LAST_LOOK_AGAIN);
    }
}

/// Looks until a condition holds.
pub(crate) async fn until(what: &str, within: Duration, mut holds: impl AsyncFnMut() -> bool) {
    eventually(what, within, async || holds().await.then_some(())).await;
}
