//! News is ordered by the upstream's own version: what is older than something it proposed since never acts.

use super::*;
use crate::case::event::Event;

fn decided(outcome: Outcome) -> Said {
    Said::Decided {
        outcome,
        reasons: None,
    }
}

fn rejected() -> Said {
    Said::Rejected {
        reason: "材料不清".to_owned(),
    }
}

fn note() -> Said {
    Said::Note {
        text: "COMPLETED".to_owned(),
    }
}

/// A pension case on its way to the county's system, and that handoff.
fn on_its_way() -> (Story, HandoffId) {
    let mut story = Story::pension().bound_to_upstream(COUNTY).submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    let sent = story.last_handoff();
    (story, sent)
}

/// What the last line of the ledger keeps: what was said, and whether out of order.
fn kept(story: &Story) -> Option<(&str, bool)> {
    let Event::NewsKept {
        said, out_of_order, ..
    } = &story.events.last()?.event
    else {
        return None;
    };
    Some((said, *out_of_order))
}

#[test]
fn a_refusal_older_than_the_receipt_is_kept_out_of_order_and_takes_nothing_back() {
    let (mut story, sent) = on_its_way();
    story.upstream_at(Some(2), sent, Said::Received).unwrap();
    let before = story.case().clone();
    story.upstream_at(Some(1), sent, rejected()).unwrap();
    assert_eq!(story.case(), &before);
    assert_eq!(kept(&story), Some(("REJECTED", true)));
    assert!(
        story.events.last().unwrap().private.is_some(),
        "its reason is kept too"
    );
}

#[test]
fn an_older_decision_never_acts_although_the_case_could_still_be_decided() {
    let (mut story, sent) = on_its_way();
    story.upstream_at(Some(7), sent, Said::Received).unwrap();
    assert_eq!(story.status(), CaseStatus::InReview);
    story
        .upstream_at(Some(6), sent, decided(Outcome::Granted))
        .unwrap();
    assert_eq!(story.status(), CaseStatus::InReview, "superseded at the upstream");
    assert_eq!(kept(&story), Some(("DECIDED", true)));
    story
        .upstream_at(Some(8), sent, decided(Outcome::Denied))
        .unwrap();
    assert_eq!(story.case().outcome, Some(Outcome::Denied));
}

#[test]
fn a_receipt_older_than_the_decision_is_told_as_out_of_order() {
    let (mut story, sent) = on_its_way();
    story
        .upstream_at(Some(2), sent, decided(Outcome::Granted))
        .unwrap();
    assert_eq!(story.status(), CaseStatus::Completed);
    let before = story.case().clone();
    story.upstream_at(Some(1), sent, Said::Received).unwrap();
    assert_eq!(story.case(), &before);
    assert_eq!(kept(&story), Some(("RECEIVED", true)));
}

#[test]
fn a_note_overtakes_nothing() {
    let (mut story, sent) = on_its_way();
    story.upstream_at(Some(1), sent, Said::Received).unwrap();
    story.upstream_at(Some(3), sent, note()).unwrap();
    assert_eq!(kept(&story), Some(("NOTE", false)));
    story
        .upstream_at(Some(2), sent, decided(Outcome::Granted))
        .unwrap();
    assert_eq!(story.status(), CaseStatus::Completed);
    story.upstream_at(Some(1), sent, note()).unwrap();
    assert_eq!(kept(&story), Some(("NOTE", true)), "an old note is told as old");
}

#[test]
fn the_same_version_again_and_news_without_one_are_not_older() {
    let (mut story, sent) = on_its_way();
    story.upstream_at(Some(4), sent, Said::Received).unwrap();
    let lines = story.events.len();
    story.upstream_at(Some(4), sent, Said::Received).unwrap();
    assert_eq!(story.events.len(), lines, "said before");
    story.upstream_at(None, sent, decided(Outcome::Granted)).unwrap();
    assert_eq!(story.status(), CaseStatus::Completed);
}

#[test]
fn a_version_belongs_to_the_number_it_was_told_under() {
    let (mut story, sent) = on_its_way();
    story.upstream_at(Some(9), sent, rejected()).unwrap();
    story.officer(TOWNSHIP, &hand_off()).unwrap();
    let again = story.last_handoff();
    // the system goes on counting: what it said of the first sending cannot take the second
    story.upstream_at(Some(8), again, Said::Received).unwrap();
    assert_eq!(story.case().handoff(again).unwrap().state, HandoffState::Offered);
    story.upstream_at(Some(10), again, Said::Received).unwrap();
    assert_eq!(story.case().owner, Some(organization(COUNTY)));
}

#[test]
fn versions_are_compared_as_numbers_however_large() {
    let (mut story, sent) = on_its_way();
    let nanoseconds = 1_795_000_000_000_000_000_u64;
    story
        .upstream_at(Some(nanoseconds), sent, Said::Received)
        .unwrap();
    story
        .upstream_at(Some(99), sent, decided(Outcome::Granted))
        .unwrap();
    assert_eq!(story.status(), CaseStatus::InReview);
    for event in &story.events {
        let written = serde_json::to_value(&event.event).unwrap();
        crate::canonical::canonical_bytes(&written).unwrap();
        assert_eq!(serde_json::from_value::<Event>(written).unwrap(), event.event);
    }
}

/// P12: every order of a history of five, with a refusal that the system withdrew before its receipt.
#[test]
fn in_every_order_of_five_nothing_goes_back_and_no_old_word_wins() {
    let history = [
        (1, rejected()),
        (2, Said::Received),
        (3, note()),
        (4, decided(Outcome::Granted)),
        (5, note()),
    ];
    let mut orders = vec![Vec::new()];
    for _ in 0..history.len() {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                (0..history.len())
                    .filter(|next| !order.contains(next))
                    .map(|next| [order.as_slice(), &[next]].concat())
                    .collect::<Vec<_>>()
            })
            .collect();
    }
    assert_eq!(orders.len(), 120);
    for order in orders {
        let (mut story, sent) = on_its_way();
        let mut decided_once = false;
        for &index in &order {
            let (version, said) = &history[index];
            story.upstream_at(Some(*version), sent, said.clone()).unwrap();
            let done = story.status() == CaseStatus::Completed;
            assert!(done || !decided_once, "{order:?}: back to {:?}", story.status());
            decided_once = done;
        }
        let position = |index| order.iter().position(|&at| at == index);
        // a refusal that comes before everything newer is believed, as long as nothing newer is known
        let refused_first = position(0) < position(1).min(position(3));
        let outcome = story.case().outcome;
        if refused_first {
            assert_eq!(outcome, None, "{order:?}: a refused handoff decides nothing");
        } else {
            assert_eq!(outcome, Some(Outcome::Granted), "{order:?}");
        }
    }
}
