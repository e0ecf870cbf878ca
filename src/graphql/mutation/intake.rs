//! Taking an application in: input and payload of `saveDraft` and `submitCase`.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use onedoor_domain::applicant::{Applicant, IdType as DomainIdType};
use onedoor_domain::case::agent::Authorization;
use onedoor_domain::id::{DocumentId, DraftId};
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use onedoor_domain::material::{DOCUMENTS_MAX, ENTRIES_MAX, MaterialEntry, Trust as DomainTrust};
use serde_json::json;
use uuid::Uuid;

use super::act::{answered, told};
use super::applicant::AuthorizationInput;
use crate::error::{AppError, Language};
use crate::graphql::reach::{self, cases, failed, language, request};
use crate::graphql::types::case::{ApplicantType, Case};
use crate::graphql::types::draft::Draft;
use crate::graphql::types::receipt::Receipt;
use crate::graphql::types::scalars::{DivisionCode, Json};
use crate::graphql::user_error::{SaveDraftUserError, SubmitCaseUserError};
use crate::secret::Redacted;
use crate::service::answer::Warning;
use crate::service::drafts::DraftOrder;
use crate::service::intake::Application;
use crate::service::rejection::Rejection;

/// Kind of identity document.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "DomainIdType")]
pub enum IdType {
    /// 居民身份证.
    ResidentId,
    /// 港澳居民来往内地通行证.
    HongKongMacaoPermit,
    /// 台湾居民来往大陆通行证.
    TaiwanPermit,
    /// 外国人永久居留身份证.
    ForeignPermanentResident,
    /// 护照.
    Passport,
    /// 统一社会信用代码.
    CreditCode,
    /// Any other, named by the clerk.
    Other,
}

/// Who vouches for a material.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "DomainTrust")]
pub enum Trust {
    /// Issued by the agency itself.
    A,
    /// Checked at the window.
    B,
    /// Uploaded.
    C,
    /// Declared: a promise to show it.
    D,
}

/// The applicant (申请人).
#[derive(InputObject)]
pub struct ApplicantInput {
    /// Person or organization.
    kind: ApplicantType,
    /// Name as on the identity document, up to 50 characters.
    name: String,
    /// Kind of identity document.
    id_type: IdType,
    /// Its number.
    id_number: Option<String>,
    /// Mobile number on which the applicant is reached, 11 digits.
    phone: Option<String>,
    /// The person who acts for an organization.
    contact_name: Option<String>,
}

/// A material (材料) handed in.
#[derive(InputObject)]
pub struct MaterialEntryInput {
    /// Code of the item's material.
    code: String,
    /// Who vouches for it.
    trust: Trust,
    /// Paper originals handed in or shown.
    #[graphql(default = 0)]
    originals: i32,
    /// Remark, up to 500 characters.
    note: Option<String>,
    /// Documents (附件) that were uploaded for it, by `createUploadTicket`, by the same person.
    #[graphql(default)]
    documents: Vec<ID>,
}

/// What hands an application in (申请).
#[derive(InputObject)]
pub struct SubmitCaseInput {
    /// A fresh UUID for this application; repeat it only to repeat the same application.
    idempotency_key: Uuid,
    /// Code of the service item, for example `pension-enroll`.
    service_item: String,
    /// Version of the item the form was filled for; omitted: the current one.
    item_version: Option<i32>,
    /// Division (区划) of the case, 12 digits; omitted: that of the kiosk or window.
    division: Option<DivisionCode>,
    /// The applicant.
    applicant: ApplicantInput,
    /// The form, as the item's JSON Schema asks for it.
    form: Json,
    /// The materials handed in.
    #[graphql(default)]
    materials: Vec<MaterialEntryInput>,
    /// 全程代办: by what a clerk acts for the applicant, who is not there.
    authorization: Option<AuthorizationInput>,
    /// The draft this application was kept in; it ends with the submission.
    pub(super) draft: Option<ID>,
}

/// What keeps an unfinished application.
#[derive(InputObject)]
pub struct SaveDraftInput {
    /// A fresh UUID for a new draft; the same UUID keeps the same draft.
    idempotency_key: Uuid,
    /// The draft to save again; omitted: a new one.
    draft: Option<ID>,
    /// Code of the service item.
    service_item: String,
    /// What was entered so far: any JSON object of at most 64 KB. Not validated.
    content: Json,
}

/// A doubt about the input that did not stand against it.
#[derive(SimpleObject)]
pub struct SubmitWarning {
    /// What is doubtful, in the language of the request.
    message: String,
    /// Path of the input field.
    field: Vec<String>,
}

impl SubmitWarning {
    /// Doubts in the language of the request.
    pub(super) fn all(ctx: &Context<'_>, warnings: &[Warning]) -> Vec<Self> {
        let shown = |warning: &Warning| Self {
            message: match language(ctx) {
                Language::Zh => warning.zh.clone(),
                Language::En => warning.en.clone(),
            },
            field: warning.field.clone(),
        };
        warnings.iter().map(shown).collect()
    }
}

/// What came of `submitCase`.
#[derive(SimpleObject)]
pub struct SubmitCasePayload {
    /// The case; null when the application was not taken in.
    case: Option<Case>,
    /// The receipt (收件回执).
    receipt: Option<Receipt>,
    /// 查询码: with the tracking code it opens this one case. Shown in this answer only; hand it to the applicant.
    tracking_secret: Option<String>,
    /// What is doubtful, but did not stand against it.
    warnings: Vec<SubmitWarning>,
    /// Why the application was not taken in; empty when it was.
    user_errors: Vec<SubmitCaseUserError>,
}

/// What came of `saveDraft`.
#[derive(SimpleObject)]
pub struct SaveDraftPayload {
    /// The draft; null when it was not kept.
    draft: Option<Draft>,
    /// Why it was not kept; empty when it was.
    user_errors: Vec<SaveDraftUserError>,
}

/// Taking an application in.
#[derive(Default)]
pub struct IntakeMutations;

/// Taking an application in.
#[Object]
impl IntakeMutations {
    /// Keep an unfinished application. It belongs to its author; on a kiosk it is wiped after a day.
    async fn save_draft(&self, ctx: &Context<'_>, input: SaveDraftInput) -> Result<SaveDraftPayload> {
        let order = DraftOrder {
            key: IdempotencyKey::from_uuid(input.idempotency_key),
            draft: match &input.draft {
                Some(draft) => Some(reach::id::<DraftId>(ctx, draft)?),
                None => None,
            },
            item: input.service_item,
            content: Redacted::new(input.content.0),
        };
        let saved = cases(ctx)?
            .save_draft(&request(ctx)?.actor, order)
            .await
            .map_err(|error| failed(ctx, error))?;
        match saved {
            Ok(draft) => Ok(SaveDraftPayload {
                draft: Some(Draft::of(draft)),
                user_errors: Vec::new(),
            }),
            Err(rejections) => Ok(SaveDraftPayload {
                draft: None,
                user_errors: told(ctx, &rejections, SaveDraftUserError::of)?,
            }),
        }
    }

    /// Hand an application in (申请). Everything that is wrong is told at once; a receipt is returned only for what
    /// is stored.
    async fn submit_case(&self, ctx: &Context<'_>, input: SubmitCaseInput) -> Result<SubmitCasePayload> {
        let application = match application(ctx, input).await? {
            Ok(application) => application,
            Err(rejection) => return not_taken(ctx, &[rejection]),
        };
        let actor = &request(ctx)?.actor;
        let done = Box::pin(cases(ctx)?.submit(actor, application))
            .await
            .map_err(|error| failed(ctx, error))?;
        match done {
            Ok(answer) => {
                let (case, receipt) = answered(ctx, &answer).await?;
                Ok(SubmitCasePayload {
                    case: Some(case),
                    receipt,
                    warnings: SubmitWarning::all(ctx, &answer.warnings),
                    tracking_secret: answer.secret,
                    user_errors: Vec::new(),
                })
            }
            Err(rejections) => not_taken(ctx, &rejections),
        }
    }
}

fn not_taken(ctx: &Context<'_>, rejections: &[Rejection]) -> Result<SubmitCasePayload> {
    Ok(SubmitCasePayload {
        case: None,
        receipt: None,
        tracking_secret: None,
        warnings: Vec::new(),
        user_errors: told(ctx, rejections, SubmitCaseUserError::of)?,
    })
}

/// Parses the input into what the use case takes; sizes that no number here can have become the largest one, which
/// the checks refuse by name.
pub(super) async fn application(
    ctx: &Context<'_>,
    input: SubmitCaseInput,
) -> Result<std::result::Result<Application, Rejection>> {
    let applicant = Applicant {
        kind: input.applicant.kind.into(),
        name: input.applicant.name,
        id_type: input.applicant.id_type.into(),
        id_number: input.applicant.id_number,
        phone: input.applicant.phone,
        contact_name: input.applicant.contact_name,
    };
    let materials = match materials(ctx, input.materials).await? {
        Ok(materials) => materials,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let authorization = input.authorization.map(Authorization::from);
    let asked = json!({
        "authorization": authorization,
        "serviceItem": input.service_item,
        "itemVersion": input.item_version,
        "division": input.division.as_ref().map(|division| &division.0),
        "applicant": applicant,
        "form": input.form.0,
        "materials": materials,
        "draft": input.draft.as_deref(),
    });
    let fingerprint = Fingerprint::of("submitCase", &asked)
        .map_err(AppError::internal)
        .map_err(|error| failed(ctx, error))?;
    Ok(Ok(Application {
        key: IdempotencyKey::from_uuid(input.idempotency_key),
        fingerprint,
        item: input.service_item,
        item_version: input.item_version,
        division: input.division.map(|division| division.0),
        applicant,
        form: Redacted::new(input.form.0),
        materials,
        authorization,
        offline: None,
        draft: match &input.draft {
            Some(draft) => Some(reach::id::<DraftId>(ctx, draft)?),
            None => None,
        },
    }))
}

/// Parses materials handed in. The inner error: a document that is not there.
pub(super) async fn materials(
    ctx: &Context<'_>,
    entries: Vec<MaterialEntryInput>,
) -> Result<std::result::Result<Vec<MaterialEntry>, Rejection>> {
    // a text that is no id names a document that nobody has
    let known = |id: &ID| id.parse().unwrap_or_else(|_| DocumentId::from_uuid(Uuid::nil()));
    let of_entry = |entry: &MaterialEntryInput| entry.documents.iter().map(known).collect::<Vec<_>>();
    let ids: Vec<DocumentId> = entries
        .iter()
        .flat_map(of_entry)
        .take(ENTRIES_MAX * DOCUMENTS_MAX)
        .collect();
    let named = cases(ctx)?.named_documents(&ids).await;
    let documents = match named.map_err(|error| failed(ctx, error))? {
        Ok(documents) => documents,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let mut documents = documents.into_iter();
    let parsed = entries.into_iter().map(|entry| MaterialEntry {
        documents: documents.by_ref().take(entry.documents.len()).collect(),
        code: entry.code,
        trust: entry.trust.into(),
        originals: u32::try_from(entry.originals).unwrap_or(u32::MAX),
        note: entry.note,
    });
    Ok(Ok(parsed.collect()))
}
