//! One year of working days in the shape of the public `holiday-cn` data: JSON with the days of one notice.

use chrono::{Datelike as _, NaiveDate};
use onedoor_domain::calendar::{CalendarRow, DayKind, RowStatus};
use serde::Deserialize;

use super::fault::Faults;
use super::{ImportError, faultless};
use crate::store::calendar::AnnouncedDay;

/// The file; fields that nobody needs are passed over.
#[derive(Debug, Deserialize)]
struct File {
    year: i32,
    #[serde(default)]
    papers: Vec<String>,
    days: Vec<Day>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Day {
    name: String,
    date: NaiveDate,
    is_off_day: bool,
}

/// The days of one notice.
#[derive(Debug)]
pub(super) struct NoticeYear {
    year: i32,
    days: Vec<AnnouncedDay>,
}

/// Whether a file is JSON, not our table.
pub(super) fn is_meant(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().starts_with('{')
}

/// Reads the file. A year without its notice (`papers`) is provisional.
pub(super) fn read(text: &str) -> Result<NoticeYear, ImportError> {
    let mut faults = Faults::default();
    let file: File = match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(file) => file,
        Err(error) => {
            let line = u64::try_from(error.line()).unwrap_or(0);
            faults.add(
                line,
                format!("JSON 无法读取: {error}"),
                format!("the JSON cannot be read: {error}"),
            );
            return Err(ImportError::Faults(faults.into_sorted()));
        }
    };
    let mut seen = std::collections::BTreeSet::new();
    for day in &file.days {
        if !seen.insert(day.date) {
            faults.add(
                0,
                format!("{} 重复", day.date),
                format!("{} has more than one row", day.date),
            );
        }
    }
    if !file.days.iter().any(|day| day.date.year() == file.year) {
        faults.add(
            0,
            format!("没有 {} 年的日期", file.year),
            format!("there are no days of {}", file.year),
        );
    }
    let source = file.papers.first().cloned().unwrap_or_default();
    let status = if file.papers.is_empty() {
        RowStatus::Provisional
    } else {
        RowStatus::Official
    };
    let days = file.days.into_iter().map(|day| AnnouncedDay {
        row: CalendarRow {
            date: day.date,
            kind: if day.is_off_day {
                DayKind::Off
            } else {
                DayKind::Work
            },
            status,
            name: day.name,
        },
        source: source.clone(),
    });
    let days = days.collect();
    faultless(
        NoticeYear {
            year: file.year,
            days,
        },
        faults,
    )
}

impl NoticeYear {
    /// The calendar with this year in place of what it said of the same year. A notice also names days of December of
    /// the year before; those replace that one day.
    pub(super) fn in_place_of_its_own(self, in_force: Vec<AnnouncedDay>) -> Vec<AnnouncedDay> {
        let named: std::collections::BTreeSet<NaiveDate> = self.days.iter().map(|day| day.row.date).collect();
        let stays = |day: &AnnouncedDay| day.row.date.year() != self.year && !named.contains(&day.row.date);
        let mut days: Vec<_> = in_force.into_iter().filter(stays).collect();
        days.extend(self.days);
        days
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: &str = r#"{ "$schema": "x", "year": 2031, "papers": ["https://www.gov.cn/x.htm"], "days": [
        { "name": "元旦", "date": "2030-12-31", "isOffDay": true },
        { "name": "元旦", "date": "2031-01-01", "isOffDay": true },
        { "name": "元旦", "date": "2031-01-04", "isOffDay": false } ] }"#;

    fn day(date: &str) -> AnnouncedDay {
        AnnouncedDay {
            row: CalendarRow {
                date: date.parse().unwrap(),
                kind: DayKind::Off,
                status: RowStatus::Provisional,
                name: "旧".to_owned(),
            },
            source: String::new(),
        }
    }

    #[test]
    fn a_year_replaces_what_stood_of_it_and_nothing_else() {
        let before = [
            "2030-10-01",
            "2030-12-31",
            "2031-01-01",
            "2031-05-01",
            "2032-01-01",
        ]
        .map(day);
        let whole = read(YEAR).unwrap().in_place_of_its_own(before.to_vec());
        let dates: Vec<String> = whole.iter().map(|day| day.row.date.to_string()).collect();
        assert_eq!(
            dates,
            [
                "2030-10-01",
                "2032-01-01",
                "2030-12-31",
                "2031-01-01",
                "2031-01-04"
            ]
        );
        assert_eq!(whole[4].row.kind, DayKind::Work);
        assert!(whole[2..].iter().all(|day| day.row.status == RowStatus::Official));
    }

    #[test]
    fn faults_are_told_with_their_lines() {
        let told = |text: &str| match read(text) {
            Err(ImportError::Faults(faults)) => faults,
            other => panic!("{other:?}"),
        };
        assert_eq!(told("{ \"year\": 2031,\n \"days\": 7 }")[0].line, 2);
        let twice = YEAR.replace("2031-01-04", "2031-01-01");
        assert!(told(&twice)[0].en.contains("more than one"));
        let elsewhere = YEAR
            .replace("2031", "2033")
            .replace("\"year\": 2033", "\"year\": 2031");
        assert!(told(&elsewhere)[0].en.contains("no days of 2031"));
        assert!(is_meant(YEAR) && !is_meant("date,kind"));
    }
}
