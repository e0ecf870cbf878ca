//! Work beside the owner, asked by hand or by the route, answered, waived and offered again (DOMAIN §4).

use super::by_hand::{ASKED, at_the_county, refuse, sign, why};
use super::*;

#[test]
fn an_escalation_and_a_question_run_beside_the_owner_and_are_answered_in_words() {
    let mut story = at_the_county();
    story
        .officer(COUNTY, &by_hand(HandoffKind::Escalate, Some(CITY)))
        .unwrap();
    let escalated = story.last_handoff();
    assert!(
        story.running(ClockKind::Step),
        "what the route does not require pauses nothing"
    );
    story
        .officer(COUNTY, &by_hand(HandoffKind::Consult, Some(ASKED)))
        .unwrap();
    let asked = story.last_handoff();
    let finish = |handoff, opinion, text: Option<&str>| Command::Finish {
        handoff,
        opinion,
        text: text.map(str::to_owned),
    };
    assert_eq!(
        why(story.officer(CITY, &finish(escalated, None, None))),
        Why::TextMissing
    );
    assert_eq!(
        why(story.officer(ASKED, &finish(asked, None, Some("可以")))),
        Why::OpinionMissing
    );
    let conditions = Some(Opinion::AgreeWithConditions);
    assert_eq!(
        why(story.officer(ASKED, &finish(asked, conditions, None))),
        Why::TextMissing
    );
    story
        .officer(CITY, &finish(escalated, None, Some("按程序办理")))
        .unwrap();
    assert_eq!(
        story.case().owner,
        Some(organization(COUNTY)),
        "the answer goes to the sender"
    );
    story.officer(COUNTY, &granted()).unwrap();
    assert_eq!(
        story.status(),
        CaseStatus::Completed,
        "an unanswered question binds nobody"
    );
}

#[test]
fn signatures_asked_by_hand_come_in_turn_and_reviews_in_parallel() {
    let mut story = at_the_county();
    let ask = |kind, to| by_hand(kind, Some(to));
    story
        .officer(COUNTY, &ask(HandoffKind::Countersign, ASKED))
        .unwrap();
    assert_eq!(
        why(story.officer(COUNTY, &ask(HandoffKind::Countersign, CITY))),
        Why::BesideOpen
    );
    story
        .officer(COUNTY, &ask(HandoffKind::JointReview, ASKED))
        .unwrap();
    story
        .officer(COUNTY, &ask(HandoffKind::JointReview, CITY))
        .unwrap();
}

fn joint() -> Story {
    let review = |role: &str| Step {
        handoff: HandoffKind::JointReview,
        parallel_group: Some("joint".to_owned()),
        ..step(role, "JOINT_REVIEW")
    };
    let route = vec![intake(), accepting(), review("a"), review("b"), deciding()];
    let mut story = Story::of(route, &[STATION, TOWNSHIP, 4, 5, COUNTY]).submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    story
}

fn handoff_to(story: &Story, to: u128) -> HandoffId {
    let handoffs = story.case().handoffs.iter().rev();
    handoffs
        .clone()
        .find(|handoff| handoff.to == organization(to))
        .unwrap()
        .id
}

fn agree(handoff: HandoffId) -> Command {
    Command::Finish {
        handoff,
        opinion: Some(Opinion::Agree),
        text: None,
    }
}

#[test]
fn in_a_joint_review_the_slowest_decides_and_only_who_refused_is_asked_again() {
    let mut story = joint();
    let (a, b) = (handoff_to(&story, 4), handoff_to(&story, 5));
    story.officer(4, &agree(a)).unwrap();
    assert_eq!(why(story.officer(TOWNSHIP, &hand_off())), Why::BesideOpen);
    story.officer(5, &refuse(b)).unwrap();
    story.officer(TOWNSHIP, &hand_off()).unwrap();
    let again: Vec<_> = story
        .case()
        .handoffs
        .iter()
        .filter(|one| one.seq > 4)
        .map(|one| one.to)
        .collect();
    assert_eq!(again, [organization(5)], "who agreed is not asked again");
    let b = handoff_to(&story, 5);
    story.officer(5, &agree(b)).unwrap();
    story.officer(TOWNSHIP, &hand_off()).unwrap();
    assert_eq!(story.case().handoffs.last().unwrap().to, organization(COUNTY));
}

#[test]
fn an_officer_of_the_owner_does_without_an_opinion_with_a_reason() {
    let mut story = joint();
    let (a, b) = (handoff_to(&story, 4), handoff_to(&story, 5));
    story.officer(4, &agree(a)).unwrap();
    let waive = |handoff, reason: &str| Command::Waive {
        handoff,
        reason: reason.to_owned(),
    };
    let clerk = By {
        kind: ActorKind::Clerk,
        ..officer(TOWNSHIP)
    };
    assert_eq!(why(story.attempt(clerk, &waive(b, "逾期未复"))), Why::OfficerOnly);
    assert_eq!(story.officer(5, &waive(b, "x")), Err(Refusal::WrongOrganization));
    assert_eq!(
        story.officer(TOWNSHIP, &waive(b, "")),
        Err(Refusal::ReasonMissing)
    );
    story.officer(5, &refuse(b)).unwrap();
    story.officer(TOWNSHIP, &waive(b, "逾期未复")).unwrap();
    assert_eq!(story.case().handoff(b).unwrap().state, HandoffState::Waived);
    assert!(story.running(ClockKind::Step));
    assert_eq!(
        why(story.officer(TOWNSHIP, &waive(b, "再次"))),
        Why::AlreadyAnswered
    );
    story.officer(TOWNSHIP, &hand_off()).unwrap();
    assert_eq!(story.case().handoffs.last().unwrap().to, organization(COUNTY));
}

#[test]
fn a_refused_later_step_is_offered_again_and_the_case_completes() {
    let pay = Step {
        clock: StepClock::Excluded,
        limit: None,
        ..step("county.finance", "PAY")
    };
    let route = vec![intake(), accepting(), deciding(), pay];
    let mut story = Story::of(route, &[STATION, TOWNSHIP, COUNTY, 8]).submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    sign(&mut story, COUNTY);
    story.officer(COUNTY, &granted()).unwrap();
    let paying = story.last_handoff();
    assert_eq!(why(story.officer(COUNTY, &hand_off())), Why::Status);
    story.officer(8, &refuse(paying)).unwrap();
    assert_eq!(story.status(), CaseStatus::Decided);
    story.officer(COUNTY, &hand_off()).unwrap();
    let again = story.last_handoff();
    assert_ne!(again, paying);
    let finish = Command::Finish {
        handoff: again,
        opinion: None,
        text: None,
    };
    story.officer(8, &finish).unwrap();
    assert_eq!(story.status(), CaseStatus::Completed);
}
