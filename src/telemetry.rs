//! Logs and metrics: one subscriber, one registry, no personal data in either.
//!
//! Conventions. A message is a full thought, lowercase, without a final stop, readable alone; values stand beside it
//! as dotted fields (`case.id`, `upstream.id`, `loop.name`, `error.code`, `correlation.id`, `duration_ms`). Level
//! error means that someone must act. A source chain is logged once, by [`chain`], where the error is handled.

pub mod capture;
pub mod metrics;
pub mod panics;

use std::error::Error;
use std::fmt;

use tracing::subscriber::SetGlobalDefaultError;
use tracing::{Dispatch, dispatcher};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;

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
}

/// Sends the log of the whole process to stderr, and panics through the log.
///
/// # Errors
/// The filter is not valid, or the log is already set up.
pub fn install(config: &LogConfig) -> Result<(), TelemetryError> {
    let dispatch = subscriber(config, std::io::stderr)?;
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
    let filter = EnvFilter::try_new(&config.filter)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(false);
    Ok(match config.format {
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .into(),
        LogFormat::Text => builder.into(),
    })
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
