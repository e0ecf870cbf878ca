//! Reading cases: one, lists; what each reader may see of them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use onedoor_domain::actor::Actor;
use onedoor_domain::applicant::Applicant;
use onedoor_domain::case::available::{self, NextStep};
use onedoor_domain::case::command::By;
use onedoor_domain::case::state::Case;
use onedoor_domain::case::succession;
use onedoor_domain::delivery::DeliveryEntry;
use onedoor_domain::id::CaseId;
use onedoor_domain::page::{Page, PageRequest};
use onedoor_domain::policy::Act;
use onedoor_domain::policy::fields;
pub use onedoor_domain::policy::fields::Sight;
use onedoor_domain::proof::{Capacity, CaseProof, Credential, ReadProof};
use onedoor_domain::receipt::SignedReceipt;
use onedoor_domain::route::HandoffKind;
use onedoor_domain::timeline::StoredEvent;
use onedoor_domain::tracking::TrackingCode;
use onedoor_domain::{identifier, mask};
use uuid::Uuid;

use super::answer::Answer;
use super::cases::Cases;
use super::guard;
use crate::error::AppError;
pub use crate::store::case_list::{Belonging, CaseFilter, CaseKey, CaseOrder};
pub use crate::store::delivery_list::{DELIVERIES_BY_CREATED, DeliveryFilter};
pub use crate::store::draft::DRAFTS_BY_SAVED;

/// A case as one reader sees it, at one instant.
#[derive(Debug, Clone)]
pub struct CaseView {
    /// The case.
    pub case: Case,
    /// How much of it is seen.
    pub sight: Sight,
    /// The instant for which overdue and remaining are told.
    pub at: DateTime<Utc>,
    /// Last line of the ledger that belongs to this view; `None`: all there is now.
    pub head: Option<u64>,
    /// Lines behind it that belong to it too: what a past handler reads of itself.
    pub also: BTreeSet<u64>,
    /// The instants at which lines were written, and whether the reader is told of what happened then; `None`: of all.
    pub instants: Option<BTreeMap<DateTime<Utc>, bool>>,
    /// Code and secret by which the reader came to it.
    pub(super) credential: Option<Credential>,
}

impl CaseView {
    /// Whether a line of the ledger belongs to this view.
    #[must_use]
    pub fn holds(&self, seq: u64) -> bool {
        self.head.is_none_or(|head| seq <= head) || self.also.contains(&seq)
    }

    /// Whether its reader is told of a change of that instant, which is the one of the last line before it.
    #[must_use]
    pub fn tells(&self, changed_at: DateTime<Utc>) -> bool {
        let Some(instants) = &self.instants else {
            return true;
        };
        let line = instants.range(..=changed_at).next_back();
        line.is_some_and(|(_, told)| *told)
    }
}

/// An applicant, masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskedApplicant {
    /// Name, masked.
    pub name: String,
    /// Identity number, masked.
    pub id_number: Option<String>,
    /// Mobile number, masked.
    pub phone: Option<String>,
    /// Person or organization.
    pub kind: onedoor_domain::applicant::PartyKind,
}

/// One line of a case's timeline. Texts are there for readers who may see them.
#[derive(Debug, Clone)]
pub struct TimelineEntry {
    /// The line of the ledger.
    pub stored: StoredEvent,
    /// Reasons, remedy, opinion or note, each under its name.
    pub texts: Option<serde_json::Value>,
}

impl Cases {
    /// A view of a case as it is now.
    pub(super) fn view(&self, case: Case, sight: Sight) -> CaseView {
        let directory = self.directory();
        CaseView {
            case: succession::as_today(case, &|id| directory.living(id)),
            sight,
            at: self.clock.now(),
            head: None,
            also: BTreeSet::new(),
            instants: None,
            credential: None,
        }
    }

    /// Which rows an actor may read, with the work of organizations that its own has succeeded.
    pub(super) fn may_read(&self, actor: &Actor, act: Act) -> Result<ReadProof, AppError> {
        Ok(guard::read(actor, act)?.through(self.directory().lineage()))
    }

    /// One case by key. `None`: absent, or not for this actor to see.
    ///
    /// # Errors
    /// FORBIDDEN or UNAUTHENTICATED by the policy, STORE_UNAVAILABLE.
    pub async fn read_case(&self, actor: &Actor, id: CaseId) -> Result<Option<CaseView>, AppError> {
        let scope = self.may_read(actor, Act::ReadCase)?;
        let loaded = self.store.load_cases_within(&scope, &[id]).await?;
        let mut views = self.views(actor, Act::ReadCase, loaded).await?;
        Ok(views.remove(&id))
    }

    /// One case by tracking code, for those who may read it without the secret.
    ///
    /// # Errors
    /// As [`Cases::read_case`].
    pub async fn read_case_by_code(
        &self,
        actor: &Actor,
        code: &TrackingCode,
    ) -> Result<Option<CaseView>, AppError> {
        guard::allow(actor, Act::ReadCase)?;
        // a code that nobody has costs the look that a foreign one costs
        let found = self.store.find_by_tracking(code).await?;
        let case = found.map_or(CaseId::from_uuid(Uuid::nil()), |(case, _)| case);
        self.read_case(actor, case).await
    }

    /// A case by the number that a device printed while it was offline.
    ///
    /// # Errors
    /// As [`Cases::read_case`].
    pub async fn read_case_by_provisional(
        &self,
        actor: &Actor,
        device: &str,
        number: &str,
    ) -> Result<Option<CaseView>, AppError> {
        guard::allow(actor, Act::ReadCase)?;
        match self.store.find_by_provisional(device, number).await? {
            Some(case) => self.read_case(actor, case).await,
            None => Ok(None),
        }
    }

    /// A page of the cases an actor may read.
    ///
    /// # Errors
    /// As [`Cases::read_case`].
    pub async fn list_cases(
        &self,
        actor: &Actor,
        filter: &CaseFilter,
        order: CaseOrder,
        page: &PageRequest,
    ) -> Result<Page<CaseView>, AppError> {
        let proof = self.may_read(actor, Act::ReadCase)?;
        let page = self.store.list_cases(&proof, filter, order, page).await?;
        let found = page.edges.iter().map(|edge| edge.node.clone()).collect();
        let mut views = self.views(actor, Act::ReadCase, found).await?;
        Ok(page.filter_map(|loaded| views.remove(&loaded.case.id)))
    }

    /// How many cases the list has.
    ///
    /// # Errors
    /// As [`Cases::read_case`].
    pub async fn count_cases(&self, actor: &Actor, filter: &CaseFilter) -> Result<u64, AppError> {
        let proof = self.may_read(actor, Act::ReadCase)?;
        Ok(self.store.count_cases(&proof, filter).await?)
    }

    /// A page of deliveries to upstream systems, the last asked for first.
    ///
    /// # Errors
    /// As [`Cases::read_case`].
    pub async fn list_deliveries(
        &self,
        actor: &Actor,
        filter: &DeliveryFilter,
        page: &PageRequest,
    ) -> Result<Page<DeliveryEntry>, AppError> {
        let proof = self.may_read(actor, Act::ReadDeliveries)?;
        Ok(self.store.list_deliveries(&proof, filter, page).await?)
    }

    /// The ledgers of the cases of some views, for [`timeline`].
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn ledgers(&self, of: &[CaseId]) -> Result<BTreeMap<CaseId, Vec<StoredEvent>>, AppError> {
        Ok(self.store.timelines(of).await?)
    }

    /// All receipts of the cases of some views, for [`receipts_within`].
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn receipts_of(&self, of: &[CaseId]) -> Result<BTreeMap<CaseId, Vec<SignedReceipt>>, AppError> {
        Ok(self.store.receipts_of(of).await?)
    }

    /// The applicants of the cases of some views, masked whatever the reader.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn applicants(&self, of: &[CaseId]) -> Result<BTreeMap<CaseId, MaskedApplicant>, AppError> {
        let sealed = self.store.applicants(of).await?;
        let read = |(case, value)| {
            let applicant: Applicant = serde_json::from_value(value).map_err(AppError::internal)?;
            Ok((case, masked(&applicant)))
        };
        sealed.into_iter().map(read).collect()
    }

    /// The receipts that the act of an answer brought.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn receipts_of_answer(
        &self,
        view: &CaseView,
        answer: &Answer,
    ) -> Result<Vec<SignedReceipt>, AppError> {
        let all = self.store.receipts(view.case.id).await?;
        let mut receipts = receipts_within(view, &all);
        receipts.retain(|receipt| {
            receipt
                .body
                .ledger
                .as_ref()
                .is_some_and(|position| position.seq >= answer.first)
        });
        Ok(receipts)
    }

    /// What the actor could do with the case now.
    ///
    /// # Errors
    /// As any lookup of reference data.
    pub async fn available(&self, actor: &Actor, view: &CaseView) -> Result<Vec<available::Act>, AppError> {
        let item = self.item_of(&view.case).await?;
        Ok(available::possible(&view.case, &item, &By::from(actor)))
    }

    /// The kinds of handoff that the actor could offer now.
    ///
    /// # Errors
    /// As any lookup of reference data.
    pub async fn handoff_kinds(&self, actor: &Actor, view: &CaseView) -> Result<Vec<HandoffKind>, AppError> {
        let item = self.item_of(&view.case).await?;
        Ok(available::handoff_kinds(&view.case, &item, &By::from(actor)))
    }

    /// What happens next with the case.
    ///
    /// # Errors
    /// As any lookup of reference data.
    pub async fn next_step(&self, view: &CaseView) -> Result<NextStep, AppError> {
        let item = self.item_of(&view.case).await?;
        Ok(available::next_step(&view.case, &item))
    }
}

/// The timeline of a view, from the ledger of its case.
#[must_use]
pub fn timeline(view: &CaseView, ledger: &[StoredEvent]) -> Vec<TimelineEntry> {
    let within = ledger.iter().filter(|stored| view.holds(stored.seq));
    let entry = |stored: &StoredEvent| TimelineEntry {
        texts: fields::words(view.sight, &stored.event)
            .then(|| stored.private.clone())
            .flatten(),
        stored: stored.clone(),
    };
    within.map(entry).collect()
}

/// The receipts of a view, among all of its case.
#[must_use]
pub fn receipts_within(view: &CaseView, receipts: &[SignedReceipt]) -> Vec<SignedReceipt> {
    let within = |receipt: &&SignedReceipt| {
        let position = receipt.body.ledger.as_ref();
        view.head.is_none() || position.is_some_and(|position| view.holds(position.seq))
    };
    receipts.iter().filter(within).cloned().collect()
}

fn masked(applicant: &Applicant) -> MaskedApplicant {
    MaskedApplicant {
        name: mask::name(&applicant.name),
        id_number: applicant
            .id_number
            .as_deref()
            .map(|number| mask::resident_id(&identifier::normalize(number))),
        phone: applicant.phone.as_deref().map(mask::phone),
        kind: applicant.kind,
    }
}

pub(super) const fn sight(proof: &CaseProof) -> Sight {
    if proof.masked() {
        // who holds code and secret reads what was said to the applicant, whoever they are
        return match proof.capacity() {
            Capacity::CredentialHolder => Sight::Applicant,
            Capacity::Supervisor | Capacity::Overseer => Sight::Supervision,
            Capacity::Applicant
            | Capacity::Device
            | Capacity::Owner
            | Capacity::Addressee
            | Capacity::ForOwner
            | Capacity::FirstContact
            | Capacity::Decider
            | Capacity::Past
            | Capacity::Upstream
            | Capacity::Gateway => Sight::Masked,
        };
    }
    match proof.capacity() {
        Capacity::Applicant | Capacity::CredentialHolder => Sight::Applicant,
        // what came after its own part is not the business of an office that handed the case on
        Capacity::Past => Sight::Past,
        Capacity::Owner
        | Capacity::Addressee
        | Capacity::ForOwner
        | Capacity::FirstContact
        | Capacity::Decider
        | Capacity::Device
        | Capacity::Supervisor
        | Capacity::Overseer
        | Capacity::Upstream
        | Capacity::Gateway => Sight::Office,
    }
}
