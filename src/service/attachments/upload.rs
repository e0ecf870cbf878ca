//! Receiving a document: as it arrives it is counted, hashed, looked at and encrypted, and it is one only when it is whole.

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use onedoor_domain::actor::Actor;
use onedoor_domain::digest::Digest;
use onedoor_domain::document::{DocumentState, FileKind, StoredDocument};
use onedoor_domain::id::DocumentId;
use tokio::sync::mpsc;

use super::Attachments;
use crate::error::{AppError, ErrorCode};
use crate::service::documents::stored_hash;
use crate::storage::cipher::{Encryptor, FileKey};
use crate::storage::objects::Writing;
use crate::storage::sniff;
use crate::store::document_upload::Uploaded;

/// What arrives of a body.
#[derive(Debug)]
pub enum Piece {
    /// Bytes.
    Bytes(Bytes),
    /// Its end; a body without one was cut.
    End,
}

/// What is said of an upload before its body is read.
#[derive(Debug)]
pub struct UploadHead {
    /// Its media type.
    pub media_type: Option<String>,
    /// Its length.
    pub length: Option<u64>,
}

/// A document that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadDone {
    /// The document.
    pub document: DocumentId,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Their number.
    pub size_bytes: u64,
    /// What it is.
    pub kind: FileKind,
}

impl Attachments {
    /// Receives the document of a ticket. The ticket can be used until that succeeded once; the same bytes again get the
    /// same answer.
    ///
    /// # Errors
    /// NOT_FOUND for a ticket that is none, is over or is another's; UNSUPPORTED_MEDIA_TYPE, PAYLOAD_TOO_LARGE,
    /// BAD_USER_INPUT or BAD_REQUEST by what arrives; OVERLOADED; STORE_UNAVAILABLE. Nothing is kept then.
    pub async fn upload(
        &self,
        actor: &Actor,
        ticket: &str,
        head: UploadHead,
        pieces: mpsc::Receiver<Piece>,
    ) -> Result<UploadDone, AppError> {
        let done = self.receive(actor, ticket, &head, pieces).await;
        let outcome = match &done {
            Ok(_) => "stored",
            Err(error) if error.code == ErrorCode::BadRequest => "cut",
            Err(error) if error.code.http_status() < 500 => "refused",
            Err(_) => "failed",
        };
        self.uploads.with_label_values(&[outcome]).inc();
        done
    }

    async fn receive(
        &self,
        actor: &Actor,
        ticket: &str,
        head: &UploadHead,
        mut pieces: mpsc::Receiver<Piece>,
    ) -> Result<UploadDone, AppError> {
        let _place = self.places.try_acquire().map_err(|full| {
            AppError::of(ErrorCode::Overloaded)
                .retry_after_ms(1_000)
                .because(full)
        })?;
        let store = &self.cases.store;
        let document = store.document_of_ticket(ticket).await?;
        let document = document
            .filter(|document| self.may_upload(actor, document))
            .ok_or_else(|| AppError::of(ErrorCode::NotFound))?;
        check_head(&document, head)?;
        let Some(attempt) = store.begin_upload(document.id).await? else {
            return self.again(&document, &mut pieces).await;
        };
        let object = object_name(document.id, attempt);
        let key = FileKey::random(store.suite());
        let mut writing = self.objects.write(&object);
        let cipher = Encryptor::new(&key, &object)?;
        let sha256 = match written(&document, &mut pieces, cipher, &mut writing).await {
            Ok(sha256) => sha256,
            Err(error) => {
                if let Err(trouble) = writing.abort().await {
                    tracing::warn!(error = %trouble, "what was written of a cut upload is left to the sweep");
                }
                return Err(error);
            }
        };
        writing.finish().await?;
        fail::fail_point!("upload.stored", |_| Err(AppError::of(ErrorCode::Overloaded)));
        let state = if self.clamd.is_some() {
            DocumentState::PendingScan
        } else {
            DocumentState::Clean
        };
        let key = key.to_bytes();
        let done = Uploaded {
            object: object.clone(),
            key: key.expose(),
            sha256,
            state,
            now: self.cases.clock.now(),
        };
        if store.finish_upload(document.id, &done).await? {
            self.scan_bell.notify_one();
            return Ok(answer(&document, sha256));
        }
        // another upload by the same ticket was faster
        if let Err(trouble) = self.objects.remove(&object).await {
            tracing::warn!(error = %trouble, "a second upload of a document is left to the sweep");
        }
        let now = store.documents(&[document.id]).await?.pop();
        match now.as_ref().and_then(stored_hash) {
            Some(first) if first == sha256 => Ok(answer(&document, sha256)),
            Some(_) => Err(used_up()),
            None => Err(AppError::of(ErrorCode::NotFound)),
        }
    }

    /// Whether a ticket is still good, and the caller's. One that was given for code and secret is good for who has it.
    fn may_upload(&self, actor: &Actor, document: &StoredDocument) -> bool {
        let of_case = document
            .meant_for
            .is_some_and(|case| case.to_string() == document.principal);
        document.expires_at > self.cases.clock.now() && (of_case || actor.subject == document.principal)
    }

    /// The body of a ticket whose document is stored: read to its end, and compared.
    async fn again(
        &self,
        document: &StoredDocument,
        pieces: &mut mpsc::Receiver<Piece>,
    ) -> Result<UploadDone, AppError> {
        let mut hashed = Hashed::new(document);
        loop {
            match pieces.recv().await {
                Some(Piece::Bytes(bytes)) => hashed.take(&bytes)?,
                Some(Piece::End) => break,
                None => return Err(cut()),
            }
        }
        let (_, sha256) = hashed.finish();
        let now = self.cases.store.documents(&[document.id]).await?.pop();
        match now.as_ref().and_then(stored_hash) {
            Some(first) if first == sha256 => Ok(answer(document, sha256)),
            Some(_) | None => Err(used_up()),
        }
    }
}

/// Writes a body as it arrives; gives its hash when it is what was said.
async fn written(
    document: &StoredDocument,
    pieces: &mut mpsc::Receiver<Piece>,
    mut cipher: Encryptor,
    writing: &mut Writing,
) -> Result<Digest, AppError> {
    let mut hashed = Hashed::new(document);
    let mut head = Vec::new();
    let mut told = false;
    loop {
        let bytes = match pieces.recv().await {
            Some(Piece::Bytes(bytes)) => bytes,
            Some(Piece::End) => break,
            None => return Err(cut()),
        };
        hashed.take(&bytes)?;
        if !told {
            head.extend(bytes.iter().take(sniff::HEAD_BYTES.saturating_sub(head.len())));
            told = head.len() >= sniff::HEAD_BYTES;
            if told {
                check_content(document, &head)?;
            }
        }
        writing.put(cipher.push(&bytes)?).await?;
    }
    let (size_bytes, sha256) = hashed.finish();
    if size_bytes != document.size_bytes {
        return Err(AppError::of(ErrorCode::BadUserInput).detail(
            "文件大小与申请凭证时所填不符，请重新申请上传凭证。",
            "The file's size is not the one that the ticket was asked for; ask for another ticket.",
        ));
    }
    if document.sha256.is_some_and(|said| said != sha256) {
        return Err(AppError::of(ErrorCode::BadUserInput).detail(
            "文件内容与所填 SHA-256 不符，请重新上传。",
            "The file's content does not have the SHA-256 that was given; upload it again.",
        ));
    }
    check_content(document, &head)?;
    writing.put(cipher.finish()?).await?;
    Ok(sha256)
}

/// Counts and hashes a body.
struct Hashed {
    context: Context,
    size_bytes: u64,
    max_bytes: u64,
}

impl Hashed {
    fn new(document: &StoredDocument) -> Self {
        Self {
            context: Context::new(&SHA256),
            size_bytes: 0,
            max_bytes: document.size_bytes,
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), AppError> {
        self.size_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.size_bytes > self.max_bytes {
            return Err(AppError::of(ErrorCode::PayloadTooLarge));
        }
        self.context.update(bytes);
        Ok(())
    }

    fn finish(self) -> (u64, Digest) {
        let mut hash = [0; 32];
        let found = self.context.finish();
        hash.iter_mut()
            .zip(found.as_ref())
            .for_each(|(to, from)| *to = *from);
        (self.size_bytes, Digest::from_bytes(hash))
    }
}

/// Refuses what cannot become the document, before any of it is read.
fn check_head(document: &StoredDocument, head: &UploadHead) -> Result<(), AppError> {
    let kind = head.media_type.as_deref().and_then(FileKind::of_media_type);
    if kind != Some(document.kind) {
        let wanted = document.kind.media_type();
        return Err(AppError::of(ErrorCode::UnsupportedMediaType).detail(
            format!("请以 Content-Type: {wanted} 直接发送文件内容，不用表单。"),
            format!("Send the file itself with Content-Type: {wanted}, not a form."),
        ));
    }
    match head.length {
        Some(length) if length > document.size_bytes => Err(AppError::of(ErrorCode::PayloadTooLarge)),
        Some(_) | None => Ok(()),
    }
}

fn check_content(document: &StoredDocument, head: &[u8]) -> Result<(), AppError> {
    if sniff::is(document.kind, head) {
        return Ok(());
    }
    let wanted = document.kind.media_type();
    Err(AppError::of(ErrorCode::UnsupportedMediaType).detail(
        format!("文件内容不是 {wanted}，请上传真实的该类文件。"),
        format!("The file's content is not {wanted}; upload a file that is."),
    ))
}

/// The name of what an upload writes.
fn object_name(id: DocumentId, attempt: i32) -> String {
    format!("{id}/{attempt}")
}

fn answer(document: &StoredDocument, sha256: Digest) -> UploadDone {
    UploadDone {
        document: document.id,
        sha256,
        size_bytes: document.size_bytes,
        kind: document.kind,
    }
}

fn cut() -> AppError {
    AppError::of(ErrorCode::BadRequest).detail(
        "上传中断，未保存任何内容，请用同一凭证重新上传。",
        "The upload broke off and nothing was kept; upload it again with the same ticket.",
    )
}

fn used_up() -> AppError {
    AppError::of(ErrorCode::BadUserInput).detail(
        "此凭证已用于上传另一内容，请重新申请上传凭证。",
        "This ticket was used to upload other content; ask for another ticket.",
    )
}
