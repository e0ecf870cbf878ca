//! What an actor could do with a case now.

use serde::{Deserialize, Serialize};

use super::command::By;
pub use super::next_step::{NextStep, next_step};
use super::route_walk::lacking_after_decision;
use super::state::{Case, CaseStatus};
use super::{evaluate, grid};
use crate::actor::ActorKind;
use crate::card::{Card, CardState, SupervisionOrder};
use crate::handoff::{Handoff, HandoffState};
use crate::id::OrganizationId;
use crate::item::{CaseKind, ItemType, ItemVersion, ProcessingType};
use crate::route::{Assignment, HandoffKind};

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
    /// `refuseHandoff`.
    RefuseHandoff,
    /// `recallHandoff`.
    RecallHandoff,
    /// `finishHandoff`.
    FinishHandoff,
    /// `decideCase`.
    DecideCase,
    /// `declineCase`.
    DeclineCase,
    /// `requestSupplement`.
    RequestSupplement,
    /// `supplementCase`.
    SupplementCase,
    /// `beginSpecialProcedure`.
    BeginSpecialProcedure,
    /// `endSpecialProcedure`.
    EndSpecialProcedure,
    /// `extendCase`.
    ExtendCase,
    /// `withdrawCase`.
    WithdrawCase,
    /// `voidCase`.
    VoidCase,
    /// `deliverResult`.
    DeliverResult,
    /// `appealCard`.
    AppealCard,
    /// `cancelCard`.
    CancelCard,
    /// `issueCard`.
    IssueCard,
    /// `remindHolder`.
    RemindHolder,
    /// `issueSupervisionOrder`.
    IssueSupervisionOrder,
    /// `answerSupervisionOrder`.
    AnswerSupervisionOrder,
    /// `checkGridEvent`.
    CheckGridEvent,
    /// `reopenCase`.
    ReopenCase,
    /// `evaluateCase`.
    EvaluateCase,
    /// `answerEvaluation`.
    AnswerEvaluation,
    /// `evaluateHandoff`.
    EvaluateHandoff,
}

/// The acts this actor could do now. A hint for people and for refusals: `decide` has the last word.
#[must_use]
pub fn possible(case: &Case, item: &ItemVersion, by: &By) -> Vec<Act> {
    let mut acts = of_supervision(case, by);
    acts.extend(afterwards(case, item, by));
    if case.is_closed() {
        return acts;
    }
    match (by.kind, by.organization) {
        (ActorKind::Clerk | ActorKind::Officer, Some(own)) => {
            acts.extend(possible_in_office(case, item, by, own));
        }
        (ActorKind::Citizen | ActorKind::Anonymous | ActorKind::Kiosk, _) => {
            acts.extend(possible_for_applicant(case));
        }
        (ActorKind::Supervisor, _) => acts.push(Act::VoidCase),
        (
            ActorKind::Clerk
            | ActorKind::Officer
            | ActorKind::Auditor
            | ActorKind::SystemAdmin
            | ActorKind::SecurityAdmin
            | ActorKind::AuditAdmin
            | ActorKind::Upstream
            | ActorKind::System,
            _,
        ) => {}
    }
    acts.sort();
    acts.dedup();
    acts
}

/// What supervision adds: objecting, answering and reminding for organizations, cards and orders for supervisors. Whose
/// level a card has is for `decide` to say.
fn of_supervision(case: &Case, by: &By) -> Vec<Act> {
    let (own, office) = (by.organization, in_office(by));
    let supervisor = by.kind == ActorKind::Supervisor;
    [
        (
            Act::AppealCard,
            by.kind == ActorKind::Officer && objects(case, own),
        ),
        (Act::CancelCard, supervisor),
        (Act::IssueCard, supervisor),
        (Act::RemindHolder, supervisor || office && reminds(case, own)),
        (Act::IssueSupervisionOrder, supervisor),
        (Act::AnswerSupervisionOrder, office && is_asked(case, own)),
    ]
    .into_iter()
    .filter(|(act, may)| *may && admits(*act, case))
    .map(|(act, _)| act)
    .collect()
}

const fn in_office(by: &By) -> bool {
    matches!(by.kind, ActorKind::Clerk | ActorKind::Officer)
}

/// The first contact reminds whoever else has to act.
fn reminds(case: &Case, own: Option<OrganizationId>) -> bool {
    let holder = case.open_owning().map(|open| open.to).or(case.owner);
    own == Some(case.first_contact) && holder.is_some() && holder != own
}

fn objects(case: &Case, own: Option<OrganizationId>) -> bool {
    let objects = |card: &Card| card.holder == own && card.state == CardState::Raised;
    own.is_some() && case.cards.iter().any(objects)
}

fn is_asked(case: &Case, own: Option<OrganizationId>) -> bool {
    let asks = |order: &SupervisionOrder| Some(order.to) == own && order.answered_at.is_none();
    case.orders.iter().any(asks)
}

/// What the applicant could do, by account or by code and secret.
fn possible_for_applicant(case: &Case) -> Vec<Act> {
    [Act::SupplementCase, Act::WithdrawCase]
        .into_iter()
        .filter(|act| admits(*act, case))
        .collect()
}

/// Whether the state of a case has a place for an act, whoever does it.
#[must_use]
pub fn admits(act: Act, case: &Case) -> bool {
    let status = case.status;
    let in_review = matches!(status, CaseStatus::Accepted | CaseStatus::InReview);
    match act {
        Act::AcceptCase | Act::DeclineCase => status == CaseStatus::Submitted,
        Act::RequestSupplement | Act::DecideCase => in_review || status == CaseStatus::Submitted,
        Act::BeginSpecialProcedure | Act::ExtendCase => in_review,
        Act::EndSpecialProcedure => status == CaseStatus::SpecialProcedure,
        Act::SupplementCase => {
            let owes = in_review || status == CaseStatus::SpecialProcedure;
            status == CaseStatus::AwaitingSupplement || owes && case.outstanding().next().is_some()
        }
        Act::WithdrawCase => case.is_undecided(),
        Act::DeliverResult => {
            case.kind == CaseKind::Case && matches!(status, CaseStatus::Decided | CaseStatus::Completed)
        }
        Act::VoidCase
        | Act::HandOff
        | Act::AcknowledgeHandoff
        | Act::RefuseHandoff
        | Act::RecallHandoff
        | Act::FinishHandoff
        | Act::RemindHolder
        | Act::IssueSupervisionOrder => !case.is_closed(),
        // a closed case frees nobody from a card or an answer
        Act::AppealCard => !case.cards.is_empty(),
        Act::CancelCard => case.cards.iter().any(|card| card.state != CardState::Cancelled),
        Act::AnswerSupervisionOrder => !case.orders.is_empty(),
        Act::IssueCard => true,
        Act::CheckGridEvent => grid::awaits_check(case),
        Act::ReopenCase => case.kind == CaseKind::Grid && status == CaseStatus::Completed,
        Act::EvaluateCase => case.decided_at.is_some(),
        Act::EvaluateHandoff => case
            .handoffs
            .iter()
            .any(|handoff| handoff.from.is_some() && !handoff.state.is_open()),
        Act::AnswerEvaluation => case
            .evaluation
            .as_ref()
            .is_some_and(|evaluation| evaluation.grade.is_negative()),
    }
}

/// The owner that an officer of the organization which handed the case to it stands in for: one that is EXTERNAL, or
/// bound to an upstream system, and so cannot act here (DOMAIN §4).
#[must_use]
pub fn stand_in_for(case: &Case, item: &ItemVersion, by: &By) -> Option<OrganizationId> {
    let holding = case.holding()?;
    let step = holding.step.and_then(|step| item.route.get(step));
    let elsewhere =
        holding.upstream.is_some() || step.is_some_and(|step| step.assignment == Assignment::External);
    let sent_it = by.organization.is_some() && holding.from == by.organization;
    (elsewhere && sent_it && by.kind == ActorKind::Officer)
        .then_some(case.owner)
        .flatten()
}

/// The owner as whom somebody does everything an owner can: they are of it, or it stands outside and the officer of the
/// sender records its acts. For one that is bound to a system only what that system cannot do here is done.
#[must_use]
pub fn acts_in_full(case: &Case, item: &ItemVersion, by: &By, own: OrganizationId) -> Option<OrganizationId> {
    let bound = case.holding().is_some_and(|holding| holding.upstream.is_some());
    if case.owner == Some(own) {
        case.owner
    } else {
        stand_in_for(case, item, by).filter(|_| !bound)
    }
}

fn possible_in_office(case: &Case, item: &ItemVersion, by: &By, own: OrganizationId) -> Vec<Act> {
    let stands_in = stand_in_for(case, item, by);
    // whose acts these are: its own, or those of the owner it stands in for
    let own_or_for = stands_in.unwrap_or(own);
    let holds = case.owner == Some(own_or_for);
    let officer = by.kind == ActorKind::Officer;
    let mut acts = Vec::new();
    let accepts = can_accept(case, item, own) || stands_in.is_some_and(|owner| can_accept(case, item, owner));
    if accepts {
        acts.push(Act::DeclineCase);
    }
    if can_request_supplement(case, item, accepts, holds) {
        acts.push(Act::RequestSupplement);
    }
    let free = case.open_owning().is_none();
    if officer && holds && free && admits(Act::BeginSpecialProcedure, case) {
        acts.push(Act::BeginSpecialProcedure);
        if case.extended_by.is_none() {
            acts.push(Act::ExtendCase);
        }
    }
    if officer && holds && admits(Act::EndSpecialProcedure, case) {
        acts.push(Act::EndSpecialProcedure);
    }
    if case.first_contact == own || case.owner == Some(own) {
        acts.extend(possible_for_applicant(case));
    }
    acts.extend(possible_on_the_way(case, item, by, own));
    acts.sort();
    acts.dedup();
    acts
}

fn can_request_supplement(case: &Case, item: &ItemVersion, accepts: bool, holds: bool) -> bool {
    let before_acceptance = case.status == CaseStatus::Submitted;
    let asked = case
        .supplements
        .iter()
        .any(|asked| asked.before_acceptance == before_acceptance);
    let in_review = holds
        && matches!(case.status, CaseStatus::Accepted | CaseStatus::InReview)
        && item.item_type != ItemType::License
        && case.open_owning().is_none();
    !asked && if before_acceptance { accepts } else { in_review }
}

fn possible_on_the_way(case: &Case, item: &ItemVersion, by: &By, own: OrganizationId) -> Vec<Act> {
    let stands_in = stand_in_for(case, item, by);
    let holds = case.owner == Some(stands_in.unwrap_or(own));
    let officer = by.kind == ActorKind::Officer;
    let external = stands_in.filter(|_| case.holding().is_some_and(|holding| holding.upstream.is_none()));
    let mut acts = Vec::new();
    if can_accept(case, item, own) || stands_in.is_some_and(|owner| can_accept(case, item, owner)) {
        acts.push(Act::AcceptCase);
    }
    if !handoff_kinds(case, item, by).is_empty() {
        acts.push(Act::HandOff);
    }
    let answerable =
        |handoff: &&Handoff| handoff.to == own && handoff.state.awaits_answer() && handoff.upstream.is_none();
    if case.handoffs.iter().any(|handoff| answerable(&handoff)) {
        acts.push(Act::AcknowledgeHandoff);
    }
    let accepting = |handoff: &Handoff| {
        handoff.owning
            && case.accepted_at.is_none()
            && handoff.step.is_some()
            && handoff.step == item.accepting_step()
    };
    if case
        .handoffs
        .iter()
        .filter(answerable)
        .any(|handoff| !accepting(handoff))
    {
        acts.push(Act::RefuseHandoff);
    }
    if can_recall(case, own, holds) {
        acts.push(Act::RecallHandoff);
    }
    let waives = officer && holds && case.handoffs.iter().any(|handoff| can_be_waived(case, handoff));
    if can_finish(case, own) || waives {
        acts.push(Act::FinishHandoff);
    }
    let decides = can_decide(case, item, own) || external.is_some_and(|owner| can_decide(case, item, owner));
    if by.kind == ActorKind::Officer && decides {
        acts.push(Act::DecideCase);
    }
    if can_deliver(case, own) {
        acts.push(Act::DeliverResult);
    }
    acts
}

/// What comes after a decision, also when the case is closed: checks, a new round, the evaluation.
fn afterwards(case: &Case, item: &ItemVersion, by: &By) -> Vec<Act> {
    let applicant = matches!(
        by.kind,
        ActorKind::Citizen | ActorKind::Anonymous | ActorKind::Kiosk
    );
    let at_desk = matches!(by.kind, ActorKind::Clerk | ActorKind::Officer);
    let answers = at_desk
        && case
            .evaluation
            .as_ref()
            .is_some_and(|evaluation| by.organization == Some(evaluation.decider) && evaluation.awaits_any());
    // views show the organizations of today already
    let ungraded =
        |own| move |handoff: &Handoff| evaluate::counterpart(case, handoff, own, &|id| id).is_some();
    let grades = by
        .organization
        .is_some_and(|own| case.handoffs.iter().any(ungraded(own)));
    [
        (Act::CheckGridEvent, grid::can_check(case, item, by)),
        (Act::ReopenCase, grid::can_reopen(case, by)),
        (Act::EvaluateCase, applicant && evaluate::is_open(case)),
        (Act::AnswerEvaluation, answers),
        (Act::EvaluateHandoff, at_desk && grades),
    ]
    .into_iter()
    .filter(|(_, can)| *can)
    .map(|(act, _)| act)
    .collect()
}

fn can_accept(case: &Case, item: &ItemVersion, own: OrganizationId) -> bool {
    let accepting = item.accepting_step();
    case.status == CaseStatus::Submitted
        && (case.owner == Some(own) && case.open_owning().is_none() && case.stands() == accepting
            || case
                .open_owning()
                .is_some_and(|open| open.to == own && open.step == accepting && open.upstream.is_none()))
}

/// The kinds of handoff that this actor could offer now, for menus; empty: none. A shortest time that has not passed,
/// the receiver and the admission lists may still stand in the way.
#[must_use]
pub fn handoff_kinds(case: &Case, item: &ItemVersion, by: &By) -> Vec<HandoffKind> {
    let Some(own) = by
        .organization
        .filter(|_| matches!(by.kind, ActorKind::Clerk | ActorKind::Officer))
    else {
        return Vec::new();
    };
    let mut kinds = Vec::new();
    let owner = acts_in_full(case, item, by, own).is_some();
    if case.is_closed() || case.open_owning().is_some() || !owner && stand_in_for(case, item, by).is_none() {
        return kinds;
    }
    let free = case.open_required().next().is_none();
    if free && can_go_on(case, item) {
        kinds.push(HandoffKind::Route);
    }
    if !owner || case.decided_at.is_some() {
        return kinds;
    }
    if free && case.status != CaseStatus::AwaitingSupplement {
        if case.stands().is_some() {
            kinds.extend([HandoffKind::Assign, HandoffKind::Transfer]);
        }
        let another = |earlier: &Handoff| Some(earlier.to) != case.owner || earlier.step != case.stands();
        if case.held_before().any(another) {
            kinds.push(HandoffKind::Return);
        }
    }
    kinds.extend([
        HandoffKind::Escalate,
        HandoffKind::Consult,
        HandoffKind::Countersign,
        HandoffKind::JointReview,
    ]);
    kinds
}

/// Whether the route goes on from here: to its next step, or to a later one that was turned down.
fn can_go_on(case: &Case, item: &ItemVersion) -> bool {
    let stands = case.stands();
    match case.status {
        CaseStatus::Submitted => stands < item.accepting_step(),
        CaseStatus::Accepted | CaseStatus::InReview | CaseStatus::SpecialProcedure => {
            stands < item.deciding_step()
        }
        CaseStatus::Decided | CaseStatus::Completed => lacking_after_decision(case, item),
        CaseStatus::AwaitingSupplement
        | CaseStatus::Delivered
        | CaseStatus::NotAccepted
        | CaseStatus::Lapsed
        | CaseStatus::Withdrawn
        | CaseStatus::Voided => false,
    }
}

fn can_recall(case: &Case, own: OrganizationId, for_owner: bool) -> bool {
    let own_or_owners = |handoff: &Handoff| {
        handoff.from == Some(own) || for_owner && (handoff.from == case.owner || !handoff.owning)
    };
    case.handoffs
        .iter()
        .any(|handoff| handoff.state.awaits_answer() && own_or_owners(handoff))
}

fn can_finish(case: &Case, own: OrganizationId) -> bool {
    let beside = |handoff: &Handoff| {
        handoff.to == own
            && !handoff.owning
            && handoff.upstream.is_none()
            && handoff.state.is_open()
            && handoff.kind != HandoffKind::Delivery
    };
    case.kind == CaseKind::Case && case.handoffs.iter().any(beside)
}

/// Whether a required opinion is still missing: open, or turned down and not asked for again.
#[must_use]
pub fn can_be_waived(case: &Case, handoff: &Handoff) -> bool {
    let since = case.entered().map_or(0, |entered| entered.seq);
    let asked_again = |other: &Handoff| other.step == handoff.step && other.seq > handoff.seq;
    let turned_down = matches!(handoff.state, HandoffState::Refused | HandoffState::Recalled);
    let missing = handoff.state.is_open()
        || turned_down && handoff.seq >= since && !case.handoffs.iter().any(asked_again);
    handoff.required && missing
}

fn can_decide(case: &Case, item: &ItemVersion, own: OrganizationId) -> bool {
    let free = case.open_required().next().is_none();
    match case.status {
        CaseStatus::Accepted | CaseStatus::InReview => {
            free && case.owner == Some(own)
                && case.open_owning().is_none()
                && case.stands() == item.deciding_step()
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

fn can_deliver(case: &Case, own: OrganizationId) -> bool {
    let decided = matches!(case.status, CaseStatus::Decided | CaseStatus::Completed);
    let addressee = |handoff: &Handoff| {
        handoff.kind == HandoffKind::Delivery && handoff.to == own && handoff.state.is_open()
    };
    decided
        && case.kind == CaseKind::Case
        && case.delivered_at.is_none()
        && (case.owner == Some(own) || case.handoffs.iter().any(addressee))
}
