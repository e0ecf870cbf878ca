//! Each test is one rule of DOMAIN §2 or §4.

use super::*;

#[test]
fn submitting_gives_the_first_contact_the_case_and_offers_the_next_step() {
    let story = Story::pension().submitted();
    let case = story.case();
    assert_eq!(case.status, CaseStatus::Submitted);
    assert_eq!(case.owner, Some(organization(STATION)));
    let [first, second] = &case.handoffs[..] else {
        panic!("two handoffs")
    };
    assert_eq!(
        (first.state, first.from, first.to),
        (HandoffState::Acknowledged, None, organization(STATION))
    );
    assert_eq!(
        (second.state, second.from),
        (HandoffState::Offered, Some(organization(STATION)))
    );
    assert!(story.running(ClockKind::Acceptance) && story.running(ClockKind::HandoffAck));
    assert!(
        !story.running(ClockKind::Step),
        "the accepting step runs from acceptance"
    );
}

#[test]
fn the_sender_answers_for_the_case_until_the_receiver_signs() {
    let mut story = Story::pension().submitted();
    let offered = story.last_handoff();
    assert_eq!(
        story.officer(COUNTY, &Command::Acknowledge { handoff: offered }),
        Err(Refusal::WrongOrganization)
    );
    assert_eq!(story.case().owner, Some(organization(STATION)));
    story
        .officer(TOWNSHIP, &Command::Acknowledge { handoff: offered })
        .unwrap();
    assert_eq!(story.case().owner, Some(organization(TOWNSHIP)));
    assert_eq!(story.case().handoffs[0].state, HandoffState::Done);
    assert!(!story.running(ClockKind::HandoffAck));
}

#[test]
fn accepting_acknowledges_and_starts_the_legal_clocks() {
    let mut story = Story::pension().submitted();
    story.officer(TOWNSHIP, &accept(false)).unwrap();
    assert_eq!(story.status(), CaseStatus::Accepted);
    assert!(
        story.running(ClockKind::Statutory)
            && story.running(ClockKind::Promise)
            && story.running(ClockKind::Step)
    );
    assert!(!story.running(ClockKind::Acceptance));
    let promise = story.case().leading_clock().unwrap().due_date().unwrap();
    assert_eq!(
        promise.to_string(),
        "2026-11-25",
        "two working days after the day of acceptance"
    );
}

#[test]
fn a_case_goes_from_the_village_to_a_bound_county_office_and_back() {
    let mut story = Story::pension().bound_to_upstream(COUNTY).submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    let sent = story.last_handoff();
    assert_eq!(
        story.case().handoff(sent).unwrap().upstream.as_deref(),
        Some("county-hr")
    );
    story.upstream(sent, Said::Sent).unwrap();
    assert_eq!(
        story.case().owner,
        Some(organization(TOWNSHIP)),
        "the answer is not known yet"
    );
    story.upstream(sent, Said::Received).unwrap();
    assert_eq!(
        (story.status(), story.case().owner),
        (CaseStatus::InReview, Some(organization(COUNTY)))
    );
    story
        .upstream(
            sent,
            Said::Decided {
                outcome: Outcome::Granted,
                reasons: None,
            },
        )
        .unwrap();
    assert_eq!(
        story.status(),
        CaseStatus::Completed,
        "completion follows by itself"
    );
    assert_eq!(story.case().external_number("county-hr"), Some("HR-1"));
    let delivery = story.case().handoffs.last().unwrap();
    assert_eq!(
        (delivery.kind, delivery.to),
        (HandoffKind::Delivery, organization(STATION))
    );
    story.officer(STATION, &deliver(None)).unwrap();
    assert_eq!(
        (story.status(), story.case().owner),
        (CaseStatus::Delivered, None)
    );
    assert!(
        story
            .case()
            .clocks
            .iter()
            .all(|clock| clock.state == ClockState::Stopped)
    );
    assert!(
        story
            .case()
            .handoffs
            .iter()
            .all(|handoff| !handoff.state.is_open())
    );
}

#[test]
fn a_decision_that_overtakes_the_acknowledgement_is_not_lost() {
    let mut story = Story::pension().bound_to_upstream(COUNTY).submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    let sent = story.last_handoff();
    story
        .upstream(
            sent,
            Said::Decided {
                outcome: Outcome::Granted,
                reasons: None,
            },
        )
        .unwrap();
    assert_eq!(story.status(), CaseStatus::Completed);
    story.upstream(sent, Said::Received).unwrap();
    assert_eq!(story.status(), CaseStatus::Completed, "never backwards");
}

#[test]
fn late_news_is_kept_and_changes_nothing() {
    let mut story = Story::pension().bound_to_upstream(COUNTY).submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    let sent = story.last_handoff();
    story
        .upstream(
            sent,
            Said::Decided {
                outcome: Outcome::Granted,
                reasons: None,
            },
        )
        .unwrap();
    let before = story.case().clone();
    story
        .upstream(
            sent,
            Said::Decided {
                outcome: Outcome::Denied,
                reasons: Some("重新审查".into()),
            },
        )
        .unwrap();
    assert_eq!(story.case(), &before);
    assert_eq!(story.events.last().unwrap().event.name(), "NEWS_KEPT");
}

#[test]
fn an_upstream_rejection_leaves_the_sender_responsible_and_the_step_can_be_offered_again() {
    let mut story = Story::pension().bound_to_upstream(COUNTY).submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    let sent = story.last_handoff();
    story
        .upstream(
            sent,
            Said::Rejected {
                reason: "材料不清".into(),
            },
        )
        .unwrap();
    assert_eq!(story.case().handoff(sent).unwrap().state, HandoffState::Refused);
    assert_eq!(story.case().owner, Some(organization(TOWNSHIP)));
    story.officer(TOWNSHIP, &hand_off()).unwrap();
    assert_eq!(story.case().handoffs.last().unwrap().step, Some(2));
    let steps = story
        .case()
        .clocks
        .iter()
        .filter(|clock| clock.kind == ClockKind::Step && clock.step == Some(2));
    assert_eq!(
        steps.count(),
        1,
        "refusal and re-offer change nothing of the step's clock"
    );
}

#[test]
fn a_denial_needs_reasons_and_remedy_and_still_has_a_result_to_hand_over() {
    let mut story = Story::pension().submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    let offered = story.last_handoff();
    story
        .officer(COUNTY, &Command::Acknowledge { handoff: offered })
        .unwrap();
    let bare = Command::Decide {
        outcome: Outcome::Denied,
        reasons: None,
        remedy: None,
        objections: None,
    };
    assert_eq!(story.officer(COUNTY, &bare), Err(Refusal::ReasonsRequired));
    story.officer(COUNTY, &denied()).unwrap();
    assert_eq!(story.status(), CaseStatus::Completed);
    assert!(story.running(ClockKind::Delivery));
    story.officer(COUNTY, &deliver(Some("邮寄"))).unwrap();
    assert_eq!(story.status(), CaseStatus::Delivered);
}

#[test]
fn an_immediate_case_is_accepted_and_decided_in_one_act() {
    let both = Step {
        accepts: true,
        decides: true,
        limit: Some(Limit::working_days(0)),
        ..accepting()
    };
    let mut story = Story::of(vec![intake(), both], &[STATION, TOWNSHIP]);
    story.item.processing = ProcessingType::Immediate;
    let mut story = story.submitted();
    story.officer(TOWNSHIP, &granted()).unwrap();
    assert_eq!(story.status(), CaseStatus::Completed);
    let names: Vec<_> = story.events.iter().map(|new| new.event.name()).collect();
    assert!(names.contains(&"ACCEPTED") && names.contains(&"DECIDED"));
}
