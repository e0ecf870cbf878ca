//! Uploading and downloading documents (附件) by one-time tickets.

pub mod download;
pub mod tending;
pub mod tickets;
pub mod upload;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prometheus::IntCounterVec;
use rand::RngCore as _;
use tokio::sync::{Notify, Semaphore};

use super::cases::Cases;
use crate::config::attachments::AttachmentsConfig;
use crate::error::{AppError, ErrorCode};
use crate::secret::Redacted;
use crate::storage::StorageError;
use crate::storage::clamd::Clamd;
use crate::storage::objects::Objects;
use crate::telemetry::metrics::Metrics;

/// Random bytes of a ticket.
const TICKET_BYTES: usize = 32;

/// Documents on their way in and out.
pub struct Attachments {
    cases: Arc<Cases>,
    objects: Objects,
    clamd: Option<Clamd>,
    config: AttachmentsConfig,
    places: Arc<Semaphore>,
    scan_bell: Arc<Notify>,
    uploads: IntCounterVec,
    scans: IntCounterVec,
}

impl Attachments {
    /// Joins the parts; without a scanner every document counts as clean.
    ///
    /// # Errors
    /// A metric's name is taken by another kind.
    pub fn new(
        cases: Arc<Cases>,
        objects: Objects,
        clamd: Option<Clamd>,
        config: AttachmentsConfig,
        metrics: &Metrics,
    ) -> Result<Self, prometheus::Error> {
        let places = usize::try_from(config.uploads_max).unwrap_or(usize::MAX);
        Ok(Self {
            cases,
            objects,
            clamd,
            config,
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            scan_bell: Arc::default(),
            uploads: metrics.counter(
                "onedoor_uploads_total",
                "Uploads of documents that ended, by outcome: stored, refused, cut or failed.",
                &["outcome"],
            )?,
            scans: metrics.counter(
                "onedoor_scans_total",
                "Looks of the scanner at documents, by finding: clean, infected or failed.",
                &["finding"],
            )?,
        })
    }

    /// Whether a scanner looks at documents.
    #[must_use]
    pub const fn is_scanned(&self) -> bool {
        self.clamd.is_some()
    }

    /// Rung when a document waits for the scanner.
    #[must_use]
    pub fn scan_bell(&self) -> Arc<Notify> {
        Arc::clone(&self.scan_bell)
    }

    /// The settings.
    #[must_use]
    pub const fn config(&self) -> &AttachmentsConfig {
        &self.config
    }

    fn url_of(&self, ticket: &Redacted<String>) -> Redacted<String> {
        Redacted::new(format!(
            "{}/attachments/{}",
            self.cases.public_url(),
            ticket.expose()
        ))
    }
}

/// A ticket that nobody guesses.
fn fresh_ticket() -> Redacted<String> {
    let mut bytes = [0; TICKET_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    Redacted::new(URL_SAFE_NO_PAD.encode(bytes))
}

/// What the caller is told of the storage's trouble: nothing is lost, and the same can be done again.
impl From<StorageError> for AppError {
    fn from(error: StorageError) -> Self {
        match &error {
            StorageError::Unavailable(_) | StorageError::Slow | StorageError::Folder(_) => {
                Self::of(ErrorCode::StoreUnavailable)
                    .retry_after_ms(1_000)
                    .detail(
                        "附件存储暂时不可用，未保存任何内容，请稍后用同一凭证重试。",
                        "The storage of documents is not available and nothing was kept; try again later with the same ticket.",
                    )
                    .because(error)
            }
            StorageError::Missing
            | StorageError::Damaged
            | StorageError::Client(_)
            | StorageError::Cipher
            | StorageError::Scanner(_)
            | StorageError::ScannerConnection(_) => Self::internal(error),
        }
    }
}
