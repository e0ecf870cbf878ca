//! Evaluating a case (好差评), and answering a bad grade.

use serde_json::json;

use super::decide::Work;
use super::event::Event;
use super::refusal::{Refusal, Why};
use super::state::Case;
use crate::clock::ClockKind;
use crate::evaluation::{self, EvaluationAnswer, Grade};

/// Whether an applicant can grade the case: once, from the decision on, also when it is closed.
#[must_use]
pub const fn is_open(case: &Case) -> bool {
    case.decided_at.is_some() && case.evaluation.is_none()
}

impl Work<'_> {
    /// 评价: a bad grade starts the clocks of whoever decided. They outlive the case.
    pub(super) fn evaluate(&mut self, grade: Grade, comment: Option<&str>) -> Result<(), Refusal> {
        self.require(self.case.evaluation.is_none(), Why::AlreadyEvaluated)?;
        self.require(is_open(&self.case), Why::Status)?;
        let Some(decider) = self.case.decider() else {
            return Err(self.illegal(Why::Status));
        };
        self.emit_with(
            Event::Evaluated { grade, decider },
            comment.map(|comment| json!({ "text": comment })),
        );
        if !grade.is_negative() {
            return Ok(());
        }
        for (kind, limit) in [
            (ClockKind::Contact, evaluation::CONTACT),
            (ClockKind::Rectify, evaluation::RECTIFY),
        ] {
            self.start_clock(kind, limit, |clock| clock.holder = Some(decider))?;
        }
        Ok(())
    }

    /// The decider's desk records what it did about a bad grade.
    pub(super) fn answer_evaluation(
        &mut self,
        answer: EvaluationAnswer,
        text: Option<&str>,
    ) -> Result<(), Refusal> {
        let own = self.acting()?;
        let Some(evaluation) = &self.case.evaluation else {
            return Err(self.illegal(Why::Status));
        };
        if evaluation.decider != own {
            return Err(Refusal::WrongOrganization);
        }
        let (negative, due) = (evaluation.grade.is_negative(), evaluation.awaits(answer));
        let early = answer == EvaluationAnswer::FollowUp && evaluation.rectified_at.is_none();
        self.require(negative, Why::Status)?;
        self.require(!early, Why::NotRectified)?;
        self.require(due, Why::AlreadyAnswered)?;
        match answer {
            EvaluationAnswer::Contact => self.stop_clocks(|clock| clock.kind == ClockKind::Contact),
            EvaluationAnswer::Rectified => self.stop_clocks(|clock| clock.kind == ClockKind::Rectify),
            EvaluationAnswer::FollowUp => {}
        }
        self.emit_with(
            Event::EvaluationAnswered { answer },
            text.map(|text| json!({ "text": text })),
        );
        Ok(())
    }
}
