//! What changes the course of a case: deemed acceptance, special procedures, the extension, objections.

use super::acts::{
    accepted, at_county, due, extend, long_pension, refuse, request, resident, special, supplement, tick, why,
};
use super::*;

#[test]
fn a_licence_nobody_answers_is_deemed_accepted_and_its_clocks_run_from_the_offer() {
    let mut story = long_pension();
    story.item.item_type = ItemType::License;
    let mut story = story.submitted();
    assert_eq!(due(&story, ClockKind::Acceptance).as_deref(), Some("2026-11-30"));
    story.now = Utc.with_ymd_and_hms(2026, 11, 30, 15, 59, 59).unwrap();
    tick(&mut story);
    assert_eq!(
        story.status(),
        CaseStatus::Submitted,
        "the due day is still in time"
    );
    story.now = Utc.with_ymd_and_hms(2026, 11, 30, 16, 0, 0).unwrap();
    tick(&mut story);
    assert_eq!(story.status(), CaseStatus::Accepted);
    assert_eq!(story.case().owner, Some(organization(TOWNSHIP)));
    assert_eq!(
        due(&story, ClockKind::Promise).as_deref(),
        Some("2026-12-07"),
        "from 11-23"
    );
    let deemed = story
        .events
        .iter()
        .find(|new| new.event.name() == "DEEMED_ACCEPTED")
        .unwrap();
    assert_eq!(deemed.by.kind, ActorKind::System);
    assert!(matches!(
        story.officer(TOWNSHIP, &refuse()).unwrap_err(),
        Refusal::IllegalAct { .. }
    ));

    let mut benefit = long_pension().submitted();
    benefit.days_later(30);
    tick(&mut benefit);
    assert_eq!(
        benefit.status(),
        CaseStatus::Submitted,
        "the default is for licences alone"
    );
}

#[test]
fn deemed_acceptance_comes_before_an_act_that_is_too_late_and_after_a_supplement_counts_from_it() {
    let mut story = long_pension();
    story.item.item_type = ItemType::License;
    let mut story = story.submitted();
    story.officer(TOWNSHIP, &request(&["id"])).unwrap();
    story.days_later(2);
    story.attempt(resident(), &supplement(&["id"])).unwrap();
    story.days_later(30);
    let refused = story.officer(TOWNSHIP, &refuse()).unwrap_err();
    assert!(
        matches!(
            refused,
            Refusal::IllegalAct {
                status: CaseStatus::Accepted,
                ..
            }
        ),
        "{refused:?}"
    );
    tick(&mut story);
    assert_eq!(
        due(&story, ClockKind::Promise).as_deref(),
        Some("2026-12-09"),
        "from 11-25"
    );
}

#[test]
fn deemed_acceptance_offers_the_handoff_first_when_none_is_open() {
    let mut story = long_pension().bound_to_upstream(TOWNSHIP);
    story.item.item_type = ItemType::License;
    let mut story = story.submitted();
    let offered = story.last_handoff();
    let reason = "系统维护".to_owned();
    story.upstream(offered, Said::Rejected { reason }).unwrap();
    assert!(story.case().open_owning().is_none());
    story.days_later(30);
    tick(&mut story);
    assert_eq!(
        (story.status(), story.case().owner),
        (CaseStatus::Accepted, Some(organization(TOWNSHIP)))
    );
}

#[test]
fn a_special_procedure_by_hand_pauses_until_it_ends_or_its_limit_passes() {
    for by_hand in [true, false] {
        let mut story = at_county(long_pension().submitted());
        story.officer(COUNTY, &special()).unwrap();
        assert_eq!(story.status(), CaseStatus::SpecialProcedure);
        assert!(!story.running(ClockKind::Promise) && !story.running(ClockKind::Step));
        assert_eq!(due(&story, ClockKind::Special).as_deref(), Some("2026-11-30"));
        if by_hand {
            story.days_later(7);
            story.officer(COUNTY, &Command::EndSpecialProcedure).unwrap();
        } else {
            // the clocks speak two days late, and nothing is lost by that
            story.days_later(9);
            tick(&mut story);
        }
        assert_eq!(story.status(), CaseStatus::InReview);
        assert!(story.running(ClockKind::Step));
        assert_eq!(
            due(&story, ClockKind::Promise).as_deref(),
            Some("2026-12-14"),
            "five days did not count, by hand: {by_hand}"
        );
    }
}

#[test]
fn limits_are_extended_once_before_the_statutory_one_passes() {
    let mut story = at_county(long_pension().submitted());
    assert_eq!(
        story.officer(COUNTY, &extend(11)),
        Err(Refusal::DaysOutOfBounds { max: 10 })
    );
    story.officer(COUNTY, &extend(10)).unwrap();
    assert_eq!(due(&story, ClockKind::Promise).as_deref(), Some("2026-12-21"));
    assert_eq!(due(&story, ClockKind::Statutory).as_deref(), Some("2027-01-04"));
    assert_eq!(why(story.officer(COUNTY, &extend(1))), Why::NotExtendable);
    story.officer(COUNTY, &special()).unwrap();
    story.days_later(7);
    story.officer(COUNTY, &Command::EndSpecialProcedure).unwrap();
    assert_eq!(
        due(&story, ClockKind::Promise).as_deref(),
        Some("2026-12-28"),
        "a later pause keeps the extension"
    );
    let mut late = at_county(long_pension().submitted());
    late.days_later(60);
    assert_eq!(why(late.officer(COUNTY, &extend(1))), Why::NotExtendable);
}

#[test]
fn where_offices_sign_together_fifteen_days_can_be_added() {
    let sign = Step {
        handoff: HandoffKind::Countersign,
        ..step("city.planning", "COUNTERSIGN")
    };
    let route = vec![intake(), accepting(), sign, deciding()];
    let mut story = accepted(Story::of(route, &[STATION, TOWNSHIP, 8, COUNTY]).submitted());
    assert_eq!(
        story.officer(TOWNSHIP, &extend(16)),
        Err(Refusal::DaysOutOfBounds { max: 15 })
    );
    story.officer(TOWNSHIP, &extend(15)).unwrap();
    assert_eq!(
        story.status(),
        CaseStatus::InReview,
        "an act of review begins the review"
    );
}

#[test]
fn an_objection_is_answered_in_the_decision() {
    let sign = Step {
        handoff: HandoffKind::Countersign,
        ..step("city.planning", "COUNTERSIGN")
    };
    let route = vec![intake(), accepting(), sign, deciding()];
    let mut story = Story::of(route, &[STATION, TOWNSHIP, 8, COUNTY]).submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    let finish = Command::Finish {
        handoff: story.last_handoff(),
        opinion: Some(Opinion::Object),
        text: Some("不符合规划".to_owned()),
    };
    story.officer(8, &finish).unwrap();
    story.officer(TOWNSHIP, &hand_off()).unwrap();
    let offered = story.last_handoff();
    story
        .officer(COUNTY, &Command::Acknowledge { handoff: offered })
        .unwrap();
    assert_eq!(
        story.officer(COUNTY, &granted()),
        Err(Refusal::ObjectionUnanswered)
    );
    let answered = Command::Decide {
        outcome: Outcome::Granted,
        reasons: None,
        remedy: None,
        objections: Some("已按规划调整".to_owned()),
    };
    story.officer(COUNTY, &answered).unwrap();
    assert_eq!(story.status(), CaseStatus::Completed);
}
