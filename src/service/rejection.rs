//! Expected answers to an act that was not done: typed, bilingual, with the way out. Nothing has changed.

use std::slice;

use onedoor_domain::case::available::Act;
use onedoor_domain::case::refusal::Refusal;
use onedoor_domain::case::state::CaseStatus;

use super::case_texts::refusal_words;
use crate::error::Language;

macro_rules! rejection_codes {
    ($($name:ident = $description:literal;)*) => {
        /// Why an act was not done. Each mutation's error codes are a part of these.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum RejectionCode { $(#[doc = $description] $name,)* }

        impl RejectionCode {
            /// All codes, for the contract tests.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// What the code means and what to do about it.
            #[must_use]
            pub const fn description(self) -> &'static str { match self { $(Self::$name => $description,)* } }
        }

        /// The description of a code as a literal, for the enums that show a part of the codes.
        macro_rules! rejection_description {
            $(($name) => { $description };)*
        }
        pub(crate) use rejection_description;
    };
}

rejection_codes! {
    InvalidField = "A field of the form, the applicant or the input is missing or wrong (填写有误); `field` names it.";
    MaterialMissing = "A required material (材料) is missing, or is not in the form asked for.";
    UnknownItem = "There is no such service item (事项), or it cannot be applied for.";
    ItemVersionSuperseded = "The service item has a newer version than the one named; check the form against `currentVersion`.";
    UnknownDivision = "There is no such division (区划), or none was named where one is needed.";
    DivisionNotServed = "The division is not one that this window or kiosk serves.";
    RouteUnresolved = "A step of the route (流程环节) has no organization in this division.";
    ApplicantNotEligible = "This item is not for this kind of applicant (服务对象).";
    UnknownDraft = "The author has no such draft.";
    UnknownDocument = "There is no such uploaded document (附件) of yours, or it belongs to a case already.";
    DocumentNotReady = "The document was not uploaded yet, or the scanner has not looked at it yet; try again later.";
    DocumentQuarantined = "The scanner found something harmful in the document (隔离); upload another file.";
    TooManyDocuments = "No more documents can be uploaded for this material, case or day; the message tells the limit.";
    IdempotencyMismatch = "The same idempotency key came with other content; use a fresh one.";
    StaleVersion = "The case or handoff has moved on; read it again, `currentVersion` is its version now.";
    IllegalAct = "The act is not possible in the state the case is in; `possibleActions` tells what is.";
    WrongOrganization = "The case lies on another organization's desk.";
    UnknownHandoff = "The case has no such handoff (移交).";
    ChooseOrganization = "The route leaves the choice: name the organization, one of the candidates.";
    OrganizationIsFixed = "The route fixes the organization; name none.";
    ReceiverUnfit = "That organization (单位) cannot receive this kind of handoff: an assignment goes down, an escalation to the level above, a return to who held the case.";
    NotAdmitted = "The admission lists (准入清单) do not let this item be given to the village level by hand; the message cites the entry.";
    ReasonsRequired = "A refusal or denial needs reasons and the legal remedy (理由和救济途径); an objection needs an answer.";
    OutcomeDoesNotFit = "The decision does not belong to this kind of case.";
    UnknownCard = "The case has no such card (预警、黄牌、红牌).";
    UnknownOrder = "The case has no such supervision order (督办单).";
    UnknownRevocation = "There is no such revocation (撤销), or it was taken back.";
    NotAHolder = "The organization has no part in the case; name one that holds or held it.";
    LevelTooLow = "Only a supervisor of a level above the card's may do this; at the city, the city's.";
    CapturedTooLongAgo = "The application was captured longer ago than a kiosk may be offline; hand it in at a window.";
    CapturedInFuture = "By the device's own word the application was captured after it was sent; correct the device's clock.";
    SealedUnreadable = "The sealed input does not open: it was altered, or sealed by another device or to a key that is gone.";
    ProvisionalNumberTaken = "The device printed this provisional number for another application.";
    UnknownKiosk = "There is no such kiosk (自助终端), or it is revoked.";
    BudgetExhausted = "The person's looks at personal data of today are used up (查阅次数已满); there are new ones at midnight in Beijing.";
    PurposeTextRequired = "The purpose OTHER (其他) needs words that say what the data is for.";
    OutsideCalendar = "A due date would lie outside the working-day calendar (工作日历).";
}

/// One expected answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Why.
    pub code: RejectionCode,
    /// Path of the input field it is about; empty: the whole input.
    pub field: Vec<String>,
    /// What to do, in Chinese.
    pub zh: String,
    /// What to do, in English.
    pub en: String,
    /// The version the thing has now.
    pub current_version: Option<i32>,
    /// The state of the case now.
    pub status: Option<CaseStatus>,
    /// What the same actor can do now.
    pub possible: Option<Vec<Act>>,
}

impl Rejection {
    /// An answer about one input field; an empty path is the whole input.
    pub fn of(code: RejectionCode, field: &[&str], zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            code,
            field: field.iter().map(|part| (*part).to_owned()).collect(),
            zh: zh.into(),
            en: en.into(),
            current_version: None,
            status: None,
            possible: None,
        }
    }

    /// The same idempotency key came with other content.
    #[must_use]
    pub fn idempotency_mismatch() -> Self {
        Self::of(
            RejectionCode::IdempotencyMismatch,
            &["idempotencyKey"],
            "此幂等键已用于另一内容，请换用新的键。",
            "This idempotency key was used for other content; use a fresh one.",
        )
    }

    /// The message in a language.
    #[must_use]
    pub fn message(&self, language: Language) -> &str {
        match language {
            Language::Zh => &self.zh,
            Language::En => &self.en,
        }
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        let words = refusal_words(&refusal);
        let (code, field): (_, &[&str]) = match &refusal {
            Refusal::IllegalAct { .. } => (RejectionCode::IllegalAct, &[]),
            Refusal::WrongOrganization => (RejectionCode::WrongOrganization, &[]),
            Refusal::StaleVersion { .. } => (RejectionCode::StaleVersion, &["expectedVersion"]),
            Refusal::UnknownHandoff => (RejectionCode::UnknownHandoff, &["handoff"]),
            Refusal::ChooseOrganization => (RejectionCode::ChooseOrganization, &["to"]),
            Refusal::OrganizationIsFixed => (RejectionCode::OrganizationIsFixed, &["to"]),
            Refusal::ReceiverUnfit => (RejectionCode::ReceiverUnfit, &["to"]),
            Refusal::NotAdmitted { .. } => (RejectionCode::NotAdmitted, &["to"]),
            Refusal::ReasonMissing => (RejectionCode::InvalidField, &["reason"]),
            Refusal::MaterialNotOnFile => (RejectionCode::InvalidField, &["materials"]),
            Refusal::ReasonsRequired => (RejectionCode::ReasonsRequired, &["reasons"]),
            Refusal::OutcomeDoesNotFit => (RejectionCode::OutcomeDoesNotFit, &["outcome"]),
            Refusal::FieldRequired { field } => (RejectionCode::InvalidField, slice::from_ref(field)),
            Refusal::DaysOutOfBounds { .. } => (RejectionCode::InvalidField, &["workingDays"]),
            Refusal::UnknownMaterial { .. } => (RejectionCode::InvalidField, &["materials"]),
            Refusal::MaterialsMissing { .. } => (RejectionCode::MaterialMissing, &["materials"]),
            Refusal::NotOwable { .. } | Refusal::OwedOutsidePromise { .. } => {
                (RejectionCode::InvalidField, &["owed"])
            }
            Refusal::NotAnother => (RejectionCode::InvalidField, &["competent"]),
            Refusal::ObjectionUnanswered => (RejectionCode::ReasonsRequired, &["objections"]),
            Refusal::UnknownCard => (RejectionCode::UnknownCard, &["card"]),
            Refusal::UnknownOrder => (RejectionCode::UnknownOrder, &["order"]),
            Refusal::NotAHolder => (RejectionCode::NotAHolder, &["to"]),
            Refusal::LevelTooLow => (RejectionCode::LevelTooLow, &[]),
            Refusal::OutsideCalendar => (RejectionCode::OutsideCalendar, &[]),
        };
        let mut rejection = Self::of(code, field, words.zh, words.en);
        match refusal {
            Refusal::IllegalAct { status, possible, .. } => {
                rejection.status = Some(status);
                rejection.possible = Some(possible);
            }
            Refusal::StaleVersion { current } => rejection.current_version = Some(current),
            Refusal::WrongOrganization
            | Refusal::UnknownHandoff
            | Refusal::ChooseOrganization
            | Refusal::OrganizationIsFixed
            | Refusal::ReceiverUnfit
            | Refusal::NotAdmitted { .. }
            | Refusal::ReasonMissing
            | Refusal::MaterialNotOnFile
            | Refusal::ReasonsRequired
            | Refusal::OutcomeDoesNotFit
            | Refusal::FieldRequired { .. }
            | Refusal::DaysOutOfBounds { .. }
            | Refusal::UnknownMaterial { .. }
            | Refusal::MaterialsMissing { .. }
            | Refusal::NotOwable { .. }
            | Refusal::OwedOutsidePromise { .. }
            | Refusal::NotAnother
            | Refusal::ObjectionUnanswered
            | Refusal::UnknownCard
            | Refusal::UnknownOrder
            | Refusal::NotAHolder
            | Refusal::LevelTooLow
            | Refusal::OutsideCalendar => {}
        }
        rejection
    }
}
