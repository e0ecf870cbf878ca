//! Finding a person's cases by the identity number: exactly, inside one's own organization, on record.

use onedoor_domain::access::{AccessKind, AccessRecord, PersonalField};
use onedoor_domain::actor::Actor;
use onedoor_domain::applicant::IdType;
use onedoor_domain::audit::AuditAction;
use onedoor_domain::id::{AccessRecordId, CaseId};
use onedoor_domain::idempotency::Fingerprint;
use onedoor_domain::lookup::LookupKey;
use onedoor_domain::policy::Act;
use onedoor_domain::proof::ReadProof;
use onedoor_domain::sla::beijing_date;
use serde_json::{Value, json};

use super::{Look, Privacy, claim, faults};
use crate::error::{AppError, ErrorCode};
use crate::secret::Redacted;
use crate::secret::index_key::Blind;
use crate::service::cases::prove;
use crate::service::reading::{self, CaseView};
use crate::service::rejection::{Rejection, RejectionCode};
use crate::store::access::{AccessSet, Recorded};
use crate::store::case::Loaded;

/// The mutation that finds cases.
pub const LOOK_UP: &str = "findCasesByApplicant";
/// Cases that one look-up shows.
const SHOWN_MAX: usize = 50;
/// Cases that are asked for, because some of them were handed on since.
const ASKED_MAX: u64 = 200;

/// A request for the cases of a person.
#[derive(Debug, Clone)]
pub struct LookUpOrder {
    /// Kind of identity document.
    pub id_type: IdType,
    /// Its number, as typed.
    pub number: Redacted<String>,
    /// Why, and under which key.
    pub look: Look,
    /// All of the canonical input but the number.
    pub input: Value,
}

/// What is answered.
pub struct Found {
    /// The cases, masked as everywhere; the last submitted first.
    pub cases: Vec<CaseView>,
    /// The records of it: one for each case, or one that names none.
    pub records: Vec<AccessRecordId>,
    /// Look-ups left today.
    pub remaining: Option<u32>,
}

impl Privacy {
    /// Finds the cases of a person on the desk of the actor's organization: those it owns, was offered or took in.
    ///
    /// # Errors
    /// FORBIDDEN or UNAUTHENTICATED by the policy; STORE_UNAVAILABLE, and then nothing was shown; the inner error is an
    /// expected answer.
    pub async fn look_up(
        &self,
        actor: &Actor,
        order: LookUpOrder,
    ) -> Result<Result<Found, Vec<Rejection>>, AppError> {
        let reads = self.cases.may_read(actor, Act::FindByApplicant)?;
        let today = beijing_date(self.now());
        let Ok(key) = LookupKey::typed(order.id_type, order.number.expose(), today) else {
            return Ok(Err(vec![no_number()]));
        };
        let blinds = self.cases.store.blinds_of(&key);
        let prints = fingerprints(&order.input, &blinds)?;
        let Some(print) = prints.first().copied() else {
            return Err(AppError::internal("there is no index key"));
        };
        match self.earlier(actor, LOOK_UP, order.look.key, &prints).await? {
            None => {}
            Some(Err(mismatch)) => return Ok(Err(vec![mismatch])),
            Some(Ok(records)) => return self.found_again(actor, records).await.map(Ok),
        }
        if let Some(fault) = faults(actor, &order.look, None) {
            return Ok(Err(vec![fault]));
        }
        let cases = self.on_desk(actor, &reads, &blinds).await?;
        let records = self.records_of(actor, &order.look, &cases);
        let Some(first) = records.first().cloned() else {
            return Err(AppError::internal("a look-up without a record"));
        };
        let entry = self.entry(actor, AuditAction::ApplicantLookedUp, &first, &order.look);
        let ids: Vec<AccessRecordId> = records.iter().map(|record| record.id).collect();
        let set = AccessSet {
            records,
            audit: entry.clone().on(first.id),
            claim: claim(actor, LOOK_UP, &order.look, print),
            budget: self.budget(actor, AccessKind::LookUp),
        };
        match self.cases.store.record_access(set).await? {
            Recorded::Kept => self.found(actor, cases, ids).await.map(Ok),
            Recorded::Exhausted => {
                let nobody = AccessRecord {
                    case: None,
                    division: self.division_of(actor),
                    ..first
                };
                let entry = entry.on(nobody.id);
                Ok(Err(vec![self.refused(actor, nobody, entry).await?]))
            }
            Recorded::KeyTaken => match self.earlier(actor, LOOK_UP, order.look.key, &prints).await? {
                Some(Ok(records)) => self.found_again(actor, records).await.map(Ok),
                Some(Err(mismatch)) => Ok(Err(vec![mismatch])),
                None => Err(AppError::of(ErrorCode::Overloaded).retry_after_ms(500)),
            },
        }
    }

    /// The cases of these hashes that lie on the actor's desk, by the policy's last word on each.
    async fn on_desk(
        &self,
        actor: &Actor,
        reads: &ReadProof,
        blinds: &[Blind],
    ) -> Result<Vec<Loaded>, AppError> {
        let ids = self
            .cases
            .store
            .find_by_applicant(reads, blinds, ASKED_MAX)
            .await?;
        self.load_on_desk(actor, &ids).await
    }

    async fn load_on_desk(&self, actor: &Actor, ids: &[CaseId]) -> Result<Vec<Loaded>, AppError> {
        let directory = self.cases.directory();
        let mut loaded = self.cases.store.load_cases(ids).await?;
        loaded.retain(|one| {
            matches!(
                prove(actor, Act::FindByApplicant, &one.case, &directory),
                Ok(Ok(_))
            )
        });
        loaded.truncate(SHOWN_MAX);
        Ok(loaded)
    }

    fn records_of(&self, actor: &Actor, look: &Look, cases: &[Loaded]) -> Vec<AccessRecord> {
        let of = |case| AccessRecord {
            fields: vec![PersonalField::IdNumber],
            ..self.record(actor, AccessKind::LookUp, look, case)
        };
        if cases.is_empty() {
            return vec![of(None)];
        }
        cases.iter().map(|loaded| of(Some(&loaded.case))).collect()
    }

    /// What a repetition shows: the cases recorded then, as far as they still lie on the desk.
    async fn found_again(&self, actor: &Actor, records: Vec<AccessRecordId>) -> Result<Found, AppError> {
        let ids = self.cases.store.cases_of_access(&records).await?;
        let cases = self.load_on_desk(actor, &ids).await?;
        self.found(actor, cases, records).await
    }

    async fn found(
        &self,
        actor: &Actor,
        cases: Vec<Loaded>,
        records: Vec<AccessRecordId>,
    ) -> Result<Found, AppError> {
        let directory = self.cases.directory();
        let views = cases.into_iter().filter_map(|loaded| {
            let proof = prove(actor, Act::ReadCase, &loaded.case, &directory).ok()?.ok()?;
            Some(self.cases.view(loaded.case, reading::sight(&proof)))
        });
        Ok(Found {
            cases: views.collect(),
            records,
            remaining: self.remaining(actor, AccessKind::LookUp).await?,
        })
    }
}

/// One for each key of the index, the current one first. The plain hash of a number would give the number away.
fn fingerprints(input: &Value, blinds: &[Blind]) -> Result<Vec<Fingerprint>, AppError> {
    let of = |blind: &Blind| {
        let asked = json!({ "number": hex::encode(blind.mac), "input": input });
        Fingerprint::of(LOOK_UP, &asked).map_err(AppError::internal)
    };
    blinds.iter().map(of).collect()
}

fn no_number() -> Rejection {
    Rejection::of(
        RejectionCode::InvalidField,
        &["idNumber"],
        "证件号码有误，请与证件核对（公民身份号码须为 18 位或旧证 15 位且校验正确）。未查询，未计次。",
        "The number is not right; compare it with the document (a resident number has 18 characters, on old documents \
         15, and a check digit). Nothing was looked for or counted.",
    )
}
