//! Looking at personal data: what may be asked for, for which purpose, how often a day, and what is kept of it (P27).

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::actor::ActorKind;
use crate::id::{AccessRecordId, CaseId, DivisionId, OrganizationId};
use crate::sla::beijing_date;
use crate::text::unprintable;
use crate::tracking::TrackingCode;

/// Longest text of a purpose, characters.
pub const PURPOSE_TEXT_CHARS_MAX: usize = 200;

/// Why personal data is looked at (PIPL art. 6: a definite purpose). The list is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccessPurpose {
    /// 办理本件: to check what the item asks for.
    CaseHandling,
    /// 核验身份: to make sure who stands at the window.
    VerifyIdentity,
    /// 联系申请人: to reach the applicant.
    ContactApplicant,
    /// 制证送达: to write the certificate or hand over the result.
    IssueResult,
    /// 答复投诉、复议或诉讼: to answer a complaint, a review or a suit.
    AnswerComplaint,
    /// 本人查阅: applicants look at their own data; theirs alone, and their only one.
    OwnData,
    /// 其他: any other, told in words.
    Other,
}

/// What can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PersonalField {
    /// The applicant's name.
    Name,
    /// The applicant's identity number.
    IdNumber,
    /// The applicant's mobile number.
    Phone,
    /// The person who acts for an organization.
    ContactName,
    /// Addresses that the form holds.
    Address,
    /// All of the form that is personal (`x-pii`), and what the item's form does not know.
    Form,
    /// Remarks on the materials handed in.
    MaterialNotes,
}

/// By which act it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccessKind {
    /// Data of one case was shown.
    Reveal,
    /// Cases of a person were looked for by the identity number.
    LookUp,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccessOutcome {
    /// It was shown, or would have been but for a failure behind the record.
    Shown,
    /// Nothing was shown: the day's budget was used up.
    Refused,
}

/// One look at personal data, kept before anything is shown and never changed.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessRecord {
    /// Its key.
    pub id: AccessRecordId,
    /// When.
    pub at: DateTime<Utc>,
    /// By which act.
    pub kind: AccessKind,
    /// What came of it.
    pub outcome: AccessOutcome,
    /// Who, by kind.
    pub actor: ActorKind,
    /// Subject of the token.
    pub subject: String,
    /// The organization the person works for; `None`: the applicant.
    pub organization: Option<OrganizationId>,
    /// The case that was seen; `None`: a look-up that found none.
    pub case: Option<CaseId>,
    /// Division of the case, else of the organization: whose supervisors read this.
    pub division: Option<DivisionId>,
    /// Why.
    pub purpose: AccessPurpose,
    /// Why, in words; sealed at rest.
    pub purpose_text: Option<String>,
    /// What was asked for.
    pub fields: Vec<PersonalField>,
}

/// The text may name somebody.
impl fmt::Debug for AccessRecord {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AccessRecord")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A record as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessEntry {
    /// The record.
    pub record: AccessRecord,
    /// Number of its case.
    pub tracking: Option<TrackingCode>,
    /// Stands for the person: the same for the same person within one case, and nothing else can be read from it.
    pub person: String,
}

/// What does not fit about a purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PurposeFault {
    /// Applicants look at their own data, and nobody else does.
    #[error("the purpose is not one of this kind of actor")]
    NotTheirs,
    /// OTHER tells nothing without words.
    #[error("the purpose needs words")]
    TextRequired,
    /// The words are too long or unprintable.
    #[error("the words of the purpose are too long or unprintable")]
    Text,
}

/// Whether a kind of actor may look for this purpose, told so.
///
/// # Errors
/// Not theirs; or words are missing or cannot be kept.
pub fn check_purpose(
    actor: ActorKind,
    purpose: AccessPurpose,
    text: Option<&str>,
) -> Result<(), PurposeFault> {
    let own = purpose == AccessPurpose::OwnData;
    if own != (actor == ActorKind::Citizen) {
        return Err(PurposeFault::NotTheirs);
    }
    let text = text.unwrap_or_default();
    if text.chars().count() > PURPOSE_TEXT_CHARS_MAX || text.chars().any(unprintable) {
        return Err(PurposeFault::Text);
    }
    if purpose == AccessPurpose::Other && text.trim().is_empty() {
        return Err(PurposeFault::TextRequired);
    }
    Ok(())
}

/// The day on which a look counts: Beijing's.
#[must_use]
pub fn budget_day(at: DateTime<Utc>) -> NaiveDate {
    beijing_date(at)
}

/// Whether looks of this kind of actor are counted. Applicants see their own case as often as they like.
#[must_use]
pub fn is_counted(actor: ActorKind) -> bool {
    actor != ActorKind::Citizen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_look_for_which_purpose() {
        use AccessPurpose::{
            AnswerComplaint, CaseHandling, ContactApplicant, IssueResult, Other, OwnData, VerifyIdentity,
        };
        use ActorKind::{Citizen, Clerk, Officer};
        use PurposeFault::{NotTheirs, Text, TextRequired};
        let long = "长".repeat(PURPOSE_TEXT_CHARS_MAX + 1);
        let longest = "长".repeat(PURPOSE_TEXT_CHARS_MAX);
        for (actor, purpose, text, expected) in [
            (Clerk, CaseHandling, None, Ok(())),
            (Clerk, VerifyIdentity, None, Ok(())),
            (Clerk, ContactApplicant, Some("补一张照片"), Ok(())),
            (Officer, IssueResult, None, Ok(())),
            (Officer, AnswerComplaint, None, Ok(())),
            (Officer, Other, Some(longest.as_str()), Ok(())),
            (Officer, Other, Some(long.as_str()), Err(Text)),
            (Officer, CaseHandling, Some("a\u{7}b"), Err(Text)),
            (Clerk, Other, None, Err(TextRequired)),
            (Clerk, Other, Some(" \u{3000}"), Err(TextRequired)),
            (Clerk, OwnData, None, Err(NotTheirs)),
            (Officer, OwnData, Some("x"), Err(NotTheirs)),
            (Citizen, OwnData, None, Ok(())),
            (Citizen, CaseHandling, None, Err(NotTheirs)),
            (Citizen, Other, Some("x"), Err(NotTheirs)),
        ] {
            assert_eq!(
                check_purpose(actor, purpose, text),
                expected,
                "{actor:?} {purpose:?}"
            );
        }
    }

    #[test]
    fn a_day_begins_at_midnight_in_beijing() {
        for (at, day) in [
            ("2026-03-02T15:59:59Z", "2026-03-02"),
            ("2026-03-02T16:00:00Z", "2026-03-03"),
            ("2026-12-31T16:00:00Z", "2027-01-01"),
        ] {
            let at: DateTime<Utc> = at.parse().unwrap();
            assert_eq!(budget_day(at).to_string(), day);
        }
    }

    #[test]
    fn applicants_alone_are_not_counted() {
        for kind in ActorKind::ALL {
            assert_eq!(is_counted(*kind), *kind != ActorKind::Citizen, "{kind:?}");
        }
    }
}
