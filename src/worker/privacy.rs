//! The loop that keeps the blind index of applicants whole.

use std::sync::Arc;

use tokio::sync::Notify;

use super::cases::spec;
use super::supervise::{LoopSpec, Supervisor};
use crate::service::More;
use crate::service::privacy::indexing::{Indexing, TICK};

/// Starts the loop. What is missing stands in the database; the loop only looks.
pub fn spawn(supervisor: &Supervisor, indexing: &Arc<Indexing>) {
    let (indexing, more) = (Arc::clone(indexing), Arc::new(Notify::new()));
    let steps = LoopSpec {
        tick: TICK,
        ..spec("applicant index", 0, &more)
    };
    supervisor.spawn_loop(steps, move || {
        let (indexing, more) = (Arc::clone(&indexing), Arc::clone(&more));
        async move {
            if indexing.step().await? == More::Perhaps {
                more.notify_one();
            }
            Ok(())
        }
    });
}
