//! The evaluation of a case (好差评) as GraphQL shows it.

use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use onedoor_domain::evaluation as domain;

use super::case::organization;
use super::organization::Organization;
use crate::service::between::SeenEvaluation;

/// How satisfied the applicant is (满意度).
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::Grade")]
pub enum Grade {
    /// 1 非常满意.
    VerySatisfied,
    /// 2 满意.
    Satisfied,
    /// 3 基本满意.
    FairlySatisfied,
    /// 4 不满意: negative.
    Dissatisfied,
    /// 5 非常不满意: negative.
    VeryDissatisfied,
}

/// What the decider did about a negative grade.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::EvaluationAnswer")]
pub enum EvaluationAnswer {
    /// 核实: the applicant was contacted; due within 1 working day.
    Contact,
    /// 整改: what was wrong is put right; due within 15 working days.
    Rectified,
    /// 回访: the applicant was asked again, after it was put right.
    FollowUp,
}

/// The evaluation (好差评) of a case: one, and never changed. Its comment stands in the timeline.
#[derive(SimpleObject)]
pub struct Evaluation {
    /// The grade.
    grade: Grade,
    /// Its code in the standard, 1 the best.
    code: i32,
    /// The same as stars, 5 the best.
    stars: i32,
    /// Whether it is to be answered (差评).
    negative: bool,
    /// When it was given.
    at: DateTime<Utc>,
    /// When the applicant was contacted about it.
    contacted_at: Option<DateTime<Utc>>,
    /// When what was wrong had been put right.
    rectified_at: Option<DateTime<Utc>>,
    /// When the applicant was asked again.
    followed_up_at: Option<DateTime<Utc>>,
}

impl Evaluation {
    pub(crate) fn of(evaluation: &domain::Evaluation) -> Self {
        Self {
            grade: evaluation.grade.into(),
            code: evaluation.grade.code().into(),
            stars: stars(evaluation.grade),
            negative: evaluation.grade.is_negative(),
            at: evaluation.at,
            contacted_at: evaluation.contacted_at,
            rectified_at: evaluation.rectified_at,
            followed_up_at: evaluation.followed_up_at,
        }
    }
}

/// What one organization thinks of the other's part in a closed handoff (双向评价); seen by both and by supervision alone.
pub struct HandoffEvaluation(SeenEvaluation);

/// What one organization thinks of the other's part in a closed handoff (双向评价); seen by both and by supervision alone.
#[Object]
impl HandoffEvaluation {
    /// Who gave the grade.
    async fn by(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        organization(ctx, Some(self.0.evaluation.by)).await
    }

    /// Whose part was graded.
    async fn of(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        organization(ctx, Some(self.0.evaluation.of)).await
    }

    /// The grade.
    async fn grade(&self) -> Grade {
        self.0.evaluation.grade.into()
    }

    /// Its code in the standard, 1 the best.
    async fn code(&self) -> i32 {
        self.0.evaluation.grade.code().into()
    }

    /// The same as stars, 5 the best.
    async fn stars(&self) -> i32 {
        stars(self.0.evaluation.grade)
    }

    /// Whether the grade is negative (差评); no clock follows from it.
    async fn negative(&self) -> bool {
        self.0.evaluation.grade.is_negative()
    }

    /// When it was given.
    async fn at(&self) -> DateTime<Utc> {
        self.0.evaluation.at
    }

    /// What was said to it.
    async fn comment(&self) -> Option<&str> {
        self.0.comment.as_deref()
    }
}

impl From<SeenEvaluation> for HandoffEvaluation {
    fn from(seen: SeenEvaluation) -> Self {
        Self(seen)
    }
}

/// Stars run against the codes of the standard: 1 is five stars.
pub(super) fn stars(grade: domain::Grade) -> i32 {
    6 - i32::from(grade.code())
}
