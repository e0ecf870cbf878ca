//! What happens to documents by itself: the scanner looks at them, and what nobody uses goes.

use chrono::TimeDelta;
use onedoor_domain::document::{DocumentState, StoredDocument, UNUSED_KEPT};

use super::Attachments;
use crate::error::AppError;
use crate::service::More;
use crate::storage::clamd::{Clamd, Finding};
use crate::store::document_upload::Unswept;

/// Documents that one pass takes at most.
const SCANS_MAX: u64 = 8;
const SWEEPS_MAX: u64 = 100;
/// A scan that did not end is begun again so long after the scanner's own time is over.
const SCAN_MARGIN_S: i64 = 30;

impl Attachments {
    /// Lets the scanner look at documents that wait for it. Safe on several replicas: each document is claimed.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE, or the scanner's trouble after all documents were tried; they wait and are tried again.
    pub async fn scan(&self) -> Result<More, AppError> {
        let Some(clamd) = &self.clamd else {
            return Ok(More::No);
        };
        let now = self.cases.clock.now();
        let timeout =
            TimeDelta::milliseconds(i64::try_from(self.config.scanner.timeout_ms).unwrap_or(i64::MAX));
        let again_at = now + timeout + TimeDelta::seconds(SCAN_MARGIN_S);
        let claimed = self.cases.store.claim_scans(now, again_at, SCANS_MAX).await?;
        let full = u64::try_from(claimed.len()).is_ok_and(|count| count == SCANS_MAX);
        let mut trouble = None;
        for document in claimed {
            if let Err(error) = self.look_at(clamd, &document).await {
                self.scans.with_label_values(&["failed"]).inc();
                trouble = Some(error);
            }
        }
        match trouble {
            Some(error) => Err(error),
            None if full => Ok(More::Perhaps),
            None => Ok(More::No),
        }
    }

    async fn look_at(&self, clamd: &Clamd, document: &StoredDocument) -> Result<(), AppError> {
        let Some(file) = self.cases.store.file_of(document.id).await? else {
            return Ok(());
        };
        let bytes = self.decrypted(document, &file).await?;
        let (state, finding) = match clamd.scan(bytes).await? {
            Finding::Clean => (DocumentState::Clean, "clean"),
            Finding::Infected => (DocumentState::Quarantined, "infected"),
        };
        self.cases.store.settle_scan(document.id, state).await?;
        self.scans.with_label_values(&[finding]).inc();
        if state == DocumentState::Quarantined {
            tracing::warn!(document.id = %document.id, "the scanner found something in a document; it is quarantined");
        }
        Ok(())
    }

    /// Removes documents that no case took within a day, what cut uploads left, and tickets that are over. Safe to run twice.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE; the next pass goes on.
    pub async fn sweep(&self) -> Result<(), AppError> {
        let store = &self.cases.store;
        let before = self.cases.clock.now() - UNUSED_KEPT;
        store.remove_read_tickets(before).await?;
        for unswept in store.unswept(before, SWEEPS_MAX).await? {
            self.sweep_one(&unswept).await?;
        }
        Ok(())
    }

    async fn sweep_one(&self, unswept: &Unswept) -> Result<(), AppError> {
        let store = &self.cases.store;
        let id = unswept.document.id;
        if unswept.document.joined.is_some() {
            // one upload leaves one object; more may have left theirs, and of an erased case all go
            if unswept.attempts > 1 || unswept.object.is_none() {
                let kept = unswept.object.as_deref();
                self.objects.keep_only(&id.to_string(), kept).await?;
            }
            return Ok(store.mark_swept(id).await?);
        }
        // first nobody may take it any more, then its bytes go, then its row: a cut in between is made up for
        if store.retire_document(id).await? {
            self.objects.keep_only(&id.to_string(), None).await?;
            store.remove_document(id).await?;
        }
        Ok(())
    }
}
