//! Tickets to upload and to download documents (附件); the files themselves travel beside GraphQL.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use onedoor_domain::id::{CaseId, DocumentId};
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use onedoor_domain::policy::Act;
use serde_json::json;
use uuid::Uuid;

use super::act::told;
use super::applicant::{CredentialInput, checked, one_way};
use crate::error::AppError;
use crate::graphql::reach::{self, failed, request};
use crate::graphql::user_error::{CreateDownloadTicketUserError, CreateUploadTicketUserError};
use crate::secret::Redacted;
use crate::service::attachments::Attachments;
use crate::service::attachments::tickets::{Purpose, TicketOrder};
use crate::service::guard;

/// What asks for a ticket to upload a document.
#[derive(InputObject)]
pub struct CreateUploadTicketInput {
    /// A fresh UUID for this document; repeat it only to be given the same ticket again.
    idempotency_key: Uuid,
    /// The case that the document is brought to, by account or at its desk; omitted: an application that is still to be
    /// handed in.
    case: Option<ID>,
    /// Instead: code and secret of the case.
    credential: Option<CredentialInput>,
    /// Code of the item's material that the document is for.
    material: String,
    /// The file's own name, up to 120 characters.
    file_name: String,
    /// Media type of the file, for example `application/pdf`; its content must be of that type.
    media_type: String,
    /// Size of the file, bytes.
    size_bytes: i32,
    /// SHA-256 of the file, 64 hex digits; when it is given, the upload is compared with it.
    sha256: Option<String>,
}

/// A ticket to upload one document, good until that succeeded once.
#[derive(SimpleObject)]
pub struct UploadTicket {
    /// Key of the document, by which a material names it once it is uploaded.
    document: ID,
    /// Where the file goes: `PUT` its bytes there, as they are, with the token that asked for the ticket.
    url: String,
    /// The `Content-Type` that the upload bears.
    media_type: &'static str,
    /// When the ticket ends.
    expires_at: DateTime<Utc>,
}

/// What came of `createUploadTicket`.
#[derive(SimpleObject)]
pub struct CreateUploadTicketPayload {
    /// The ticket; null when none was given.
    ticket: Option<UploadTicket>,
    /// Why none was given; empty when one was.
    user_errors: Vec<CreateUploadTicketUserError>,
}

/// What asks for a ticket to download a document.
#[derive(InputObject)]
pub struct CreateDownloadTicketInput {
    /// A fresh UUID for this download; repeat it only to be given the same ticket again.
    idempotency_key: Uuid,
    /// The document.
    document: ID,
    /// Code and secret of its case, for who has no account.
    credential: Option<CredentialInput>,
}

/// A ticket to download one document, once.
#[derive(SimpleObject)]
pub struct DownloadTicket {
    /// Where the file is: `GET` it once, soon, without a token. Do not keep this address.
    url: String,
    /// When the ticket ends.
    expires_at: DateTime<Utc>,
}

/// What came of `createDownloadTicket`.
#[derive(SimpleObject)]
pub struct CreateDownloadTicketPayload {
    /// The ticket; null when none was given.
    ticket: Option<DownloadTicket>,
    /// Why none was given; empty when one was.
    user_errors: Vec<CreateDownloadTicketUserError>,
}

/// Tickets of documents.
#[derive(Default)]
pub struct AttachmentMutations;

/// Tickets of documents.
#[Object]
impl AttachmentMutations {
    /// Ask for a ticket to upload a document (附件): for an application that is still to be handed in, or for a case.
    async fn create_upload_ticket(
        &self,
        ctx: &Context<'_>,
        input: CreateUploadTicketInput,
    ) -> Result<CreateUploadTicketPayload> {
        let actor = &request(ctx)?.actor;
        guard::allow(actor, Act::AttachDocument).map_err(|error| failed(ctx, error))?;
        let purpose = match (&input.case, input.credential) {
            (Some(_), Some(_)) => {
                return Ok(CreateUploadTicketPayload {
                    ticket: None,
                    user_errors: told(ctx, &[one_way()], CreateUploadTicketUserError::of)?,
                });
            }
            (Some(case), None) => Purpose::Case(reach::id::<CaseId>(ctx, case)?),
            (None, Some(given)) => Purpose::Credential(checked(ctx, given).await?),
            (None, None) => Purpose::Application,
        };
        let case = match purpose {
            Purpose::Application => None,
            Purpose::Case(case) => Some(case),
            Purpose::Credential(credential) => Some(credential.case()),
        };
        let asked = json!({
            "case": case, "material": input.material, "fileName": input.file_name,
            "mediaType": input.media_type, "sizeBytes": input.size_bytes, "sha256": input.sha256,
        });
        let fingerprint = Fingerprint::of("createUploadTicket", &asked)
            .map_err(AppError::internal)
            .map_err(|error| failed(ctx, error))?;
        let order = TicketOrder {
            key: IdempotencyKey::from_uuid(input.idempotency_key),
            fingerprint,
            purpose,
            material: input.material,
            file_name: Redacted::new(input.file_name),
            media_type: input.media_type,
            size_bytes: input.size_bytes,
            sha256: input.sha256,
        };
        let given = ctx.data::<Arc<Attachments>>()?.upload_ticket(actor, order).await;
        match given.map_err(|error| failed(ctx, error))? {
            Ok(ticket) => Ok(CreateUploadTicketPayload {
                ticket: Some(UploadTicket {
                    document: ID(ticket.document.to_string()),
                    url: ticket.url.into_exposed(),
                    media_type: ticket.kind.media_type(),
                    expires_at: ticket.expires_at,
                }),
                user_errors: Vec::new(),
            }),
            Err(rejections) => Ok(CreateUploadTicketPayload {
                ticket: None,
                user_errors: told(ctx, &rejections, CreateUploadTicketUserError::of)?,
            }),
        }
    }

    /// Ask for a ticket to download a document (附件) of a case that you may read. The download is recorded.
    async fn create_download_ticket(
        &self,
        ctx: &Context<'_>,
        input: CreateDownloadTicketInput,
    ) -> Result<CreateDownloadTicketPayload> {
        let actor = &request(ctx)?.actor;
        guard::allow(actor, Act::ReadDocument).map_err(|error| failed(ctx, error))?;
        let document = reach::id::<DocumentId>(ctx, &input.document)?;
        let credential = match input.credential {
            Some(given) => Some(checked(ctx, given).await?),
            None => None,
        };
        let key = IdempotencyKey::from_uuid(input.idempotency_key);
        let attachments = ctx.data::<Arc<Attachments>>()?;
        let given = attachments
            .download_ticket(actor, document, credential, key)
            .await;
        match given.map_err(|error| failed(ctx, error))? {
            Ok(ticket) => Ok(CreateDownloadTicketPayload {
                ticket: Some(DownloadTicket {
                    url: ticket.url.into_exposed(),
                    expires_at: ticket.expires_at,
                }),
                user_errors: Vec::new(),
            }),
            Err(rejections) => Ok(CreateDownloadTicketPayload {
                ticket: None,
                user_errors: told(ctx, &rejections, CreateDownloadTicketUserError::of)?,
            }),
        }
    }
}
