//! Logs, metrics and traces: one subscriber, one registry, no personal data in any.
//!
//! Conventions. A message is a full thought, lowercase, without a final stop, readable alone; values stand beside it
//! as dotted fields (`case.id`, `upstream.id`, `loop.name`, `error.code`, `correlation.id`, `duration_ms`). Level
//! error means that someone must act. A source chain is logged once, by [`chain`], where the error is handled.

pub mod capture;
pub mod metrics;
pub mod panics;
pub mod traces;

use std::error::Error;
use std::fmt;

use tracing::subscriber::SetGlobalDefaultError;
use tracing::{Dispatch, Level, Metadata, dispatcher};
use tracing_subscriber::filter::{ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry};

use crate::config::Config;
use crate::config::log::{LogConfig, LogFormat};

/// Why the log cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not tracing's syntax.
    #[error("the log filter is not valid")]
    Filter(#[from] ParseError),
    /// Another subscriber is there.
    #[error("the log is already set up")]
    Twice(#[from] SetGlobalDefaultError),
    /// Traces cannot be sent.
    #[error(transparent)]
    Traces(#[from] traces::TracesError),
}

/// Sends the log of the whole process to stderr, panics through the log, and spans to the collector if one is configured.
///
/// # Errors
/// The filter is not valid, the log is already set up, or spans cannot be sent.
pub fn install(config: &Config) -> Result<(), TelemetryError> {
    let spans = traces::tracer(&config.traces)?.map(|tracer| {
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(is_traced))
    });
    let log = log_layer(&config.log, std::io::stderr)?;
    let dispatch = Dispatch::new(Registry::default().with(log).with(spans));
    dispatcher::set_global_default(dispatch)?;
    panics::install_hook();
    Ok(())
}

/// A subscriber that writes lines of the configured look.
///
/// # Errors
/// The filter is not valid.
pub fn subscriber<W>(config: &LogConfig, writer: W) -> Result<Dispatch, TelemetryError>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    Ok(Dispatch::new(
        Registry::default().with(log_layer(config, writer)?),
    ))
}

type LogLayer = Box<dyn tracing_subscriber::Layer<Registry> + Send + Sync>;

fn log_layer<W>(config: &LogConfig, writer: W) -> Result<LogLayer, TelemetryError>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&config.filter)?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(false);
    Ok(match config.format {
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .with_filter(filter)
            .boxed(),
        LogFormat::Text => lines.with_filter(filter).boxed(),
    })
}

/// Our own spans, and what is told within them; libraries' spans may hold statements and addresses.
fn is_traced(metadata: &Metadata<'_>) -> bool {
    let ours = metadata.target() == "onedoor" || metadata.target().starts_with("onedoor::");
    ours && (metadata.is_span() || *metadata.level() <= Level::INFO)
}

/// An error with all its causes on one line, for the field `error`.
#[must_use]
pub const fn chain<'a>(error: &'a (dyn Error + 'static)) -> Chain<'a> {
    Chain(error)
}

/// Display form of an error and its causes.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(out, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::capture::CapturedLogs;
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn an_error_is_told_with_its_causes() {
        let error = Outer(std::io::Error::other("inner"));
        assert_eq!(chain(&error).to_string(), "outer: inner");
    }

    #[test]
    fn json_lines_carry_dotted_fields_and_the_filter_holds() {
        let logs = CapturedLogs::default();
        let config = LogConfig {
            filter: "info".to_owned(),
            format: LogFormat::Json,
        };
        let dispatch = subscriber(&config, logs.clone()).unwrap();
        dispatcher::with_default(&dispatch, || {
            tracing::info!(case.id = "case_1", "took a case");
            tracing::debug!("not shown");
        });
        let text = logs.text();
        let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(line["message"], "took a case");
        assert_eq!(line["case.id"], "case_1");
        assert_eq!(text.lines().count(), 1);
    }
}
