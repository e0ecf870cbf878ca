//! What an adapter may see of a case: a plain, serializable copy made for one delivery.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use onedoor_domain::case::state::{CaseStatus, Outcome};
use onedoor_domain::id::CaseId;
use onedoor_domain::item::ApplicantKind;
use onedoor_domain::notice::NoticeKind;
use onedoor_domain::route::HandoffKind;
use serde::{Deserialize, Serialize};

/// One case as an upstream system is told of it.
///
/// Its serialized form holds personal data in the clear, because sending that is the purpose of a delivery.
/// Its `Debug` form shows the case number and the item alone.
#[derive(Clone, Serialize, Deserialize)]
pub struct CaseView {
    /// Our identifier of the case.
    pub case_id: CaseId,
    /// Our number of the case as people know it (the tracking code); what adapters send as "our reference".
    pub case_number: String,
    /// The item applied for.
    pub item: ItemView,
    /// The division of the case, already in the upstream's code system.
    pub division: DivisionView,
    /// Who applies.
    pub applicant: ApplicantView,
    /// The form as validated: property of the item's JSON Schema → value.
    pub form: serde_json::Map<String, serde_json::Value>,
    /// The materials handed in.
    pub materials: Vec<MaterialView>,
    /// What a supplement brings; `None` for every other operation.
    pub supplement: Option<SupplementView>,
    /// Why the upstream is to stop; `None` for every other operation than a withdrawal.
    pub withdrawal: Option<WithdrawalView>,
    /// What a notice tells; `None` for every other operation. A case that is told of comes without personal data: applicant,
    /// form, materials and words are empty.
    pub notice: Option<NoticeView>,
    /// The organization that hands the case over.
    pub from: OfficeView,
    /// The organization it is handed to (the bound one).
    pub to: OfficeView,
    /// The handoff that this delivery carries out.
    pub handoff: HandoffView,
    /// When the case was submitted.
    pub submitted_at: DateTime<Utc>,
    /// By when what is due; `None` where that clock does not run.
    pub due: DueView,
    /// Where the upstream reports back; `None` when it cannot call.
    pub callback_url: Option<String>,
}

/// Papers that came after the case was handed over (补正、容缺后补).
#[derive(Clone, Serialize, Deserialize)]
pub struct SupplementView {
    /// The papers; those of the case as a whole stand in [`CaseView::materials`].
    pub materials: Vec<MaterialView>,
    /// Remark of the person who brought them.
    pub note: Option<String>,
}

/// Why an upstream is to stop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WithdrawalView {
    /// What happened.
    pub kind: WithdrawalKind,
    /// When.
    pub at: DateTime<Utc>,
}

/// What happened to a case, and how it stood then. Holds no personal data.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NoticeView {
    /// What happened.
    pub kind: NoticeKind,
    /// When.
    pub at: DateTime<Utc>,
    /// Number of the line in the case's ledger, from 1; grows with each.
    pub seq: u64,
    /// Hash of that line, hexadecimal.
    pub hash: String,
    /// The state of the case behind it.
    pub status: CaseStatus,
    /// What was decided; `None` before a decision.
    pub outcome: Option<Outcome>,
    /// The organization that acted; `None`: the applicant, or the gateway by itself.
    pub by: Option<OfficeView>,
    /// The organization that answers for the case behind it; `None` once it is closed.
    pub owner: Option<OfficeView>,
    /// The numbers that the case has in other systems.
    pub numbers: Vec<NumberView>,
}

/// The number of a case in a system.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NumberView {
    /// Name of the system here.
    pub system: String,
    /// Its number.
    pub number: String,
}

/// What ended the work of an upstream before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WithdrawalKind {
    /// 撤回, by the applicant.
    Withdrawn,
    /// 作废, by a supervisor.
    Voided,
    /// 逾期未补正: the supplement did not come in time.
    Lapsed,
    /// The office that handed the case over took it back.
    Recalled,
}

/// The service item of a case.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ItemView {
    /// Implementation code, as pinned by the case.
    pub code: String,
    /// Name in Chinese.
    pub name_zh: String,
    /// Name in English.
    pub name_en: String,
}

/// An administrative division in an upstream's own code system.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DivisionView {
    /// Code in the system the upstream declares (`division_code_system`).
    pub code: String,
    /// Name in Chinese.
    pub name: String,
}

/// An organization.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OfficeView {
    /// Our code of the organization.
    pub code: String,
    /// Name in Chinese.
    pub name: String,
}

/// The handoff behind a delivery.
#[derive(Clone, Serialize, Deserialize)]
pub struct HandoffView {
    /// Position among the case's handoffs, from 1.
    pub seq: u32,
    /// Its kind.
    pub kind: HandoffKind,
    /// Reason or opinion written by the sender; `None` for the plain route.
    pub note: Option<String>,
}

/// Dates by which something is due, in Asia/Shanghai.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DueView {
    /// The receiver's own step.
    pub step: Option<NaiveDate>,
    /// The promised date of the decision.
    pub promised: Option<NaiveDate>,
    /// The statutory date of the decision.
    pub statutory: Option<NaiveDate>,
}

/// The applicant, personal data in the clear.
#[derive(Clone, Serialize, Deserialize)]
pub struct ApplicantView {
    /// Natural or legal person.
    pub kind: ApplicantKind,
    /// Name.
    pub name: String,
    /// Kind of the document that proves who they are, for example `RESIDENT_ID`.
    pub id_kind: String,
    /// Number of that document.
    pub id_number: String,
    /// Telephone; `None` when not given.
    pub phone: Option<String>,
    /// Address; `None` when not given.
    pub address: Option<String>,
}

/// One material handed in.
#[derive(Clone, Serialize, Deserialize)]
pub struct MaterialView {
    /// Code of the material within the item.
    pub code: String,
    /// Name in Chinese.
    pub name: String,
    /// How far it is trusted: A issued by the agency, B checked at the window, C uploaded, D declared.
    pub trust: String,
    /// Number of paper originals.
    pub originals: u32,
    /// The clerk's note; `None` when there is none.
    pub note: Option<String>,
}

impl ApplicantView {
    /// Nobody: who applies is withheld.
    #[must_use]
    pub const fn withheld() -> Self {
        Self {
            kind: ApplicantKind::Person,
            name: String::new(),
            id_kind: String::new(),
            id_number: String::new(),
            phone: None,
            address: None,
        }
    }
}

impl fmt::Debug for CaseView {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("CaseView")
            .field("case_id", &self.case_id)
            .field("item", &self.item.code)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SupplementView {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SupplementView")
            .field("materials", &self.materials.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ApplicantView {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}
