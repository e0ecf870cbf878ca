//! One question for an upstream's news since a cursor.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::{Driver, judge};
use crate::upstream::adapter::{EncodeContext, PollPage};
use crate::upstream::metrics::Purpose;
use crate::upstream::outcome::OutcomeClass;

/// What came of one poll.
#[derive(Debug)]
pub struct Polled {
    /// The page; `None` when there is none to be had now.
    pub page: Option<PollPage>,
    /// How the question ended.
    pub class: OutcomeClass,
    /// How long to wait at least; `None` leaves it to the caller's backoff.
    pub retry_after: Option<Duration>,
}

impl Driver {
    /// Asks for all news since a cursor; `None` from the beginning.
    #[tracing::instrument(skip_all)]
    pub async fn poll(&self, cursor: Option<&str>) -> Polled {
        let (started, begun) = (self.clock.now(), Instant::now());
        let failed = |class, retry_after| Polled {
            page: None,
            class,
            retry_after,
        };
        let key = format!("poll_{}", Uuid::now_v7().simple());
        let cx = EncodeContext { now: started };
        let ended = match self.adapter.encode_poll(cursor, &cx) {
            Ok(request) => self.request(&key, request, started, begun).await.ok(),
            Err(error) => {
                tracing::warn!(upstream.id = %self.config.name, error = %error, "a poll cannot be written");
                None
            }
        };
        let polled = match &ended {
            None => failed(OutcomeClass::Held, None),
            Some(ended) => match judge::page(&*self.adapter, cursor, &cx, ended.ending()) {
                Ok(page) => Polled {
                    page: Some(page),
                    class: OutcomeClass::Accepted,
                    retry_after: None,
                },
                Err((class, retry_after)) => failed(class, retry_after),
            },
        };
        self.count(Purpose::Poll, polled.class, begun.elapsed());
        match &polled.page {
            Some(page) => self.metrics.polled(
                &self.config.name,
                page.facts.len(),
                page.unreadable,
                started.timestamp(),
            ),
            None => tracing::warn!(
                upstream.id = %self.config.name, outcome.class = polled.class.as_str(),
                elapsed_ms = begun.elapsed().as_millis(),
                "an upstream was asked for its news and gave none"
            ),
        }
        polled
    }
}
