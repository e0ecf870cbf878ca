//! When offices merge: open work moves once, history stays, clocks run on.

use super::*;
use crate::case::event::Event;
use crate::case::succession;

const MERGED: u128 = 30;

fn take_over(unsent: Vec<HandoffId>) -> Command {
    Command::TakeOver { unsent }
}

fn gateway() -> By {
    By {
        kind: ActorKind::System,
        subject: "import".to_owned(),
        organization: None,
        on_behalf_of: None,
    }
}

impl Story {
    fn succeeded(&mut self, from: u128, to: u128) {
        self.successors.insert(organization(from), organization(to));
    }

    fn moves(&self) -> usize {
        let moves = self
            .events
            .iter()
            .filter(|new| matches!(new.event, Event::WorkTakenOver { .. }));
        moves.count()
    }
}

#[test]
fn open_work_moves_by_one_event_and_clocks_run_on() {
    let mut story = Story::pension().submitted();
    let clocks: Vec<_> = story
        .case()
        .clocks
        .iter()
        .map(|clock| (clock.id, clock.due_at, clock.state))
        .collect();
    story.succeeded(TOWNSHIP, MERGED);
    story.attempt(gateway(), &take_over(Vec::new())).unwrap();
    let case = story.case();
    let offered = case.open_owning().unwrap();
    assert_eq!(
        (offered.to, offered.from),
        (organization(MERGED), Some(organization(STATION)))
    );
    assert_eq!(
        offered.state,
        HandoffState::Offered,
        "still to be signed for, by the successor"
    );
    let after: Vec<_> = case
        .clocks
        .iter()
        .map(|clock| (clock.id, clock.due_at, clock.state))
        .collect();
    assert_eq!(after, clocks);
    assert!(
        case.clocks
            .iter()
            .all(|clock| clock.holder != Some(organization(TOWNSHIP)))
    );
    story.attempt(gateway(), &take_over(Vec::new())).unwrap();
    assert_eq!(story.moves(), 1);
    story
        .officer(
            MERGED,
            &Command::Accept {
                advance: false,
                owed: Vec::new(),
            },
        )
        .unwrap();
    assert_eq!(story.case().owner, Some(organization(MERGED)));
}

#[test]
fn history_keeps_the_old_office() {
    let mut story = Story::pension().submitted();
    story
        .officer(
            TOWNSHIP,
            &Command::Accept {
                advance: true,
                owed: Vec::new(),
            },
        )
        .unwrap();
    story
        .officer(
            COUNTY,
            &Command::Acknowledge {
                handoff: story.last_handoff(),
            },
        )
        .unwrap();
    story.succeeded(TOWNSHIP, MERGED);
    story.succeeded(COUNTY, 31);
    story.attempt(gateway(), &take_over(Vec::new())).unwrap();
    let case = story.case();
    assert_eq!(case.owner, Some(organization(31)));
    let ended: Vec<_> = case
        .handoffs
        .iter()
        .filter(|one| !one.state.is_open())
        .map(|one| one.to)
        .collect();
    assert_eq!(ended, [organization(STATION), organization(TOWNSHIP)]);
    assert_eq!(
        case.holding().map(|holding| holding.to),
        case.owner,
        "the owner rule"
    );
}

#[test]
fn an_act_that_comes_before_the_event_brings_it() {
    let mut story = Story::pension().submitted();
    story.succeeded(TOWNSHIP, MERGED);
    assert_eq!(
        story.officer(
            COUNTY,
            &Command::Accept {
                advance: false,
                owed: Vec::new()
            }
        ),
        Err(Refusal::WrongOrganization)
    );
    story
        .officer(
            MERGED,
            &Command::Accept {
                advance: true,
                owed: Vec::new(),
            },
        )
        .unwrap();
    assert_eq!(story.moves(), 1);
    assert_eq!(
        story.case().open_owning().unwrap().from,
        Some(organization(MERGED))
    );
    // who still bears the old office's name acts for the new one
    story
        .officer(
            COUNTY,
            &Command::Acknowledge {
                handoff: story.last_handoff(),
            },
        )
        .unwrap();
    story.succeeded(COUNTY, 31);
    story.officer(COUNTY, &granted()).unwrap();
    assert_eq!(story.case().owner, Some(organization(31)));
}

#[test]
fn steps_ahead_go_to_the_successor() {
    let mut story = Story::pension().submitted();
    story.succeeded(COUNTY, MERGED);
    story
        .officer(
            TOWNSHIP,
            &Command::Accept {
                advance: true,
                owed: Vec::new(),
            },
        )
        .unwrap();
    assert_eq!(story.case().open_owning().unwrap().to, organization(MERGED));
    assert_eq!(story.moves(), 0, "nothing that was open had to move");
}

#[test]
fn a_handoff_whose_two_ends_become_one_is_acknowledged_at_once() {
    let mut story = Story::pension().submitted();
    story
        .officer(
            TOWNSHIP,
            &Command::Accept {
                advance: true,
                owed: Vec::new(),
            },
        )
        .unwrap();
    story.succeeded(TOWNSHIP, MERGED);
    story.succeeded(COUNTY, MERGED);
    story.attempt(gateway(), &take_over(Vec::new())).unwrap();
    let case = story.case();
    assert_eq!(case.open_owning(), None);
    assert_eq!((case.owner, case.step), (Some(organization(MERGED)), 2));
    assert!(!story.running(ClockKind::HandoffAck));
    story.officer(MERGED, &granted()).unwrap();
}

#[test]
fn what_was_sent_stays_with_the_old_system_and_what_was_not_goes_to_the_new_desk() {
    for (unsent, left) in [(false, Some("county-hr".to_owned())), (true, None)] {
        let mut story = Story::pension().bound_to_upstream(COUNTY).submitted();
        story
            .officer(
                TOWNSHIP,
                &Command::Accept {
                    advance: true,
                    owed: Vec::new(),
                },
            )
            .unwrap();
        let handoff = story.last_handoff();
        story.succeeded(COUNTY, MERGED);
        let unsent = unsent.then_some(handoff).into_iter().collect();
        story.attempt(gateway(), &take_over(unsent)).unwrap();
        let offered = story.case().handoff(handoff).unwrap();
        assert_eq!((offered.to, &offered.upstream), (organization(MERGED), &left));
        if left.is_some() {
            story.upstream(handoff, Said::Received).unwrap();
        } else {
            story.officer(MERGED, &Command::Acknowledge { handoff }).unwrap();
        }
        assert_eq!(story.case().owner, Some(organization(MERGED)));
    }
}

/// A pension case that its township offered to the county's system.
fn offered_to_system() -> Story {
    let mut story = Story::pension().bound_to_upstream(COUNTY).submitted();
    let accept = Command::Accept {
        advance: true,
        owed: Vec::new(),
    };
    story.officer(TOWNSHIP, &accept).unwrap();
    story
}

#[test]
fn a_handoff_to_a_system_whose_two_ends_become_one_is_acknowledged_at_once() {
    // what was not sent yet goes to the successor's people; what may have left stays with the system
    for (unsent, system) in [(true, None), (false, Some("county-hr".to_owned()))] {
        let mut story = offered_to_system();
        let handoff = story.last_handoff();
        story.succeeded(TOWNSHIP, MERGED);
        story.succeeded(COUNTY, MERGED);
        let unsent = unsent.then_some(handoff).into_iter().collect();
        story.attempt(gateway(), &take_over(unsent)).unwrap();
        let case = story.case();
        let own = case.handoff(handoff).unwrap();
        assert_eq!((own.state, &own.upstream), (HandoffState::Acknowledged, &system));
        assert_eq!(
            (case.owner, case.open_owning()),
            (Some(organization(MERGED)), None)
        );
        assert!(!story.running(ClockKind::HandoffAck));
        if system.is_some() {
            // the answer to a sending that was under way
            let before = story.case().clone();
            story.upstream(handoff, Said::Received).unwrap();
            assert_eq!(story.case().owner, before.owner);
            assert_eq!(story.case().handoff(handoff), before.handoff(handoff));
        }
    }
}

#[test]
fn what_an_act_moved_without_its_delivery_is_redirected_afterwards() {
    let mut story = offered_to_system();
    let handoff = story.last_handoff();
    story.succeeded(COUNTY, MERGED);
    let remind = Command::RemindHolder { text: None };
    story.officer(STATION, &remind).unwrap();
    let offered = story.case().handoff(handoff).unwrap();
    assert_eq!(
        (offered.to, offered.upstream.as_deref()),
        (organization(MERGED), Some("county-hr")),
        "the act does not know whether anything left"
    );
    story.attempt(gateway(), &take_over(vec![handoff])).unwrap();
    assert_eq!(story.case().handoff(handoff).unwrap().upstream, None);
    let version = story.case().version;
    story.attempt(gateway(), &take_over(vec![handoff])).unwrap();
    assert_eq!((story.moves(), story.case().version), (2, version), "once");
}

#[test]
fn a_closed_case_keeps_everything() {
    let mut story = Story::pension().submitted();
    story
        .officer(
            TOWNSHIP,
            &Command::Accept {
                advance: true,
                owed: Vec::new(),
            },
        )
        .unwrap();
    story
        .officer(
            COUNTY,
            &Command::Acknowledge {
                handoff: story.last_handoff(),
            },
        )
        .unwrap();
    story.officer(COUNTY, &granted()).unwrap();
    story
        .officer(
            COUNTY,
            &Command::Deliver {
                note: None,
                authorization: None,
            },
        )
        .unwrap();
    assert_eq!(story.status(), CaseStatus::Delivered);
    let before = story.case().clone();
    story.succeeded(STATION, MERGED);
    story.attempt(gateway(), &take_over(Vec::new())).unwrap();
    assert_eq!(story.case(), &before);
}

#[test]
fn a_reader_between_succession_and_event_sees_today() {
    let mut story = Story::pension().submitted();
    let living = |id| {
        if id == organization(STATION) {
            organization(MERGED)
        } else {
            id
        }
    };
    let seen = succession::as_today(story.case().clone(), &living);
    assert_eq!(
        (seen.owner, seen.first_contact),
        (Some(organization(MERGED)), organization(MERGED))
    );
    story.succeeded(STATION, MERGED);
    story.attempt(gateway(), &take_over(Vec::new())).unwrap();
    assert_eq!(
        (seen.owner, seen.first_contact),
        (story.case().owner, story.case().first_contact)
    );
}
