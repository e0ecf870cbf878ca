//! Every state × every act × every kind of actor, as one table (DOMAIN §2 and §7).
//!
//! A cell tells what comes of an act that is well-formed: `+` done · `.` not in this state · `!` in this state, but
//! something else stands in the way · `o` another organization's · `-` not for this role.

use std::fmt::Write as _;

use super::acts::{on_file, refuse, request, supplement};
use super::*;
use crate::case::available::admits;
use crate::policy::{self, Scope, grant};

const STATES: [CaseStatus; 12] = [
    CaseStatus::Submitted,
    CaseStatus::AwaitingSupplement,
    CaseStatus::Accepted,
    CaseStatus::InReview,
    CaseStatus::SpecialProcedure,
    CaseStatus::Decided,
    CaseStatus::Completed,
    CaseStatus::Delivered,
    CaseStatus::NotAccepted,
    CaseStatus::Lapsed,
    CaseStatus::Withdrawn,
    CaseStatus::Voided,
];

const ACTS: [Act; 16] = [
    Act::AcceptCase,
    Act::DeclineCase,
    Act::RequestSupplement,
    Act::SupplementCase,
    Act::WithdrawCase,
    Act::HandOff,
    Act::AcknowledgeHandoff,
    Act::RefuseHandoff,
    Act::RecallHandoff,
    Act::FinishHandoff,
    Act::BeginSpecialProcedure,
    Act::EndSpecialProcedure,
    Act::ExtendCase,
    Act::DecideCase,
    Act::DeliverResult,
    Act::VoidCase,
];

/// Who acts: a kind, and for people of offices where they stand.
const ACTORS: [(ActorKind, Option<u128>); 13] = [
    (ActorKind::Anonymous, None),
    (ActorKind::Citizen, None),
    (ActorKind::Kiosk, Some(STATION)),
    (ActorKind::Clerk, Some(STATION)),
    (ActorKind::Clerk, Some(TOWNSHIP)),
    (ActorKind::Officer, Some(TOWNSHIP)),
    (ActorKind::Officer, Some(STATION)),
    (ActorKind::Officer, Some(99)),
    (ActorKind::Supervisor, None),
    (ActorKind::Auditor, None),
    (ActorKind::Admin, None),
    (ActorKind::Upstream, None),
    (ActorKind::System, None),
];

/// The columns are ACTORS in order: anonymous, citizen, kiosk · clerk and officer of the first contact and the owner,
/// officer of a stranger · supervisor, auditor, admin, upstream, system. The township accepts and decides.
const TABLE: &str = include_str!("table.txt");

fn by((kind, organization): (ActorKind, Option<u128>)) -> By {
    By {
        kind,
        subject: format!("{kind:?}"),
        organization: organization.map(super::organization),
        on_behalf_of: None,
    }
}

/// A case in this state, the township holding it, with a beside-handoff or an offer wherever the state has one.
fn in_state(status: CaseStatus) -> Story {
    let pay = Step {
        clock: StepClock::Excluded,
        limit: None,
        ..step("county.finance", "PAY")
    };
    let decides_too = Step {
        decides: true,
        limit: Some(Limit::working_days(5)),
        ..accepting()
    };
    let mut story = Story::of(vec![intake(), decides_too, pay], &[STATION, TOWNSHIP, TOWNSHIP]);
    story.item.statutory = Limit::working_days(20);
    story.item.promised = Limit::working_days(10);
    story.item.materials = vec![acts::material("id", false)];
    if status == CaseStatus::Decided {
        story.organizations[2] = Some(organization(COUNTY));
    }
    let mut story = story.submitted();
    let supervisor = by((ActorKind::Supervisor, None));
    let void = Command::Void {
        reason: "重复".to_owned(),
    };
    let act = |story: &mut Story, commands: &[Command]| {
        for command in commands {
            story.officer(TOWNSHIP, command).unwrap();
        }
    };
    match status {
        CaseStatus::Submitted => {}
        CaseStatus::AwaitingSupplement => act(&mut story, &[request(&["id"])]),
        CaseStatus::Accepted => act(&mut story, &[accept(false)]),
        CaseStatus::InReview => {
            act(
                &mut story,
                &[accept(false), begin_special(), Command::EndSpecialProcedure],
            );
        }
        CaseStatus::SpecialProcedure => act(&mut story, &[accept(false), begin_special()]),
        CaseStatus::Decided => act(&mut story, &[accept(false), granted()]),
        CaseStatus::Completed => act(&mut story, &[accept(false), denied()]),
        CaseStatus::Delivered => act(&mut story, &[accept(false), denied(), deliver(None)]),
        CaseStatus::NotAccepted => act(&mut story, &[refuse()]),
        CaseStatus::Lapsed => {
            act(&mut story, &[request(&["id"])]);
            story.days_later(90);
            story
                .attempt(by((ActorKind::System, None)), &Command::Tick)
                .unwrap();
        }
        CaseStatus::Withdrawn => {
            let withdraw = Command::Withdraw {
                reason: None,
                authorization: None,
            };
            story.attempt(by((ActorKind::Citizen, None)), &withdraw).unwrap();
        }
        CaseStatus::Voided => story.attempt(supervisor, &void).unwrap(),
    }
    assert_eq!(story.status(), status);
    story
}

fn begin_special() -> Command {
    Command::BeginSpecialProcedure {
        reason: "听证".to_owned(),
        limit_working_days: None,
    }
}

/// The act, well-formed for this actor.
fn command(act: Act, case: &Case, kind: ActorKind) -> Command {
    let counter = matches!(kind, ActorKind::Clerk | ActorKind::Officer);
    let authorization = counter.then(on_file);
    let last = case.handoffs.last().unwrap().id;
    match act {
        Act::AcceptCase => accept(false),
        Act::DeclineCase => refuse(),
        Act::RequestSupplement => request(&["id"]),
        Act::SupplementCase => match supplement(&["id"]) {
            Command::Supplement { materials, note, .. } => Command::Supplement {
                materials,
                note,
                authorization,
            },
            other => other,
        },
        Act::WithdrawCase => Command::Withdraw {
            reason: None,
            authorization,
        },
        Act::HandOff => hand_off(),
        Act::AcknowledgeHandoff => Command::Acknowledge { handoff: last },
        Act::RefuseHandoff => Command::Refuse {
            handoff: last,
            reason: RefusalReason::NotOurDuty,
            text: "非本单位职责".to_owned(),
        },
        Act::RecallHandoff => Command::Recall { handoff: last },
        Act::FinishHandoff => Command::Finish {
            handoff: last,
            opinion: None,
            text: None,
        },
        Act::BeginSpecialProcedure => begin_special(),
        Act::EndSpecialProcedure => Command::EndSpecialProcedure,
        Act::ExtendCase => Command::Extend {
            working_days: 1,
            reason: "情况复杂".to_owned(),
        },
        Act::DecideCase => granted(),
        Act::DeliverResult => deliver(None),
        Act::VoidCase => Command::Void {
            reason: "重复".to_owned(),
        },
        Act::RemindHolder
        | Act::IssueSupervisionOrder
        | Act::AnswerSupervisionOrder
        | Act::IssueCard
        | Act::AppealCard
        | Act::CheckGridEvent
        | Act::ReopenCase
        | Act::EvaluateCase
        | Act::AnswerEvaluation
        // supervision is told in ticks.rs, grid events in grid.rs, grades in evaluations.rs
        | Act::CancelCard => Command::Tick,
    }
}

const fn policy_act(act: Act) -> policy::Act {
    match act {
        Act::AcceptCase => policy::Act::AcceptCase,
        Act::DeclineCase => policy::Act::DeclineCase,
        Act::RequestSupplement => policy::Act::RequestSupplement,
        Act::SupplementCase => policy::Act::SupplementCase,
        Act::WithdrawCase => policy::Act::WithdrawCase,
        Act::HandOff => policy::Act::HandOff,
        Act::AcknowledgeHandoff => policy::Act::AcknowledgeHandoff,
        Act::RefuseHandoff => policy::Act::RefuseHandoff,
        Act::RecallHandoff => policy::Act::RecallHandoff,
        Act::FinishHandoff => policy::Act::FinishHandoff,
        Act::BeginSpecialProcedure | Act::EndSpecialProcedure => policy::Act::SpecialProcedure,
        Act::ExtendCase => policy::Act::ExtendCase,
        Act::DecideCase => policy::Act::DecideCase,
        Act::DeliverResult => policy::Act::DeliverResult,
        Act::VoidCase => policy::Act::VoidCase,
        Act::RemindHolder => policy::Act::RemindHolder,
        Act::IssueSupervisionOrder => policy::Act::IssueSupervisionOrder,
        Act::AnswerSupervisionOrder => policy::Act::AnswerSupervisionOrder,
        Act::IssueCard => policy::Act::IssueCard,
        Act::AppealCard => policy::Act::AppealCard,
        Act::CancelCard => policy::Act::CancelCard,
        Act::CheckGridEvent => policy::Act::CheckGridEvent,
        Act::ReopenCase => policy::Act::ReopenCase,
        Act::EvaluateCase => policy::Act::EvaluateCase,
        Act::AnswerEvaluation => policy::Act::AnswerEvaluation,
    }
}

fn cell(status: CaseStatus, act: Act, actor: (ActorKind, Option<u128>)) -> char {
    if grant(policy_act(act), actor.0).scope == Scope::Never {
        return '-';
    }
    let mut story = in_state(status);
    let before = story.case().clone();
    let command = command(act, &before, actor.0);
    let hinted = possible(&before, &story.item, &by(actor)).contains(&act);
    match story.attempt(by(actor), &command) {
        Ok(()) => {
            assert!(
                hinted,
                "{act:?} in {status:?} by {actor:?} was possible without a hint"
            );
            assert!(admits(act, &before), "{act:?} in {status:?}");
            '+'
        }
        Err(refused) => {
            assert_eq!(story.case(), &before, "a refusal changes nothing");
            match refused {
                Refusal::IllegalAct { why: Why::Status, .. } => '.',
                Refusal::WrongOrganization => 'o',
                _ => '!',
            }
        }
    }
}

#[test]
fn every_state_and_act_and_actor_is_as_the_table_says() {
    let mut told = String::new();
    for status in STATES {
        for act in ACTS {
            let cells: String = ACTORS.iter().map(|actor| cell(status, act, *actor)).collect();
            let (state, act) = (format!("{status:?}"), format!("{act:?}"));
            writeln!(told, "{state:<20}{act:<24}{cells}").unwrap();
        }
    }
    assert!(
        told == TABLE,
        "the table in table.txt is not what the rules say:\n{told}"
    );
}
