//! Work beside the owner, special procedures, later steps and chosen ones: each test is one rule of DOMAIN §1 or §4.

use super::*;

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
    story.officer(TOWNSHIP, &accept(true)).unwrap();
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
    story.officer(TOWNSHIP, &accept(true)).unwrap();
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
        story.officer(TOWNSHIP, &accept(true)).unwrap();
        let offered = story.last_handoff();
        story
            .officer(COUNTY, &Command::Acknowledge { handoff: offered })
            .unwrap();
        story.officer(COUNTY, &decision).unwrap();
        assert_eq!(story.status() == CaseStatus::Completed, finished);
        if !finished {
            story.officer(COUNTY, &deliver(None)).unwrap();
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
    story.officer(TOWNSHIP, &accept(true)).unwrap();
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
    story.officer(TOWNSHIP, &accept(false)).unwrap();
    assert_eq!(
        story.officer(TOWNSHIP, &hand_off()),
        Err(Refusal::ChooseOrganization)
    );
    let stranger = Command::HandOff(HandOff {
        to: Some(organization(STATION)),
        ..HandOff::along_the_route()
    });
    assert_eq!(
        story.officer(TOWNSHIP, &stranger),
        Err(Refusal::ChooseOrganization)
    );
    let named = Command::HandOff(HandOff {
        to: Some(organization(COUNTY)),
        originals: 2,
        slip: Some("S-1".into()),
        ..HandOff::along_the_route()
    });
    story.officer(TOWNSHIP, &named).unwrap();
    let handoff = story.case().handoffs.last().unwrap();
    assert_eq!((handoff.to, handoff.originals), (organization(COUNTY), 2));

    let mut fixed = Story::pension().submitted();
    fixed.officer(TOWNSHIP, &accept(false)).unwrap();
    assert_eq!(fixed.officer(TOWNSHIP, &named), Err(Refusal::OrganizationIsFixed));
}

#[test]
fn an_impossible_act_says_what_is_possible() {
    let mut story = Story::pension().submitted();
    story.officer(TOWNSHIP, &accept(false)).unwrap();
    let refused = story.officer(TOWNSHIP, &accept(false)).unwrap_err();
    let Refusal::IllegalAct { status, possible, .. } = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(
        (status, possible),
        (
            CaseStatus::Accepted,
            vec![
                Act::HandOff,
                Act::RequestSupplement,
                Act::BeginSpecialProcedure,
                Act::ExtendCase,
                Act::WithdrawCase
            ]
        )
    );
}

#[test]
fn a_refused_countersignature_is_offered_again_before_the_case_goes_on() {
    let sign = Step {
        handoff: HandoffKind::Countersign,
        ..step("city.planning", "COUNTERSIGN")
    };
    let route = vec![intake(), accepting(), sign, deciding()];
    let mut story = Story::of(route, &[STATION, TOWNSHIP, 8, COUNTY])
        .bound_to_upstream(8)
        .submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    let refused = story.last_handoff();
    story
        .upstream(
            refused,
            Said::Rejected {
                reason: "材料不清".into(),
            },
        )
        .unwrap();
    assert!(story.running(ClockKind::Step), "the owner's step goes on");
    story.officer(TOWNSHIP, &hand_off()).unwrap();
    let again = story.case().handoffs.last().unwrap();
    assert_eq!((again.to, again.step), (organization(8), Some(2)));
    assert!(matches!(
        story.officer(TOWNSHIP, &hand_off()).unwrap_err(),
        Refusal::IllegalAct {
            why: Why::BesideOpen,
            ..
        }
    ));
}

#[test]
fn an_unread_handoff_never_pauses_the_legal_clocks() {
    let publicize = Step {
        clock: StepClock::Excluded,
        ..step("village.committee", "PUBLICIZE")
    };
    let route = vec![intake(), accepting(), publicize, deciding()];
    let mut story = Story::of(route, &[STATION, TOWNSHIP, 8, COUNTY]).submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    let offered = story.last_handoff();
    story
        .officer(8, &Command::Acknowledge { handoff: offered })
        .unwrap();
    assert!(!story.running(ClockKind::Promise));
    story.officer(8, &hand_off()).unwrap();
    assert!(
        story.running(ClockKind::Promise) && story.running(ClockKind::Statutory),
        "from the offer on"
    );
}

#[test]
fn nobody_signs_by_hand_for_an_office_whose_system_answers() {
    let mut story = Story::pension().bound_to_upstream(COUNTY).submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    let offered = story.last_handoff();
    let by_hand = story
        .officer(COUNTY, &Command::Acknowledge { handoff: offered })
        .unwrap_err();
    assert!(
        matches!(by_hand, Refusal::IllegalAct { why: Why::Bound, .. }),
        "{by_hand:?}"
    );
}

#[test]
fn a_denial_by_an_upstream_carries_the_legal_remedy() {
    let mut story = Story::pension().bound_to_upstream(COUNTY).submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    let sent = story.last_handoff();
    story
        .upstream(
            sent,
            Said::Decided {
                outcome: Outcome::Denied,
                reasons: None,
            },
        )
        .unwrap();
    let decided = story
        .events
        .iter()
        .find(|new| new.event.name() == "DECIDED")
        .unwrap();
    let told = decided.private.as_ref().unwrap();
    assert!(told["reasons"].as_str().unwrap().contains("未在系统中说明理由"));
    assert!(told["remedy"].as_str().unwrap().contains("行政复议"));
}
