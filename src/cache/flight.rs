//! Single flight: many who ask for the same thing at once wait for one load.

use std::any::Any;
use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};

use super::epochs::Stamp;
use crate::error::AppError;
use crate::worker::supervise;

type Value = Arc<dyn Any + Send + Sync>;
type Outcome = Result<Value, Arc<AppError>>;
/// A key and the epochs known when its load began: who knows of a later change does not wait for an older load.
type Key = (String, Stamp);

#[derive(Default)]
pub(super) struct Flights {
    under_way: Arc<Mutex<HashMap<Key, Shared<BoxFuture<'static, Outcome>>>>>,
}

impl Flights {
    /// Joins the load under way for a key, or begins it in a task of its own, which no caller's leaving cuts off.
    pub(super) async fn join<F, Load>(&self, place: String, stamp: Stamp, load: F) -> Result<Value, AppError>
    where
        F: FnOnce() -> Load,
        Load: Future<Output = Result<Value, AppError>> + Send + 'static,
    {
        let key = (place, stamp);
        let flight = {
            let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            match under_way.get(&key) {
                Some(flight) => flight.clone(),
                None => {
                    let flight = self.begin(key.clone(), load()).boxed().shared();
                    under_way.insert(key, flight.clone());
                    flight
                }
            }
        };
        flight.await.map_err(|error| repeat(&error))
    }

    fn begin<Load>(&self, key: Key, load: Load) -> impl Future<Output = Outcome> + Send + 'static
    where
        Load: Future<Output = Result<Value, AppError>> + Send + 'static,
    {
        let landed = Landed {
            under_way: self.under_way.clone(),
            key,
        };
        let task = supervise::spawn("cache load", async move {
            let _landed = landed;
            load.await
        });
        async move {
            match task.await {
                Ok(outcome) => outcome.map_err(Arc::new),
                Err(ended) => Err(Arc::new(AppError::internal(ended))),
            }
        }
    }
}

/// Takes the flight off the list when its load ends, however it ends.
struct Landed {
    under_way: Arc<Mutex<HashMap<Key, Shared<BoxFuture<'static, Outcome>>>>>,
    key: Key,
}

impl Drop for Landed {
    fn drop(&mut self) {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

/// The same error for each of several callers.
fn repeat(error: &Arc<AppError>) -> AppError {
    AppError {
        code: error.code,
        detail: error.detail.clone(),
        retry_after_ms: error.retry_after_ms,
        upstream: error.upstream.clone(),
        source: Some(Box::new(SharedCause(error.clone()))),
    }
}

#[derive(Debug)]
struct SharedCause(Arc<AppError>);

impl fmt::Display for SharedCause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a load shared by several requests failed")
    }
}

impl Error for SharedCause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
