//! What the driver counts: attempts by upstream and outcome, their time, and the breakers.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};

use crate::upstream::breaker::BreakerState;
use crate::upstream::name::UpstreamName;
use crate::upstream::outcome::OutcomeClass;

/// The metrics of all upstreams; registered once and shared by their drivers.
#[derive(Debug, Clone)]
pub struct UpstreamMetrics {
    attempts: IntCounterVec,
    seconds: HistogramVec,
    breaker: IntGaugeVec,
    budget: IntGaugeVec,
    news: IntCounterVec,
    polled_at: IntGaugeVec,
}

/// What a request was for, as a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To deliver.
    Deliver,
    /// To ask.
    Ask,
    /// To hear news.
    Poll,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Deliver => "deliver",
            Self::Ask => "ask",
            Self::Poll => "poll",
        }
    }
}

impl UpstreamMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// When a registry already has metrics of these names.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let attempts = IntCounterVec::new(
            Opts::new(
                "onedoor_upstream_requests_total",
                "Attempts towards upstream systems by outcome",
            ),
            &["upstream", "purpose", "outcome"],
        )?;
        let seconds = HistogramVec::new(
            HistogramOpts::new(
                "onedoor_upstream_request_seconds",
                "Time of attempts that reached for the network, from asking for a place to the whole answer",
            )
            .buckets(vec![
                0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
            ]),
            &["upstream", "purpose"],
        )?;
        let breaker = IntGaugeVec::new(
            Opts::new(
                "onedoor_upstream_breaker_state",
                "Breaker: 0 closed, 1 half-open, 2 open",
            ),
            &["upstream"],
        )?;
        let budget = IntGaugeVec::new(
            Opts::new(
                "onedoor_upstream_retry_budget",
                "Retries that may go now; at 0 deliveries that were tried before wait",
            ),
            &["upstream"],
        )?;
        registry.register(Box::new(budget.clone()))?;
        let news = IntCounterVec::new(
            Opts::new(
                "onedoor_upstream_polled_news_total",
                "Entries in the polled news of upstream systems, by whether they could be read",
            ),
            &["upstream", "reading"],
        )?;
        let polled_at = IntGaugeVec::new(
            Opts::new(
                "onedoor_upstream_last_poll_timestamp_seconds",
                "When an upstream system was last polled with success, seconds since 1970",
            ),
            &["upstream"],
        )?;
        registry.register(Box::new(news.clone()))?;
        registry.register(Box::new(polled_at.clone()))?;
        registry.register(Box::new(attempts.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(breaker.clone()))?;
        Ok(Self {
            attempts,
            seconds,
            breaker,
            budget,
            news,
            polled_at,
        })
    }

    /// Makes an upstream visible before its first attempt.
    pub fn announce(&self, upstream: &UpstreamName) {
        for class in OutcomeClass::ALL {
            self.attempts
                .with_label_values(&[upstream.as_str(), Purpose::Deliver.as_str(), class.as_str()])
                .inc_by(0);
        }
        self.breaker(upstream, BreakerState::Closed);
    }

    /// Counts an attempt.
    pub fn attempt(&self, upstream: &UpstreamName, purpose: Purpose, class: OutcomeClass) {
        self.attempts
            .with_label_values(&[upstream.as_str(), purpose.as_str(), class.as_str()])
            .inc();
    }

    /// Adds the time of an attempt that reached for the network.
    pub fn time(&self, upstream: &UpstreamName, purpose: Purpose, seconds: f64) {
        self.seconds
            .with_label_values(&[upstream.as_str(), purpose.as_str()])
            .observe(seconds);
    }

    /// Shows how many retries may go.
    pub fn budget(&self, upstream: &UpstreamName, available: u32) {
        self.budget
            .with_label_values(&[upstream.as_str()])
            .set(i64::from(available));
    }

    /// Counts a page of polled news.
    pub fn polled(&self, upstream: &UpstreamName, read: usize, unreadable: u32, at: i64) {
        let count = |reading, number: u64| {
            self.news
                .with_label_values(&[upstream.as_str(), reading])
                .inc_by(number);
        };
        count("read", u64::try_from(read).unwrap_or(u64::MAX));
        count("unreadable", u64::from(unreadable));
        self.polled_at.with_label_values(&[upstream.as_str()]).set(at);
    }

    /// Shows the state of a breaker.
    pub fn breaker(&self, upstream: &UpstreamName, state: BreakerState) {
        self.breaker
            .with_label_values(&[upstream.as_str()])
            .set(state.metric());
    }
}
