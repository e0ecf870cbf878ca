//! Handoffs by hand: in the same step, back, beside; refused, recalled, expired, waived. Each test is a rule of DOMAIN §4.

use super::super::command::OnBehalfOf;
use super::*;

pub(super) const ASKED: u128 = 8;

fn accepted() -> Story {
    let mut story = Story::pension().submitted();
    story.officer(TOWNSHIP, &accept(false)).unwrap();
    story
}

/// The deciding office holds the case.
pub(super) fn at_the_county() -> Story {
    let mut story = accepted();
    story.officer(TOWNSHIP, &hand_off()).unwrap();
    sign(&mut story, COUNTY);
    story
}

pub(super) fn sign(story: &mut Story, by: u128) {
    let handoff = story.last_handoff();
    story.officer(by, &Command::Acknowledge { handoff }).unwrap();
}

pub(super) fn refuse(handoff: HandoffId) -> Command {
    Command::Refuse {
        handoff,
        reason: RefusalReason::NotOurDuty,
        text: "非本单位职责".to_owned(),
    }
}

pub(super) fn why(refused: Result<(), Refusal>) -> Why {
    match refused.unwrap_err() {
        Refusal::IllegalAct { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

fn step_clock(story: &Story, step: usize) -> &crate::clock::CaseClock {
    story
        .case()
        .clocks
        .iter()
        .rev()
        .find(|clock| clock.kind == ClockKind::Step && clock.step == Some(step))
        .unwrap()
}

#[test]
fn a_transfer_hands_over_the_step_with_its_rights_and_its_clock() {
    let mut story = at_the_county();
    let clock = step_clock(&story, 2).clone();
    story.days_later(1);
    story
        .officer(COUNTY, &by_hand(HandoffKind::Transfer, Some(ASKED)))
        .unwrap();
    assert_eq!(story.case().owner, Some(organization(COUNTY)), "until it signs");
    assert!(
        story.officer(COUNTY, &granted()).is_err(),
        "on its way, it cannot be decided"
    );
    sign(&mut story, ASKED);
    let now = step_clock(&story, 2);
    assert_eq!(
        (now.id, now.due_at),
        (clock.id, clock.due_at),
        "STEP stays in the same step"
    );
    assert_eq!(now.holder, Some(organization(ASKED)));
    assert_eq!(story.officer(COUNTY, &granted()), Err(Refusal::WrongOrganization));
    story.officer(ASKED, &granted()).unwrap();
    assert_eq!(story.status(), CaseStatus::Completed);
}

#[test]
fn who_gets_the_accepting_step_accepts_in_the_others_place_and_acceptance_runs_on() {
    let mut story = Story::pension().submitted();
    sign(&mut story, TOWNSHIP);
    let due = story.case().leading_clock().unwrap().due_at;
    story.days_later(1);
    story
        .officer(TOWNSHIP, &by_hand(HandoffKind::Transfer, Some(ASKED)))
        .unwrap();
    assert_eq!(story.case().leading_clock().unwrap().due_at, due);
    let handoff = story.last_handoff();
    assert_eq!(
        why(story.officer(ASKED, &refuse(handoff))),
        Why::DeclineInstead,
        "nothing is refused into the accepting step"
    );
    story.officer(ASKED, &accept(true)).unwrap();
    assert_eq!(story.case().owner, Some(organization(ASKED)));
    assert_eq!(story.case().handoffs.last().unwrap().to, organization(COUNTY));
}

#[test]
fn an_assignment_goes_down_and_an_escalation_to_the_level_above() {
    let mut story = at_the_county();
    for (kind, unfit) in [
        (HandoffKind::Assign, CITY),
        (HandoffKind::Escalate, TOWNSHIP),
        (HandoffKind::Transfer, OUTSIDE),
        (HandoffKind::Transfer, COUNTY),
        (HandoffKind::Transfer, 404),
        (HandoffKind::Consult, COUNTY),
    ] {
        assert_eq!(
            story.officer(COUNTY, &by_hand(kind, Some(unfit))),
            Err(Refusal::ReceiverUnfit),
            "{kind:?} {unfit}"
        );
    }
    assert_eq!(
        story.officer(COUNTY, &by_hand(HandoffKind::Assign, None)),
        Err(Refusal::ChooseOrganization)
    );
    let silent = Command::HandOff(HandOff {
        kind: HandoffKind::Assign,
        to: Some(organization(TOWNSHIP)),
        ..HandOff::along_the_route()
    });
    assert_eq!(story.officer(COUNTY, &silent), Err(Refusal::ReasonMissing));
    story
        .officer(COUNTY, &by_hand(HandoffKind::Assign, Some(TOWNSHIP)))
        .unwrap();
    sign(&mut story, TOWNSHIP);
    story.officer(TOWNSHIP, &granted()).unwrap();
}

#[test]
fn after_a_return_the_route_stands_at_the_receivers_step_and_is_walked_again() {
    let mut story = at_the_county();
    story.days_later(1);
    story
        .officer(COUNTY, &by_hand(HandoffKind::Return, None))
        .unwrap();
    assert!(
        step_clock(&story, 2).state == ClockState::Running,
        "responsibility stays with the sender until the receiver signs"
    );
    let offered_at = story.now;
    story.days_later(1);
    sign(&mut story, TOWNSHIP);
    assert_eq!(
        (story.case().step, story.case().owner),
        (1, Some(organization(TOWNSHIP)))
    );
    assert_eq!(step_clock(&story, 2).state, ClockState::Stopped);
    assert_eq!(
        step_clock(&story, 1).started_at,
        offered_at,
        "STEP runs from the offer into it"
    );
    assert_eq!(story.case().back_and_forth, 1);
    assert_eq!(why(story.officer(TOWNSHIP, &granted())), Why::NotThisStep);
    story.officer(TOWNSHIP, &hand_off()).unwrap();
    assert_eq!(story.case().handoffs.last().unwrap().step, Some(2));
    sign(&mut story, COUNTY);
    story.officer(COUNTY, &granted()).unwrap();
}

#[test]
fn a_return_that_is_turned_down_changes_nothing() {
    let mut story = at_the_county();
    let (owner, step, clock) = (
        story.case().owner,
        story.case().step,
        step_clock(&story, 2).clone(),
    );
    story
        .officer(COUNTY, &by_hand(HandoffKind::Return, None))
        .unwrap();
    let handoff = story.last_handoff();
    story.officer(TOWNSHIP, &refuse(handoff)).unwrap();
    assert_eq!((story.case().owner, story.case().step), (owner, step));
    assert_eq!(step_clock(&story, 2), &clock);
    assert_eq!(story.case().back_and_forth, 1, "退单 counts");
    let refused = story.case().handoff(handoff).unwrap();
    assert_eq!(refused.refused_for, Some(RefusalReason::NotOurDuty));
    assert_eq!(
        story.officer(COUNTY, &by_hand(HandoffKind::Return, Some(ASKED))),
        Err(Refusal::ReceiverUnfit),
        "who never held it gets nothing back"
    );
    story.officer(COUNTY, &granted()).unwrap();
}

#[test]
fn a_refusal_needs_words_comes_before_signing_and_only_from_the_receiver() {
    let mut story = accepted();
    story.officer(TOWNSHIP, &hand_off()).unwrap();
    let handoff = story.last_handoff();
    assert_eq!(
        story.officer(ASKED, &refuse(handoff)),
        Err(Refusal::WrongOrganization)
    );
    let mute = Command::Refuse {
        handoff,
        reason: RefusalReason::Other,
        text: " ".to_owned(),
    };
    assert_eq!(story.officer(COUNTY, &mute), Err(Refusal::ReasonMissing));
    sign(&mut story, COUNTY);
    assert_eq!(why(story.officer(COUNTY, &refuse(handoff))), Why::AlreadyAnswered);
}

#[test]
fn the_sender_recalls_what_nobody_signed_for_and_offers_it_again() {
    let mut story = accepted();
    story.officer(TOWNSHIP, &hand_off()).unwrap();
    let handoff = story.last_handoff();
    let recall = Command::Recall { handoff };
    assert_eq!(story.officer(COUNTY, &recall), Err(Refusal::WrongOrganization));
    let version = story.case().version;
    story.officer(TOWNSHIP, &recall).unwrap();
    assert!(story.case().version > version);
    assert_eq!(
        story.case().handoff(handoff).unwrap().state,
        HandoffState::Recalled
    );
    assert!(!story.running(ClockKind::HandoffAck));
    assert_eq!(
        step_clock(&story, 2).holder,
        Some(organization(TOWNSHIP)),
        "the sender answers again"
    );
    story.officer(TOWNSHIP, &hand_off()).unwrap();
    assert_eq!(step_clock(&story, 2).holder, Some(organization(COUNTY)));
    sign(&mut story, COUNTY);
    let signed = Command::Recall {
        handoff: story.last_handoff(),
    };
    assert_eq!(why(story.officer(TOWNSHIP, &signed)), Why::AlreadyAnswered);
}

#[test]
fn an_unsigned_handoff_expires_stays_open_and_may_still_be_signed() {
    let mut story = accepted();
    story.officer(TOWNSHIP, &hand_off()).unwrap();
    let handoff = story.last_handoff();
    story.attempt(clock(), &Command::Tick).unwrap();
    assert_eq!(
        story.case().handoff(handoff).unwrap().state,
        HandoffState::Offered
    );
    story.days_later(2);
    story.attempt(clock(), &Command::Tick).unwrap();
    let late = story.case().handoff(handoff).unwrap();
    assert_eq!(late.state, HandoffState::Expired);
    assert!(late.state.is_open() && story.case().handoff_due(late).is_some());
    let lines = story.events.len();
    story.attempt(clock(), &Command::Tick).unwrap();
    assert_eq!(story.events.len(), lines, "said once");
    assert_eq!(story.case().owner, Some(organization(TOWNSHIP)));
    let mut other = (story.case().clone(), story.events.clone());
    sign(&mut story, COUNTY);
    std::mem::swap(story.case.as_mut().unwrap(), &mut other.0);
    std::mem::swap(&mut story.events, &mut other.1);
    story.officer(COUNTY, &refuse(handoff)).unwrap();
    assert_eq!(
        story.case().handoff(handoff).unwrap().state,
        HandoffState::Refused
    );
}

fn clock() -> By {
    By {
        kind: ActorKind::System,
        subject: "clock".to_owned(),
        organization: None,
        on_behalf_of: None,
    }
}

#[test]
fn what_a_bound_owner_cannot_do_here_an_officer_of_the_sender_does_in_its_name() {
    let route = vec![intake(), accepting(), step("county.bound", "REVIEW"), deciding()];
    let mut story = Story::of(route, &[STATION, TOWNSHIP, 8, COUNTY])
        .bound_to_upstream(8)
        .submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    let sent = story.last_handoff();
    story.upstream(sent, Said::Received).unwrap();
    assert_eq!(story.case().owner, Some(organization(8)));
    assert_eq!(
        story.officer(COUNTY, &hand_off()),
        Err(Refusal::WrongOrganization)
    );
    let clerk = By {
        kind: ActorKind::Clerk,
        ..officer(TOWNSHIP)
    };
    assert_eq!(story.attempt(clerk, &hand_off()), Err(Refusal::WrongOrganization));
    story.officer(TOWNSHIP, &hand_off()).unwrap();
    let offered = story
        .events
        .iter()
        .rev()
        .find(|new| new.event.name() == "HANDOFF_OFFERED")
        .unwrap();
    assert_eq!(
        offered.by.on_behalf_of,
        Some(OnBehalfOf::Organization(organization(8)))
    );
    assert_eq!(offered.by.organization, Some(organization(TOWNSHIP)));
    assert_eq!(story.case().handoffs.last().unwrap().from, Some(organization(8)));
    let handoff = story.last_handoff();
    story.officer(TOWNSHIP, &Command::Recall { handoff }).unwrap();
    let recalled = story
        .events
        .iter()
        .rev()
        .find(|new| new.event.name() == "HANDOFF_RECALLED")
        .unwrap();
    assert_eq!(
        recalled.by.on_behalf_of,
        Some(OnBehalfOf::Organization(organization(8)))
    );
    let away = by_hand(HandoffKind::Transfer, Some(CITY));
    assert_eq!(
        story.officer(TOWNSHIP, &away),
        Err(Refusal::WrongOrganization),
        "to give the step away is the owner's alone"
    );
}

#[test]
fn nothing_goes_to_the_grassroots_by_hand_that_the_lists_do_not_admit() {
    let mut story = at_the_county();
    for (kind, to) in [(HandoffKind::Assign, VILLAGE), (HandoffKind::Transfer, 77)] {
        let refused = story.officer(COUNTY, &by_hand(kind, Some(to)));
        assert!(matches!(refused, Err(Refusal::NotAdmitted { .. })), "{refused:?}");
    }
    let Err(Refusal::NotAdmitted { gate }) =
        story.officer(COUNTY, &by_hand(HandoffKind::Assign, Some(VILLAGE)))
    else {
        panic!("refused")
    };
    assert!(
        matches!(gate, Gate::Forbidden { number, .. } if number == "N-7"),
        "cites the entry"
    );
    story
        .officer(COUNTY, &by_hand(HandoffKind::Assign, Some(ADMITTED)))
        .unwrap();
    assert_eq!(
        story.case().handoffs.last().unwrap().admission.as_deref(),
        Some("A-1")
    );
}

#[test]
fn a_handoff_says_what_was_handed_over() {
    let mut story = accepted();
    let all = story.case().handoffs.last().unwrap().materials.clone();
    assert_eq!(all, story.case().materials, "all on file, unless named");
    let ask = |materials: &[&str]| {
        Command::HandOff(HandOff {
            handed: Some(materials.iter().map(|&code| code.to_owned()).collect()),
            originals: 1,
            slip: Some("S-1".to_owned()),
            ..HandOff::along_the_route()
        })
    };
    assert_eq!(
        story.officer(TOWNSHIP, &ask(&["no-such"])),
        Err(Refusal::MaterialNotOnFile)
    );
    story.officer(TOWNSHIP, &ask(&["id-card"])).unwrap();
    let handed = story.case().handoffs.last().unwrap();
    assert_eq!((handed.materials.len(), handed.originals), (1, 1));
}

#[test]
fn the_first_contact_outside_the_route_cannot_accept_in_the_offices_place() {
    let mut story = Story::of(vec![accepting(), deciding()], &[TOWNSHIP, COUNTY]).submitted();
    let handoff = story.last_handoff();
    story.officer(STATION, &Command::Recall { handoff }).unwrap();
    assert_eq!(why(story.officer(STATION, &accept(false))), Why::NotThisStep);
    story.officer(STATION, &hand_off()).unwrap();
    story.officer(TOWNSHIP, &accept(false)).unwrap();
}
