//! Keeps what this process knows of the reference data up to date.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;

use super::{Services, directory};
use crate::cache::epochs::Epoch;
use crate::error::AppError;
use crate::store::epoch;

/// The topic on which a change of reference data is hinted.
pub const TOPIC: &str = "epochs";

/// Reads the epochs from the database, and takes a new picture of the directory if it moved.
///
/// # Errors
/// As any query.
pub async fn refresh(cx: &Services) -> Result<(), AppError> {
    learn(cx).await?;
    directory::refresh(cx).await
}

async fn learn(cx: &Services) -> Result<(), AppError> {
    let committed = epoch::read_all(&cx.database).await?;
    if let Some(instance) = committed.get(epoch::INSTANCE) {
        cx.cache.epochs().of_instance(*instance);
    }
    cx.cache.epochs().learn(&committed);
    Ok(())
}

/// After a commit that moved an epoch: makes it known here at once and hints it to the other replicas. A process that
/// has no picture of the directory, such as an import from the command line, is not made to take one.
///
/// # Errors
/// As any query; the change is committed all the same, and the poll finds it.
pub async fn moved(cx: &Services, kind: Epoch) -> Result<(), AppError> {
    cx.hints.publish(TOPIC, kind.name());
    learn(cx).await?;
    directory::renew(cx).await
}

/// Turns hints into nudges, for as long as it is polled.
pub async fn nudge_on_hints(cx: Services, nudge: Arc<Notify>) {
    let mut hints = cx.hints.subscribe(TOPIC);
    // who fell behind must look as well
    while !matches!(hints.recv().await, Err(RecvError::Closed)) {
        nudge.notify_one();
    }
}
