//! 对账: which answers of a system differ from a case here, state by state.

use super::acts::{long_pension, on_file, resident};
use super::*;
use crate::case::command::DeliveryResolved;
use crate::reconciliation::{
    Around, Comparison, Difference, DifferenceKind, There, Told, UpstreamWord, compare, spoken_of,
};

const SYSTEM: &str = "county-hr";

/// Every word that a system which has the case can say.
const WORDS: [UpstreamWord; 11] = [
    UpstreamWord::Received,
    UpstreamWord::Accepted,
    UpstreamWord::AwaitingSupplement,
    UpstreamWord::SpecialProcedure,
    UpstreamWord::Granted,
    UpstreamWord::Denied,
    UpstreamWord::Completed,
    UpstreamWord::Delivered,
    UpstreamWord::Rejected,
    UpstreamWord::Withdrawn,
    UpstreamWord::Other,
];

/// A day after everything happened, with nothing on its way.
fn quiet(story: &Story) -> Around {
    Around {
        undelivered: false,
        news_waits: false,
        now: story.now + Duration::days(1),
        settles_within: Duration::minutes(5),
    }
}

fn says(word: UpstreamWord) -> Told {
    Told::Found(There {
        number: "HR-1".to_owned(),
        word,
        outcome: None,
        changed_at: None,
    })
}

fn kinds(comparison: &Comparison) -> Vec<DifferenceKind> {
    match comparison {
        Comparison::Alike => Vec::new(),
        Comparison::Unsettled => panic!("nothing is on its way"),
        Comparison::Differs(found) => found.iter().map(|one| one.kind).collect(),
    }
}

fn found(story: &Story, told: &Told) -> Vec<DifferenceKind> {
    kinds(&compare(story.case(), SYSTEM, told, &quiet(story)))
}

/// Says of each word what it comes to; words that are not named are alike.
fn assert_table(story: &Story, differing: &[(UpstreamWord, DifferenceKind)]) {
    for word in WORDS {
        let expected: Vec<_> = differing
            .iter()
            .filter(|(its, _)| *its == word)
            .map(|(_, kind)| *kind)
            .collect();
        assert_eq!(
            found(story, &says(word)),
            expected,
            "{word:?} while {:?}",
            story.status()
        );
    }
}

/// A pension case that the county's system has taken over and not decided.
fn with_the_county() -> Story {
    let mut story = Story::pension().bound_to_upstream(COUNTY).submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    let handoff = story.last_handoff();
    story.upstream(handoff, Said::Received).unwrap();
    assert_eq!(story.status(), CaseStatus::InReview);
    story
}

const STOPPED: [(UpstreamWord, DifferenceKind); 2] = [
    (UpstreamWord::Rejected, DifferenceKind::WithdrawnThere),
    (UpstreamWord::Withdrawn, DifferenceKind::WithdrawnThere),
];

fn and_stopped(more: &[(UpstreamWord, DifferenceKind)]) -> Vec<(UpstreamWord, DifferenceKind)> {
    more.iter().chain(&STOPPED).copied().collect()
}

#[test]
fn a_case_under_review_there_and_here_is_alike_and_everything_later_is_ahead() {
    use DifferenceKind::AheadThere;
    let story = with_the_county();
    assert_table(
        &story,
        &and_stopped(&[
            (UpstreamWord::AwaitingSupplement, AheadThere),
            (UpstreamWord::SpecialProcedure, AheadThere),
            (UpstreamWord::Granted, AheadThere),
            (UpstreamWord::Denied, AheadThere),
            (UpstreamWord::Completed, AheadThere),
            (UpstreamWord::Delivered, AheadThere),
        ]),
    );
    let absent = compare(story.case(), SYSTEM, &Told::Absent, &quiet(&story));
    assert_eq!(
        absent,
        Comparison::Differs(vec![Difference {
            kind: DifferenceKind::AbsentThere,
            ours: CaseStatus::InReview,
            theirs: UpstreamWord::Absent,
            number: None,
        }])
    );
}

#[test]
fn a_decided_case_is_compared_by_its_outcome() {
    use DifferenceKind::{AheadHere, AheadThere, OutcomeDiffers};
    for (outcome, other) in [
        (Outcome::Granted, UpstreamWord::Denied),
        (Outcome::Denied, UpstreamWord::Granted),
    ] {
        let mut story = with_the_county();
        let handoff = story.last_handoff();
        let said = Said::Decided {
            outcome,
            reasons: Some("理由".to_owned()),
        };
        story.upstream(handoff, said).unwrap();
        assert_eq!(story.status(), CaseStatus::Completed);
        assert_table(
            &story,
            &and_stopped(&[
                (UpstreamWord::Received, AheadHere),
                (UpstreamWord::Accepted, AheadHere),
                (UpstreamWord::AwaitingSupplement, AheadHere),
                (UpstreamWord::SpecialProcedure, AheadHere),
                (other, OutcomeDiffers),
                (UpstreamWord::Delivered, AheadThere),
            ]),
        );
        // a completion may say how it was decided
        let completed = |outcome| {
            Told::Found(There {
                number: "HR-1".to_owned(),
                word: UpstreamWord::Completed,
                outcome: Some(outcome),
                changed_at: None,
            })
        };
        assert_eq!(found(&story, &completed(outcome)), []);
        let opposite = if outcome == Outcome::Granted {
            Outcome::Denied
        } else {
            Outcome::Granted
        };
        assert_eq!(found(&story, &completed(opposite)), [OutcomeDiffers]);
    }
}

#[test]
fn another_number_is_told_alone() {
    let story = with_the_county();
    let other = Told::Found(There {
        number: "HR-2".to_owned(),
        word: UpstreamWord::Granted,
        outcome: None,
        changed_at: None,
    });
    let Comparison::Differs(found) = compare(story.case(), SYSTEM, &other, &quiet(&story)) else {
        panic!("the number differs");
    };
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, DifferenceKind::NumberDiffers);
    assert_eq!(found[0].number.as_deref(), Some("HR-2"));
}

#[test]
fn papers_that_both_wait_for_are_no_difference_and_papers_that_came_here_alone_are() {
    use DifferenceKind::{AheadHere, AheadThere, StateDiffers};
    let mut story = with_the_county();
    let handoff = story.last_handoff();
    let asks = Said::SupplementRequested {
        materials: Vec::new(),
        text: "请补正".to_owned(),
    };
    story.upstream(handoff, asks).unwrap();
    assert_eq!(story.status(), CaseStatus::AwaitingSupplement);
    let later = [
        (UpstreamWord::Granted, AheadThere),
        (UpstreamWord::Denied, AheadThere),
        (UpstreamWord::Completed, AheadThere),
        (UpstreamWord::Delivered, AheadThere),
    ];
    let mut waiting = and_stopped(&later);
    waiting.push((UpstreamWord::Received, AheadHere));
    waiting.push((UpstreamWord::Accepted, StateDiffers));
    waiting.push((UpstreamWord::SpecialProcedure, StateDiffers));
    assert_table(&story, &waiting);

    let brought_here = Command::Supplement {
        materials: Vec::new(),
        note: Some("已补齐".to_owned()),
        authorization: None,
    };
    story.attempt(resident(), &brought_here).unwrap();
    assert_eq!(story.status(), CaseStatus::InReview);
    let mut brought = and_stopped(&later);
    brought.push((UpstreamWord::AwaitingSupplement, StateDiffers));
    brought.push((UpstreamWord::SpecialProcedure, AheadThere));
    assert_table(&story, &brought);
}

#[test]
fn a_special_procedure_of_its_own_is_compared() {
    use DifferenceKind::{AheadThere, StateDiffers};
    let mut story = with_the_county();
    let handoff = story.last_handoff();
    story.now += Duration::minutes(1);
    let begun = Said::SpecialBegun {
        kind: None,
        working_days: Some(5),
        text: "鉴定".to_owned(),
    };
    story.upstream(handoff, begun).unwrap();
    assert_eq!(story.status(), CaseStatus::SpecialProcedure);
    assert_table(
        &story,
        &and_stopped(&[
            (UpstreamWord::Received, StateDiffers),
            (UpstreamWord::Accepted, StateDiffers),
            (UpstreamWord::AwaitingSupplement, StateDiffers),
            (UpstreamWord::Granted, AheadThere),
            (UpstreamWord::Denied, AheadThere),
            (UpstreamWord::Completed, AheadThere),
            (UpstreamWord::Delivered, AheadThere),
        ]),
    );
}

#[test]
fn an_office_that_is_asked_beside_the_owner_is_only_ahead_once_it_has_answered() {
    let mut story = long_pension().bound_to_upstream(COUNTY).submitted();
    story.officer(TOWNSHIP, &accept(false)).unwrap();
    story
        .officer(TOWNSHIP, &by_hand(HandoffKind::Consult, Some(COUNTY)))
        .unwrap();
    let handoff = story.last_handoff();
    story.upstream(handoff, Said::Received).unwrap();
    assert_eq!(story.case().owner, Some(organization(TOWNSHIP)));
    assert_table(
        &story,
        &and_stopped(&[(UpstreamWord::Completed, DifferenceKind::AheadThere)]),
    );
}

#[test]
fn what_is_on_its_way_is_no_difference() {
    let story = with_the_county();
    let around = quiet(&story);
    let granted = says(UpstreamWord::Granted);
    let compared = |around: &Around, told: &Told| compare(story.case(), SYSTEM, told, around);
    for unsettled in [
        Around {
            undelivered: true,
            ..around
        },
        Around {
            news_waits: true,
            ..around
        },
        // it was signed for a moment ago
        Around {
            now: story.now + Duration::minutes(4),
            ..around
        },
    ] {
        assert_eq!(compared(&unsettled, &granted), Comparison::Unsettled);
    }
    let just_now = Told::Found(There {
        number: "HR-1".to_owned(),
        word: UpstreamWord::Granted,
        outcome: None,
        changed_at: Some(around.now - Duration::minutes(1)),
    });
    assert_eq!(compared(&around, &just_now), Comparison::Unsettled);
    // what is alike is alike, however lately it moved
    let lately = Around {
        now: story.now,
        news_waits: true,
        ..around
    };
    assert_eq!(
        compared(&lately, &says(UpstreamWord::Received)),
        Comparison::Alike
    );
}

#[test]
fn what_was_not_signed_for_is_not_compared() {
    let mut story = Story::pension().bound_to_upstream(COUNTY).submitted();
    story.officer(TOWNSHIP, &accept(true)).unwrap();
    for state in [None, Some(Said::Sent)] {
        if let Some(said) = state {
            let handoff = story.last_handoff();
            story.upstream(handoff, said).unwrap();
        }
        assert_eq!(spoken_of(story.case(), SYSTEM), None);
        let around = quiet(&story);
        assert_eq!(
            compare(story.case(), SYSTEM, &Told::Absent, &around),
            Comparison::Alike
        );
    }
    // a person says that it has it: no number is known, so none differs
    let resolved = Command::ResolveDelivery(DeliveryResolved {
        delivery: crate::id::DeliveryId::from_uuid(Uuid::from_u128(1)),
        kind: crate::delivery::DeliveryKind::Submit,
        upstream: SYSTEM.to_owned(),
        handoff: story.last_handoff(),
        resolution: crate::delivery::DeliveryResolution::Taken,
        number: Some("HR-1".to_owned()),
        note: None,
    });
    story.officer(TOWNSHIP, &resolved).unwrap();
    assert_eq!(found(&story, &says(UpstreamWord::Received)), []);
    assert_eq!(
        found(&story, &says(UpstreamWord::Granted)),
        [DifferenceKind::AheadThere]
    );
}

#[test]
fn a_case_that_ended_here_before_its_time_must_not_be_worked_on_there() {
    let mut story = with_the_county();
    let withdraw = Command::Withdraw {
        reason: None,
        authorization: Some(on_file()),
    };
    story.officer(STATION, &withdraw).unwrap();
    assert_eq!(story.status(), CaseStatus::Withdrawn);
    for word in WORDS {
        let expected: &[DifferenceKind] = if word.is_under_way() {
            &[DifferenceKind::OpenThereClosedHere]
        } else {
            &[]
        };
        assert_eq!(found(&story, &says(word)), expected, "{word:?}");
    }
    assert_eq!(found(&story, &Told::Absent), [], "it may forget what has ended");
}

#[test]
fn a_result_that_was_collected_there_is_ahead_and_here_is_the_end() {
    let mut story = with_the_county();
    let handoff = story.last_handoff();
    let granted = Said::Decided {
        outcome: Outcome::Granted,
        reasons: None,
    };
    story.upstream(handoff, granted).unwrap();
    assert_eq!(
        found(&story, &says(UpstreamWord::Delivered)),
        [DifferenceKind::AheadThere]
    );
    story.days_later(1);
    story.upstream(handoff, Said::Delivered).unwrap();
    assert_eq!(story.status(), CaseStatus::Delivered);
    assert_eq!(found(&story, &says(UpstreamWord::Received)), []);
}
