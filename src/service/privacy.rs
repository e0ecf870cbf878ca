//! Personal data in the clear: shown to who works on the case, for a purpose, within a day's budget, and only after the
//! record of it is stored (P27).
//!
//! What is shown is read after the commit of the record and goes into the answer alone: no cache, log, error or record of
//! an idempotency key ever holds it. If the record cannot be stored, nothing is read.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use onedoor_domain::access::{
    self, AccessKind, AccessOutcome, AccessPurpose, AccessRecord, PersonalField, PurposeFault,
};
use onedoor_domain::actor::Actor;
use onedoor_domain::applicant::Applicant;
use onedoor_domain::audit::{AuditAction, AuditEntry};
use onedoor_domain::case::refusal::Refusal;
use onedoor_domain::case::state::Case;
use onedoor_domain::id::{AccessRecordId, CaseId, DivisionId};
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use onedoor_domain::policy::Act;
use serde_json::Value;
use uuid::Uuid;

use super::cases::Cases;
use super::form::pii::PiiKind;
use super::rejection::{Rejection, RejectionCode};
use crate::config::privacy::PrivacyConfig;
use crate::error::{AppError, ErrorCode};
use crate::secret::Redacted;
use crate::store::access::{AccessSet, BudgetClaim, Recorded};
use crate::store::write_set::IdempotencyClaim;

pub mod indexing;
pub mod look_up;
pub mod records;

/// The mutation that shows the data of a case.
pub const REVEAL: &str = "revealPersonalData";

/// Shows personal data, and keeps who looked.
pub struct Privacy {
    cases: Arc<Cases>,
    limits: PrivacyConfig,
}

/// Why and under which key somebody looks.
#[derive(Debug, Clone)]
pub struct Look {
    /// Why.
    pub purpose: AccessPurpose,
    /// Why, in words.
    pub purpose_text: Option<Redacted<String>>,
    /// The caller's key: one record and one count for each.
    pub key: IdempotencyKey,
    /// The number of the request, for the audit log.
    pub correlation: String,
}

/// A request for the data of a case.
#[derive(Debug, Clone)]
pub struct RevealOrder {
    /// The case.
    pub case: CaseId,
    /// What of it.
    pub fields: Vec<PersonalField>,
    /// Why, and under which key.
    pub look: Look,
    /// Hash of the canonical input.
    pub fingerprint: Fingerprint,
}

/// Personal data in the clear: for an answer, and for nothing else. What was not asked for is `None`.
#[derive(Default)]
pub struct PersonalData {
    /// Whether it was erased; then there is nothing else.
    pub erased: bool,
    /// Name.
    pub name: Option<String>,
    /// Identity number.
    pub id_number: Option<String>,
    /// Mobile number.
    pub phone: Option<String>,
    /// Who acts for an organization.
    pub contact_name: Option<String>,
    /// Addresses of the form.
    pub addresses: Option<Vec<String>>,
    /// The personal part of the form.
    pub form: Option<Value>,
    /// Remarks on materials: code, remark.
    pub material_notes: Option<Vec<(String, String)>>,
}

/// What is answered.
pub struct Revealed {
    /// The record of it.
    pub record: AccessRecordId,
    /// The data.
    pub data: PersonalData,
    /// Looks left today; `None`: they are not counted.
    pub remaining: Option<u32>,
}

impl Privacy {
    /// Over the use cases of cases.
    #[must_use]
    pub const fn new(cases: Arc<Cases>, limits: PrivacyConfig) -> Self {
        Self { cases, limits }
    }

    /// Shows personal data of a case to its applicant, or to who works on it. The same key shows again, as the data is
    /// then, under the same record.
    ///
    /// # Errors
    /// NOT_FOUND, FORBIDDEN or UNAUTHENTICATED by the policy; STORE_UNAVAILABLE, and then nothing was shown; the inner
    /// error is an expected answer.
    pub async fn reveal(
        &self,
        actor: &Actor,
        order: RevealOrder,
    ) -> Result<Result<Revealed, Vec<Rejection>>, AppError> {
        let act = Act::RevealPersonalData;
        let (loaded, Ok(_proof)) = self.cases.load_for(actor, act, order.case).await? else {
            return Ok(Err(vec![Refusal::WrongOrganization.into()]));
        };
        let case = loaded.case;
        let prints = [order.fingerprint];
        match self.earlier(actor, REVEAL, order.look.key, &prints).await? {
            None => {}
            Some(Err(mismatch)) => return Ok(Err(vec![mismatch])),
            Some(Ok(records)) => return self.show(actor, &case, &order.fields, &records).await.map(Ok),
        }
        if let Some(fault) = faults(actor, &order.look, Some(&order.fields)) {
            return Ok(Err(vec![fault]));
        }
        let record = AccessRecord {
            fields: distinct(&order.fields),
            ..self.record(actor, AccessKind::Reveal, &order.look, Some(&case))
        };
        let entry = self.entry(actor, AuditAction::PersonalDataRevealed, &record, &order.look);
        let set = AccessSet {
            records: vec![record.clone()],
            audit: entry.clone(),
            claim: claim(actor, REVEAL, &order.look, order.fingerprint),
            budget: self.budget(actor, AccessKind::Reveal),
        };
        match self.cases.store.record_access(set).await? {
            Recorded::Kept => self.show(actor, &case, &order.fields, &[record.id]).await.map(Ok),
            Recorded::Exhausted => Ok(Err(vec![self.refused(actor, record, entry).await?])),
            // the same request was stored beside this one
            Recorded::KeyTaken => match self.earlier(actor, REVEAL, order.look.key, &prints).await? {
                Some(Ok(records)) => self.show(actor, &case, &order.fields, &records).await.map(Ok),
                Some(Err(mismatch)) => Ok(Err(vec![mismatch])),
                None => Err(AppError::of(ErrorCode::Overloaded).retry_after_ms(500)),
            },
        }
    }

    /// Reads what was recorded to be shown.
    async fn show(
        &self,
        actor: &Actor,
        case: &Case,
        fields: &[PersonalField],
        records: &[AccessRecordId],
    ) -> Result<Revealed, AppError> {
        let record = records
            .first()
            .ok_or_else(|| AppError::internal("a look without a record"))?;
        Ok(Revealed {
            record: *record,
            data: self.read(case, fields).await?,
            remaining: self.remaining(actor, AccessKind::Reveal).await?,
        })
    }

    async fn read(&self, case: &Case, fields: &[PersonalField]) -> Result<PersonalData, AppError> {
        let Some(private) = self.cases.store.private(case.id).await? else {
            return Ok(PersonalData {
                erased: true,
                ..PersonalData::default()
            });
        };
        let Ok(applicant) = serde_json::from_value::<Applicant>(private.applicant) else {
            // the cause would quote the applicant
            return Err(AppError::internal("the applicant of a case does not parse"));
        };
        let item = self.cases.item_of(case).await?;
        let schema = self.cases.forms.of(&item)?;
        let mut data = PersonalData::default();
        for field in fields {
            match field {
                PersonalField::Name => data.name = Some(applicant.name.clone()),
                PersonalField::IdNumber => data.id_number.clone_from(&applicant.id_number),
                PersonalField::Phone => data.phone.clone_from(&applicant.phone),
                PersonalField::ContactName => data.contact_name.clone_from(&applicant.contact_name),
                PersonalField::Address => {
                    data.addresses = Some(schema.texts_of(&private.form, PiiKind::Address));
                }
                PersonalField::Form => data.form = Some(schema.split(&private.form).private),
                PersonalField::MaterialNotes => {
                    let materials = self.cases.materials(case, private.materials.clone()).await?;
                    let noted = materials
                        .into_iter()
                        .filter_map(|entry| Some((entry.code, entry.note?)));
                    data.material_notes = Some(noted.collect());
                }
            }
        }
        Ok(data)
    }

    /// What was recorded under a caller's key before; the inner error: the key was used for something else.
    async fn earlier(
        &self,
        actor: &Actor,
        act: &str,
        key: IdempotencyKey,
        fingerprints: &[Fingerprint],
    ) -> Result<Option<Result<Vec<AccessRecordId>, Rejection>>, AppError> {
        let Some(record) = self.cases.store.look_up(&actor.subject, key).await? else {
            return Ok(None);
        };
        if record.act != act || !fingerprints.contains(&record.fingerprint) {
            return Ok(Some(Err(Rejection::idempotency_mismatch())));
        }
        let ids = serde_json::from_slice(&record.answer.unwrap_or_default()).map_err(AppError::internal)?;
        Ok(Some(Ok(ids)))
    }

    fn record(&self, actor: &Actor, kind: AccessKind, look: &Look, case: Option<&Case>) -> AccessRecord {
        let text = look.purpose_text.as_ref().map(|text| text.expose().trim());
        AccessRecord {
            id: AccessRecordId::from_uuid(Uuid::now_v7()),
            at: self.now(),
            kind,
            outcome: AccessOutcome::Shown,
            actor: actor.kind,
            subject: actor.subject.clone(),
            organization: actor.organization,
            case: case.map(|case| case.id),
            division: case.map(|case| case.division).or_else(|| self.division_of(actor)),
            purpose: look.purpose,
            purpose_text: text.filter(|text| !text.is_empty()).map(str::to_owned),
            fields: Vec::new(),
        }
    }

    fn entry(&self, actor: &Actor, action: AuditAction, record: &AccessRecord, look: &Look) -> AuditEntry {
        let entry = self.cases.services.audit_entry(actor, action);
        let entry = match record.case {
            Some(case) => entry.on(case),
            None => entry.on(record.id),
        };
        let purpose = crate::store::names::name_of(look.purpose).unwrap_or_default();
        entry.because(purpose).of_request(&look.correlation)
    }

    fn budget(&self, actor: &Actor, kind: AccessKind) -> Option<BudgetClaim> {
        access::is_counted(actor.kind).then(|| BudgetClaim {
            subject: actor.subject.clone(),
            kind,
            day: access::budget_day(self.now()),
            limit: self.limit(kind),
        })
    }

    const fn limit(&self, kind: AccessKind) -> u32 {
        match kind {
            AccessKind::Reveal => self.limits.reveals_per_day,
            AccessKind::LookUp => self.limits.lookups_per_day,
        }
    }

    async fn remaining(&self, actor: &Actor, kind: AccessKind) -> Result<Option<u32>, AppError> {
        let Some(budget) = self.budget(actor, kind) else {
            return Ok(None);
        };
        let used = self.cases.store.used_up(&budget).await?;
        Ok(Some(budget.limit.saturating_sub(used)))
    }

    /// Keeps that nothing was shown, where supervisors see it, and says so.
    async fn refused(
        &self,
        actor: &Actor,
        record: AccessRecord,
        entry: AuditEntry,
    ) -> Result<Rejection, AppError> {
        let kind = record.kind;
        if let Some(budget) = self.budget(actor, kind) {
            let record = AccessRecord {
                outcome: AccessOutcome::Refused,
                ..record
            };
            let entry = entry.denied().because("BUDGET_EXHAUSTED");
            self.cases.store.record_refusal(&record, entry, budget).await?;
        }
        Ok(exhausted(self.limit(kind)))
    }

    fn division_of(&self, actor: &Actor) -> Option<DivisionId> {
        let directory = self.cases.directory();
        let organization = directory.organization(actor.organization?)?;
        Some(organization.division)
    }

    fn now(&self) -> DateTime<Utc> {
        self.cases.clock.now()
    }
}

fn claim(actor: &Actor, act: &'static str, look: &Look, fingerprint: Fingerprint) -> IdempotencyClaim {
    IdempotencyClaim {
        principal: actor.subject.clone(),
        key: look.key,
        act,
        fingerprint,
    }
}

/// What is wrong with a look before anything is asked of the store.
fn faults(actor: &Actor, look: &Look, fields: Option<&[PersonalField]>) -> Option<Rejection> {
    if fields.is_some_and(<[PersonalField]>::is_empty) {
        return Some(Rejection::of(
            RejectionCode::InvalidField,
            &["fields"],
            "请选择要查看的项目（fields），只选办理所需的。",
            "Name what is to be shown in `fields`, and no more than the work needs.",
        ));
    }
    let text = look.purpose_text.as_ref().map(|text| text.expose().as_str());
    let fault = access::check_purpose(actor.kind, look.purpose, text).err()?;
    Some(match fault {
        PurposeFault::NotTheirs => Rejection::of(
            RejectionCode::InvalidField,
            &["purpose"],
            "目的不符：本人查阅（OWN_DATA）仅限申请人本人，工作人员请选择办理目的。",
            "The purpose does not fit: applicants look at their own data (OWN_DATA), and nobody else does so.",
        ),
        PurposeFault::TextRequired => Rejection::of(
            RejectionCode::PurposeTextRequired,
            &["purposeText"],
            "选择“其他”目的时须写明用途（purposeText）。",
            "With the purpose OTHER say in `purposeText` what the data is needed for.",
        ),
        PurposeFault::Text => Rejection::of(
            RejectionCode::InvalidField,
            &["purposeText"],
            format!(
                "用途说明不超过 {} 字，且不得含控制字符。",
                access::PURPOSE_TEXT_CHARS_MAX
            ),
            format!(
                "Use at most {} characters and no control characters.",
                access::PURPOSE_TEXT_CHARS_MAX
            ),
        ),
    })
}

fn exhausted(limit: u32) -> Rejection {
    Rejection::of(
        RejectionCode::BudgetExhausted,
        &[],
        format!(
            "今日查阅个人信息已达 {limit} 次上限，次日零时（北京时间）恢复；确需继续请联系督办人员。此次申请已留痕。"
        ),
        format!(
            "Today's {limit} looks at personal data are used up; there are new ones at midnight in Beijing. \
             If work cannot wait, ask your supervisor, who sees this request."
        ),
    )
}

/// Each field once, in order.
fn distinct(fields: &[PersonalField]) -> Vec<PersonalField> {
    let mut fields = fields.to_vec();
    fields.sort_unstable();
    fields.dedup();
    fields
}
