//! A document (附件) as GraphQL shows it.

use async_graphql::{Context, Enum, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};
use onedoor_domain::document::DocumentState as DomainState;

use crate::graphql::reach::{cases, failed, request};
use crate::service::documents::SeenDocument;
use crate::service::reading::CaseView;

/// How far a document has come.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "DomainState")]
pub enum DocumentState {
    /// 待上传: its file was not uploaded yet.
    Waiting,
    /// 待查毒: the scanner has not looked at it yet; it can be handed in, but not downloaded.
    PendingScan,
    /// 正常: the scanner found nothing, or this gateway has no scanner.
    Clean,
    /// 已隔离: the scanner found something; nobody can download it.
    Quarantined,
}

/// A document (附件) of a case.
#[derive(SimpleObject)]
pub struct Document {
    /// Opaque key.
    id: ID,
    /// Code of the material it was uploaded for.
    material: String,
    /// The file's own name.
    file_name: String,
    /// Media type, by the content.
    media_type: &'static str,
    /// Size of the bytes.
    size_bytes: i32,
    /// SHA-256 of the bytes, 64 hex digits, as receipts name them.
    sha256: Option<String>,
    /// State.
    state: DocumentState,
    /// When it was uploaded.
    uploaded_at: Option<DateTime<Utc>>,
    /// Since when it belongs to the case.
    joined_at: Option<DateTime<Utc>>,
}

impl Document {
    /// The documents of a case that the caller may read; `None`: none are for them.
    pub(crate) async fn of_case(ctx: &Context<'_>, view: &CaseView) -> Result<Option<Vec<Self>>> {
        let seen = cases(ctx)?.documents_of(&request(ctx)?.actor, view).await;
        let seen = seen.map_err(|error| failed(ctx, error))?;
        Ok(seen.map(|seen| seen.into_iter().map(Self::of).collect()))
    }

    fn of(seen: SeenDocument) -> Self {
        let document = seen.document;
        Self {
            id: ID(document.id.to_string()),
            material: document.material,
            file_name: seen.file_name.into_exposed(),
            media_type: document.kind.media_type(),
            size_bytes: i32::try_from(document.size_bytes).unwrap_or(i32::MAX),
            sha256: document.sha256.map(|hash| hash.to_string()),
            state: document.state.into(),
            uploaded_at: document.uploaded_at,
            joined_at: document.joined.map(|(_, at)| at),
        }
    }
}
