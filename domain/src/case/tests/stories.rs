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
    story
        .officer(TOWNSHIP, &Command::Accept { advance: false })
        .unwrap();
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
    story
        .officer(TOWNSHIP, &Command::Accept { advance: true })
        .unwrap();
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
    story.officer(STATION, &Command::Deliver { note: None }).unwrap();
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
    story
        .officer(TOWNSHIP, &Command::Accept { advance: true })
        .unwrap();
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
    story
        .officer(TOWNSHIP, &Command::Accept { advance: true })
        .unwrap();
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
    story
        .officer(TOWNSHIP, &Command::Accept { advance: true })
        .unwrap();
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
    story
        .officer(TOWNSHIP, &Command::Accept { advance: true })
        .unwrap();
    let offered = story.last_handoff();
    story
        .officer(COUNTY, &Command::Acknowledge { handoff: offered })
        .unwrap();
    let bare = Command::Decide {
        outcome: Outcome::Denied,
        reasons: None,
        remedy: None,
    };
    assert_eq!(story.officer(COUNTY, &bare), Err(Refusal::ReasonsRequired));
    story.officer(COUNTY, &denied()).unwrap();
    assert_eq!(story.status(), CaseStatus::Completed);
    assert!(story.running(ClockKind::Delivery));
    story
        .officer(
            COUNTY,
            &Command::Deliver {
                note: Some("邮寄".into()),
            },
        )
        .unwrap();
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

#[test]
fn a_countersigner_works_beside_the_owner_who_must_wait() {
    let sign = Step {
        handoff: HandoffKind::Countersign,
        ..step("city.planning", "COUNTERSIGN")
    };
    let first = Step {
        accepts: true,
        limit: Some(Limit::working_days(1)),
        ..accepting()
    };
    let mut story = Story::of(
        vec![intake(), first, sign, deciding()],
        &[STATION, TOWNSHIP, 8, COUNTY],
    )
    .submitted();
    story
        .officer(TOWNSHIP, &Command::Accept { advance: true })
        .unwrap();
    let beside = story.last_handoff();
    assert_eq!(story.case().owner, Some(organization(TOWNSHIP)));
    let refused = story.officer(TOWNSHIP, &hand_off()).unwrap_err();
    assert!(
        matches!(
            refused,
            Refusal::IllegalAct {
                why: Why::BesideOpen,
                ..
            }
        ),
        "{refused:?}"
    );
    story
        .officer(
            8,
            &Command::Finish {
                handoff: beside,
                opinion: Some(Opinion::Agree),
                text: None,
            },
        )
        .unwrap();
    story.officer(TOWNSHIP, &hand_off()).unwrap();
    assert_eq!(story.case().handoffs.last().unwrap().to, organization(COUNTY));
}

#[test]
fn publicity_stops_the_legal_clocks_and_may_not_be_cut_short() {
    let publicize = Step {
        clock: StepClock::Excluded,
        limit: Some(Limit::working_days(10)),
        at_least: Some(Limit {
            value: 7,
            unit: crate::limit::LimitUnit::CalendarDay,
        }),
        ..step("village.committee", "PUBLICIZE")
    };
    let mut story = Story::of(
        vec![intake(), accepting(), publicize, deciding()],
        &[STATION, TOWNSHIP, 8, COUNTY],
    )
    .submitted();
    story
        .officer(TOWNSHIP, &Command::Accept { advance: true })
        .unwrap();
    let offered = story.last_handoff();
    story
        .officer(8, &Command::Acknowledge { handoff: offered })
        .unwrap();
    assert_eq!(story.status(), CaseStatus::SpecialProcedure);
    assert!(!story.running(ClockKind::Promise) && story.running(ClockKind::Special));
    story.days_later(3);
    assert!(matches!(
        story.officer(8, &hand_off()).unwrap_err(),
        Refusal::IllegalAct {
            why: Why::TooEarly { .. },
            ..
        }
    ));
    story.days_later(5);
    story.officer(8, &hand_off()).unwrap();
    assert_eq!(story.status(), CaseStatus::InReview);
    let offered = story.last_handoff();
    story
        .officer(COUNTY, &Command::Acknowledge { handoff: offered })
        .unwrap();
    assert!(story.running(ClockKind::Promise) && !story.running(ClockKind::Special));
    let promise = story.case().leading_clock().unwrap().due_date().unwrap();
    // accepted Mon 11-23, two working days; (11-23, 12-01] excludes six of them
    assert_eq!(promise.to_string(), "2026-12-03");
}

#[test]
fn a_granted_case_completes_after_its_later_steps_and_a_denied_one_at_once() {
    let pay = Step {
        clock: StepClock::Excluded,
        limit: None,
        ..step("county.finance", "PAY")
    };
    let route = || vec![intake(), accepting(), deciding(), pay.clone()];
    for (decision, finished) in [(granted(), false), (denied(), true)] {
        let mut story = Story::of(route(), &[STATION, TOWNSHIP, COUNTY, 8]).submitted();
        story
            .officer(TOWNSHIP, &Command::Accept { advance: true })
            .unwrap();
        let offered = story.last_handoff();
        story
            .officer(COUNTY, &Command::Acknowledge { handoff: offered })
            .unwrap();
        story.officer(COUNTY, &decision).unwrap();
        assert_eq!(story.status() == CaseStatus::Completed, finished);
        if !finished {
            story.officer(COUNTY, &Command::Deliver { note: None }).unwrap();
            assert_eq!(
                story.status(),
                CaseStatus::Decided,
                "delivered only once also completed"
            );
            let paying = story.last_handoff();
            story
                .officer(
                    8,
                    &Command::Finish {
                        handoff: paying,
                        opinion: None,
                        text: None,
                    },
                )
                .unwrap();
            assert_eq!(story.status(), CaseStatus::Delivered);
        }
    }
}

#[test]
fn two_steps_of_one_organization_need_no_signature_between_them() {
    let mut story = Story::of(
        vec![intake(), accepting(), deciding()],
        &[STATION, TOWNSHIP, TOWNSHIP],
    )
    .submitted();
    story
        .officer(TOWNSHIP, &Command::Accept { advance: true })
        .unwrap();
    assert_eq!(story.case().step, 2);
    assert!(story.case().open_owning().is_none());
    story.officer(TOWNSHIP, &granted()).unwrap();
    assert_eq!(story.status(), CaseStatus::Completed);
}

#[test]
fn a_chosen_step_wants_a_name_and_a_fixed_one_does_not() {
    let chosen = Step {
        assignment: Assignment::Chosen,
        ..deciding()
    };
    let mut story = Story::of(vec![intake(), accepting(), chosen], &[STATION, TOWNSHIP, COUNTY]);
    story.organizations[2] = None;
    let mut story = story.submitted();
    story
        .officer(TOWNSHIP, &Command::Accept { advance: false })
        .unwrap();
    assert_eq!(
        story.officer(TOWNSHIP, &hand_off()),
        Err(Refusal::ChooseOrganization)
    );
    let stranger = Command::HandOff {
        to: Some(organization(STATION)),
        originals: 0,
        slip: None,
    };
    assert_eq!(
        story.officer(TOWNSHIP, &stranger),
        Err(Refusal::ChooseOrganization)
    );
    let named = Command::HandOff {
        to: Some(organization(COUNTY)),
        originals: 2,
        slip: Some("S-1".into()),
    };
    story.officer(TOWNSHIP, &named).unwrap();
    let handoff = story.case().handoffs.last().unwrap();
    assert_eq!((handoff.to, handoff.originals), (organization(COUNTY), 2));

    let mut fixed = Story::pension().submitted();
    fixed
        .officer(TOWNSHIP, &Command::Accept { advance: false })
        .unwrap();
    assert_eq!(fixed.officer(TOWNSHIP, &named), Err(Refusal::OrganizationIsFixed));
}

#[test]
fn an_impossible_act_says_what_is_possible() {
    let mut story = Story::pension().submitted();
    story
        .officer(TOWNSHIP, &Command::Accept { advance: false })
        .unwrap();
    let refused = story
        .officer(TOWNSHIP, &Command::Accept { advance: false })
        .unwrap_err();
    let Refusal::IllegalAct { status, possible, .. } = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((status, possible), (CaseStatus::Accepted, vec![Act::HandOff]));
}
