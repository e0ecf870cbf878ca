//! 好差评 (DOMAIN §6), act by act.

use super::*;
use crate::card::{CardCause, CardDesk, Rung};
use crate::evaluation::{EvaluationAnswer, Grade};

fn decided() -> Story {
    let mut story = Story::pension().submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    let offered = story.last_handoff();
    story
        .officer(COUNTY, &Command::Acknowledge { handoff: offered })
        .unwrap();
    story.officer(COUNTY, &granted()).unwrap();
    story
}

fn applicant() -> By {
    By {
        kind: ActorKind::Anonymous,
        subject: String::new(),
        organization: None,
        on_behalf_of: None,
    }
}

fn grade(grade: Grade) -> Command {
    Command::Evaluate {
        grade,
        comment: Some("窗口态度差".to_owned()),
    }
}

fn answer(answer: EvaluationAnswer) -> Command {
    Command::AnswerEvaluation { answer, text: None }
}

#[test]
fn a_case_is_graded_once_and_from_its_decision_on() {
    let mut early = Story::pension().submitted();
    assert!(matches!(
        early.attempt(applicant(), &grade(Grade::Satisfied)),
        Err(Refusal::IllegalAct { why: Why::Status, .. })
    ));
    let mut story = decided();
    let version = story.case().version;
    story.attempt(applicant(), &grade(Grade::Satisfied)).unwrap();
    assert_eq!(
        story.case().version,
        version,
        "an evaluation disturbs nobody's act"
    );
    assert!(matches!(
        story.attempt(applicant(), &grade(Grade::Dissatisfied)),
        Err(Refusal::IllegalAct {
            why: Why::AlreadyEvaluated,
            ..
        })
    ));
    assert!(!story.running(ClockKind::Contact) && !story.running(ClockKind::Rectify));
    assert!(matches!(
        story.officer(COUNTY, &answer(EvaluationAnswer::Contact)),
        Err(Refusal::IllegalAct { why: Why::Status, .. })
    ));
}

#[test]
fn a_bad_grade_starts_two_clocks_of_the_decider_that_outlive_the_case() {
    let mut story = decided();
    story.attempt(applicant(), &grade(Grade::Dissatisfied)).unwrap();
    story.officer(COUNTY, &deliver(None)).unwrap();
    assert_eq!(story.status(), CaseStatus::Delivered);
    let dates: Vec<_> = [ClockKind::Contact, ClockKind::Rectify]
        .into_iter()
        .map(|kind| {
            let clock = story
                .case()
                .clocks
                .iter()
                .find(|clock| clock.kind == kind)
                .unwrap();
            assert_eq!(
                (clock.state, clock.holder),
                (ClockState::Running, Some(organization(COUNTY)))
            );
            clock.due_date().unwrap().to_string()
        })
        .collect();
    assert_eq!(dates, ["2026-11-24", "2026-12-14"], "1 and 15 working days");
    assert_eq!(
        story.officer(TOWNSHIP, &answer(EvaluationAnswer::Contact)),
        Err(Refusal::WrongOrganization)
    );
    story.officer(COUNTY, &answer(EvaluationAnswer::Contact)).unwrap();
    assert!(!story.running(ClockKind::Contact) && story.running(ClockKind::Rectify));
    assert!(matches!(
        story.officer(COUNTY, &answer(EvaluationAnswer::FollowUp)),
        Err(Refusal::IllegalAct {
            why: Why::NotRectified,
            ..
        })
    ));
    story
        .officer(COUNTY, &answer(EvaluationAnswer::Rectified))
        .unwrap();
    story
        .officer(COUNTY, &answer(EvaluationAnswer::FollowUp))
        .unwrap();
    assert!(!story.running(ClockKind::Rectify));
    for repeated in [
        EvaluationAnswer::Contact,
        EvaluationAnswer::Rectified,
        EvaluationAnswer::FollowUp,
    ] {
        assert!(matches!(
            story.officer(COUNTY, &answer(repeated)),
            Err(Refusal::IllegalAct {
                why: Why::AlreadyAnswered,
                ..
            })
        ));
    }
}

#[test]
fn a_closed_case_is_graded_too() {
    let mut story = decided();
    story.officer(COUNTY, &deliver(None)).unwrap();
    story
        .attempt(applicant(), &grade(Grade::VeryDissatisfied))
        .unwrap();
    assert!(story.running(ClockKind::Contact) && story.running(ClockKind::Rectify));
    let hints = possible(story.case(), &story.item, &officer(COUNTY));
    assert_eq!(hints, [Act::AnswerEvaluation, Act::EvaluateHandoff]);
}

#[test]
fn codes_are_those_of_the_standard() {
    for (grade, code) in Grade::ALL.into_iter().zip(1..) {
        assert_eq!(
            (i64::from(grade.code()), Grade::of_code(code)),
            (code, Some(grade))
        );
        assert_eq!(grade.is_negative(), code >= 4);
    }
    assert_eq!(Grade::of_code(0), None);
}

#[test]
fn an_unanswered_bad_grade_raises_cards_on_the_decider_of_a_closed_case() {
    let mut story = decided();
    story.attempt(applicant(), &grade(Grade::Dissatisfied)).unwrap();
    story.officer(COUNTY, &deliver(None)).unwrap();
    story.days_later(30);
    let clock = By {
        kind: ActorKind::System,
        ..applicant()
    };
    story.attempt(clock, &Command::Tick).unwrap();
    for kind in [ClockKind::Contact, ClockKind::Rectify] {
        let of = |cause: CardCause| matches!(cause, CardCause::Clock { kind: its, .. } if its == kind);
        let cards = story.case().cards.iter();
        let yellow = cards.filter(|card| of(card.cause) && card.rung == Rung::Yellow);
        let holders: Vec<_> = yellow.map(|card| (card.holder, card.desk)).collect();
        assert_eq!(
            holders,
            [(Some(organization(COUNTY)), CardDesk::Holder)],
            "{kind:?}"
        );
    }
    assert_eq!(story.status(), CaseStatus::Delivered);
}

fn part(handoff: HandoffId, grade: Grade) -> Command {
    Command::EvaluateHandoff {
        handoff,
        grade,
        comment: Some("材料移交及时".to_owned()),
    }
}

#[test]
fn both_organizations_of_a_closed_handoff_grade_each_other_once() {
    let mut story = decided();
    let (first, into_township, into_county) = {
        let handoffs = &story.case().handoffs;
        (handoffs[0].id, handoffs[1].id, handoffs[2].id)
    };
    let version = story.case().version;
    let good = |handoff| part(handoff, Grade::Satisfied);
    story.officer(STATION, &good(into_township)).unwrap();
    story
        .officer(TOWNSHIP, &part(into_township, Grade::VeryDissatisfied))
        .unwrap();
    assert_eq!(story.case().version, version, "nobody's act fails for it");
    assert!(
        !story.running(ClockKind::Contact) && !story.running(ClockKind::Rectify),
        "no clock follows"
    );
    let said: Vec<_> = story
        .case()
        .handoff_evaluations
        .iter()
        .map(|one| (one.by, one.of, one.grade))
        .collect();
    assert_eq!(
        said,
        [
            (organization(STATION), organization(TOWNSHIP), Grade::Satisfied),
            (
                organization(TOWNSHIP),
                organization(STATION),
                Grade::VeryDissatisfied
            ),
        ]
    );
    assert!(matches!(
        story.officer(STATION, &good(into_township)),
        Err(Refusal::IllegalAct {
            why: Why::AlreadyEvaluated,
            ..
        })
    ));
    assert!(matches!(
        story.officer(TOWNSHIP, &good(into_county)),
        Err(Refusal::IllegalAct {
            why: Why::HandoffOpen,
            ..
        })
    ));
    assert_eq!(
        story.officer(COUNTY, &good(into_township)),
        Err(Refusal::WrongOrganization),
        "no party to it"
    );
    assert!(
        story.officer(STATION, &good(first)).is_err(),
        "what comes from the applicant has one organization alone"
    );
    story.officer(COUNTY, &deliver(None)).unwrap();
    story.officer(TOWNSHIP, &good(into_county)).unwrap();
}

#[test]
fn a_successor_grades_in_its_predecessors_place_and_not_once_more() {
    let mut story = decided();
    let into_township = story.case().handoffs[1].id;
    story
        .officer(STATION, &part(into_township, Grade::Satisfied))
        .unwrap();
    story.successors.insert(organization(STATION), organization(88));
    assert!(matches!(
        story.officer(88, &part(into_township, Grade::Satisfied)),
        Err(Refusal::IllegalAct {
            why: Why::AlreadyEvaluated,
            ..
        })
    ));
    story
        .officer(TOWNSHIP, &part(into_township, Grade::Satisfied))
        .unwrap();
    assert_eq!(story.case().handoff_evaluations[1].of, organization(88));
}
