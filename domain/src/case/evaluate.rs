//! Evaluating a case (好差评), and answering a bad grade.

use serde_json::json;

use super::decide::Work;
use super::event::Event;
use super::refusal::{Refusal, Why};
use super::state::Case;
use crate::clock::ClockKind;
use crate::evaluation::{self, EvaluationAnswer, Grade, HandoffEvaluation};
use crate::handoff::Handoff;
use crate::id::{HandoffId, OrganizationId};

/// Whether an applicant can grade the case: once, from the decision on, also when it is closed.
#[must_use]
pub const fn is_open(case: &Case) -> bool {
    case.decided_at.is_some() && case.evaluation.is_none()
}

/// Whose part in a handoff an organization can grade: of a closed one between two organizations each the other's, once.
/// `living` tells who does the work of an organization today.
pub(super) fn counterpart(
    case: &Case,
    handoff: &Handoff,
    own: OrganizationId,
    living: &dyn Fn(OrganizationId) -> OrganizationId,
) -> Option<OrganizationId> {
    let (from, to) = (living(handoff.from?), living(handoff.to));
    let other = match own {
        _ if from == to || handoff.state.is_open() => None,
        own if own == from => Some(to),
        own if own == to => Some(from),
        _ => None,
    };
    let graded = |earlier: &HandoffEvaluation| earlier.handoff == handoff.id && living(earlier.by) == own;
    other.filter(|_| !case.handoff_evaluations.iter().any(graded))
}

impl Work<'_> {
    /// 双向评价 on a closed handoff, by either of its organizations about the other, once each. Nothing waits for it.
    pub(super) fn evaluate_handoff(
        &mut self,
        id: HandoffId,
        grade: Grade,
        comment: Option<&str>,
    ) -> Result<(), Refusal> {
        let own = self.acting()?;
        let handoff = self.handoff(id)?;
        let between = handoff.from.map(self.cx.living).into_iter();
        if !between
            .chain([(self.cx.living)(handoff.to)])
            .any(|party| party == own)
        {
            return Err(Refusal::WrongOrganization);
        }
        self.require(!handoff.state.is_open(), Why::HandoffOpen)?;
        let Some(of) = counterpart(&self.case, &handoff, own, self.cx.living) else {
            return Err(self.illegal(Why::AlreadyEvaluated));
        };
        let event = Event::HandoffEvaluated {
            handoff: id,
            by: own,
            of,
            grade,
        };
        self.emit_with(event, comment.map(|comment| json!({ "text": comment })));
        Ok(())
    }

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
