//! What happens next with a case, whoever has to do it.

use super::state::{Case, CaseStatus};
use crate::handoff::Handoff;
use crate::item::{CaseKind, ItemVersion};
use crate::route::HandoffKind;

/// What happens next with a case, for the person who asks where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// The receiver has to acknowledge.
    Acknowledge,
    /// To be accepted or refused.
    Accept,
    /// To be handed to the next step.
    HandOff,
    /// To be decided.
    Decide,
    /// Offices work beside the owner: countersign, joint review, steps after the decision.
    Finish,
    /// What was fed back on a grid event is to be checked.
    Check,
    /// The result is to be handed over.
    Deliver,
    /// The applicant has to bring what is missing.
    Supplement,
    /// A special procedure runs.
    SpecialProcedure,
    /// Nothing more.
    Nothing,
}

/// What happens next, whoever has to do it.
#[must_use]
pub fn next_step(case: &Case, item: &ItemVersion) -> NextStep {
    if case.status == CaseStatus::AwaitingSupplement {
        return NextStep::Supplement;
    }
    if case.open_owning().is_some() {
        return NextStep::Acknowledge;
    }
    if case.kind == CaseKind::Grid && case.status == CaseStatus::Decided {
        return NextStep::Check;
    }
    // what the owner merely asks beside the route holds nothing up
    let beside = |handoff: &Handoff| {
        !handoff.owning
            && handoff.state.is_open()
            && handoff.kind != HandoffKind::Delivery
            && (handoff.required || case.decided_at.is_some())
    };
    if case.handoffs.iter().any(beside) {
        return NextStep::Finish;
    }
    match case.status {
        CaseStatus::Submitted if case.stands() == item.accepting_step() => NextStep::Accept,
        CaseStatus::Submitted => NextStep::HandOff,
        CaseStatus::AwaitingSupplement => NextStep::Supplement,
        CaseStatus::Accepted | CaseStatus::InReview if case.stands() == item.deciding_step() => {
            NextStep::Decide
        }
        CaseStatus::Accepted | CaseStatus::InReview => NextStep::HandOff,
        CaseStatus::SpecialProcedure => NextStep::SpecialProcedure,
        CaseStatus::Decided | CaseStatus::Completed if case.is_closed() => NextStep::Nothing,
        CaseStatus::Decided | CaseStatus::Completed => NextStep::Deliver,
        CaseStatus::Delivered
        | CaseStatus::NotAccepted
        | CaseStatus::Lapsed
        | CaseStatus::Withdrawn
        | CaseStatus::Voided => NextStep::Nothing,
    }
}
