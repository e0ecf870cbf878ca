//! Handing documents out: by a ticket that is good once, after the policy was asked again and the audit log was written.

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use chrono::TimeDelta;
use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use onedoor_domain::actor::Actor;
use onedoor_domain::audit::AuditAction;
use onedoor_domain::digest::Digest;
use onedoor_domain::document::{DocumentState, FileKind, StoredDocument};
use onedoor_domain::id::DocumentId;
use onedoor_domain::idempotency::IdempotencyKey;
use onedoor_domain::policy::Act;
use onedoor_domain::proof::{Capacity, Credential};

use super::tickets::{Purpose, principal};
use super::{Attachments, fresh_ticket};
use crate::error::{AppError, ErrorCode};
use crate::secret::Redacted;
use crate::service::documents::{Part, stored_hash};
use crate::service::guard;
use crate::service::rejection::{Rejection, RejectionCode};
use crate::storage::StorageError;
use crate::storage::cipher::{Decryptor, FileKey};
use crate::store::document_ticket::{NewReadTicket, ReadTicket};
use crate::store::document_upload::StoredFile;

/// A ticket to download one document, once.
pub struct DownloadTicket {
    /// Where it is, by GET.
    pub url: Redacted<String>,
    /// When the ticket ends.
    pub expires_at: DateTime<Utc>,
}

/// A document on its way out.
pub struct Download {
    /// What it is.
    pub kind: FileKind,
    /// Its size.
    pub size_bytes: u64,
    /// Its bytes; they end with an error when they are not those that were uploaded.
    pub bytes: BoxStream<'static, Result<Bytes, StorageError>>,
}

impl Attachments {
    /// Gives a ticket to download a document of a case to who may read it; the same one for the same key.
    ///
    /// # Errors
    /// NOT_FOUND (also for documents that are not this actor's to read), FORBIDDEN or UNAUTHENTICATED by the policy,
    /// STORE_UNAVAILABLE.
    pub async fn download_ticket(
        &self,
        actor: &Actor,
        id: DocumentId,
        credential: Option<Credential>,
        key: IdempotencyKey,
    ) -> Result<Result<DownloadTicket, Vec<Rejection>>, AppError> {
        guard::allow(actor, Act::ReadDocument)?;
        let purpose = credential.map_or(Purpose::Application, Purpose::Credential);
        let principal = principal(actor, purpose);
        let store = &self.cases.store;
        if let Some((earlier, ticket)) = store.earlier_read_ticket(&principal, key).await? {
            return Ok(self.given_before(id, &earlier, &ticket));
        }
        let document = store.documents(&[id]).await?.pop();
        let document = document.ok_or_else(|| AppError::of(ErrorCode::NotFound))?;
        if !self.may_read(actor, credential, &document).await? {
            return Err(AppError::of(ErrorCode::NotFound));
        }
        match document.state {
            DocumentState::Clean => {}
            DocumentState::Waiting | DocumentState::PendingScan => return Ok(Err(vec![not_scanned()])),
            DocumentState::Quarantined => return Ok(Err(vec![quarantined()])),
        }
        let life = TimeDelta::seconds(i64::from(self.config.download_ticket_s));
        let new = NewReadTicket {
            ticket: fresh_ticket(),
            principal,
            key,
            read: ReadTicket {
                document: id,
                actor: actor.clone(),
                by_credential: credential.is_some(),
                expires_at: self.cases.clock.now() + life,
            },
        };
        if store.keep_read_ticket(&new).await? {
            return Ok(Ok(self.ticket_told(&new.read, &new.ticket)));
        }
        match store.earlier_read_ticket(&new.principal, key).await? {
            Some((earlier, ticket)) => Ok(self.given_before(id, &earlier, &ticket)),
            None => Err(AppError::of(ErrorCode::Overloaded).retry_after_ms(500)),
        }
    }

    fn given_before(
        &self,
        id: DocumentId,
        earlier: &ReadTicket,
        ticket: &Redacted<String>,
    ) -> Result<DownloadTicket, Vec<Rejection>> {
        if earlier.document == id {
            Ok(self.ticket_told(earlier, ticket))
        } else {
            Err(vec![Rejection::idempotency_mismatch()])
        }
    }

    fn ticket_told(&self, read: &ReadTicket, ticket: &Redacted<String>) -> DownloadTicket {
        DownloadTicket {
            url: self.url_of(ticket),
            expires_at: read.expires_at,
        }
    }

    /// Hands the document of a ticket out, once. Who reads it stands in the audit log before a byte goes out.
    ///
    /// # Errors
    /// NOT_FOUND for a ticket that is none, is over, was used, or whose holder may not read the document any more;
    /// STORE_UNAVAILABLE.
    pub async fn download(&self, ticket: &str, correlation: &str) -> Result<Download, AppError> {
        let absent = || AppError::of(ErrorCode::NotFound);
        let store = &self.cases.store;
        let now = self.cases.clock.now();
        let read = store.read_ticket(ticket, now).await?.ok_or_else(absent)?;
        let document = store.documents(&[read.document]).await?.pop();
        let document = document
            .filter(|document| document.state == DocumentState::Clean && document.joined.is_some())
            .ok_or_else(absent)?;
        // the case may have been handed on since the ticket was given; a secret does not change
        if !read.by_credential && !self.may_read(&read.actor, None, &document).await? {
            return Err(absent());
        }
        let file = store.file_of(document.id).await?.ok_or_else(absent)?;
        // the storage is asked first: a ticket is not used up by an outage
        let bytes = self.decrypted(&document, &file).await?;
        let entry = self
            .cases
            .services
            .audit_entry(&read.actor, AuditAction::DocumentRead)
            .on(document.id)
            .of_request(correlation);
        if !store.use_read_ticket(ticket, &entry).await? {
            return Err(absent());
        }
        Ok(Download {
            kind: document.kind,
            size_bytes: document.size_bytes,
            bytes,
        })
    }

    /// Whether somebody may read a document: as its case, and an office that handed the case on what was there then.
    async fn may_read(
        &self,
        actor: &Actor,
        credential: Option<Credential>,
        document: &StoredDocument,
    ) -> Result<bool, AppError> {
        let Some((case, joined_at)) = document.joined else {
            return Ok(false);
        };
        if let Some(credential) = credential {
            let proof = guard::by_credential(actor, Act::ReadDocument, credential)?;
            return Ok(proof.case() == case);
        }
        let (loaded, proof) = match self.cases.load_for(actor, Act::ReadDocument, case).await {
            Ok(found) => found,
            Err(error) if error.code == ErrorCode::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let part = match proof.map(|proof| proof.capacity()) {
            Ok(Capacity::Past) => self.cases.part_of(actor, &loaded.case),
            Ok(
                Capacity::Applicant
                | Capacity::CredentialHolder
                | Capacity::Owner
                | Capacity::Addressee
                | Capacity::ForOwner
                | Capacity::FirstContact
                | Capacity::Decider,
            ) => Part::All,
            Ok(
                Capacity::Device
                | Capacity::Supervisor
                | Capacity::Overseer
                | Capacity::Upstream
                | Capacity::Gateway,
            )
            | Err(_) => Part::None,
        };
        Ok(part.reaches(joined_at))
    }

    /// The bytes of a document, opened as they are read. The last of them come only when the hash of all is right.
    pub(super) async fn decrypted(
        &self,
        document: &StoredDocument,
        file: &StoredFile,
    ) -> Result<BoxStream<'static, Result<Bytes, StorageError>>, AppError> {
        let key = FileKey::from_bytes(file.key.expose())?;
        let opening = Opening {
            read: self.objects.read(&file.object).await?,
            cipher: Some(Decryptor::new(&key, &file.object)?),
            hash: Context::new(&SHA256),
            wanted: stored_hash(document).ok_or_else(|| AppError::internal(StorageError::Damaged))?,
        };
        let opened = stream::try_unfold(opening, |mut opening| async move {
            Ok(opening.next().await?.map(|bytes| (bytes, opening)))
        });
        Ok(opened.boxed())
    }
}

/// A document that is being read.
struct Opening {
    read: BoxStream<'static, Result<Bytes, StorageError>>,
    /// Gone when all was read.
    cipher: Option<Decryptor>,
    hash: Context,
    wanted: Digest,
}

impl Opening {
    async fn next(&mut self) -> Result<Option<Bytes>, StorageError> {
        while let Some(cipher) = &mut self.cipher {
            let opened = match self.read.next().await {
                Some(piece) => cipher.push(&piece?)?,
                None => return self.last().map(Some),
            };
            if !opened.is_empty() {
                self.hash.update(&opened);
                return Ok(Some(Bytes::from(opened)));
            }
        }
        Ok(None)
    }

    fn last(&mut self) -> Result<Bytes, StorageError> {
        let cipher = self.cipher.take().ok_or(StorageError::Damaged)?;
        let opened = cipher.finish()?;
        self.hash.update(&opened);
        if self.hash.clone().finish().as_ref() != self.wanted.as_bytes() {
            return Err(StorageError::Damaged);
        }
        Ok(Bytes::from(opened))
    }
}

fn not_scanned() -> Rejection {
    Rejection::of(
        RejectionCode::DocumentNotReady,
        &["document"],
        "附件正在接受安全检查，请稍后再试。",
        "The scanner has not looked at the document yet; try again in a moment.",
    )
}

fn quarantined() -> Rejection {
    Rejection::of(
        RejectionCode::DocumentQuarantined,
        &["document"],
        "此附件未通过安全检查，已被隔离，不能下载；请要求申请人另行提交。",
        "The document did not pass the security check and is quarantined; ask the applicant for another one.",
    )
}
