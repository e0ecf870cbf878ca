//! Agent service (全程代办): by what somebody acts for the applicant, as it is on file.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Longest reference of an authorization, characters.
pub const REFERENCE_CHARS_MAX: usize = 100;

/// By what kind of paper an agent acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuthorizationKind {
    /// 授权委托书: a written mandate.
    Mandate,
    /// 监护: the agent is the legal guardian, or acts for one.
    Guardianship,
    /// 单位介绍信: an organization sends its employee.
    OrganizationLetter,
    /// Any other, named by its reference.
    Other,
}

/// The authorization on file. Its reference may name people: `Debug` hides it, and it lies sealed beside the event.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    /// Kind of paper.
    pub kind: AuthorizationKind,
    /// Where it lies: number or place of the file.
    pub reference: String,
    /// Its date.
    pub date: NaiveDate,
}

impl fmt::Debug for Authorization {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Authorization")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Authorization {
    /// Whether it can be taken on file on a day: named, not too long, not of the future.
    #[must_use]
    pub fn is_plausible(&self, today: NaiveDate) -> bool {
        let reference = self.reference.trim();
        !reference.is_empty()
            && reference.chars().count() <= REFERENCE_CHARS_MAX
            && !reference.chars().any(crate::text::unprintable)
            && self.date <= today
    }

    /// As it lies sealed beside an event.
    #[must_use]
    pub fn to_private(&self) -> Value {
        json!({ "kind": self.kind, "reference": self.reference, "date": self.date })
    }
}
