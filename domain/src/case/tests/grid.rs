//! The closed loop of grid events (DOMAIN §2), act by act.

use proptest::prelude::*;

use super::properties::check;
use super::*;
use crate::case::available::{NextStep, next_step};
use crate::case::grid::{CheckResult, GridStatus};
use crate::clock::CaseClock;
use crate::evaluation::{EvaluationAnswer, Grade};

/// The grid reports, the township's centre assigns, a county department resolves, the grid verifies.
const GRID: u128 = STATION;
const CENTER: u128 = TOWNSHIP;
const DEPARTMENT: u128 = COUNTY;

fn route() -> Vec<Step> {
    let act = |role: &str, action: &str, limit| Step {
        limit: Some(Limit::working_days(limit)),
        ..step(role, action)
    };
    vec![
        act("village.grid", "REPORT", 0),
        Step {
            accepts: true,
            ..act("township.grid-center", "ASSIGN", 1)
        },
        Step {
            decides: true,
            assignment: Assignment::Chosen,
            ..act("county.competent-department", "RESOLVE", 3)
        },
        act("village.grid", "VERIFY", 1),
    ]
}

fn reported() -> Story {
    let mut story = Story::of(route(), &[GRID, CENTER, DEPARTMENT, GRID]);
    story.organizations[2] = None;
    story.item.case_kind = CaseKind::Grid;
    story.item.code = "grid-report".to_owned();
    story.item.promised = Limit::working_days(5);
    story.item.statutory = Limit::working_days(7);
    story.submitted()
}

fn assigned() -> Story {
    let mut story = reported();
    story.officer(GRID, &hand_off()).unwrap();
    story.officer(CENTER, &accept(false)).unwrap();
    story.officer(CENTER, &to_department()).unwrap();
    let offered = story.last_handoff();
    story
        .officer(DEPARTMENT, &Command::Acknowledge { handoff: offered })
        .unwrap();
    story
}

fn to_department() -> Command {
    Command::HandOff(HandOff {
        to: Some(organization(DEPARTMENT)),
        ..HandOff::along_the_route()
    })
}

fn feeds_back(outcome: Outcome) -> Command {
    Command::Decide {
        outcome,
        reasons: Some("已清理路面积水".to_owned()),
        remedy: None,
        objections: None,
    }
}

fn fed_back(outcome: Outcome) -> Story {
    let mut story = assigned();
    story.officer(DEPARTMENT, &feeds_back(outcome)).unwrap();
    story
}

fn checked(result: CheckResult) -> Command {
    Command::CheckGridEvent {
        result,
        text: Some("现场已看".to_owned()),
    }
}

fn reopened() -> Command {
    Command::Reopen {
        reason: "再次积水".to_owned(),
    }
}

fn supervisor(subject: &str) -> By {
    By {
        kind: ActorKind::Supervisor,
        subject: subject.to_owned(),
        organization: None,
        on_behalf_of: None,
    }
}

fn word(story: &Story) -> Option<GridStatus> {
    GridStatus::of(story.status())
}

fn clock(story: &Story, kind: ClockKind) -> CaseClock {
    let clocks = &story.case().clocks;
    clocks
        .iter()
        .rev()
        .find(|clock| clock.kind == kind)
        .unwrap()
        .clone()
}

fn why(refusal: Refusal) -> Why {
    match refusal {
        Refusal::IllegalAct { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_words_follow_the_states() {
    let mut story = reported();
    assert_eq!(word(&story), Some(GridStatus::Reported));
    story.officer(GRID, &hand_off()).unwrap();
    story.officer(CENTER, &accept(false)).unwrap();
    assert_eq!(word(&story), Some(GridStatus::Assigned));
    assert_eq!(word(&assigned()), Some(GridStatus::Handling));
    let mut story = fed_back(Outcome::Resolved);
    assert_eq!(word(&story), Some(GridStatus::FedBack));
    story.officer(GRID, &checked(CheckResult::Pass)).unwrap();
    assert_eq!(word(&story), Some(GridStatus::Checked));
    assert_eq!(GridStatus::of(CaseStatus::Voided), None);
}

#[test]
fn either_outcome_is_checked_and_only_a_pass_completes() {
    for outcome in [Outcome::Resolved, Outcome::Unfounded] {
        let mut story = fed_back(outcome);
        let verify = story.case().handoffs.last().unwrap().clone();
        assert_eq!(
            (story.status(), verify.to, verify.step, verify.owning),
            (CaseStatus::Decided, organization(GRID), Some(3), false)
        );
        assert_eq!(next_step(story.case(), &story.item), NextStep::Check);
        let finish = Command::Finish {
            handoff: verify.id,
            opinion: None,
            text: None,
        };
        assert_eq!(why(story.officer(GRID, &finish).unwrap_err()), Why::NotThisStep);
        story.officer(GRID, &checked(CheckResult::Pass)).unwrap();
        let case = story.case();
        assert_eq!(
            (case.status, case.owner, case.outcome),
            (CaseStatus::Completed, None, Some(outcome))
        );
        assert!(
            case.is_closed() && case.delivered_at.is_none(),
            "there is no delivery"
        );
        assert!(case.grid.checked_at.is_some());
        assert!(case.handoffs.iter().all(|handoff| !handoff.state.is_open()));
        assert!(case.clocks.iter().all(|clock| clock.state == ClockState::Stopped));
        assert_eq!(next_step(case, &story.item), NextStep::Nothing);
    }
}

#[test]
fn a_failed_check_gives_it_back_to_the_resolver_and_the_clocks_run_on() {
    let mut story = fed_back(Outcome::Resolved);
    let promised = clock(&story, ClockKind::Promise).due_at.unwrap();
    story.days_later(2);
    let nothing_said = Command::CheckGridEvent {
        result: CheckResult::Fail,
        text: Some("  ".to_owned()),
    };
    assert_eq!(
        story.officer(GRID, &nothing_said),
        Err(Refusal::FieldRequired { field: "text" })
    );
    story.officer(GRID, &checked(CheckResult::Fail)).unwrap();
    let case = story.case();
    let assign = case.handoffs.last().unwrap();
    assert_eq!(
        (assign.kind, assign.state, assign.step),
        (HandoffKind::Assign, HandoffState::Acknowledged, Some(2))
    );
    assert_eq!(
        (case.status, case.owner, case.step, case.outcome, case.decided_at),
        (
            CaseStatus::InReview,
            Some(organization(DEPARTMENT)),
            2,
            None,
            None
        )
    );
    assert_eq!(case.grid.failed_checks, 1);
    let promise = clock(&story, ClockKind::Promise);
    assert_eq!(
        (promise.state, promise.stopped_at, promise.due_at),
        (ClockState::Running, None, Some(promised + Duration::days(2))),
        "Monday to Wednesday does not count"
    );
    assert!(story.running(ClockKind::Statutory) && story.running(ClockKind::Step));
    let steps = story.case().clocks.iter();
    let of_resolving = steps.filter(|clock| clock.kind == ClockKind::Step && clock.step == Some(2));
    assert_eq!(of_resolving.count(), 1, "one STEP clock per route step");
    story.officer(DEPARTMENT, &feeds_back(Outcome::Resolved)).unwrap();
    let verify = story.case().handoffs.last().unwrap();
    assert_eq!((verify.step, verify.state), (Some(3), HandoffState::Offered));
    story.officer(GRID, &checked(CheckResult::Fail)).unwrap();
    story
        .officer(DEPARTMENT, &feeds_back(Outcome::Unfounded))
        .unwrap();
    story.officer(GRID, &checked(CheckResult::Pass)).unwrap();
    assert_eq!(story.status(), CaseStatus::Completed);
    assert_eq!(story.case().grid.failed_checks, 2);
}

#[test]
fn a_completed_event_is_opened_again_within_thirty_days() {
    let mut story = fed_back(Outcome::Resolved);
    story.officer(GRID, &checked(CheckResult::Pass)).unwrap();
    let promised = clock(&story, ClockKind::Promise).due_at.unwrap();
    // completed on 2026-11-23: the thirtieth day is 12-23, to its end
    story.now = Utc.with_ymd_and_hms(2026, 12, 23, 15, 59, 59).unwrap();
    story.attempt(supervisor("s"), &reopened()).unwrap();
    let case = story.case();
    assert_eq!(
        (case.status, case.owner, case.completed_at, case.grid.reopenings),
        (CaseStatus::InReview, Some(organization(DEPARTMENT)), None, 1)
    );
    assert_eq!(case.handoffs.last().unwrap().kind, HandoffKind::Assign);
    let due = clock(&story, ClockKind::Promise).due_at.unwrap();
    assert_eq!(
        due - promised,
        Duration::days(30),
        "22 working days are 30 days here"
    );
    story.officer(DEPARTMENT, &feeds_back(Outcome::Resolved)).unwrap();
    story.officer(GRID, &checked(CheckResult::Pass)).unwrap();
    assert_eq!(story.status(), CaseStatus::Completed);
    story.now = Utc.with_ymd_and_hms(2027, 1, 22, 16, 0, 0).unwrap();
    let late = story.attempt(supervisor("s"), &reopened()).unwrap_err();
    assert!(matches!(why(late), Why::TooLate { .. }));
}

#[test]
fn nobody_checks_what_they_resolved_themselves() {
    let mut story = assigned();
    let resolver = By {
        subject: "somebody".to_owned(),
        ..officer(DEPARTMENT)
    };
    story.attempt(resolver, &feeds_back(Outcome::Resolved)).unwrap();
    let same_person_at_the_grid = By {
        subject: "somebody".to_owned(),
        ..officer(GRID)
    };
    let own_work = |refused: Result<(), Refusal>| assert_eq!(why(refused.unwrap_err()), Why::OwnWork);
    own_work(story.attempt(same_person_at_the_grid, &checked(CheckResult::Pass)));
    own_work(story.attempt(supervisor("somebody"), &checked(CheckResult::Pass)));
    own_work(story.attempt(supervisor("officer-2"), &checked(CheckResult::Pass)));
    assert_eq!(
        story.officer(DEPARTMENT, &checked(CheckResult::Pass)),
        Err(Refusal::WrongOrganization)
    );
    story
        .attempt(supervisor("another"), &checked(CheckResult::Pass))
        .unwrap();
    assert_eq!(story.status(), CaseStatus::Completed);
    own_work(story.attempt(supervisor("somebody"), &reopened()));
    assert_eq!(
        story.officer(GRID, &reopened()),
        Err(Refusal::WrongOrganization),
        "a supervisor's act"
    );
}

#[test]
fn a_bound_department_is_sent_the_event_again_after_a_failed_check() {
    let mut story = assigned();
    story.bound.push(organization(DEPARTMENT));
    story.officer(DEPARTMENT, &feeds_back(Outcome::Resolved)).unwrap();
    story.officer(GRID, &checked(CheckResult::Fail)).unwrap();
    let assign = story.case().handoffs.last().unwrap().clone();
    assert_eq!(assign.upstream.as_deref(), Some("county-hr"));
    let decided = Said::Decided {
        outcome: Outcome::Resolved,
        reasons: None,
    };
    story.upstream(assign.id, decided).unwrap();
    assert_eq!(story.status(), CaseStatus::Decided);
    story.officer(GRID, &checked(CheckResult::Pass)).unwrap();
    assert_eq!(story.status(), CaseStatus::Completed);
}

#[test]
fn the_yes_and_no_of_a_system_are_resolved_and_unfounded_of_a_grid_event() {
    for (said, outcome) in [
        (Outcome::Granted, Outcome::Resolved),
        (Outcome::Denied, Outcome::Unfounded),
    ] {
        let mut story = reported();
        story.bound.push(organization(DEPARTMENT));
        story.officer(GRID, &hand_off()).unwrap();
        story.officer(CENTER, &accept(false)).unwrap();
        story.officer(CENTER, &to_department()).unwrap();
        let offered = story.last_handoff();
        let decided = Said::Decided {
            outcome: said,
            reasons: Some("已清理".to_owned()),
        };
        story.upstream(offered, decided).unwrap();
        assert_eq!(word(&story), Some(GridStatus::FedBack));
        assert_eq!(story.case().outcome, Some(outcome));
        story.officer(GRID, &checked(CheckResult::Pass)).unwrap();
        assert_eq!(story.status(), CaseStatus::Completed);
    }
}

#[test]
fn a_check_and_a_reopening_belong_to_their_states_alone() {
    let ordinary = Story::pension().submitted();
    let mut closed = fed_back(Outcome::Resolved);
    closed.officer(GRID, &checked(CheckResult::Pass)).unwrap();
    for (mut story, can_check, can_reopen) in [
        (ordinary, false, false),
        (reported(), false, false),
        (assigned(), false, false),
        (fed_back(Outcome::Resolved), true, false),
        (closed, false, true),
    ] {
        let by = supervisor("s");
        let hints = possible(story.case(), &story.item, &by);
        assert_eq!(hints.contains(&Act::CheckGridEvent), can_check);
        assert_eq!(hints.contains(&Act::ReopenCase), can_reopen);
        let before = story.case().clone();
        assert_eq!(story.attempt(by.clone(), &reopened()).is_ok(), can_reopen);
        if !can_reopen {
            assert_eq!(story.case(), &before);
            assert_eq!(story.attempt(by, &checked(CheckResult::Pass)).is_ok(), can_check);
        }
    }
}

fn everything(case: &Case) -> Vec<Command> {
    let mut all = vec![
        hand_off(),
        to_department(),
        accept(false),
        accept(true),
        feeds_back(Outcome::Resolved),
        feeds_back(Outcome::Unfounded),
        feeds_back(Outcome::Granted),
        checked(CheckResult::Pass),
        checked(CheckResult::Fail),
        reopened(),
        Command::Evaluate {
            grade: Grade::Dissatisfied,
            comment: None,
        },
        Command::AnswerEvaluation {
            answer: EvaluationAnswer::Contact,
            text: None,
        },
    ];
    let open = case.handoffs.iter().filter(|handoff| handoff.state.is_open());
    all.extend(open.map(|handoff| Command::Acknowledge { handoff: handoff.id }));
    all
}

proptest! {
    #[test]
    fn every_round_keeps_one_owner_and_replays(
        acts in proptest::collection::vec((0..4_usize, any::<proptest::sample::Index>(), 0..9_i64), 0..80),
    ) {
        let mut story = reported();
        for (who, which, days) in acts {
            story.days_later(days);
            let all = everything(story.case());
            let command = which.get(&all);
            let by = if matches!(command, Command::Evaluate { .. }) {
                By { kind: ActorKind::Anonymous, ..supervisor("") }
            } else {
                [officer(GRID), officer(CENTER), officer(DEPARTMENT), supervisor("s")][who].clone()
            };
            let hints = possible(story.case(), &story.item, &by);
            let hinted = command.act().is_some_and(|act| hints.contains(&act));
            let (before, rounds) = (story.case().version, story.case().grid.clone());
            match story.attempt(by, command) {
                Ok(()) => {
                    prop_assert!(hinted, "{command:?} was possible without a hint");
                    prop_assert!(story.case().version >= before);
                }
                Err(_) => prop_assert_eq!(story.case().version, before),
            }
            check(story.case());
            let case = story.case();
            prop_assert!(case.grid.failed_checks >= rounds.failed_checks && case.grid.reopenings >= rounds.reopenings);
            prop_assert_eq!(case.status == CaseStatus::Completed, case.grid.checked_at.is_some());
            prop_assert_eq!(case.decided_at.is_some(), case.outcome.is_some());
        }
    }
}

#[test]
fn an_event_opened_again_goes_to_whoever_does_the_resolvers_work_today() {
    const SUCCESSOR: u128 = 55;
    let mut story = fed_back(Outcome::Resolved);
    story.officer(GRID, &checked(CheckResult::Pass)).unwrap();
    story
        .successors
        .insert(organization(DEPARTMENT), organization(SUCCESSOR));
    story.bound.push(organization(SUCCESSOR));
    story.attempt(supervisor("s"), &reopened()).unwrap();
    let again = story.case().holding().unwrap();
    assert_eq!(
        (again.to, again.upstream.as_deref(), again.from),
        (
            organization(SUCCESSOR),
            Some("county-hr"),
            Some(organization(CENTER))
        )
    );
    assert_eq!(story.case().owner, Some(organization(SUCCESSOR)));
    let step = story
        .case()
        .clocks
        .iter()
        .find(|clock| clock.kind == ClockKind::Step && clock.state == ClockState::Running)
        .unwrap();
    assert_eq!(step.holder, Some(organization(SUCCESSOR)));
}
