//! What the edge counts. Labels are closed sets of words; an operation's name appears only if it is registered.

use async_graphql::parser::types::OperationType;
use prometheus::{HistogramVec, IntCounterVec, IntGauge, IntGaugeVec};

use crate::graphql::limits::Excess;
use crate::http::status::Phase;
use crate::telemetry::metrics::Metrics;

/// Label of operations whose document is not registered.
pub const UNREGISTERED: &str = "unregistered";

/// The edge's counters.
#[derive(Debug, Clone)]
pub struct EdgeMetrics {
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    operations: IntCounterVec,
    operation_seconds: HistogramVec,
    rejections: IntCounterVec,
    measured: IntCounterVec,
    open: IntGaugeVec,
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// No error.
    Complete,
    /// Data and errors.
    Partial,
    /// Errors only.
    Failed,
}

impl Outcome {
    /// How an operation ended that got so far.
    #[must_use]
    pub const fn of(phase: Phase) -> Self {
        match phase {
            Phase::Complete => Self::Complete,
            Phase::Partial => Self::Partial,
            Phase::Transport(_)
            | Phase::Parse
            | Phase::Check
            | Phase::Validate
            | Phase::Coerce
            | Phase::NoData => Self::Failed,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Failed => "failed",
        }
    }
}

/// A long-lived connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// `graphql-transport-ws`.
    WebSocket,
    /// `text/event-stream`.
    EventStream,
}

impl Channel {
    const fn as_str(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::EventStream => "event_stream",
        }
    }
}

impl EdgeMetrics {
    /// Registers the counters.
    ///
    /// # Errors
    /// A name is taken by another kind of metric.
    pub fn new(metrics: &Metrics) -> Result<Self, prometheus::Error> {
        Ok(Self {
            requests: metrics.counter(
                "onedoor_http_requests_total",
                "HTTP answers by class of status",
                &["class"],
            )?,
            request_seconds: metrics.histogram(
                "onedoor_http_request_seconds",
                "time from the request's head to the answer's head",
                &["class"],
            )?,
            operations: metrics.counter(
                "onedoor_graphql_operations_total",
                "executed operations by type, registered name and outcome",
                &["type", "operation", "outcome"],
            )?,
            operation_seconds: metrics.histogram(
                "onedoor_graphql_operation_seconds",
                "time of execution by type of operation",
                &["type"],
            )?,
            rejections: metrics.counter(
                "onedoor_rejections_total",
                "requests and operations refused before execution, by reason",
                &["reason"],
            )?,
            measured: metrics.counter(
                "onedoor_limits_measured_total",
                "operations over a limit that is only measured, by limit",
                &["limit"],
            )?,
            open: metrics.gauge(
                "onedoor_sockets_open",
                "open sockets and event streams",
                &["channel"],
            )?,
        })
    }

    /// Counts an answer.
    pub fn answered(&self, status: u16, seconds: f64) {
        let class = match status / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        self.requests.with_label_values(&[class]).inc();
        self.request_seconds.with_label_values(&[class]).observe(seconds);
    }

    /// Counts an executed operation.
    pub fn executed(&self, kind: OperationType, name: &str, outcome: Outcome, seconds: f64) {
        let kind = kind_text(kind);
        self.operations
            .with_label_values(&[kind, name, outcome.as_str()])
            .inc();
        self.operation_seconds.with_label_values(&[kind]).observe(seconds);
    }

    /// Counts a subscription that was opened; it has no time of its own.
    pub fn subscribed(&self, name: &str) {
        let kind = kind_text(OperationType::Subscription);
        let outcome = Outcome::Complete.as_str();
        self.operations.with_label_values(&[kind, name, outcome]).inc();
    }

    /// Counts a refusal.
    pub fn rejected(&self, reason: &'static str) {
        self.rejections.with_label_values(&[reason]).inc();
    }

    /// Counts limits that were passed but are only measured.
    pub fn measured(&self, found: &[Excess]) {
        for excess in found {
            self.would_reject(excess.limit.as_str());
        }
    }

    /// Counts what would be refused if it were enforced.
    pub fn would_reject(&self, limit: &'static str) {
        self.measured.with_label_values(&[limit]).inc();
    }

    /// Counts a connection as long as the answer lives.
    #[must_use]
    pub fn opened(&self, channel: Channel) -> OpenGuard {
        let gauge = self.open.with_label_values(&[channel.as_str()]);
        gauge.inc();
        OpenGuard(gauge)
    }
}

/// A counted connection; dropping it ends the count.
#[derive(Debug)]
pub struct OpenGuard(IntGauge);

impl Drop for OpenGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

const fn kind_text(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}
