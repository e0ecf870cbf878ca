//! The documents of a case: joined to it with the material that they were uploaded for, and shown to who may read them.

use chrono::{DateTime, Utc};
use onedoor_domain::actor::{Actor, ActorKind};
use onedoor_domain::case::state::Case;
use onedoor_domain::digest::Digest;
use onedoor_domain::document::{StoredDocument, Unusable};
use onedoor_domain::id::{CaseId, DocumentId, OrganizationId};
use onedoor_domain::material::{Document, MaterialEntry};

use super::cases::Cases;
use super::reading::{CaseView, Sight};
use super::rejection::{Rejection, RejectionCode};
use crate::error::AppError;
use crate::secret::Redacted;
use crate::store::document::JoinedDocument;

/// A document of a case, as a reader sees it.
#[derive(Debug, Clone)]
pub struct SeenDocument {
    /// The document.
    pub document: StoredDocument,
    /// The file's own name; personal data may stand in it.
    pub file_name: Redacted<String>,
}

impl Cases {
    /// Documents as materials name them, by their keys. Whose they are is asked when they are handed in.
    ///
    /// # Errors
    /// The outer one: STORE_UNAVAILABLE; the inner one: one of them is not there, or was not uploaded.
    pub async fn named_documents(
        &self,
        ids: &[DocumentId],
    ) -> Result<Result<Vec<Document>, Rejection>, AppError> {
        let found = self.store.documents(ids).await?;
        let named = ids.iter().map(|id| {
            let document = found
                .iter()
                .find(|document| document.id == *id)
                .ok_or(Unusable::Unknown)?;
            let hash = document.sha256.filter(|_| document.uploaded_at.is_some());
            Ok(Document {
                id: Some(*id),
                sha256: hash.ok_or(Unusable::NotUploaded)?,
                size_bytes: document.size_bytes,
            })
        });
        let named: Result<Vec<_>, Unusable> = named.collect();
        Ok(named.map_err(|why| unusable(why, vec!["materials".to_owned()])))
    }

    /// Everything that is wrong with the documents of some materials. `holder`: who hands them in; `case`: the case that
    /// they are brought to.
    pub(super) async fn document_faults(
        &self,
        materials: &[MaterialEntry],
        holder: &str,
        case: Option<CaseId>,
    ) -> Result<Vec<Rejection>, AppError> {
        let ids: Vec<DocumentId> = ids_of(materials).collect();
        let found = self.store.documents(&ids).await?;
        let mut seen = Vec::new();
        let mut faults = Vec::new();
        for (index, entry) in materials.iter().enumerate() {
            for (at, named) in entry.documents.iter().enumerate() {
                let known = named.id.and_then(|id| found.iter().find(|one| one.id == id));
                let again = named.id.is_some_and(|id| seen.contains(&id));
                seen.extend(named.id);
                let judged = match known {
                    Some(document) if !again => document.usable(holder, case, &entry.code),
                    Some(_) | None => Err(Unusable::Unknown),
                };
                if let Err(why) = judged {
                    let path = ["materials", &index.to_string(), "documents", &at.to_string()];
                    faults.push(unusable(why, path.map(str::to_owned).to_vec()));
                }
            }
        }
        Ok(faults)
    }

    /// The documents of a case that a reader of this view may read, the first joined first. `None`: none are for them.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn documents_of(
        &self,
        actor: &Actor,
        view: &CaseView,
    ) -> Result<Option<Vec<SeenDocument>>, AppError> {
        let part = match view.sight {
            Sight::Applicant | Sight::Office => Part::All,
            // a past handler reads what was there when its part ended
            Sight::Past => Part::Until(view.at),
            Sight::Masked | Sight::Supervision => Part::None,
        };
        // a kiosk serves one person after another
        let part = if actor.kind == ActorKind::Kiosk {
            Part::None
        } else {
            part
        };
        if part == Part::None {
            return Ok(None);
        }
        let found = self.store.documents_of_case(view.case.id).await?;
        let seen = found
            .into_iter()
            .filter(|(document, _)| {
                let there = document.joined.is_some_and(|(_, at)| part.reaches(at));
                let then = view.head.is_none() || document.joined.is_some_and(|(_, at)| at <= view.at);
                there && then
            })
            .map(|(document, file_name)| SeenDocument { document, file_name });
        Ok(Some(seen.collect()))
    }

    /// Which documents an office may read that had the case: those that were there while it had it.
    pub(super) fn part_of(&self, actor: &Actor, case: &Case) -> Part {
        let directory = self.directory();
        let Some(own) = actor.organization else {
            return Part::None;
        };
        let is_own = |to: OrganizationId| directory.living(to) == own;
        let ends = case.handoffs.iter().filter(|handoff| {
            // what was refused or taken back was never in its hands
            is_own(handoff.to) && handoff.acknowledged_at.is_some()
        });
        ends.filter_map(|handoff| handoff.closed_at)
            .max()
            .map_or(Part::None, Part::Until)
    }
}

/// How far back from now an office reads the documents of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All.
    All,
    /// What was there at a moment: when its own part ended.
    Until(DateTime<Utc>),
    /// None.
    None,
}

impl Part {
    /// Whether a document that joined the case at a moment is among them.
    pub(super) fn reaches(self, joined_at: DateTime<Utc>) -> bool {
        match self {
            Self::All => true,
            Self::Until(end) => joined_at <= end,
            Self::None => false,
        }
    }
}

/// The documents of some materials, as a set joins them.
pub(super) fn joins(materials: &[MaterialEntry], holder: &str) -> Vec<JoinedDocument> {
    let joined = ids_of(materials).map(|id| JoinedDocument {
        id,
        principal: holder.to_owned(),
    });
    joined.collect()
}

fn ids_of(materials: &[MaterialEntry]) -> impl Iterator<Item = DocumentId> {
    let documents = materials.iter().flat_map(|entry| &entry.documents);
    documents.filter_map(|document| document.id)
}

/// One of the documents was used beside this act.
pub(super) fn taken() -> Rejection {
    unusable(Unusable::Unknown, vec!["materials".to_owned()])
}

fn unusable(why: Unusable, field: Vec<String>) -> Rejection {
    let (code, zh, en) = match why {
        Unusable::Unknown => (
            RejectionCode::UnknownDocument,
            "没有您上传的此附件，或它已用于其他办件；请重新上传。",
            "There is no such document of yours, or it is used already; upload it again.",
        ),
        Unusable::NotUploaded => (
            RejectionCode::DocumentNotReady,
            "此附件尚未上传完成，请用上传凭证上传后再提交。",
            "The document was not uploaded yet; upload it by its ticket first.",
        ),
        Unusable::OtherMaterial => (
            RejectionCode::UnknownDocument,
            "此附件是为另一项材料上传的，请放在该材料下，或重新上传。",
            "The document was uploaded for another material; name it there, or upload it again.",
        ),
        Unusable::Quarantined => (
            RejectionCode::DocumentQuarantined,
            "此附件未通过安全检查，已被隔离，请上传其他文件。",
            "The document did not pass the security check and is quarantined; upload another file.",
        ),
    };
    Rejection {
        field,
        ..Rejection::of(code, &[], zh, en)
    }
}

/// The hash of a document whose bytes are stored.
pub(super) fn stored_hash(document: &StoredDocument) -> Option<Digest> {
    document.sha256.filter(|_| document.uploaded_at.is_some())
}
