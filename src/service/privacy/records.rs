//! Who looked at personal data, for those who may know: the applicant, supervisors of the division, auditors.

use onedoor_domain::access::{AccessEntry, AccessOutcome};
use onedoor_domain::actor::Actor;
use onedoor_domain::page::{Page, PageRequest};
use onedoor_domain::policy::Act;
use onedoor_domain::proof::{Capacity, CaseProof};

use crate::error::AppError;
use crate::service::cases::{Cases, prove};
use crate::service::guard;
use crate::service::reading::CaseView;
pub use crate::store::access_list::{ACCESS_BY_TIME, AccessFilter};

/// How much of a record its reader sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// The applicant: which office, for what, and a short name that tells people apart.
    Applicant,
    /// Supervision and audit: the person's subject as well, and what was refused.
    Oversight,
}

/// The permission to read the records of a case, and how much of them.
pub struct RecordsOfCase {
    proof: CaseProof,
    /// How much.
    pub detail: Detail,
}

impl RecordsOfCase {
    /// Nothing was seen where something was refused: that is between the person and their supervisors.
    fn filter(&self) -> AccessFilter {
        AccessFilter {
            outcome: match self.detail {
                Detail::Applicant => Some(AccessOutcome::Shown),
                Detail::Oversight => None,
            },
            ..AccessFilter::default()
        }
    }
}

impl Cases {
    /// Whether, and how, a reader sees who looked at the case of a view; `None`: it is not for them.
    #[must_use]
    pub fn may_read_records(&self, actor: &Actor, view: &CaseView) -> Option<RecordsOfCase> {
        let act = Act::ReadAccessRecords;
        let by_role = prove(actor, act, &view.case, &self.directory());
        let by_role = by_role.ok().and_then(Result::ok);
        let by_secret = || guard::by_credential(actor, act, view.credential?).ok();
        let proof = by_role.or_else(by_secret)?;
        let detail = match proof.capacity() {
            Capacity::Supervisor | Capacity::Overseer => Detail::Oversight,
            Capacity::Applicant | Capacity::CredentialHolder => Detail::Applicant,
            // the policy gives the records to nobody else
            Capacity::Device
            | Capacity::Owner
            | Capacity::Addressee
            | Capacity::ForOwner
            | Capacity::FirstContact
            | Capacity::Decider
            | Capacity::Past
            | Capacity::Upstream
            | Capacity::Gateway => return None,
        };
        Some(RecordsOfCase { proof, detail })
    }

    /// A page of the records of a case, the last first.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn records_of_case(
        &self,
        of: &RecordsOfCase,
        page: &PageRequest,
    ) -> Result<Page<AccessEntry>, AppError> {
        Ok(self.store.list_access_of(&of.proof, &of.filter(), page).await?)
    }

    /// How many records of a case there are.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn count_records_of_case(&self, of: &RecordsOfCase) -> Result<u64, AppError> {
        Ok(self.store.count_access_of(&of.proof, &of.filter()).await?)
    }

    /// A page of the records that an overseer reads, the last first.
    ///
    /// # Errors
    /// FORBIDDEN or UNAUTHENTICATED by the policy, STORE_UNAVAILABLE.
    pub async fn search_records(
        &self,
        actor: &Actor,
        filter: &AccessFilter,
        page: &PageRequest,
    ) -> Result<Page<AccessEntry>, AppError> {
        let proof = self.may_read(actor, Act::SearchAccessRecords)?;
        Ok(self.store.list_access(&proof, filter, page).await?)
    }

    /// How many records the list has.
    ///
    /// # Errors
    /// As [`Cases::search_records`].
    pub async fn count_records(&self, actor: &Actor, filter: &AccessFilter) -> Result<u64, AppError> {
        let proof = self.may_read(actor, Act::SearchAccessRecords)?;
        Ok(self.store.count_access(&proof, filter).await?)
    }
}
