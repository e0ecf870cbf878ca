//! The ladder of cards with dates of the shipped calendar: 2026, official.

use chrono::{DateTime, Utc};

use super::*;
use crate::calendar::tests::shipped;
use crate::limit::Limit;
use crate::sla;

/// An instant by Beijing wall clock.
fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(&format!("{text}:00+08:00"))
        .unwrap()
        .to_utc()
}

fn ladder(climb: Climb, start: &str, limit: Limit, levels_above: usize) -> Ladder {
    let start = at(start);
    Ladder {
        climb,
        limit,
        start,
        due_at: sla::due(start, limit, shipped()).unwrap().at,
        anew_from: None,
        levels_above,
        silence_decides: false,
    }
}

fn rungs(ladder: &Ladder) -> Vec<(Rung, DateTime<Utc>)> {
    ladder.rungs(shipped()).unwrap()
}

fn expected(rows: &[(Rung, &str)]) -> Vec<(Rung, DateTime<Utc>)> {
    rows.iter()
        .map(|(rung, day)| (*rung, at(&format!("{day}T00:00"))))
        .collect()
}

#[test]
fn a_promise_climbs_from_the_village_to_the_city_every_three_working_days() {
    // 2026-09-21 + 5: 22, 23, 24, then 25–27 off, 28, 29: due at 24:00 of the 29th; the holiday is 1–7 October
    let promise = ladder(Climb::Climbing, "2026-09-21T10:00", Limit::working_days(5), 3);
    assert_eq!(
        rungs(&promise),
        expected(&[
            (Rung::Warning, "2026-09-28"),
            (Rung::Yellow, "2026-09-30"),
            // 30, 8 and 9 October
            (Rung::Red1, "2026-10-10"),
            // the working Saturday 10, 12, 13
            (Rung::Red2, "2026-10-14"),
            (Rung::Red3, "2026-10-17"),
        ])
    );
}

#[test]
fn statutory_turns_red_at_once_and_never_yellow() {
    // 2026-02-10 + 10 → 03-02, over the Spring Festival; a fifth of it is two working days
    let statutory = ladder(Climb::Statutory, "2026-02-10T09:00", Limit::working_days(10), 2);
    assert_eq!(
        rungs(&statutory),
        expected(&[
            // after 26 February: the working Saturday 28 and Monday 2 March are left
            (Rung::Warning, "2026-02-27"),
            (Rung::Red1, "2026-03-03"),
            (Rung::Red2, "2026-03-06"),
        ])
    );
}

#[test]
fn no_card_goes_above_the_city() {
    let of = |climb, above| -> Vec<Rung> {
        rungs(&ladder(climb, "2026-03-02T10:00", Limit::working_days(2), above))
            .into_iter()
            .map(|(rung, _)| rung)
            .collect()
    };
    assert_eq!(
        of(Climb::Climbing, 3),
        [Rung::Yellow, Rung::Red1, Rung::Red2, Rung::Red3]
    );
    assert_eq!(of(Climb::Climbing, 1), [Rung::Yellow, Rung::Red1]);
    assert_eq!(of(Climb::Climbing, 0), [Rung::Yellow]);
    assert_eq!(
        of(Climb::Statutory, 0),
        [Rung::Red1],
        "the city's own breach stays with it"
    );
    assert_eq!(of(Climb::Flat, 3), [Rung::Yellow]);
}

#[test]
fn a_warning_comes_when_a_day_or_a_fifth_of_the_limit_is_left() {
    for (start, limit, warned) in [
        // a fifth of 5 is 1: from the day before the last on
        ("2026-03-02T10:00", Limit::working_days(5), Some("2026-03-06")),
        // a fifth of 20 is 4; 30 April + 20 → 1 June: 26, 27, 28, 29 May and 1 June
        ("2026-04-30T10:00", Limit::working_days(20), Some("2026-05-26")),
        ("2026-03-02T10:00", Limit::working_days(3), Some("2026-03-04")),
        ("2026-03-02T10:00", Limit::working_days(2), None),
        // 30 September + 5 calendar days → 5 October, whatever is off
        ("2026-09-30T10:00", Limit::calendar_days(5), Some("2026-10-04")),
        // 31 January + 1 month → 28 February; a fifth of 30 days is 6
        ("2026-01-31T10:00", Limit::months(1), Some("2026-02-22")),
        ("2026-03-02T10:00", Limit::on_the_spot(), None),
    ] {
        let found = rungs(&ladder(Climb::Flat, start, limit, 0));
        let warning = found.iter().find(|(rung, _)| *rung == Rung::Warning);
        assert_eq!(
            warning.map(|(_, at)| *at),
            warned.map(|day| at(&format!("{day}T00:00"))),
            "{start} {limit:?}"
        );
    }
    let hours = rungs(&ladder(Climb::Flat, "2026-03-02T10:30", Limit::hours(240), 0));
    assert_eq!(
        hours,
        [
            (Rung::Warning, at("2026-03-10T10:30")),
            (Rung::Yellow, at("2026-03-12T10:30"))
        ],
        "two days of ten, to the minute"
    );
}

#[test]
fn where_silence_decides_a_short_limit_is_warned_of_as_well() {
    let mut short = ladder(Climb::Flat, "2026-03-02T10:00", Limit::working_days(2), 0);
    assert_eq!(rungs(&short).first().map(|(rung, _)| *rung), Some(Rung::Yellow));
    short.silence_decides = true;
    assert_eq!(
        rungs(&short),
        expected(&[(Rung::Warning, "2026-03-03"), (Rung::Yellow, "2026-03-05")])
    );
}

#[test]
fn a_cancelled_card_does_not_come_back_at_once_but_the_ladder_begins_anew() {
    let mut promise = ladder(Climb::Climbing, "2026-03-02T10:00", Limit::working_days(5), 2);
    // warned of on Friday 6, due at 24:00 of Monday 9
    promise.anew_from = Some(at("2026-03-06T15:00"));
    assert_eq!(
        rungs(&promise),
        expected(&[
            (Rung::Yellow, "2026-03-10"),
            (Rung::Red1, "2026-03-13"),
            (Rung::Red2, "2026-03-18"),
        ]),
        "the cancelled warning stays away, what is ahead comes on its day"
    );
    promise.anew_from = Some(at("2026-03-11T15:00"));
    assert_eq!(
        rungs(&promise),
        expected(&[
            (Rung::Yellow, "2026-03-17"),
            (Rung::Red1, "2026-03-20"),
            (Rung::Red2, "2026-03-25"),
        ]),
        "a clock that stays late is told again three working days after the cancellation"
    );
}
