//! The calendar against the shipped table, the shared vectors and a day-by-day walk.

use std::sync::LazyLock;

use uuid::Uuid;

use super::import::{RowFault, check_rows};
use super::*;
use crate::vectors::vectors;

fn shipped_rows() -> Vec<CalendarRow> {
    let table = include_str!("../../../data/workdays.csv");
    table
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            CalendarRow {
                date: day(cells[0]),
                kind: cells[1].parse().unwrap(),
                name: cells[2].to_owned(),
                status: cells[3].parse().unwrap(),
            }
        })
        .collect()
}

pub(crate) fn shipped() -> &'static WorkCalendar {
    static SHIPPED: LazyLock<WorkCalendar> = LazyLock::new(|| {
        WorkCalendar::from_rows(CalendarVersionId::from_uuid(Uuid::nil()), &shipped_rows()).unwrap()
    });
    &SHIPPED
}

/// The rows by date, for rules written a second time without the calendar's index.
fn shipped_kinds() -> &'static BTreeMap<NaiveDate, DayKind> {
    static KINDS: LazyLock<BTreeMap<NaiveDate, DayKind>> = LazyLock::new(|| {
        shipped_rows()
            .into_iter()
            .map(|row| (row.date, row.kind))
            .collect()
    });
    &KINDS
}

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The rule by itself, without the calendar's index.
pub(crate) fn works_by_the_table(date: NaiveDate) -> bool {
    match shipped_kinds().get(&date) {
        Some(kind) => *kind == DayKind::Work,
        None => date.weekday().number_from_monday() <= 5,
    }
}

fn row(date: &str, kind: DayKind) -> CalendarRow {
    CalendarRow {
        date: day(date),
        kind,
        status: RowStatus::Official,
        name: String::new(),
    }
}

#[test]
fn each_official_year_has_the_published_number_of_working_days() {
    let calendar = shipped();
    for (year, count) in vectors("workdays_per_year").as_object().unwrap() {
        let year: i32 = year.parse().unwrap();
        let eve = NaiveDate::from_ymd_opt(year - 1, 12, 31).unwrap();
        let last = NaiveDate::from_ymd_opt(year, 12, 31).unwrap();
        let counted = calendar.working_days_between(eve, last).unwrap();
        assert_eq!(u64::from(counted), count.as_u64().unwrap(), "{year}");
    }
}

#[test]
fn adding_working_days_gives_the_shared_vectors() {
    let calendar = shipped();
    for vector in vectors("due").as_array().unwrap() {
        let from = day(vector["accepted"].as_str().unwrap());
        let plus = u32::try_from(vector["plus"].as_u64().unwrap()).unwrap();
        let due = calendar.add_working_days(from, plus).unwrap();
        assert_eq!(due, day(vector["due"].as_str().unwrap()), "{vector}");
        let provisional = vector["provisional"].as_bool().unwrap_or(false);
        assert_eq!(calendar.touches_provisional(from, due), provisional, "{vector}");
    }
}

#[test]
fn every_day_of_three_years_agrees_with_a_day_by_day_walk() {
    let calendar = shipped();
    let starts: Vec<_> = day("2024-01-01").iter_days().take(1096).collect();
    assert_eq!(starts.last(), Some(&day("2026-12-31")));
    for from in starts {
        assert_eq!(
            calendar.is_working_day(from),
            Ok(works_by_the_table(from)),
            "{from}"
        );
        let mut at = from;
        for count in 0..=60 {
            assert_eq!(calendar.add_working_days(from, count), Ok(at), "{from} + {count}");
            assert_eq!(
                calendar.working_days_between(from, at),
                Ok(count),
                "{from} to {at}"
            );
            at = at
                .iter_days()
                .skip(1)
                .find(|next| works_by_the_table(*next))
                .unwrap();
        }
    }
}

#[test]
fn a_year_without_official_rows_is_provisional() {
    let calendar = shipped();
    assert!(!calendar.is_provisional(day("2026-12-31")));
    assert!(
        calendar.is_provisional(day("2027-01-01")),
        "its rows are provisional"
    );
    assert!(calendar.is_provisional(day("2031-01-01")), "it has no rows");
    assert!(!calendar.touches_provisional(day("2026-12-31"), day("2026-12-31")));
    assert!(calendar.touches_provisional(day("2026-12-31"), day("2027-01-04")));
    assert!(calendar.touches_provisional(day("2023-12-30"), day("2024-01-02")));
    assert!(
        !calendar.touches_provisional(day("2023-12-31"), day("2024-01-02")),
        "the start day is not counted"
    );
}

#[test]
fn dates_out_of_bounds_are_an_error_and_never_a_panic() {
    let calendar = shipped();
    let far = Err(CalendarError::OutOfRange);
    for outside in [
        NaiveDate::MIN,
        day("1999-12-31"),
        day("2101-01-01"),
        NaiveDate::MAX,
    ] {
        assert_eq!(calendar.add_working_days(outside, 1), far);
        assert_eq!(calendar.is_working_day(outside), Err(CalendarError::OutOfRange));
    }
    assert_eq!(calendar.add_working_days(day("2100-12-31"), 1), far);
    assert_eq!(calendar.add_working_days(day("2000-01-01"), u32::MAX), far);
    assert_eq!(calendar.add_working_days(day("2000-01-01"), 30_000), far);
    assert_eq!(
        calendar.add_working_days(day("2100-12-30"), 1),
        Ok(day("2100-12-31"))
    );
    assert_eq!(
        calendar.next_working_day(day("2026-10-09")),
        Ok(day("2026-10-10"))
    );
}

#[test]
fn the_shipped_table_has_no_faults() {
    assert_eq!(check_rows(&shipped_rows()), vec![]);
}

#[test]
fn an_import_is_refused_for_duplicates_work_on_weekdays_and_missing_statutory_days() {
    let mut rows = shipped_rows();
    rows.retain(|row| row.date != day("2026-02-17") && row.date != day("2025-10-06"));
    rows.push(row("2026-10-01", DayKind::Off));
    rows.push(row("2026-03-02", DayKind::Work));
    rows.push(row("1999-10-01", DayKind::Off));
    assert_eq!(
        check_rows(&rows),
        vec![
            RowFault::OutOfRange {
                date: day("1999-10-01")
            },
            RowFault::StatutoryDayNotOff {
                date: day("2025-10-06"),
                name: "中秋节"
            },
            RowFault::StatutoryDayNotOff {
                date: day("2026-02-17"),
                name: "春节"
            },
            RowFault::WorkOnWeekday {
                date: day("2026-03-02")
            },
            RowFault::Duplicate {
                date: day("2026-10-01")
            },
        ]
    );
    let twice = [row("2026-10-01", DayKind::Off), row("2026-10-01", DayKind::Off)];
    let built = WorkCalendar::from_rows(CalendarVersionId::from_uuid(Uuid::nil()), &twice);
    assert_eq!(built, Err(CalendarError::Duplicate(day("2026-10-01"))));
}
