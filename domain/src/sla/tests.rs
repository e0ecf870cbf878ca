//! The clock rules of DOMAIN §3, one test a rule, and a naive day-by-day oracle over 2024–2026.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::reach::{fits_within, latest_reachable_date, longest_reach_days};
use super::*;
use crate::calendar::tests::{day, shipped, works_by_the_table};
use crate::vectors::vectors;

/// An instant by Beijing wall clock.
fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(&format!("{text}+08:00"))
        .unwrap()
        .to_utc()
}

fn noon(date: &str) -> DateTime<Utc> {
    at(&format!("{date}T12:00:00"))
}

fn pause(from: &str, until: &str) -> Pause {
    Pause {
        from: noon(from),
        until: Some(noon(until)),
    }
}

fn due_day(start: &str, limit: Limit) -> NaiveDate {
    due(noon(start), limit, shipped()).unwrap().day()
}

#[test]
fn working_days_give_the_vectors() {
    for (start, count, expected) in [
        ("2026-02-12", 5, "2026-02-26"),
        ("2026-09-21", 10, "2026-10-12"),
        ("2026-04-30", 20, "2026-06-01"),
        ("2025-12-29", 20, "2026-01-27"),
        ("2026-10-09", 1, "2026-10-10"),
        ("2026-06-18", 1, "2026-06-22"),
        ("2026-02-28", 3, "2026-03-04"),
        ("2026-01-03", 1, "2026-01-04"),
        ("2026-02-10", 10, "2026-03-02"),
    ] {
        assert_eq!(
            due_day(start, Limit::working_days(count)),
            day(expected),
            "{start} + {count}"
        );
    }
    for vector in vectors("due").as_array().unwrap() {
        let count = u32::try_from(vector["plus"].as_u64().unwrap()).unwrap();
        let found = due(
            noon(vector["accepted"].as_str().unwrap()),
            Limit::working_days(count),
            shipped(),
        )
        .unwrap();
        assert_eq!(found.day(), day(vector["due"].as_str().unwrap()), "{vector}");
        assert_eq!(
            found.provisional,
            vector["provisional"].as_bool().unwrap_or(false),
            "{vector}"
        );
    }
}

#[test]
fn a_limit_is_due_at_midnight_in_beijing_after_its_last_day() {
    let found = due(noon("2026-10-09"), Limit::working_days(1), shipped()).unwrap();
    assert_eq!(found.at, at("2026-10-11T00:00:00"));
    // 23:59 in Beijing is still the same start day, one minute later is the next
    let limit = Limit::working_days(1);
    let of = |start| due(at(start), limit, shipped()).unwrap().day();
    assert_eq!(of("2026-11-23T23:59:59"), day("2026-11-24"));
    assert_eq!(of("2026-11-24T00:00:00"), day("2026-11-25"));
}

#[test]
fn calendar_days_end_on_the_day_itself_even_if_off() {
    assert_eq!(due_day("2026-09-30", Limit::calendar_days(5)), day("2026-10-05"));
    assert_eq!(due_day("2026-02-13", Limit::calendar_days(3)), day("2026-02-16"));
}

#[test]
fn months_end_on_the_same_day_or_the_last_day() {
    assert_eq!(due_day("2026-01-31", Limit::months(1)), day("2026-02-28"));
    assert_eq!(due_day("2024-01-31", Limit::months(1)), day("2024-02-29"));
    assert_eq!(due_day("2026-11-15", Limit::months(2)), day("2027-01-15"));
}

#[test]
fn hours_run_by_the_wall_clock_to_the_second() {
    let start = at("2026-09-30T23:15:42");
    let found = due(start, Limit::hours(24), shipped()).unwrap();
    assert_eq!(found.at, at("2026-10-01T23:15:42"));
    let run = ClockRun::new(start, Limit::hours(24));
    assert_eq!(
        run.consumed(shipped(), at("2026-10-01T00:15:43")),
        Ok(Span::Seconds(3601))
    );
    assert_eq!(
        run.remaining(shipped(), at("2026-10-01T23:15:43")),
        Ok(Span::Seconds(-1))
    );
    let over_the_year = due(at("2026-12-31T12:00:00"), Limit::hours(48), shipped()).unwrap();
    assert_eq!(
        (over_the_year.at, over_the_year.provisional),
        (at("2027-01-02T12:00:00"), false)
    );
    let pauses = [Pause {
        from: start,
        until: None,
    }];
    assert_eq!(
        run.paused_by(&pauses).due(shipped()),
        Ok(Some(found)),
        "hours run on through a pause"
    );
}

#[test]
fn on_the_spot_and_zero_working_days_end_with_the_same_day() {
    assert_eq!(
        due(at("2026-11-23T23:59:59"), Limit::on_the_spot(), shipped())
            .unwrap()
            .at,
        at("2026-11-24T00:00:00")
    );
    for limit in [Limit::on_the_spot(), Limit::working_days(0)] {
        let found = due(at("2026-10-03T08:00:00"), limit, shipped()).unwrap();
        assert_eq!(
            found,
            Due {
                at: at("2026-10-04T00:00:00"),
                provisional: false
            }
        );
    }
}

#[test]
fn the_pause_day_counts_and_the_resume_day_does_not() {
    let start = noon("2026-02-10");
    let pauses = [pause("2026-02-13", "2026-02-25")];
    let run = ClockRun::new(start, Limit::working_days(10)).paused_by(&pauses);
    assert_eq!(run.due(shipped()).unwrap().unwrap().day(), day("2026-03-05"));
    // 11, 12, 13 counted before; 26, 27 and the working Saturday 28 after
    assert_eq!(
        run.consumed(shipped(), noon("2026-02-28")),
        Ok(Span::WorkingDays(6))
    );
    assert_eq!(
        run.remaining(shipped(), noon("2026-02-28")),
        Ok(Span::WorkingDays(4))
    );
}

#[test]
fn a_pause_resumed_on_the_same_day_shifts_nothing() {
    let pauses = [Pause {
        from: at("2026-11-24T09:00:00"),
        until: Some(at("2026-11-24T17:00:00")),
    }];
    let run = ClockRun::new(noon("2026-11-23"), Limit::working_days(5));
    assert_eq!(run.paused_by(&pauses).due(shipped()), run.due(shipped()));
}

#[test]
fn overlapping_pauses_are_united() {
    let apart = [
        pause("2026-11-24", "2026-11-27"),
        pause("2026-11-25", "2026-12-01"),
        pause("2026-11-26", "2026-11-26"),
    ];
    let united = [pause("2026-11-24", "2026-12-01")];
    let run = ClockRun::new(noon("2026-11-23"), Limit::working_days(5));
    assert_eq!(
        run.paused_by(&apart).due(shipped()),
        run.paused_by(&united).due(shipped())
    );
}

#[test]
fn while_paused_there_is_no_due_date_and_the_rest_is_frozen() {
    let pauses = [
        pause("2026-11-24", "2026-11-25"),
        Pause {
            from: noon("2026-11-27"),
            until: None,
        },
    ];
    let run = ClockRun::new(noon("2026-11-23"), Limit::working_days(10)).paused_by(&pauses);
    assert_eq!(run.due(shipped()), Ok(None));
    for now in ["2026-11-27", "2026-11-28", "2026-12-15", "2027-03-01"] {
        assert_eq!(
            run.remaining(shipped(), noon(now)),
            Ok(Span::WorkingDays(7)),
            "{now}"
        );
        assert_eq!(
            run.consumed(shipped(), noon(now)),
            Ok(Span::WorkingDays(3)),
            "{now}"
        );
    }
}

#[test]
fn a_clock_that_starts_inside_a_pause_loses_only_the_days_after_its_start() {
    let pauses = [pause("2026-11-16", "2026-11-25")];
    let run = ClockRun::new(noon("2026-11-23"), Limit::working_days(2)).paused_by(&pauses);
    assert_eq!(run.due(shipped()).unwrap().unwrap().day(), day("2026-11-27"));
}

#[test]
fn pauses_of_calendar_clocks_count_calendar_days() {
    let pauses = [pause("2026-09-29", "2026-10-09")];
    let run = |limit| {
        ClockRun::new(noon("2026-09-28"), limit)
            .paused_by(&pauses)
            .due(shipped())
            .unwrap()
            .unwrap()
            .day()
    };
    assert_eq!(run(Limit::calendar_days(5)), day("2026-10-13"));
    assert_eq!(run(Limit::months(1)), day("2026-11-07"));
    let same_day = [pause("2026-09-28", "2026-09-30")];
    let spot = ClockRun::new(noon("2026-09-28"), Limit::on_the_spot()).paused_by(&same_day);
    assert_eq!(spot.due(shipped()).unwrap().unwrap().day(), day("2026-09-30"));
}

#[test]
fn an_extension_adds_working_days_after_the_end() {
    let run = ClockRun::new(noon("2026-09-21"), Limit::working_days(10)).extended_by(10);
    assert_eq!(run.due(shipped()).unwrap().unwrap().day(), day("2026-10-26"));
    let run = ClockRun::new(noon("2026-09-30"), Limit::calendar_days(5)).extended_by(1);
    assert_eq!(run.due(shipped()).unwrap().unwrap().at, at("2026-10-09T00:00:00"));
    let run = ClockRun::new(at("2026-10-09T08:30:00"), Limit::hours(1)).extended_by(2);
    assert_eq!(run.due(shipped()).unwrap().unwrap().at, at("2026-10-12T09:30:00"));
}

#[test]
fn only_working_days_of_an_unannounced_year_make_a_due_date_provisional() {
    let flag = |start, limit| due(noon(start), limit, shipped()).unwrap().provisional;
    assert!(flag("2026-12-25", Limit::working_days(5)));
    assert!(!flag("2026-12-25", Limit::working_days(4)), "due on 31 December");
    assert!(!flag("2026-12-25", Limit::calendar_days(30)));
    let extended = ClockRun::new(noon("2026-12-25"), Limit::calendar_days(1)).extended_by(10);
    assert!(extended.due(shipped()).unwrap().unwrap().provisional);
}

#[test]
fn an_acceptance_is_deemed_given_at_the_start_of_the_next_working_day() {
    let found = due(noon("2026-09-24"), Limit::working_days(3), shipped()).unwrap();
    assert_eq!(found.day(), day("2026-09-30"));
    assert_eq!(
        start_of_working_day_after(found, shipped()),
        Ok(at("2026-10-08T00:00:00"))
    );
}

#[test]
fn warnings_start_at_a_fifth_and_never_under_three_days() {
    for (limit, expected) in [
        (Limit::working_days(2), None),
        (Limit::working_days(3), Some(Span::WorkingDays(1))),
        (Limit::working_days(9), Some(Span::WorkingDays(1))),
        (Limit::working_days(10), Some(Span::WorkingDays(2))),
        (Limit::working_days(14), Some(Span::WorkingDays(2))),
        (Limit::calendar_days(60), Some(Span::CalendarDays(12))),
        (Limit::months(1), Some(Span::CalendarDays(6))),
        (Limit::hours(48), None),
        (Limit::hours(72), Some(Span::Seconds(86_400))),
        (Limit::on_the_spot(), None),
    ] {
        assert_eq!(warning_threshold(limit), expected, "{limit:?}");
    }
}

#[test]
fn limits_of_different_units_compare_by_the_latest_date_they_reach() {
    let calendar = shipped();
    let eve = day("2026-02-13");
    assert_eq!(
        latest_reachable_date(&[Limit::working_days(2), Limit::working_days(3)], eve, calendar),
        Ok(day("2026-02-27"))
    );
    assert_eq!(
        latest_reachable_date(&[Limit::hours(24), Limit::hours(24)], eve, calendar),
        Ok(day("2026-02-15"))
    );
    assert_eq!(latest_reachable_date(&[], eve, calendar), Ok(eve));
    assert_eq!(longest_reach_days(&[Limit::calendar_days(7)], calendar), Ok(7));
    assert_eq!(longest_reach_days(&[Limit::months(1)], calendar), Ok(31));
    assert_eq!(longest_reach_days(&[Limit::hours(24)], calendar), Ok(1));
    let fits = |chain: &[Limit], bound| fits_within(chain, bound, calendar).unwrap();
    assert!(fits(
        &[Limit::working_days(5), Limit::working_days(10)],
        Limit::working_days(15)
    ));
    assert!(!fits(
        &[Limit::working_days(5), Limit::working_days(11)],
        Limit::working_days(15)
    ));
    assert!(fits(&[Limit::working_days(10)], Limit::months(1)));
    assert!(
        !fits(&[Limit::working_days(5)], Limit::calendar_days(7)),
        "a holiday may lie between"
    );
    assert!(fits(&[Limit::calendar_days(15)], Limit::working_days(15)));
    assert!(fits(&[Limit::on_the_spot()], Limit::on_the_spot()));
}

#[test]
fn absurd_limits_and_instants_are_errors_and_never_panics() {
    for unit in [
        LimitUnit::WorkingDay,
        LimitUnit::CalendarDay,
        LimitUnit::Month,
        LimitUnit::Hour,
    ] {
        let limit = Limit {
            value: u32::MAX,
            unit,
        };
        assert_eq!(
            due(noon("2026-11-23"), limit, shipped()),
            Err(CalendarError::OutOfRange),
            "{unit:?}"
        );
    }
    for start in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
        for unit in [LimitUnit::WorkingDay, LimitUnit::Hour, LimitUnit::OnTheSpot] {
            assert_eq!(
                due(start, Limit { value: 1, unit }, shipped()),
                Err(CalendarError::OutOfRange)
            );
        }
    }
    assert_eq!(due_day("2100-12-31", Limit::on_the_spot()), day("2100-12-31"));
}

#[test]
fn every_start_of_three_years_agrees_with_a_day_by_day_walk() {
    let calendar = shipped();
    for start in day("2024-01-01").iter_days().take(1096) {
        let instant = beijing_midnight(start).unwrap();
        let mut last = start;
        for count in 0..=40 {
            let found = due(instant, Limit::working_days(count), calendar).unwrap();
            assert_eq!(found.day(), last, "{start} + {count}");
            assert_eq!(found.at, beijing_midnight(last.succ_opt().unwrap()).unwrap());
            last = last
                .iter_days()
                .skip(1)
                .find(|next| works_by_the_table(*next))
                .unwrap();
        }
    }
}

#[derive(Debug, Clone)]
struct Story {
    start_hour: i64,
    limit: u32,
    extension: u32,
    /// Hours after the start, length in hours.
    pauses: Vec<(i64, i64)>,
    read_after_hours: i64,
}

fn story() -> impl Strategy<Value = Story> {
    let pauses = prop::collection::vec((-200i64..1200, 0i64..700), 0..5);
    (0i64..1096 * 24, 0u32..40, 0u32..15, pauses, 0i64..3000).prop_map(
        |(start_hour, limit, extension, pauses, read_after_hours)| Story {
            start_hour,
            limit,
            extension,
            pauses,
            read_after_hours,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1096))]

    #[test]
    fn pauses_and_extensions_agree_with_a_set_of_days(story in story()) {
        let calendar = shipped();
        let works = |date: &NaiveDate| works_by_the_table(*date);
        let start = beijing_midnight(day("2024-01-01")).unwrap() + TimeDelta::hours(story.start_hour);
        let pauses: Vec<Pause> = story.pauses.iter().map(|(offset, length)| {
            let from = start + TimeDelta::hours(*offset);
            Pause { from, until: Some(from + TimeDelta::hours(*length)) }
        }).collect();
        let run = ClockRun::new(start, Limit::working_days(story.limit)).paused_by(&pauses).extended_by(story.extension);

        let first = beijing_date(start);
        let mut excluded = BTreeSet::new();
        for pause in &pauses {
            let last = beijing_date(pause.until.unwrap());
            excluded.extend(beijing_date(pause.from).iter_days().skip(1).take_while(|date| *date <= last)
                .filter(|date| *date > first && works(date)));
        }
        let total = usize::try_from(story.limit + story.extension).unwrap() + excluded.len();
        let last = if total == 0 { first } else {
            first.iter_days().skip(1).filter(works).nth(total - 1).unwrap()
        };
        prop_assert_eq!(run.due(calendar).unwrap().unwrap().day(), last);

        let now = start + TimeDelta::hours(story.read_after_hours);
        let today = beijing_date(now);
        let used = first.iter_days().skip(1).take_while(|date| *date <= today)
            .filter(|date| works(date) && !excluded.contains(date)).count();
        prop_assert_eq!(run.consumed(calendar, now), Ok(Span::WorkingDays(i64::try_from(used).unwrap())));
        if pauses.iter().all(|pause| pause.until.unwrap() <= now) {
            let left = i64::from(story.limit + story.extension) - i64::try_from(used).unwrap();
            prop_assert_eq!(run.remaining(calendar, now), Ok(Span::WorkingDays(left)));
        }
    }

    #[test]
    fn adding_is_monotone_in_start_and_limit(offset in 0i64..1096 * 24, later in 0i64..100, count in 0u32..60, more in 0u32..5) {
        let calendar = shipped();
        let start = beijing_midnight(day("2024-01-01")).unwrap() + TimeDelta::hours(offset);
        for unit in [LimitUnit::WorkingDay, LimitUnit::CalendarDay, LimitUnit::Month, LimitUnit::Hour, LimitUnit::OnTheSpot] {
            let of = |start, value| due(start, Limit { value, unit }, calendar).unwrap().at;
            let base = of(start, count);
            prop_assert!(base <= of(start + TimeDelta::hours(later), count));
            prop_assert!(base <= of(start, count + more));
            prop_assert!(base > start || unit == LimitUnit::Hour);
        }
    }
}
