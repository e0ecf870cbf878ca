//! Both sides of each exchange as they went over the wire, for whoever records or probes; a gateway in service has none.

use std::sync::{Arc, Mutex, PoisonError};

use crate::upstream::exchange_file::Message;
use crate::upstream::outcome::Exchange;
use crate::upstream::wire::WireAnswer;

/// The most exchanges kept between two looks.
const SEEN_MAX: usize = 64;

/// One exchange.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The request, everything that proves its sender included.
    pub request: Message,
    /// How far it came.
    pub exchange: Exchange,
    /// The answer, when it is whole.
    pub answer: Option<WireAnswer>,
}

/// Where exchanges are noted.
#[derive(Debug, Clone, Default)]
pub struct Tap(Arc<Mutex<Vec<Seen>>>);

impl Tap {
    pub(super) fn note(&self, seen: Seen) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < SEEN_MAX {
            all.push(seen);
        }
    }

    /// What was seen since the last look, oldest first.
    #[must_use]
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
