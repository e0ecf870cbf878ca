//! Tickets to upload: who may have one, for what, and how many.

use chrono::{DateTime, Duration, TimeDelta, Utc};
use onedoor_domain::actor::{Actor, ActorKind};
use onedoor_domain::case::refusal::Refusal;
use onedoor_domain::digest::Digest;
use onedoor_domain::document::{
    DocumentState, FILE_NAME_CHARS_MAX, FileKind, StoredDocument, file_name_fits,
};
use onedoor_domain::id::{CaseId, DocumentId};
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use onedoor_domain::material::DOCUMENTS_MAX;
use onedoor_domain::policy::Act;
use onedoor_domain::proof::Credential;
use onedoor_domain::text::unprintable;
use uuid::Uuid;

use super::{Attachments, fresh_ticket};
use crate::error::{AppError, ErrorCode};
use crate::secret::Redacted;
use crate::service::guard;
use crate::service::rejection::{Rejection, RejectionCode};
use crate::store::document::NewDocument;

/// Length of a material's code, code points.
const MATERIAL_CHARS_MAX: usize = 64;

/// What a document is to be uploaded for.
#[derive(Debug, Clone, Copy)]
pub enum Purpose {
    /// An application that is still to be handed in.
    Application,
    /// A case that one stands to.
    Case(CaseId),
    /// A case whose code and secret one holds.
    Credential(Credential),
}

/// A ticket asked for.
pub struct TicketOrder {
    /// The caller's key.
    pub key: IdempotencyKey,
    /// Hash of the canonical input.
    pub fingerprint: Fingerprint,
    /// For what.
    pub purpose: Purpose,
    /// Code of the material.
    pub material: String,
    /// The file's own name.
    pub file_name: Redacted<String>,
    /// What kind of file it is said to be.
    pub media_type: String,
    /// Its size.
    pub size_bytes: i32,
    /// Its SHA-256, when it is known already.
    pub sha256: Option<String>,
}

/// A ticket to upload one document.
pub struct UploadTicket {
    /// The document, as materials name it once it is uploaded.
    pub document: DocumentId,
    /// Where the bytes go, by PUT.
    pub url: Redacted<String>,
    /// The media type that the upload must bear.
    pub kind: FileKind,
    /// When the ticket ends.
    pub expires_at: DateTime<Utc>,
}

/// What was checked of an order.
struct Asked {
    kind: FileKind,
    size_bytes: u64,
    sha256: Option<Digest>,
}

impl Attachments {
    /// Gives a ticket to upload a document; the same one for the same key.
    ///
    /// # Errors
    /// NOT_FOUND, FORBIDDEN or UNAUTHENTICATED by the policy, STORE_UNAVAILABLE.
    pub async fn upload_ticket(
        &self,
        actor: &Actor,
        order: TicketOrder,
    ) -> Result<Result<UploadTicket, Vec<Rejection>>, AppError> {
        guard::allow(actor, Act::AttachDocument)?;
        let principal = principal(actor, order.purpose);
        let store = &self.cases.store;
        if let Some(earlier) = store.earlier_ticket(&principal, order.key).await? {
            return Ok(if earlier.fingerprint == order.fingerprint {
                Ok(self.told(&earlier.document, &earlier.ticket))
            } else {
                Err(vec![Rejection::idempotency_mismatch()])
            });
        }
        let meant_for = match self.permitted(actor, order.purpose).await? {
            Ok(case) => case,
            Err(rejection) => return Ok(Err(vec![rejection])),
        };
        let asked = match self.checked(&order) {
            Ok(asked) => asked,
            Err(faults) => return Ok(Err(faults)),
        };
        if let Some(full) = self.full(&principal, meant_for, &order.material).await? {
            return Ok(Err(vec![full]));
        }
        let now = self.cases.clock.now();
        let new = NewDocument {
            document: StoredDocument {
                id: DocumentId::from_uuid(Uuid::now_v7()),
                principal,
                meant_for,
                material: order.material,
                kind: asked.kind,
                size_bytes: asked.size_bytes,
                sha256: asked.sha256,
                state: DocumentState::Waiting,
                expires_at: now + TimeDelta::seconds(i64::from(self.config.upload_ticket_s)),
                uploaded_at: None,
                joined: None,
            },
            ticket: fresh_ticket(),
            key: order.key,
            fingerprint: order.fingerprint,
            file_name: order.file_name,
            now,
        };
        if store.keep_document(&new).await? {
            return Ok(Ok(self.told(&new.document, &new.ticket)));
        }
        // the same was asked beside this
        match store.earlier_ticket(&new.document.principal, order.key).await? {
            Some(earlier) if earlier.fingerprint == order.fingerprint => {
                Ok(Ok(self.told(&earlier.document, &earlier.ticket)))
            }
            Some(_) => Ok(Err(vec![Rejection::idempotency_mismatch()])),
            None => Err(AppError::of(ErrorCode::Overloaded).retry_after_ms(500)),
        }
    }

    fn told(&self, document: &StoredDocument, ticket: &Redacted<String>) -> UploadTicket {
        UploadTicket {
            document: document.id,
            url: self.url_of(ticket),
            kind: document.kind,
            expires_at: document.expires_at,
        }
    }

    /// The case that documents of this purpose are meant for, if the actor may attach to it.
    async fn permitted(
        &self,
        actor: &Actor,
        purpose: Purpose,
    ) -> Result<Result<Option<CaseId>, Rejection>, AppError> {
        let case = match purpose {
            Purpose::Application => {
                if actor.kind == ActorKind::Anonymous {
                    return Err(AppError::of(ErrorCode::Unauthenticated));
                }
                guard::submit(actor, Act::AttachDocument)?;
                return Ok(Ok(None));
            }
            Purpose::Case(case) => {
                let (loaded, proof) = self.cases.load_for(actor, Act::AttachDocument, case).await?;
                if proof.is_err() {
                    return Ok(Err(Refusal::WrongOrganization.into()));
                }
                loaded.case
            }
            Purpose::Credential(credential) => {
                let proof = guard::by_credential(actor, Act::AttachDocument, credential)?;
                let loaded = self.cases.store.load_case(proof.case()).await?;
                loaded.ok_or_else(|| AppError::of(ErrorCode::NotFound))?.case
            }
        };
        if case.is_closed() {
            let closed = Rejection::of(
                RejectionCode::IllegalAct,
                &[],
                "办件已办结，不能再上传附件。",
                "The case is closed; no documents can be uploaded for it.",
            );
            return Ok(Err(Rejection {
                status: Some(case.status),
                ..closed
            }));
        }
        Ok(Ok(Some(case.id)))
    }

    /// Everything that is wrong with what is said of the file.
    fn checked(&self, order: &TicketOrder) -> Result<Asked, Vec<Rejection>> {
        let mut faults = Vec::new();
        let mut fault = |field: &str, zh: String, en: String| {
            faults.push(Rejection::of(RejectionCode::InvalidField, &[field], zh, en));
        };
        let material = &order.material;
        if material.is_empty()
            || material.chars().count() > MATERIAL_CHARS_MAX
            || material.chars().any(unprintable)
        {
            fault(
                "material",
                "请填写事项材料清单中的材料代码。".to_owned(),
                "Give the code of a material of the item.".to_owned(),
            );
        }
        if !file_name_fits(order.file_name.expose()) {
            fault(
                "fileName",
                format!("文件名不得为空、不含路径和控制字符，不超过 {FILE_NAME_CHARS_MAX} 字。"),
                format!(
                    "A file name is not empty, holds no path or control characters, and has at most \
                     {FILE_NAME_CHARS_MAX} characters."
                ),
            );
        }
        let kind =
            FileKind::of_media_type(&order.media_type).filter(|kind| self.config.kinds().contains(kind));
        if kind.is_none() {
            let types = self.config.types.join(", ");
            fault(
                "mediaType",
                format!("不接收此类文件；可上传：{types}。"),
                format!("Files of this type are not taken; these are: {types}."),
            );
        }
        let size = u64::try_from(order.size_bytes).ok();
        let size = size.filter(|size| (1..=u64::from(self.config.file_max_bytes)).contains(size));
        if size.is_none() {
            let max = self.config.file_max_bytes;
            fault(
                "sizeBytes",
                format!("文件不得为空，且不超过 {max} 字节。"),
                format!("A file is not empty and has at most {max} bytes."),
            );
        }
        let hash = order.sha256.as_ref().map(|hash| hash.parse::<Digest>().ok());
        if hash == Some(None) {
            fault(
                "sha256",
                "SHA-256 须为 64 位十六进制数。".to_owned(),
                "A SHA-256 has 64 hex digits.".to_owned(),
            );
        }
        match (kind, size) {
            (Some(kind), Some(size_bytes)) if faults.is_empty() => Ok(Asked {
                kind,
                size_bytes,
                sha256: hash.flatten(),
            }),
            (Some(_) | None, _) => Err(faults),
        }
    }

    /// The limit that one more document would pass. Tickets asked for at the same instant may pass it by as many.
    async fn full(
        &self,
        principal: &str,
        case: Option<CaseId>,
        material: &str,
    ) -> Result<Option<Rejection>, AppError> {
        let store = &self.cases.store;
        let (of_material, in_all) = store.documents_meant_for(principal, case, material).await?;
        let since = self.cases.clock.now() - Duration::days(1);
        let today = store.documents_since(principal, since).await?;
        let per_material = u64::try_from(DOCUMENTS_MAX).unwrap_or(u64::MAX);
        let passed = [
            (of_material, per_material, "每项材料", "for one material"),
            (
                in_all,
                u64::from(self.config.files_per_case_max),
                "每件",
                "for one case",
            ),
            (
                today,
                u64::from(self.config.files_per_day_max),
                "每 24 小时",
                "within a day",
            ),
        ]
        .into_iter()
        .find(|(asked, max, _, _)| asked >= max);
        Ok(passed.map(|(_, max, zh, en)| {
            Rejection::of(
                RejectionCode::TooManyDocuments,
                &[],
                format!("{zh}最多上传 {max} 个附件；未使用的附件 24 小时后自动清除。"),
                format!("At most {max} documents {en}; those that are not used are removed after a day."),
            )
        }))
    }
}

/// Whose a document and the caller's key are: the subject's, or, without a token, the case's whose secret was given.
pub(super) fn principal(actor: &Actor, purpose: Purpose) -> String {
    match purpose {
        Purpose::Credential(credential) if actor.subject.is_empty() => credential.case().to_string(),
        Purpose::Credential(_) | Purpose::Case(_) | Purpose::Application => actor.subject.clone(),
    }
}
