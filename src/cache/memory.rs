//! The tier in process: bounded in number and age.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use super::epochs::Stamp;

#[derive(Clone)]
struct Entry {
    stamp: Stamp,
    value: Arc<dyn Any + Send + Sync>,
}

pub(super) struct Memory(moka::future::Cache<String, Entry>);

impl Memory {
    pub(super) fn new(entries_max: u64, ttl: Duration) -> Self {
        Self(
            moka::future::Cache::builder()
                .max_capacity(entries_max)
                .time_to_live(ttl)
                .build(),
        )
    }

    pub(super) async fn get(&self, place: &str, wanted: Stamp) -> Option<Arc<dyn Any + Send + Sync>> {
        self.0
            .get(place)
            .await
            .filter(|entry| entry.stamp.covers(wanted))
            .map(|entry| entry.value)
    }

    pub(super) async fn put(&self, place: String, stamp: Stamp, value: Arc<dyn Any + Send + Sync>) {
        self.0.insert(place, Entry { stamp, value }).await;
    }
}
