//! Service items (事项): what can be applied for, by which form, with which papers, along which route.

pub mod publish;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{ItemVersionId, ServiceItemId};
use crate::limit::{Limit, LimitUnit};
use crate::route::{Step, StepClock};

/// Type of item (事项类型, GB/T 39046 annex A).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ItemType {
    /// 01 行政许可.
    License,
    /// 05 行政给付.
    Benefit,
    /// 07 行政确认.
    Confirmation,
    /// 08 行政奖励.
    Award,
    /// 09 行政裁决.
    Adjudication,
    /// 10 其他行政权力.
    OtherPower,
    /// 20 公共服务.
    PublicService,
}

/// How an item is processed (办件类型).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProcessingType {
    /// 1 即办件: one organization accepts and decides on the spot.
    Immediate,
    /// 2 承诺件: decided within a promised limit.
    Commitment,
}

/// Ordinary cases, or grid events with their own words (网格事件).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CaseKind {
    /// An application.
    #[default]
    Case,
    /// An event reported from a grid cell.
    Grid,
}

/// Who can apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ApplicantKind {
    /// A natural person.
    Person,
    /// A legal person or other organization.
    Organization,
    /// Either.
    Both,
}

/// In what form a material is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MaterialForm {
    /// The original is kept.
    Original,
    /// The original is shown and given back.
    OriginalCheck,
    /// A copy.
    Copy,
    /// Made from the form; never demanded.
    Generated,
}

/// One material (材料) of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Material {
    /// Code, unique within the item.
    pub code: String,
    /// Name in Chinese.
    pub name_zh: String,
    /// Name in English.
    pub name_en: String,
    /// Form.
    pub form: MaterialForm,
    /// Whether the application is incomplete without it.
    pub required: bool,
    /// A minor material (次审要件), which may be owed (容缺受理).
    #[serde(default)]
    pub defer_allowed: bool,
    /// Obtainable from shared data.
    #[serde(default)]
    pub from_shared_data: bool,
    /// The route step (its role or action) that brings it; then it is not asked of the applicant.
    #[serde(default)]
    pub produced_by: Option<String>,
    /// `COMMUNITY` marks a certificate the community would issue.
    #[serde(default)]
    pub issuer: Option<String>,
}

/// How a figure of the catalogue is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Read in a public page.
    Sourced,
    /// The law's default for a permit without its own limit.
    LawDefault,
    /// A named rule that was not checked.
    LawUnverified,
    /// Invented for the demonstration; the operator replaces it.
    #[default]
    Placeholder,
}

/// One published version of a service item. A case pins its version; versions never change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemVersion {
    /// Key of the version.
    pub id: ItemVersionId,
    /// Key of the item.
    pub item: ServiceItemId,
    /// Code of the item, for example `pension-enroll`.
    pub code: String,
    /// Number of the version, from 1.
    pub version: i32,
    /// Name in Chinese.
    pub name_zh: String,
    /// Name in English.
    pub name_en: String,
    /// Type.
    pub item_type: ItemType,
    /// Processing type.
    pub processing: ProcessingType,
    /// Application or grid event.
    pub case_kind: CaseKind,
    /// Who can apply.
    pub applicant: ApplicantKind,
    /// Statutory limit (法定时限).
    pub statutory: Limit,
    /// Promised limit (承诺时限), never above the statutory one.
    pub promised: Limit,
    /// How the statutory limit is known.
    #[serde(default)]
    pub statutory_basis: Basis,
    /// How the promised limit is known.
    #[serde(default)]
    pub promised_basis: Basis,
    /// Basic code (基本编码), 12 characters, where the catalogue has one.
    #[serde(default)]
    pub catalog_code: Option<String>,
    /// Code of the city's agency in this line of work, for example `BB-MCA`.
    #[serde(default)]
    pub line_agency: Option<String>,
    /// Materials asked for.
    pub materials: Vec<Material>,
    /// The form, JSON Schema 2020-12 with `title`, `x-title-en`, `x-pii`, `x-check`, `x-ref`.
    pub form: Value,
    /// The route: steps in order.
    pub route: Vec<Step>,
}

impl ItemVersion {
    /// Deemed acceptance is the default for licences only (行政许可法 art. 32).
    #[must_use]
    pub const fn deemed_acceptance(&self) -> bool {
        matches!(self.item_type, ItemType::License)
    }

    /// The step that submitting itself is: a first step before acceptance.
    #[must_use]
    pub fn intake_step(&self) -> Option<usize> {
        self.route
            .first()
            .filter(|step| step.clock == StepClock::PreAcceptance && !step.accepts)
            .map(|_| 0)
    }

    /// The step whose organization accepts.
    #[must_use]
    pub fn accepting_step(&self) -> Option<usize> {
        self.route.iter().position(|step| step.accepts)
    }

    /// The step whose organization decides.
    #[must_use]
    pub fn deciding_step(&self) -> Option<usize> {
        self.route.iter().position(|step| step.decides)
    }

    /// The step that checks what the decider of a grid event fed back.
    #[must_use]
    pub fn verify_step(&self) -> Option<usize> {
        let deciding = self.deciding_step()?;
        self.route
            .iter()
            .enumerate()
            .skip(deciding + 1)
            .find(|(_, step)| step.action == "VERIFY")
            .map(|(index, _)| index)
    }

    /// Limit of the acceptance clock: 5 working days, for a licence no longer than the promise (DOMAIN §3).
    #[must_use]
    pub fn acceptance_limit(&self) -> Limit {
        let five = Limit::working_days(5);
        match (self.item_type, self.promised) {
            (
                ItemType::License,
                Limit {
                    value,
                    unit: LimitUnit::WorkingDay,
                },
            ) if value < 5 => self.promised,
            _ => five,
        }
    }
}
