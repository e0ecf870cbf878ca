//! Every state × every act × every kind of actor, as one table (DOMAIN §2 and §7).
//!
//! A cell tells what comes of an act that is well-formed: `+` done · `.` not in this state · `!` in this state, but
//! something else stands in the way · `o` another organization's · `-` not for this role.

use std::fmt::Write as _;

use super::acts::{on_file, refuse, request, supplement};
use super::*;
use crate::card::CardCause;
use crate::case::available::admits;
use crate::case::grid::CheckResult;
use crate::evaluation::{EvaluationAnswer, Grade};
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

const ACTS: [Act; 27] = [
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
    Act::RemindHolder,
    Act::IssueSupervisionOrder,
    Act::AnswerSupervisionOrder,
    Act::IssueCard,
    Act::AppealCard,
    Act::CancelCard,
    Act::CheckGridEvent,
    Act::ReopenCase,
    Act::EvaluateCase,
    Act::AnswerEvaluation,
    Act::EvaluateHandoff,
];

/// The states of a grid event, which has words of its own for them.
const GRID_STATES: [CaseStatus; 7] = [
    CaseStatus::Submitted,
    CaseStatus::Accepted,
    CaseStatus::InReview,
    CaseStatus::Decided,
    CaseStatus::Completed,
    CaseStatus::Withdrawn,
    CaseStatus::Voided,
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
    (ActorKind::SystemAdmin, None),
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
    let mut story = supervised(story.submitted());
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

/// With a card and an order on the township, so that both can be answered in every state.
fn supervised(mut story: Story) -> Story {
    for command in [issue_card(), order()] {
        story
            .attempt(by((ActorKind::Supervisor, None)), &command)
            .unwrap();
    }
    story
}

/// A grid event in this state: reported by the station's grid, resolved by the township, checked by the grid.
fn grid_in_state(status: CaseStatus) -> Story {
    let resolves = Step {
        decides: true,
        limit: Some(Limit::working_days(3)),
        ..accepting()
    };
    let verify = step("village.grid", "VERIFY");
    let mut story = Story::of(vec![intake(), resolves, verify], &[STATION, TOWNSHIP, STATION]);
    story.item.case_kind = CaseKind::Grid;
    story.item.materials = vec![acts::material("id", false)];
    story.item.statutory = Limit::working_days(20);
    story.item.promised = Limit::working_days(10);
    let mut story = supervised(story.submitted());
    let act = |story: &mut Story, commands: &[Command]| {
        for command in commands {
            story.officer(TOWNSHIP, command).unwrap();
        }
    };
    match status {
        CaseStatus::Submitted => {}
        CaseStatus::Accepted => act(&mut story, &[accept(false)]),
        CaseStatus::InReview => act(
            &mut story,
            &[accept(false), begin_special(), Command::EndSpecialProcedure],
        ),
        CaseStatus::Decided => act(&mut story, &[accept(false), resolved()]),
        CaseStatus::Completed => {
            act(&mut story, &[accept(false), resolved()]);
            story.officer(STATION, &check()).unwrap();
        }
        CaseStatus::Withdrawn => {
            let withdraw = Command::Withdraw {
                reason: None,
                authorization: None,
            };
            story.attempt(by((ActorKind::Citizen, None)), &withdraw).unwrap();
        }
        CaseStatus::Voided => {
            let void = Command::Void {
                reason: "重复".to_owned(),
            };
            story.attempt(by((ActorKind::Supervisor, None)), &void).unwrap();
        }
        other => panic!("a grid event is never {other:?}"),
    }
    assert_eq!(story.status(), status);
    story
}

/// The county, above the township and the station.
fn county() -> DivisionId {
    DivisionId::from_uuid(Uuid::from_u128(63))
}

fn issue_card() -> Command {
    Command::IssueCard {
        cause: CardCause::NoReason,
        to: organization(TOWNSHIP),
        by: county(),
        text: "未说明理由".to_owned(),
    }
}

fn order() -> Command {
    Command::OrderSupervision {
        to: Some(organization(TOWNSHIP)),
        limit: Limit::working_days(3),
        by: Some(county()),
        text: "请限期办理".to_owned(),
    }
}

fn resolved() -> Command {
    Command::Decide {
        outcome: Outcome::Resolved,
        reasons: None,
        remedy: None,
        objections: None,
    }
}

fn check() -> Command {
    Command::CheckGridEvent {
        result: CheckResult::Pass,
        text: None,
    }
}

fn begin_special() -> Command {
    Command::BeginSpecialProcedure {
        reason: "听证".to_owned(),
        limit_working_days: None,
    }
}

/// The act, well-formed for this actor.
#[expect(clippy::too_many_lines, reason = "one arm an act, read as a table")]
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
        Act::DecideCase if case.kind == CaseKind::Grid => resolved(),
        Act::DecideCase => granted(),
        Act::DeliverResult => deliver(None),
        Act::VoidCase => Command::Void {
            reason: "重复".to_owned(),
        },
        Act::RemindHolder => Command::RemindHolder { text: None },
        Act::IssueSupervisionOrder => order(),
        Act::AnswerSupervisionOrder => Command::AnswerSupervision {
            order: case.orders[0].id,
            text: "已办理".to_owned(),
        },
        Act::IssueCard => issue_card(),
        Act::AppealCard => Command::AppealCard {
            card: case.cards[0].id,
            reason: "已说明理由".to_owned(),
        },
        Act::CancelCard => Command::CancelCard {
            card: case.cards[0].id,
            by: county(),
            reason: "申诉成立".to_owned(),
        },
        Act::CheckGridEvent => check(),
        Act::ReopenCase => Command::Reopen {
            reason: "再次发生".to_owned(),
        },
        Act::EvaluateCase => Command::Evaluate {
            grade: Grade::Satisfied,
            comment: None,
        },
        Act::AnswerEvaluation => Command::AnswerEvaluation {
            answer: EvaluationAnswer::Contact,
            text: None,
        },
        // the one from the first contact to the township
        Act::EvaluateHandoff => Command::EvaluateHandoff {
            handoff: case.handoffs[1].id,
            grade: Grade::Satisfied,
            comment: None,
        },
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
        Act::EvaluateHandoff => policy::Act::EvaluateHandoff,
    }
}

fn cell(mut story: Story, act: Act, actor: (ActorKind, Option<u128>)) -> char {
    if grant(policy_act(act), actor.0).scope == Scope::Never {
        return '-';
    }
    if act == Act::AnswerEvaluation && story.case().decided_at.is_some() {
        let bad = Command::Evaluate {
            grade: Grade::Dissatisfied,
            comment: None,
        };
        story.attempt(by((ActorKind::Citizen, None)), &bad).unwrap();
    }
    let status = story.status();
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
    let cases = STATES.map(|status| (format!("{status:?}"), in_state(status)));
    let grid = GRID_STATES.map(|status| (format!("Grid {status:?}"), grid_in_state(status)));
    for (state, story) in cases.into_iter().chain(grid) {
        for act in ACTS {
            let cells: String = ACTORS
                .iter()
                .map(|actor| cell(story.clone(), act, *actor))
                .collect();
            let act = format!("{act:?}");
            writeln!(told, "{state:<20}{act:<24}{cells}").unwrap();
        }
    }
    assert!(
        told == TABLE,
        "the table in table.txt is not what the rules say:\n{told}"
    );
}
