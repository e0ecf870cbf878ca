//! How an event changes the state: the same function for a new act and for a replay of the ledger.

use chrono::{DateTime, Utc};

use super::command::By;
use super::event::{Event, NewEvent, Submitted};
use super::grid::{CheckResult, GridLoop};
use super::news_version::NewsVersion;
use super::state::{Case, CaseStatus, ExternalNumber, Supplement, WaitingGrant};
use super::succession;
use crate::clock::{CaseClock, ClockKind, ClockState};
use crate::evaluation::{Evaluation, EvaluationAnswer, HandoffEvaluation};
use crate::handoff::{HandedMaterial, HandoffState};
use crate::id::{HandoffId, OrganizationId};
use crate::route::HandoffKind;

/// Builds a case from its whole ledger; `None` when the first event is not a submission.
#[must_use]
pub fn replay<'a>(events: impl IntoIterator<Item = &'a NewEvent>) -> Option<Case> {
    let mut events = events.into_iter();
    let first = events.next()?;
    let Event::Submitted(submitted) = &first.event else {
        return None;
    };
    let mut case = begin(submitted, first.at, &first.by);
    for event in events {
        apply(&mut case, event);
    }
    Some(case)
}

/// The case as its first event makes it.
#[must_use]
pub fn begin(submitted: &Submitted, at: DateTime<Utc>, by: &By) -> Case {
    Case {
        id: submitted.case,
        version: 1,
        tracking: submitted.tracking.clone(),
        item: submitted.item,
        item_code: submitted.item_code.clone(),
        kind: submitted.kind,
        status: CaseStatus::Submitted,
        division: submitted.division,
        division_code: submitted.division_code.clone(),
        division_name: submitted.division_name.clone(),
        route: submitted.route.clone(),
        step: 0,
        first_contact: submitted.first_contact,
        submitted_by: by.subject.clone(),
        applicant_subject: submitted.applicant_subject.clone(),
        channel: submitted.channel,
        owner: None,
        submitted_at: at,
        accepted_at: None,
        decided_at: None,
        outcome: None,
        completed_at: None,
        delivered_at: None,
        back_and_forth: 0,
        materials: submitted.materials.clone(),
        external_numbers: Vec::new(),
        supplements: Vec::new(),
        owed: Vec::new(),
        brought: Vec::new(),
        extended_by: None,
        decided_by: None,
        waiting_grant: None,
        grid: GridLoop::default(),
        evaluation: None,
        handoff_evaluations: Vec::new(),
        handoffs: Vec::new(),
        clocks: Vec::new(),
        cards: Vec::new(),
        orders: Vec::new(),
    }
}

/// Applies one event. Events come only from `decide`, so there is nothing to refuse here.
#[expect(clippy::too_many_lines, reason = "one arm an event, read as a table")]
pub fn apply(case: &mut Case, new: &NewEvent) {
    let at = new.at;
    match &new.event {
        Event::Submitted(_) => {}
        Event::HandoffOffered { handoff } => {
            case.version += 1;
            case.handoffs.push((**handoff).clone());
            if !handoff.keeps_step() && handoff.kind != HandoffKind::Return {
                hold_step(case, handoff.step, handoff.to);
            }
        }
        Event::HandoffSent { handoff } => close(case, *handoff, HandoffState::Sent, at),
        Event::HandoffAcknowledged { handoff } => acknowledge(case, *handoff, at, &new.by),
        Event::HandoffDone { handoff, opinion } => {
            close(case, *handoff, HandoffState::Done, at);
            if let Some(done) = case.handoffs.iter_mut().find(|other| other.id == *handoff) {
                done.opinion = *opinion;
            }
        }
        Event::HandoffRefused { handoff, reason } => {
            close(case, *handoff, HandoffState::Refused, at);
            if let Some(refused) = case.handoffs.iter_mut().find(|other| other.id == *handoff) {
                refused.refused_for = *reason;
                case.back_and_forth += u32::from(refused.owning);
            }
            fall_back(case, *handoff);
        }
        Event::HandoffRecalled { handoff } => {
            close(case, *handoff, HandoffState::Recalled, at);
            fall_back(case, *handoff);
        }
        Event::HandoffExpired { handoff } => expire(case, *handoff),
        Event::HandoffWaived { handoff } => {
            case.version += 1;
            close(case, *handoff, HandoffState::Waived, at);
        }
        Event::Accepted => {
            moved(case, CaseStatus::Accepted);
            case.accepted_at = Some(at);
        }
        Event::DeemedAccepted { since } => {
            moved(case, CaseStatus::Accepted);
            case.accepted_at = Some(*since);
        }
        Event::MaterialsOwed { owed } => case.owed.extend(owed.iter().cloned()),
        Event::OwedMissed { materials } => {
            case.version += 1;
            for owed in case
                .owed
                .iter_mut()
                .filter(|owed| materials.contains(&owed.material))
            {
                owed.missed = true;
            }
        }
        Event::MaterialsBrought { materials, .. } => bring(case, materials, at),
        Event::Declined { to: Some(_), .. } => case.version += 1,
        Event::Declined { to: None, .. } => ended(case, CaseStatus::NotAccepted),
        Event::SupplementRequested {
            before_acceptance,
            materials,
        } => {
            moved(case, CaseStatus::AwaitingSupplement);
            case.supplements.push(Supplement {
                before_acceptance: *before_acceptance,
                materials: materials.clone(),
                brought_at: None,
            });
        }
        Event::Supplemented => {
            let back = match case.accepted_at {
                None => CaseStatus::Submitted,
                Some(_) => CaseStatus::InReview,
            };
            moved(case, back);
            if let Some(asked) = case.supplements.last_mut() {
                asked.brought_at = Some(at);
            }
        }
        Event::Lapsed => ended(case, CaseStatus::Lapsed),
        Event::Extended { working_days } => {
            case.version += 1;
            case.extended_by = Some(*working_days);
        }
        Event::Withdrawn => ended(case, CaseStatus::Withdrawn),
        Event::Voided => ended(case, CaseStatus::Voided),
        Event::ReviewBegun | Event::SpecialProcedureEnded => moved(case, CaseStatus::InReview),
        Event::SpecialProcedureBegun { .. } => moved(case, CaseStatus::SpecialProcedure),
        Event::Decided { outcome } => {
            moved(case, CaseStatus::Decided);
            case.decided_at = Some(at);
            case.decided_by = Some(new.by.subject.clone());
            case.waiting_grant = None;
            case.outcome = Some(*outcome);
        }
        Event::Completed => {
            moved(case, CaseStatus::Completed);
            case.completed_at = Some(at);
            if case.is_closed() {
                case.owner = None;
            }
        }
        Event::Delivered => {
            case.version += 1;
            case.delivered_at = Some(at);
        }
        Event::Closed => ended(case, CaseStatus::Delivered),
        Event::GridChecked { result } => match result {
            CheckResult::Pass => case.grid.checked_at = Some(at),
            CheckResult::Fail => {
                case.grid.failed_checks += 1;
                undecide(case);
            }
        },
        Event::Reopened => {
            case.grid.reopenings += 1;
            undecide(case);
        }
        Event::Evaluated { grade, decider } => {
            case.evaluation = Some(Evaluation {
                grade: *grade,
                decider: *decider,
                at,
                contacted_at: None,
                rectified_at: None,
                followed_up_at: None,
            });
        }
        Event::HandoffEvaluated {
            handoff,
            by,
            of,
            grade,
        } => case.handoff_evaluations.push(HandoffEvaluation {
            handoff: *handoff,
            by: *by,
            of: *of,
            grade: *grade,
            at,
        }),
        Event::EvaluationAnswered { answer } => {
            if let Some(evaluation) = &mut case.evaluation {
                match answer {
                    EvaluationAnswer::Contact => evaluation.contacted_at = Some(at),
                    EvaluationAnswer::Rectified => evaluation.rectified_at = Some(at),
                    EvaluationAnswer::FollowUp => evaluation.followed_up_at = Some(at),
                }
            }
        }
        Event::WorkTakenOver { heirs, redirected } => succession::take_over(case, heirs, redirected),
        Event::NumberGiven { upstream, number } => keep_number(case, upstream, number),
        Event::VersionHeard {
            upstream,
            number,
            version,
        } => keep_version(case, upstream, number, *version),
        Event::ClockStarted { .. }
        | Event::ClockMoved { .. }
        | Event::ClockStopped { .. }
        | Event::ClockExtended { .. }
        | Event::ClockRecomputed { .. } => apply_to_clock(case, &new.event, at),
        Event::CardRaised { .. }
        | Event::CardAppealed { .. }
        | Event::CardCancelled { .. }
        | Event::SupervisionOrdered { .. }
        | Event::SupervisionAnswered { .. } => super::cards::apply(case, &new.event, at),
        Event::NewsKept {
            upstream,
            handoff,
            waits_for_papers: true,
            ..
        } => {
            case.waiting_grant = Some(WaitingGrant {
                upstream: upstream.clone(),
                handoff: *handoff,
            });
        }
        Event::NewsKept {
            waits_for_papers: false,
            ..
        }
        | Event::HolderReminded { .. }
        | Event::UpstreamTold { .. }
        | Event::DeliveryResolved { .. } => {}
    }
}

/// What an event does to one clock.
fn apply_to_clock(case: &mut Case, event: &Event, at: DateTime<Utc>) {
    if let Event::ClockStarted { clock } = event {
        case.clocks.push((**clock).clone());
        return;
    }
    let (Event::ClockMoved { clock, .. }
    | Event::ClockStopped { clock }
    | Event::ClockExtended { clock, .. }
    | Event::ClockRecomputed { clock, .. }) = event
    else {
        return;
    };
    let Some(changed) = case.clocks.iter_mut().find(|other| other.id == *clock) else {
        return;
    };
    if let Event::ClockMoved {
        state,
        due_at,
        provisional,
        pauses,
        ..
    } = event
    {
        changed.state = *state;
        if *state != ClockState::Stopped {
            changed.stopped_at = None;
        }
        changed.move_to(*due_at);
        changed.provisional = *provisional;
        changed.pauses.clone_from(pauses);
    }
    if let Event::ClockStopped { .. } = event {
        changed.state = ClockState::Stopped;
        changed.stopped_at = Some(at);
    }
    if let Event::ClockExtended {
        working_days,
        due_at,
        provisional,
        ..
    } = event
    {
        changed.extension_working_days = *working_days;
        changed.move_to(Some(*due_at));
        changed.provisional = *provisional;
    }
    if let Event::ClockRecomputed {
        due_at,
        provisional,
        calendar,
        ..
    } = event
    {
        changed.move_to(Some(*due_at));
        changed.provisional = *provisional;
        changed.calendar = *calendar;
    }
}

/// An upstream has one number for a case: the newest.
fn keep_number(case: &mut Case, upstream: &str, number: &str) {
    case.external_numbers
        .retain(|external| external.upstream != upstream);
    case.external_numbers.push(ExternalNumber {
        upstream: upstream.to_owned(),
        number: number.to_owned(),
        version: None,
    });
}

/// The case is over, and nobody's.
fn ended(case: &mut Case, as_what: CaseStatus) {
    moved(case, as_what);
    case.owner = None;
    case.waiting_grant = None;
}

fn bring(case: &mut Case, materials: &[String], at: DateTime<Utc>) {
    case.version += 1;
    for material in materials {
        if !case.brought.contains(material) {
            case.brought.push(material.clone());
        }
        case.materials.retain(|on_file| on_file.material != *material);
        case.materials.push(HandedMaterial {
            material: material.clone(),
            hash: None,
        });
    }
    for owed in case.owed.iter_mut().filter(|owed| owed.brought_at.is_none()) {
        if materials.contains(&owed.material) {
            owed.brought_at = Some(at);
        }
    }
}

fn keep_version(case: &mut Case, upstream: &str, number: &str, version: NewsVersion) {
    let heard = case
        .external_numbers
        .iter_mut()
        .find(|external| external.upstream == upstream && external.number == number);
    if let Some(external) = heard {
        external.version = Some(version);
    }
}

/// A grid event goes back to its resolver: what was fed back no longer stands.
fn undecide(case: &mut Case) {
    moved(case, CaseStatus::InReview);
    case.decided_at = None;
    case.decided_by = None;
    case.outcome = None;
    case.completed_at = None;
    case.grid.checked_at = None;
}

const fn moved(case: &mut Case, to: CaseStatus) {
    case.status = to;
    case.version += 1;
}

/// The clocks of a step that still count are held by an organization from now on.
fn hold_step(case: &mut Case, step: Option<usize>, holder: OrganizationId) {
    let of_step = |clock: &&mut CaseClock| {
        clock.state != ClockState::Stopped
            && step.is_some()
            && clock.step == step
            && matches!(
                clock.kind,
                ClockKind::Acceptance | ClockKind::Step | ClockKind::Special
            )
    };
    for clock in case.clocks.iter_mut().filter(of_step) {
        clock.holder = Some(holder);
    }
}

/// Nobody signed: the case moves on in version, and the sender answers for the offered step's clocks again.
fn fall_back(case: &mut Case, id: HandoffId) {
    case.version += 1;
    let Some(handoff) = case.handoffs.iter().find(|handoff| handoff.id == id) else {
        return;
    };
    if let (Some(from), step) = (handoff.from, handoff.step) {
        hold_step(case, step, from);
    }
}

/// Still open: only its state says that nobody signed in time.
fn expire(case: &mut Case, id: HandoffId) {
    if let Some(late) = case.handoffs.iter_mut().find(|handoff| handoff.id == id) {
        late.state = HandoffState::Expired;
        late.version += 1;
    }
}

fn acknowledge(case: &mut Case, id: HandoffId, at: DateTime<Utc>, by: &By) {
    let held_before: Vec<OrganizationId> = case.held_before().map(|handoff| handoff.to).collect();
    let Some(taken) = case.handoffs.iter_mut().find(|handoff| handoff.id == id) else {
        return;
    };
    taken.state = HandoffState::Acknowledged;
    taken.version += 1;
    taken.acknowledged_at = Some(at);
    taken.acknowledged_by = Some(by.subject.clone());
    if !taken.owning {
        return;
    }
    let (to, step) = (taken.to, taken.step);
    let back = taken.kind == HandoffKind::Return || taken.keeps_step() && held_before.contains(&to);
    case.back_and_forth += u32::from(back && case.owner.is_some_and(|owner| owner != to));
    // before the first step of the route there is no step: a return there begins the route anew
    case.step = step.unwrap_or_default();
    case.owner = Some(to);
    case.version += 1;
    hold_step(case, step, to);
    let legal = |clock: &&mut CaseClock| {
        clock.state != ClockState::Stopped && matches!(clock.kind, ClockKind::Statutory | ClockKind::Promise)
    };
    for clock in case.clocks.iter_mut().filter(legal) {
        clock.holder = Some(to);
    }
}

fn close(case: &mut Case, id: HandoffId, state: HandoffState, at: DateTime<Utc>) {
    let Some(changed) = case.handoffs.iter_mut().find(|handoff| handoff.id == id) else {
        return;
    };
    changed.state = state;
    changed.version += 1;
    if state == HandoffState::Sent {
        changed.sent_at = Some(at);
    } else {
        changed.closed_at = Some(at);
    }
}
