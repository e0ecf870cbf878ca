//! How many requests are served at once, over how many connections: whoever comes beyond is told when to come back.
//!
//! A request counts from when it has wholly arrived until its answer is made, so that a slow sender or reader holds
//! nobody's place; a mutation counts to its end, also when its caller has gone. Subscriptions have limits of their
//! own (`[websocket]`), health and metrics none.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::{IntCounterVec, IntGauge};
use tokio::time::Instant;

use crate::config::server::ServerConfig;
use crate::error::{AppError, ErrorCode};
use crate::telemetry::metrics::Metrics;

/// When who was turned away should come again: long against one request, short for a person.
const COME_AGAIN_MS: u64 = 1_000;
/// How often the log tells that callers are turned away; the metric counts them.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// The limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// `server.requests_max`.
    Requests,
    /// `server.connections_max`.
    Connections,
}

impl Full {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Connections => "connections",
        }
    }

    /// What the caller is told.
    #[must_use]
    pub const fn error(self) -> AppError {
        AppError::of(ErrorCode::Overloaded).retry_after_ms(COME_AGAIN_MS)
    }
}

/// Everybody who is here.
#[derive(Debug)]
pub struct Crowd {
    requests: AtomicUsize,
    requests_max: usize,
    connections: AtomicUsize,
    connections_max: usize,
    in_flight: IntGauge,
    shed: IntCounterVec,
    told: Mutex<Option<Instant>>,
}

impl Crowd {
    /// Nobody yet.
    ///
    /// # Errors
    /// A name is taken by another kind of metric.
    pub fn new(config: &ServerConfig, metrics: &Metrics) -> Result<Arc<Self>, prometheus::Error> {
        let in_flight = metrics.gauge(
            "onedoor_requests_in_flight",
            "requests that hold one of the places of server.requests_max",
            &[],
        )?;
        let shed = metrics.counter(
            "onedoor_requests_shed_total",
            "requests turned away at once with 503 and Retry-After, by the limit that was reached: requests or connections",
            &["limit"],
        )?;
        for full in [Full::Requests, Full::Connections] {
            shed.with_label_values(&[full.as_str()]);
        }
        Ok(Arc::new(Self {
            requests: AtomicUsize::new(0),
            requests_max: config.requests_max,
            connections: AtomicUsize::new(0),
            connections_max: config.connections_max,
            in_flight: in_flight.with_label_values::<&str>(&[]),
            shed,
            told: Mutex::default(),
        }))
    }

    /// A first look at a request, before anything is read or anybody authenticated: whether its turn can come.
    ///
    /// # Errors
    /// It cannot, for this limit; counted.
    pub fn look(&self, connection: Option<&Connection>) -> Result<(), Full> {
        if connection.is_some_and(|connection| connection.beyond) {
            Err(self.turned_away(Full::Connections))
        } else if self.requests.load(Ordering::Relaxed) >= self.requests_max {
            Err(self.turned_away(Full::Requests))
        } else {
            Ok(())
        }
    }

    /// Takes a place until the guard is dropped.
    ///
    /// # Errors
    /// There is none; counted.
    pub fn enter(self: &Arc<Self>) -> Result<Place, Full> {
        let more = |now: usize| (now < self.requests_max).then_some(now + 1);
        match self
            .requests
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
        {
            Ok(_before) => {
                self.in_flight.inc();
                Ok(Place(Arc::clone(self)))
            }
            Err(_full) => Err(self.turned_away(Full::Requests)),
        }
    }

    /// Counts a connection until the guard is dropped. One beyond the limit is not refused here, because only an
    /// answer can say when to come back.
    #[must_use]
    pub fn connect(self: &Arc<Self>) -> Connection {
        Connection {
            beyond: self.connections.fetch_add(1, Ordering::Relaxed) >= self.connections_max,
            crowd: Arc::clone(self),
        }
    }

    fn turned_away(&self, full: Full) -> Full {
        self.shed.with_label_values(&[full.as_str()]).inc();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            *told = Some(Instant::now());
            tracing::warn!(
                limit.name = full.as_str(),
                "more callers than this gateway serves at once; it asks some to come back later"
            );
        }
        full
    }
}

/// A place in the crowd.
#[derive(Debug)]
pub struct Place(Arc<Crowd>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
        self.0.in_flight.dec();
    }
}

/// A counted connection.
#[derive(Debug)]
pub struct Connection {
    crowd: Arc<Crowd>,
    beyond: bool,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.crowd.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, ConfigInputs};

    fn crowd(requests_max: usize, connections_max: usize, metrics: &Metrics) -> Arc<Crowd> {
        let inputs = ConfigInputs {
            demo: true,
            ..ConfigInputs::default()
        };
        let mut server = Config::load(&inputs).unwrap().server;
        (server.requests_max, server.connections_max) = (requests_max, connections_max);
        Crowd::new(&server, metrics).unwrap()
    }

    #[test]
    fn places_are_limited_counted_and_given_back() {
        let metrics = Metrics::default();
        let crowd = crowd(2, 9, &metrics);
        let first = crowd.enter().unwrap();
        let _second = crowd.enter().unwrap();
        assert_eq!(crowd.look(None), Err(Full::Requests));
        assert_eq!(crowd.enter().unwrap_err(), Full::Requests);
        let text = metrics.text().unwrap();
        assert!(text.contains("onedoor_requests_in_flight 2"), "{text}");
        assert!(
            text.contains("onedoor_requests_shed_total{limit=\"requests\"} 2"),
            "{text}"
        );
        drop(first);
        assert_eq!(crowd.look(None), Ok(()));
        assert!(crowd.enter().is_ok());
    }

    #[test]
    fn a_connection_beyond_the_limit_stays_so_and_the_next_one_after_an_end_is_not() {
        let crowd = crowd(9, 1, &Metrics::default());
        let first = crowd.connect();
        let second = crowd.connect();
        assert_eq!(crowd.look(Some(&first)), Ok(()));
        assert_eq!(crowd.look(Some(&second)), Err(Full::Connections));
        drop((first, second));
        assert_eq!(crowd.look(Some(&crowd.connect())), Ok(()));
    }
}
