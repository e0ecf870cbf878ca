//! What an import of calendar rows must satisfy before it becomes a version.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, NaiveDate};

use super::{CalendarRow, DayKind, YEAR_MAX, YEAR_MIN, bounded, is_weekend};

/// Why a row, or a row that is missing, stops an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum RowFault {
    /// The date lies outside 2000–2100.
    #[error("{date} is outside the years {YEAR_MIN} to {YEAR_MAX}")]
    OutOfRange {
        /// The date of the row.
        date: NaiveDate,
    },
    /// A second row names the date.
    #[error("{date} has more than one row")]
    Duplicate {
        /// The date both rows name.
        date: NaiveDate,
    },
    /// A `work` row on Monday to Friday, which work anyway: most likely a typing error.
    #[error("{date} is marked `work` but is a weekday")]
    WorkOnWeekday {
        /// The date of the row.
        date: NaiveDate,
    },
    /// A day that the law gives off has no `off` row although its year is imported.
    #[error("{date} ({name}) is off by law but has no `off` row")]
    StatutoryDayNotOff {
        /// The statutory day.
        date: NaiveDate,
        /// The holiday.
        name: &'static str,
    },
}

impl RowFault {
    /// The date the fault is about.
    #[must_use]
    pub const fn date(&self) -> NaiveDate {
        match self {
            Self::OutOfRange { date }
            | Self::Duplicate { date }
            | Self::WorkOnWeekday { date }
            | Self::StatutoryDayNotOff { date, .. } => *date,
        }
    }
}

/// All faults of an import, by date; empty: it may become a version. Every year with a row must be whole.
#[must_use]
pub fn check_rows(rows: &[CalendarRow]) -> Vec<RowFault> {
    let mut faults = BTreeSet::new();
    let mut kinds: BTreeMap<NaiveDate, DayKind> = BTreeMap::new();
    for row in rows {
        let date = row.date;
        if bounded(date).is_err() {
            faults.insert((date, RowFault::OutOfRange { date }));
            continue;
        }
        if row.kind == DayKind::Work && !is_weekend(date) {
            faults.insert((date, RowFault::WorkOnWeekday { date }));
        }
        if kinds.insert(date, row.kind).is_some() {
            faults.insert((date, RowFault::Duplicate { date }));
        }
    }
    let years: BTreeSet<i32> = kinds.keys().map(Datelike::year).collect();
    for (date, name) in years.into_iter().flat_map(statutory_days) {
        if kinds.get(&date) != Some(&DayKind::Off) {
            faults.insert((date, RowFault::StatutoryDayNotOff { date, name }));
        }
    }
    faults.into_iter().map(|(_, fault)| fault).collect()
}

/// The days that are off for everybody by law in that year, with the holiday's name.
///
/// Source: 全国年节及纪念日放假办法 (decree 644 of 2013; decree 795 from 2025 on adds New Year's Eve and 2 May).
/// Outside 2024–2050 only the days of the solar calendar are known here.
#[must_use]
pub fn statutory_days(year: i32) -> Vec<(NaiveDate, &'static str)> {
    let mut days = Vec::new();
    let mut add = |month, day, name| {
        days.extend(NaiveDate::from_ymd_opt(year, month, day).map(|date| (date, name)));
    };
    add(1, 1, "元旦");
    add(5, 1, "劳动节");
    if year >= 2025 {
        add(5, 2, "劳动节");
    }
    for day in 1..=3 {
        add(10, day, "国庆节");
    }
    if let Some(row) = LUNAR_DAYS.iter().find(|row| row.0 == year) {
        let (_, spring, tomb_sweeping, dragon_boat, mid_autumn) = *row;
        add(4, tomb_sweeping, "清明节");
        add(dragon_boat.0, dragon_boat.1, "端午节");
        add(mid_autumn.0, mid_autumn.1, "中秋节");
        if let Some(first) = NaiveDate::from_ymd_opt(year, spring.0, spring.1) {
            let eve = if year >= 2025 { first.pred_opt() } else { None };
            days.extend(eve.map(|date| (date, "春节")));
            days.extend(
                (0..3)
                    .filter_map(|n| first.checked_add_days(Days::new(n)))
                    .map(|date| (date, "春节")),
            );
        }
    }
    days
}

type MonthDay = (u32, u32);

/// Year, first day of the Spring Festival, day of April of Tomb Sweeping, Dragon Boat, Mid-Autumn.
const LUNAR_DAYS: [(i32, MonthDay, u32, MonthDay, MonthDay); 27] = [
    (2024, (2, 10), 4, (6, 10), (9, 17)),
    (2025, (1, 29), 4, (5, 31), (10, 6)),
    (2026, (2, 17), 5, (6, 19), (9, 25)),
    (2027, (2, 6), 5, (6, 9), (9, 15)),
    (2028, (1, 26), 4, (5, 28), (10, 3)),
    (2029, (2, 13), 4, (6, 16), (9, 22)),
    (2030, (2, 3), 5, (6, 5), (9, 12)),
    (2031, (1, 23), 5, (6, 24), (10, 1)),
    (2032, (2, 11), 4, (6, 12), (9, 19)),
    (2033, (1, 31), 4, (6, 1), (9, 8)),
    (2034, (2, 19), 5, (6, 20), (9, 27)),
    (2035, (2, 8), 5, (6, 10), (9, 16)),
    (2036, (1, 28), 4, (5, 30), (10, 4)),
    (2037, (2, 15), 4, (6, 18), (9, 24)),
    (2038, (2, 4), 5, (6, 7), (9, 13)),
    (2039, (1, 24), 5, (5, 27), (10, 2)),
    (2040, (2, 12), 4, (6, 14), (9, 20)),
    (2041, (2, 1), 4, (6, 3), (9, 10)),
    (2042, (1, 22), 4, (6, 22), (9, 28)),
    (2043, (2, 10), 5, (6, 11), (9, 17)),
    (2044, (1, 30), 4, (5, 31), (10, 5)),
    (2045, (2, 17), 4, (6, 19), (9, 25)),
    (2046, (2, 6), 4, (6, 8), (9, 15)),
    (2047, (1, 26), 5, (5, 29), (10, 4)),
    (2048, (2, 14), 4, (6, 15), (9, 22)),
    (2049, (2, 2), 4, (6, 4), (9, 11)),
    (2050, (1, 23), 4, (6, 23), (9, 30)),
];
