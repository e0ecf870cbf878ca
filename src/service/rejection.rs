//! Expected answers to an act that was not done: typed, bilingual, with the way out. Nothing has changed.

use onedoor_domain::case::available::Act;
use onedoor_domain::case::refusal::Refusal;
use onedoor_domain::case::state::CaseStatus;

use super::case_texts::refusal_words;
use crate::error::Language;

/// Why an act was not done. Each mutation's error codes are a part of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RejectionCode {
    /// A field of the form, the applicant or the input is missing or wrong.
    InvalidField,
    /// A required material is missing or not in the form asked for.
    MaterialMissing,
    /// There is no such item, or it cannot be applied for.
    UnknownItem,
    /// The item has a newer version than the one named.
    ItemVersionSuperseded,
    /// There is no such division.
    UnknownDivision,
    /// The division is not one that this window or kiosk serves.
    DivisionNotServed,
    /// A step of the route has no organization in this division.
    RouteUnresolved,
    /// This item is not for this kind of applicant.
    ApplicantNotEligible,
    /// There is no such draft of this author.
    UnknownDraft,
    /// The same idempotency key came with other content.
    IdempotencyMismatch,
    /// The case or handoff has moved on.
    StaleVersion,
    /// The act is not possible now.
    IllegalAct,
    /// The case lies on another organization's desk.
    WrongOrganization,
    /// The case has no such handoff.
    UnknownHandoff,
    /// An organization must be chosen, from those offered.
    ChooseOrganization,
    /// The route fixes the organization.
    OrganizationIsFixed,
    /// A denial needs reasons and remedy.
    ReasonsRequired,
    /// The outcome does not belong to this kind of case.
    OutcomeDoesNotFit,
    /// A due date is outside the calendar.
    OutsideCalendar,
    /// The delivery is not in a state in which this can be done.
    DeliveryNotRedeliverable,
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
            Refusal::ReasonsRequired => (RejectionCode::ReasonsRequired, &["reasons"]),
            Refusal::OutcomeDoesNotFit => (RejectionCode::OutcomeDoesNotFit, &["outcome"]),
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
            | Refusal::ReasonsRequired
            | Refusal::OutcomeDoesNotFit
            | Refusal::OutsideCalendar => {}
        }
        rejection
    }
}
