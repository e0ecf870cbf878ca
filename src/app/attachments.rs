//! Documents put together: the storage as configured, the scanner if there is one, and the loops behind them.

use std::sync::Arc;
use std::time::Duration;

use super::AppFailure;
use crate::config::Config;
use crate::config::attachments::S3Config;
use crate::config::secret_source;
use crate::service::attachments::Attachments;
use crate::service::cases::Cases;
use crate::storage::clamd::Clamd;
use crate::storage::objects::Objects;
use crate::storage::s3::{self, S3Settings};
use crate::telemetry::metrics::Metrics;
use crate::worker::attachments as loops;
use crate::worker::supervise::Supervisor;

/// Builds the use cases of documents and starts their loops.
///
/// # Errors
/// The storage cannot be used as configured.
pub(super) fn start(
    config: &Config,
    cases: &Arc<Cases>,
    metrics: &Metrics,
    supervisor: &Supervisor,
) -> Result<Arc<Attachments>, AppFailure> {
    let settings = &config.attachments;
    let objects = if settings.s3.bucket.is_empty() {
        Objects::in_folder(&config.attachments_dir())?
    } else {
        s3::in_bucket(&s3_settings(&settings.s3)?)?
    };
    let scanner = &settings.scanner;
    let clamd = (!scanner.clamd.is_empty())
        .then(|| Clamd::at(scanner.clamd.clone(), Duration::from_millis(scanner.timeout_ms)));
    if clamd.is_none() && !config.demo {
        tracing::warn!("no scanner is configured: every uploaded document counts as clean");
    }
    let attachments = Attachments::new(Arc::clone(cases), objects, clamd, settings.clone(), metrics)?;
    let attachments = Arc::new(attachments);
    loops::spawn(supervisor, &attachments, config.worker.retention_tick_ms);
    Ok(attachments)
}

fn s3_settings(config: &S3Config) -> Result<S3Settings, AppFailure> {
    let read = |file| secret_source::file(file).map_err(AppFailure::StorageKey);
    Ok(S3Settings {
        endpoint: config.endpoint.clone(),
        bucket: config.bucket.clone(),
        region: config.region.clone(),
        access_key: read(&config.access_key_file)?,
        secret_key: read(&config.secret_key_file)?,
        path_style: config.path_style,
    })
}
