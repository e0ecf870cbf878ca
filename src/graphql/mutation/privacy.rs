//! Looking at personal data: shown for a purpose, on record; and finding a person's cases by the identity number.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use onedoor_domain::access as domain;
use onedoor_domain::id::CaseId;
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use serde_json::json;
use uuid::Uuid;

use super::act::told;
use super::intake::IdType;
use crate::error::AppError;
use crate::graphql::reach::{self, failed, request};
use crate::graphql::types::access::{AccessPurpose, PersonalField};
use crate::graphql::types::case::Case;
use crate::graphql::types::scalars::Json;
use crate::graphql::user_error::{FindCasesByApplicantUserError, RevealPersonalDataUserError};
use crate::secret::Redacted;
use crate::service::privacy::look_up::LookUpOrder;
use crate::service::privacy::{self, Look, Privacy, RevealOrder};

/// What shows personal data of a case.
#[derive(InputObject)]
pub struct RevealPersonalDataInput {
    /// The case.
    case: ID,
    /// Why; the applicant sees it.
    purpose: AccessPurpose,
    /// Why, in words, up to 200 characters; required for OTHER. Name nobody in it.
    purpose_text: Option<String>,
    /// What is to be shown, and no more than the work needs.
    fields: Vec<PersonalField>,
    /// A fresh UUID for this look; repeat it only to repeat the same look, which counts once.
    idempotency_key: Uuid,
}

/// What came of `revealPersonalData`.
#[derive(SimpleObject)]
pub struct RevealPersonalDataPayload {
    /// The data; null when nothing was shown.
    data: Option<PersonalData>,
    /// Key of the record (查阅记录) that was kept before anything was shown.
    access_record: Option<ID>,
    /// Looks that are left to the person today; null for applicants, who are not counted.
    remaining_today: Option<i32>,
    /// Why nothing was shown; empty when something was.
    user_errors: Vec<RevealPersonalDataUserError>,
}

/// Personal data in the clear. What was not asked for is null, and what was not given.
#[derive(SimpleObject)]
pub struct PersonalData {
    /// Whether the personal data of the case was erased (已删除); then all else is null.
    erased: bool,
    /// Name (姓名或名称).
    name: Option<String>,
    /// Identity number (证件号码).
    id_number: Option<String>,
    /// Mobile number (手机号码).
    phone: Option<String>,
    /// Who acts for an organization (经办人).
    contact_name: Option<String>,
    /// Addresses of the form (住址).
    addresses: Option<Vec<String>>,
    /// The personal part of the form (表单中的个人信息).
    form: Option<Json>,
    /// Remarks on materials (材料备注).
    material_notes: Option<Vec<MaterialNote>>,
}

/// A remark on a material handed in (材料备注).
#[derive(SimpleObject)]
pub struct MaterialNote {
    /// Code of the item's material.
    material: String,
    /// The remark.
    note: String,
}

/// What finds the cases of a person.
#[derive(InputObject)]
pub struct FindCasesByApplicantInput {
    /// Kind of identity document.
    #[graphql(default_with = "IdType::ResidentId")]
    id_type: IdType,
    /// Its number, whole; full width, blanks, hyphens and a small x do not matter.
    id_number: String,
    /// Why; the applicant sees it.
    purpose: AccessPurpose,
    /// Why, in words, up to 200 characters; required for OTHER. Name nobody in it.
    purpose_text: Option<String>,
    /// A fresh UUID for this look-up; repeat it only to repeat the same look-up, which counts once.
    idempotency_key: Uuid,
}

/// What came of `findCasesByApplicant`.
#[derive(SimpleObject)]
pub struct FindCasesByApplicantPayload {
    /// The cases on the desk of the viewer's organization, 50 at most, the last submitted first; masked as everywhere.
    cases: Vec<Case>,
    /// Keys of the records (查阅记录): one for each case, or one for a look-up that found none.
    access_records: Vec<ID>,
    /// Look-ups that are left to the person today.
    remaining_today: Option<i32>,
    /// Why nothing was looked for; empty when it was.
    user_errors: Vec<FindCasesByApplicantUserError>,
}

/// Looking at personal data.
#[derive(Default)]
pub struct PrivacyMutations;

/// Looking at personal data.
#[Object]
impl PrivacyMutations {
    /// Show personal data of a case in the clear (查看个人信息): to the applicant, by account; to a clerk or officer of the
    /// organization that works on it now, for a purpose. A record is kept first, and without it nothing is shown.
    async fn reveal_personal_data(
        &self,
        ctx: &Context<'_>,
        input: RevealPersonalDataInput,
    ) -> Result<RevealPersonalDataPayload> {
        let fields: Vec<domain::PersonalField> = input.fields.into_iter().map(Into::into).collect();
        let purpose = domain::AccessPurpose::from(input.purpose);
        let asked = json!({
            "case": input.case.as_str(), "purpose": purpose, "purposeText": input.purpose_text, "fields": fields,
        });
        let fingerprint = Fingerprint::of(privacy::REVEAL, &asked)
            .map_err(AppError::internal)
            .map_err(|error| failed(ctx, error))?;
        let order = RevealOrder {
            case: reach::id::<CaseId>(ctx, &input.case)?,
            fields,
            look: look(ctx, purpose, input.purpose_text, input.idempotency_key)?,
            fingerprint,
        };
        let revealing = ctx.data::<Arc<Privacy>>()?.reveal(&request(ctx)?.actor, order);
        match Box::pin(revealing).await.map_err(|error| failed(ctx, error))? {
            Ok(revealed) => Ok(RevealPersonalDataPayload {
                data: Some(revealed.data.into()),
                access_record: Some(ID(revealed.record.to_string())),
                remaining_today: small(revealed.remaining),
                user_errors: Vec::new(),
            }),
            Err(rejections) => Ok(RevealPersonalDataPayload {
                data: None,
                access_record: None,
                remaining_today: None,
                user_errors: told(ctx, &rejections, RevealPersonalDataUserError::of)?,
            }),
        }
    }

    /// Find the cases of a person by the whole identity number (按证件号码查件), among those that the viewer's organization
    /// owns, was offered or took in. A record is kept first; the applicant sees it.
    async fn find_cases_by_applicant(
        &self,
        ctx: &Context<'_>,
        input: FindCasesByApplicantInput,
    ) -> Result<FindCasesByApplicantPayload> {
        let id_type = onedoor_domain::applicant::IdType::from(input.id_type);
        let purpose = domain::AccessPurpose::from(input.purpose);
        let order = LookUpOrder {
            id_type,
            number: Redacted::new(input.id_number),
            input: json!({ "idType": id_type, "purpose": purpose, "purposeText": input.purpose_text }),
            look: look(ctx, purpose, input.purpose_text, input.idempotency_key)?,
        };
        let looking = ctx.data::<Arc<Privacy>>()?.look_up(&request(ctx)?.actor, order);
        match Box::pin(looking).await.map_err(|error| failed(ctx, error))? {
            Ok(found) => Ok(FindCasesByApplicantPayload {
                cases: found.cases.into_iter().map(Case::of).collect(),
                access_records: found.records.iter().map(|id| ID(id.to_string())).collect(),
                remaining_today: small(found.remaining),
                user_errors: Vec::new(),
            }),
            Err(rejections) => Ok(FindCasesByApplicantPayload {
                cases: Vec::new(),
                access_records: Vec::new(),
                remaining_today: None,
                user_errors: told(ctx, &rejections, FindCasesByApplicantUserError::of)?,
            }),
        }
    }
}

fn look(ctx: &Context<'_>, purpose: domain::AccessPurpose, text: Option<String>, key: Uuid) -> Result<Look> {
    Ok(Look {
        purpose,
        purpose_text: text.map(Redacted::new),
        key: IdempotencyKey::from_uuid(key),
        correlation: request(ctx)?.correlation_id.to_string(),
    })
}

fn small(count: Option<u32>) -> Option<i32> {
    count.map(|count| i32::try_from(count).unwrap_or(i32::MAX))
}

impl From<privacy::PersonalData> for PersonalData {
    fn from(data: privacy::PersonalData) -> Self {
        let note = |(material, note)| MaterialNote { material, note };
        Self {
            erased: data.erased,
            name: data.name,
            id_number: data.id_number,
            phone: data.phone,
            contact_name: data.contact_name,
            addresses: data.addresses,
            form: data.form.map(Json),
            material_notes: data
                .material_notes
                .map(|notes| notes.into_iter().map(note).collect()),
        }
    }
}
