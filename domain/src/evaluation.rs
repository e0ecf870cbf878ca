//! Evaluation (好差评): how the applicant found the service, and what the decider made of a bad grade.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{HandoffId, OrganizationId};
use crate::limit::Limit;

/// A dissatisfied applicant is contacted within a working day.
pub const CONTACT: Limit = Limit::working_days(1);
/// What was wrong is put right (整改) within 15 working days.
pub const RECTIFY: Limit = Limit::working_days(15);

/// 满意度 (GB/T 39046-2020 annex A): code 1 is the best. Stars run the other way and are made at the edge only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Grade {
    /// 1 非常满意.
    VerySatisfied,
    /// 2 满意.
    Satisfied,
    /// 3 基本满意.
    FairlySatisfied,
    /// 4 不满意.
    Dissatisfied,
    /// 5 非常不满意.
    VeryDissatisfied,
}

impl Grade {
    /// All grades, the best first.
    pub const ALL: [Self; 5] = [
        Self::VerySatisfied,
        Self::Satisfied,
        Self::FairlySatisfied,
        Self::Dissatisfied,
        Self::VeryDissatisfied,
    ];

    /// The code of the standard.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::VerySatisfied => 1,
            Self::Satisfied => 2,
            Self::FairlySatisfied => 3,
            Self::Dissatisfied => 4,
            Self::VeryDissatisfied => 5,
        }
    }

    /// The grade of a code of the standard.
    #[must_use]
    pub fn of_code(code: i64) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|grade| i64::from(grade.code()) == code)
    }

    /// 差评: to be answered.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        matches!(self, Self::Dissatisfied | Self::VeryDissatisfied)
    }
}

/// What the decider did about a negative grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EvaluationAnswer {
    /// 核实: the applicant was contacted.
    Contact,
    /// 整改: what was wrong is put right.
    Rectified,
    /// 回访: the applicant was asked again.
    FollowUp,
}

/// 双向评价: what one organization thinks of another's part in a closed handoff between them. One in each direction, never
/// changed; the comment lies sealed beside its event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoffEvaluation {
    /// The handoff.
    pub handoff: HandoffId,
    /// Who gave the grade.
    pub by: OrganizationId,
    /// Whose part was graded.
    pub of: OrganizationId,
    /// The grade.
    pub grade: Grade,
    /// When it was given.
    #[serde(with = "chrono::serde::ts_microseconds")]
    pub at: DateTime<Utc>,
}

/// The evaluation of a case: one, and never changed. The comment lies sealed beside its event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The grade.
    pub grade: Grade,
    /// Whose decision was graded; answers a negative grade.
    pub decider: OrganizationId,
    /// When it was given.
    #[serde(with = "chrono::serde::ts_microseconds")]
    pub at: DateTime<Utc>,
    /// When the applicant was contacted about a negative grade.
    #[serde(with = "chrono::serde::ts_microseconds_option", default)]
    pub contacted_at: Option<DateTime<Utc>>,
    /// When what was wrong had been put right.
    #[serde(with = "chrono::serde::ts_microseconds_option", default)]
    pub rectified_at: Option<DateTime<Utc>>,
    /// When the applicant was asked again.
    #[serde(with = "chrono::serde::ts_microseconds_option", default)]
    pub followed_up_at: Option<DateTime<Utc>>,
}

impl Evaluation {
    /// What can still be answered: nothing to a good grade; a follow-up only to what was put right.
    #[must_use]
    pub const fn awaits(&self, answer: EvaluationAnswer) -> bool {
        self.grade.is_negative()
            && match answer {
                EvaluationAnswer::Contact => self.contacted_at.is_none(),
                EvaluationAnswer::Rectified => self.rectified_at.is_none(),
                EvaluationAnswer::FollowUp => self.rectified_at.is_some() && self.followed_up_at.is_none(),
            }
    }

    /// Whether anything can still be answered.
    #[must_use]
    pub const fn awaits_any(&self) -> bool {
        self.awaits(EvaluationAnswer::Contact)
            || self.awaits(EvaluationAnswer::Rectified)
            || self.awaits(EvaluationAnswer::FollowUp)
    }
}
