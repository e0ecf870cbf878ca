//! Unfinished applications: they belong to their author and are never validated hard.

use onedoor_domain::actor::{Actor, ActorKind};
use onedoor_domain::digest::Digest;
use onedoor_domain::draft::Draft;
use onedoor_domain::id::DraftId;
use onedoor_domain::idempotency::IdempotencyKey;
use onedoor_domain::page::{Page, PageRequest, Position};
use onedoor_domain::policy::Act;
use serde_json::Value;

use super::cases::Cases;
use super::rejection::{Rejection, RejectionCode};
use super::{catalogue, guard};
use crate::error::{AppError, ErrorCode};
use crate::secret::Redacted;

/// Largest content of a draft, bytes of JSON.
pub const CONTENT_MAX_BYTES: usize = 65_536;

/// What is to be kept.
#[derive(Debug, Clone)]
pub struct DraftOrder {
    /// The caller's key; a new draft is found again by it.
    pub key: IdempotencyKey,
    /// The draft to save again; `None`: a new one.
    pub draft: Option<DraftId>,
    /// Code of the item.
    pub item: String,
    /// What was entered so far: any object.
    pub content: Redacted<Value>,
}

impl Cases {
    /// Keeps a draft. Saving the same twice keeps one.
    ///
    /// # Errors
    /// FORBIDDEN or UNAUTHENTICATED by the policy, STORE_UNAVAILABLE; the inner error is an expected answer.
    pub async fn save_draft(
        &self,
        actor: &Actor,
        order: DraftOrder,
    ) -> Result<Result<Draft, Vec<Rejection>>, AppError> {
        let proof = guard::submit(actor, Act::SaveDraft)?;
        let author = proof.principal();
        let size = serde_json::to_vec(order.content.expose())
            .map_err(AppError::internal)?
            .len();
        if !order.content.expose().is_object() || size > CONTENT_MAX_BYTES {
            return Ok(Err(vec![too_large()]));
        }
        let Some(item) = catalogue::item(&self.services, &order.item).await? else {
            return Ok(Err(vec![super::intake::unknown_item()]));
        };
        let id = order.draft.unwrap_or_else(|| id_of(author, order.key));
        let known = self.store.load_draft(author, id).await?;
        match &known {
            None if order.draft.is_some() => return Ok(Err(vec![unknown_draft()])),
            None | Some(_) => {}
        }
        let now = self.clock.now();
        let draft = Draft {
            id,
            author: author.to_owned(),
            item: item.id,
            item_code: item.code.clone(),
            ephemeral: actor.kind == ActorKind::Kiosk,
            content: order.content.into_exposed(),
            created_at: known.as_ref().map_or(now, |known| known.created_at),
            saved_at: now,
        };
        if order.draft.is_some() {
            self.store.save_draft(&draft).await?;
            return Ok(Ok(draft));
        }
        // a key keeps one content: what was kept before, or beside this, is given again or stands against it
        if known.is_none() && self.store.keep_draft(&draft).await? {
            return Ok(Ok(draft));
        }
        let kept = match known {
            Some(kept) => Some(kept),
            None => self.store.load_draft(author, id).await?,
        };
        match kept {
            Some(kept) if kept.item_code == draft.item_code && kept.content == draft.content => Ok(Ok(kept)),
            Some(_) => Ok(Err(vec![Rejection::idempotency_mismatch()])),
            // it was kept and ended meanwhile
            None => Err(AppError::of(ErrorCode::Overloaded).retry_after_ms(500)),
        }
    }

    /// The author's drafts, the last saved first; none on a kiosk.
    ///
    /// # Errors
    /// FORBIDDEN or UNAUTHENTICATED by the policy, STORE_UNAVAILABLE.
    pub async fn list_drafts(&self, actor: &Actor, page: &PageRequest) -> Result<Page<Draft>, AppError> {
        let proof = guard::submit(actor, Act::SaveDraft)?;
        if actor.kind == ActorKind::Kiosk {
            // a kiosk serves one person after another: a draft there is known by its id alone
            return Ok(page.page(Vec::new(), |_: &Draft| Position(Vec::new())));
        }
        Ok(self.store.list_drafts(proof.principal(), page).await?)
    }
}

/// The key of a new draft follows from author and idempotency key, so that a repeated request saves the same draft.
fn id_of(author: &str, key: IdempotencyKey) -> DraftId {
    let digest = Digest::of_parts(&[b"draft", author.as_bytes(), key.uuid().as_bytes()]);
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    DraftId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

fn too_large() -> Rejection {
    Rejection::of(
        RejectionCode::InvalidField,
        &["content"],
        "草稿内容须为对象，且不超过 64 KB。",
        "A draft is an object of at most 64 KB.",
    )
}

pub(super) fn unknown_draft() -> Rejection {
    Rejection::of(
        RejectionCode::UnknownDraft,
        &["draft"],
        "没有此草稿，或已提交、已过期。",
        "There is no such draft; it may have been submitted or expired.",
    )
}
