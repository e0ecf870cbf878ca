//! What an actor could do with a case now, and what happens next.

use serde::{Deserialize, Serialize};

use super::command::By;
use super::state::{Case, CaseStatus};
use crate::actor::ActorKind;
use crate::handoff::Handoff;
use crate::item::{CaseKind, ItemVersion, ProcessingType};
use crate::route::HandoffKind;

/// An act a person can do on a case; the names are those of the GraphQL mutations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Act {
    /// `acceptCase`.
    AcceptCase,
    /// `handOff`.
    HandOff,
    /// `acknowledgeHandoff`.
    AcknowledgeHandoff,
    /// `finishHandoff`.
    FinishHandoff,
    /// `decideCase`.
    DecideCase,
    /// `deliverResult`.
    DeliverResult,
}

/// The acts this actor could do now. A hint for people and for refusals: `decide` has the last word.
#[must_use]
pub fn possible(case: &Case, item: &ItemVersion, by: &By) -> Vec<Act> {
    let Some(own) = by
        .organization
        .filter(|_| matches!(by.kind, ActorKind::Clerk | ActorKind::Officer))
    else {
        return Vec::new();
    };
    if case.is_closed() {
        return Vec::new();
    }
    let mut acts = Vec::new();
    if can_accept(case, item, own) {
        acts.push(Act::AcceptCase);
    }
    if case.owner == Some(own) && can_hand_off(case, item) {
        acts.push(Act::HandOff);
    }
    if case
        .handoffs
        .iter()
        .any(|handoff| handoff.to == own && handoff.state.awaits_answer() && handoff.upstream.is_none())
    {
        acts.push(Act::AcknowledgeHandoff);
    }
    let beside = |handoff: &Handoff| {
        handoff.to == own
            && !handoff.owning
            && handoff.upstream.is_none()
            && handoff.state.is_open()
            && handoff.kind != HandoffKind::Delivery
    };
    if case.kind == CaseKind::Case && case.handoffs.iter().any(beside) {
        acts.push(Act::FinishHandoff);
    }
    if by.kind == ActorKind::Officer && can_decide(case, item, own) {
        acts.push(Act::DecideCase);
    }
    if can_deliver(case, own) {
        acts.push(Act::DeliverResult);
    }
    acts
}

fn can_accept(case: &Case, item: &ItemVersion, own: crate::id::OrganizationId) -> bool {
    let accepting = item.accepting_step();
    case.status == CaseStatus::Submitted
        && (case.owner == Some(own) && case.open_owning().is_none() && Some(case.step) == accepting
            || case
                .open_owning()
                .is_some_and(|open| open.to == own && open.step == accepting && open.upstream.is_none()))
}

fn can_hand_off(case: &Case, item: &ItemVersion) -> bool {
    let before_acceptance = case.status == CaseStatus::Submitted && Some(case.step) < item.accepting_step();
    let under_way = matches!(
        case.status,
        CaseStatus::Accepted | CaseStatus::InReview | CaseStatus::SpecialProcedure
    ) && Some(case.step) < item.deciding_step();
    (before_acceptance || under_way) && case.open_owning().is_none() && case.open_required().next().is_none()
}

fn can_decide(case: &Case, item: &ItemVersion, own: crate::id::OrganizationId) -> bool {
    let free = case.open_required().next().is_none();
    match case.status {
        CaseStatus::Accepted | CaseStatus::InReview => {
            free && case.owner == Some(own)
                && case.open_owning().is_none()
                && Some(case.step) == item.deciding_step()
        }
        CaseStatus::Submitted => {
            item.processing == ProcessingType::Immediate && free && can_accept(case, item, own)
        }
        CaseStatus::AwaitingSupplement
        | CaseStatus::SpecialProcedure
        | CaseStatus::Decided
        | CaseStatus::Completed
        | CaseStatus::Delivered
        | CaseStatus::NotAccepted
        | CaseStatus::Lapsed
        | CaseStatus::Withdrawn
        | CaseStatus::Voided => false,
    }
}

fn can_deliver(case: &Case, own: crate::id::OrganizationId) -> bool {
    let decided = matches!(case.status, CaseStatus::Decided | CaseStatus::Completed);
    let addressee = |handoff: &Handoff| {
        handoff.kind == HandoffKind::Delivery && handoff.to == own && handoff.state.is_open()
    };
    decided
        && case.kind == CaseKind::Case
        && case.delivered_at.is_none()
        && (case.owner == Some(own) || case.handoffs.iter().any(addressee))
}

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
    if case.open_owning().is_some() {
        return NextStep::Acknowledge;
    }
    let beside = |handoff: &Handoff| {
        !handoff.owning && handoff.state.is_open() && handoff.kind != HandoffKind::Delivery
    };
    if case.handoffs.iter().any(beside) {
        return NextStep::Finish;
    }
    match case.status {
        CaseStatus::Submitted if Some(case.step) == item.accepting_step() => NextStep::Accept,
        CaseStatus::Submitted => NextStep::HandOff,
        CaseStatus::AwaitingSupplement => NextStep::Supplement,
        CaseStatus::Accepted | CaseStatus::InReview if Some(case.step) == item.deciding_step() => {
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
