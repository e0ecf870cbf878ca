//! Traces: spans for a collector, and the context by which they continue what others began (W3C Trace Context).
//!
//! A span is opened at level debug, so that it costs next to nothing where no collector is configured and adds nothing to
//! the lines of the log. What a span may hold is what a line of the log may hold.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::config::traces::TracesConfig;

/// Name of the header, and of the column that keeps it.
pub const TRACEPARENT: &str = "traceparent";

/// What is left to send is waited for no longer than this when the process ends.
const LAST_BATCH: Duration = Duration::from_secs(2);

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Why no traces can be sent.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// TLS cannot be set up.
    #[error("traces: the HTTP client cannot be built")]
    Client(#[from] reqwest::Error),
    /// The exporter does not accept its settings.
    #[error("traces: the exporter cannot be built")]
    Exporter(#[from] ExporterBuildError),
}

/// The source of spans, when a collector is configured. Sending takes place on the runtime in which this is called.
///
/// # Errors
/// The exporter cannot be built.
pub(super) fn tracer(config: &TracesConfig) -> Result<Option<SdkTracer>, TracesError> {
    if config.endpoint.is_empty() {
        return Ok(None);
    }
    let timeout = Duration::from_millis(config.timeout_ms);
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(timeout)
        .build()?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Collector {
            client,
            runtime: Handle::current(),
        })
        .with_endpoint(&config.endpoint)
        .with_timeout(timeout)
        .build()?;
    let resource = Resource::builder_empty()
        .with_service_name("onedoor")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        // by the trace's id alone: a caller cannot make us keep more than our share
        .with_sampler(Sampler::TraceIdRatioBased(config.sample_ratio))
        .with_resource(resource)
        .build();
    let tracer = provider.tracer("onedoor");
    // the log is set up once in a process, and this with it
    PROVIDER.set(provider).ok();
    Ok(Some(tracer))
}

/// Sends what waits and ends. Blocks for two seconds at most; does nothing where no collector is configured.
pub fn close() {
    if let Some(provider) = PROVIDER.get()
        && let Err(error) = provider.shutdown_with_timeout(LAST_BATCH)
    {
        tracing::warn!(error = %super::chain(&error), "the last spans could not be sent");
    }
}

/// The context of the current span as W3C writes it; `None` where nothing is traced.
#[must_use]
pub fn traceparent() -> Option<String> {
    let context = Span::current().context();
    if !context.span().span_context().is_valid() {
        return None;
    }
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Makes a span, before it is entered, continue the trace that a `traceparent` names; one that cannot be read names none.
pub fn follow(span: &Span, traceparent: Option<&str>) {
    let Some(traceparent) = traceparent else { return };
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
    if context.span().span_context().is_valid() {
        // where no collector is configured there is nothing to set
        span.set_parent(context).ok();
    }
}

/// The way to the collector: the exporter's own thread has no runtime, so each request is a task of the process's.
#[derive(Debug)]
struct Collector {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (client, request) = (self.client.clone(), reqwest::Request::try_from(request)?);
        let sent = self.runtime.spawn(async move {
            let answer = client.execute(request).await?;
            let (status, version) = (answer.status(), answer.version());
            // an answer's body only counts spans that were not taken
            Ok::<_, reqwest::Error>((status, version))
        });
        let (status, version) = match sent.await? {
            Ok(answer) => answer,
            Err(error) => {
                let error = error.without_url();
                tracing::warn!(error = %super::chain(&error), "spans could not be sent to the collector");
                return Err(error.into());
            }
        };
        if !status.is_success() {
            tracing::warn!(http.status = status.as_u16(), "the collector did not take spans");
        }
        Ok(Response::builder()
            .status(status)
            .version(version)
            .body(Bytes::new())?)
    }
}
