//! A past owner or helper reads its own part and nothing later: each test is a way in which a part ends.

use super::by_hand::{ASKED, at_the_county, sign};
use super::*;
use crate::case::event::Event;
use crate::case::part::{Part, Whose, part_of};
use crate::digest::Digest;
use crate::timeline::StoredEvent;

fn ledger(story: &Story) -> Vec<StoredEvent> {
    story
        .events
        .iter()
        .zip(1..)
        .map(|(new, seq)| StoredEvent {
            seq,
            at: new.at,
            by: new.by.clone(),
            event: new.event.clone(),
            private: None,
            hash: Digest::of(b"a line"),
        })
        .collect()
}

fn part(story: &Story, number: u128) -> Option<Part> {
    let whose = Whose {
        own: &|id| id == organization(number),
        external: &|id| id == organization(OUTSIDE),
    };
    part_of(&whose, &ledger(story))
}

/// Names of the lines of a part.
fn lines(story: &Story, part: &Part) -> Vec<&'static str> {
    ledger(story)
        .iter()
        .filter(|line| line.seq <= part.until || part.later.contains(&line.seq))
        .map(|line| line.event.name())
        .collect()
}

#[test]
fn a_part_ends_with_the_signature_of_the_next() {
    let mut story = at_the_county();
    story.days_later(1);
    let before = part(&story, TOWNSHIP).unwrap();
    story.officer(COUNTY, &denied()).unwrap();
    let part = part(&story, TOWNSHIP).unwrap();
    assert_eq!(
        (&part.case, part.until, &part.later),
        (&before.case, before.until, &before.later),
        "what came later changes nothing of it"
    );
    assert_eq!(
        part.case.owner,
        Some(organization(COUNTY)),
        "it learns to whom it went"
    );
    assert_eq!(part.case.outcome, None);
    let told = lines(&story, &part);
    assert!(
        told.ends_with(&["HANDOFF_ACKNOWLEDGED", "HANDOFF_DONE"]),
        "{told:?}"
    );
    assert!(!part.answerable && part.later.is_empty());
    let own = part
        .case
        .handoffs
        .iter()
        .find(|one| one.to == organization(TOWNSHIP));
    assert_eq!(own.unwrap().state, HandoffState::Done);
    let later = |clock: &&crate::clock::CaseClock| clock.step == Some(2) && clock.started_at > part.ended_at;
    assert_eq!(part.case.clocks.iter().find(later), None);
}

#[test]
fn who_never_held_it_has_no_part_and_who_gets_it_back_has_one_more() {
    let mut story = at_the_county();
    assert_eq!(part(&story, 8), None);
    let first = part(&story, TOWNSHIP).unwrap();
    story.days_later(1);
    story
        .officer(COUNTY, &by_hand(HandoffKind::Return, None))
        .unwrap();
    sign(&mut story, TOWNSHIP);
    let held = part(&story, TOWNSHIP).unwrap();
    assert!(held.until > first.until);
    story.officer(TOWNSHIP, &hand_off()).unwrap();
    sign(&mut story, COUNTY);
    story.days_later(1);
    story.officer(COUNTY, &granted()).unwrap();
    let second = part(&story, TOWNSHIP).unwrap();
    assert_eq!(second.case.outcome, None);
    assert_eq!(second.case.owner, Some(organization(COUNTY)));
}

#[test]
fn a_helper_beside_the_owner_reads_up_to_its_own_answer() {
    let mut story = at_the_county();
    story
        .officer(COUNTY, &by_hand(HandoffKind::Consult, Some(ASKED)))
        .unwrap();
    let handoff = story.last_handoff();
    let finish = Command::Finish {
        handoff,
        opinion: Some(Opinion::Agree),
        text: Some("可行".to_owned()),
    };
    story.officer(ASKED, &finish).unwrap();
    let done = story.case().clone();
    story.days_later(1);
    story.officer(COUNTY, &granted()).unwrap();
    let part = part(&story, ASKED).unwrap();
    assert_eq!(part.case.outcome, None);
    assert_eq!(
        part.case.handoff(handoff),
        done.handoff(handoff),
        "its own answer"
    );
}

#[test]
fn the_last_holder_reads_to_the_end_of_the_case() {
    let mut story = at_the_county();
    story.officer(COUNTY, &denied()).unwrap();
    story.days_later(1);
    let handoff = story.last_handoff();
    if !story.case().handoff(handoff).unwrap().owning {
        story.officer(STATION, &deliver(None)).unwrap();
    } else {
        story.officer(COUNTY, &deliver(None)).unwrap();
    }
    let part = part(&story, COUNTY).unwrap();
    assert!(story.case().is_closed());
    assert_eq!(part.case, *story.case());
}

#[test]
fn of_later_lines_a_past_office_reads_those_about_itself() {
    let mut story = at_the_county();
    story.days_later(1);
    story.officer(COUNTY, &denied()).unwrap();
    story.days_later(1);
    let supervisor = By {
        kind: ActorKind::Supervisor,
        subject: "supervisor".to_owned(),
        organization: None,
        on_behalf_of: None,
    };
    let order = |to| Command::OrderSupervision {
        to: Some(organization(to)),
        limit: Limit::working_days(3),
        text: "请说明".to_owned(),
        by: Some(DivisionId::from_uuid(Uuid::from_u128(63))),
    };
    story.attempt(supervisor.clone(), &order(TOWNSHIP)).unwrap();
    story.attempt(supervisor, &order(COUNTY)).unwrap();
    let part = part(&story, TOWNSHIP).unwrap();
    assert!(part.answerable);
    assert_eq!(part.case.orders.len(), 1, "its own, not the other's");
    assert_eq!(part.case.outcome, None);
    let own = part.case.orders[0].clock;
    assert!(part.case.clock(own).is_some(), "with its clock");
    let told: Vec<bool> = part.instants.values().copied().collect();
    assert_eq!(told.last(), Some(&true), "that it was ordered is told");
    assert!(told.contains(&false), "the denial before it is not");
    let decided = ledger(&story)
        .iter()
        .any(|line| matches!(line.event, Event::Decided { .. }) && part.later.contains(&line.seq));
    assert!(!decided);
}

#[test]
fn who_was_offered_a_case_that_was_taken_back_learns_its_end() {
    let mut story = Story::pension().submitted();
    story.days_later(1);
    let applicant = By {
        kind: ActorKind::Citizen,
        subject: "resident".to_owned(),
        organization: None,
        on_behalf_of: None,
    };
    let withdrawal = Command::Withdraw {
        reason: None,
        authorization: None,
    };
    story.attempt(applicant, &withdrawal).unwrap();
    assert_eq!(story.status(), CaseStatus::Withdrawn);
    let part = part(&story, TOWNSHIP).unwrap();
    assert_eq!(part.case, *story.case());
}
