//! The metrics of one process: asked for by name, registered once, printed as Prometheus text.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::{
    Encoder as _, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

/// Media type of [`Metrics::text`].
pub const METRICS_MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper bounds for durations in seconds, from a cache hit to a slow upstream.
pub const DURATION_BUCKETS_S: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

/// The metrics of one process. Names begin with `onedoor_`, counters end with `_total`, units stand in the name.
/// Labels hold closed sets of words, never an id, a code or a person's data.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    registry: Registry,
    known: Arc<Mutex<BTreeMap<&'static str, Known>>>,
}

#[derive(Debug, Clone)]
enum Known {
    Counter(IntCounterVec),
    Gauge(IntGaugeVec),
    Seconds(GaugeVec),
    Histogram(HistogramVec),
}

impl Metrics {
    /// The registry, for collectors of other makes.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// A counter; the same one when the name was asked for before.
    ///
    /// # Errors
    /// The name is not a metric's name, or is taken by another kind.
    pub fn counter(
        &self,
        name: &'static str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec, prometheus::Error> {
        match self.known(name, || {
            IntCounterVec::new(Opts::new(name, help), labels).map(Known::Counter)
        })? {
            Known::Counter(counter) => Ok(counter),
            Known::Gauge(_) | Known::Seconds(_) | Known::Histogram(_) => Err(prometheus::Error::AlreadyReg),
        }
    }

    /// A gauge of whole numbers; the same one when the name was asked for before.
    ///
    /// # Errors
    /// As [`Self::counter`].
    pub fn gauge(
        &self,
        name: &'static str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntGaugeVec, prometheus::Error> {
        match self.known(name, || {
            IntGaugeVec::new(Opts::new(name, help), labels).map(Known::Gauge)
        })? {
            Known::Gauge(gauge) => Ok(gauge),
            Known::Counter(_) | Known::Seconds(_) | Known::Histogram(_) => Err(prometheus::Error::AlreadyReg),
        }
    }

    /// A gauge of seconds; the same one when the name was asked for before.
    ///
    /// # Errors
    /// As [`Self::counter`].
    pub fn seconds(
        &self,
        name: &'static str,
        help: &str,
        labels: &[&str],
    ) -> Result<GaugeVec, prometheus::Error> {
        match self.known(name, || {
            GaugeVec::new(Opts::new(name, help), labels).map(Known::Seconds)
        })? {
            Known::Seconds(gauge) => Ok(gauge),
            Known::Counter(_) | Known::Gauge(_) | Known::Histogram(_) => Err(prometheus::Error::AlreadyReg),
        }
    }

    /// A histogram of durations in seconds; the same one when the name was asked for before.
    ///
    /// # Errors
    /// As [`Self::counter`].
    pub fn histogram(
        &self,
        name: &'static str,
        help: &str,
        labels: &[&str],
    ) -> Result<HistogramVec, prometheus::Error> {
        let new = || {
            let options = HistogramOpts::new(name, help).buckets(DURATION_BUCKETS_S.to_vec());
            HistogramVec::new(options, labels).map(Known::Histogram)
        };
        match self.known(name, new)? {
            Known::Histogram(histogram) => Ok(histogram),
            Known::Counter(_) | Known::Gauge(_) | Known::Seconds(_) => Err(prometheus::Error::AlreadyReg),
        }
    }

    /// All metrics in the Prometheus text format.
    ///
    /// # Errors
    /// A collector gave what the format cannot say.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn known(
        &self,
        name: &'static str,
        new: impl FnOnce() -> Result<Known, prometheus::Error>,
    ) -> Result<Known, prometheus::Error> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(name) {
            return Ok(found.clone());
        }
        let made = new()?;
        self.registry.register(made.collector())?;
        known.insert(name, made.clone());
        Ok(made)
    }
}

impl Known {
    fn collector(&self) -> Box<dyn Collector> {
        match self {
            Self::Counter(one) => Box::new(one.clone()),
            Self::Gauge(one) => Box::new(one.clone()),
            Self::Seconds(one) => Box::new(one.clone()),
            Self::Histogram(one) => Box::new(one.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_asked_for_twice_is_one_and_two_kinds_are_refused() {
        let metrics = Metrics::default();
        metrics
            .counter("onedoor_tries_total", "tries", &["how"])
            .unwrap()
            .with_label_values(&["a"])
            .inc();
        metrics
            .counter("onedoor_tries_total", "tries", &["how"])
            .unwrap()
            .with_label_values(&["a"])
            .inc();
        assert!(metrics.gauge("onedoor_tries_total", "tries", &[]).is_err());
        assert!(
            metrics
                .text()
                .unwrap()
                .contains("onedoor_tries_total{how=\"a\"} 2")
        );
        assert!(
            !Metrics::default().text().unwrap().contains("tries"),
            "registries are not shared"
        );
    }
}
