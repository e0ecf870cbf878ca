//! The working-day calendar: a table of the days that differ from Monday to Friday.

use chrono::NaiveDate;
use onedoor_domain::calendar::import::{RowFault, check_rows};
use onedoor_domain::calendar::{CalendarRow, DayKind, RowStatus};
use serde::Deserialize;

use super::fault::Faults;
use super::holiday_cn;
use super::table::{self, Row};
use super::{ImportError, ImportReport, Mode, faultless, write};
use crate::cache::epochs::Epoch;
use crate::service::Services;
use crate::store;
use crate::store::calendar::AnnouncedDay;

/// One line of the table.
#[derive(Debug, Deserialize)]
struct Line {
    date: NaiveDate,
    kind: DayKind,
    name: String,
    status: RowStatus,
    #[serde(default)]
    source: String,
}

/// Imports the whole calendar as a new version, from our table.
///
/// # Errors
/// All faults of the table at once, or that it could not be written.
pub async fn import(cx: &Services, text: &str, mode: Mode) -> Result<ImportReport, ImportError> {
    import_days(cx, &read(text)?, mode).await
}

/// The whole calendar that a file means: our table, or one year in the shape of `holiday-cn`, put in place of that
/// year in the calendar in force.
///
/// # Errors
/// All faults of the file at once; or the calendar in force cannot be read.
pub async fn whole(cx: &Services, text: &str) -> Result<Vec<AnnouncedDay>, ImportError> {
    if !holiday_cn::is_meant(text) {
        return read(text);
    }
    let year = holiday_cn::read(text)?;
    let in_force = store::calendar::announced(&cx.database).await?;
    checked(year.in_place_of_its_own(in_force), |_| 0)
}

/// Makes these days the calendar in force, as a new version.
///
/// # Errors
/// It could not be written.
pub async fn import_days(
    cx: &Services,
    days: &[AnnouncedDay],
    mode: Mode,
) -> Result<ImportReport, ImportError> {
    let now = cx.clock.now();
    let import = async |tx: &_| store::calendar::import(tx, days, now).await;
    write(cx, mode, Epoch::Calendar, days.len(), import).await
}

fn read(text: &str) -> Result<Vec<AnnouncedDay>, ImportError> {
    let mut faults = Faults::default();
    let lines: Vec<Row<Line>> = table::read(text, &mut faults);
    let days: Vec<_> = lines.iter().map(|line| day(&line.value)).collect();
    // a row that did not parse may be the statutory day that seems to be missing: complain of that one first
    if !faults.is_empty() {
        return faultless(days, faults);
    }
    checked(days, |date| {
        // of two rows for one day the later one is the one too many; a missing day has no line
        lines
            .iter()
            .rev()
            .find(|line| line.value.date == date)
            .map_or(0, |line| line.line)
    })
}

/// Days that may become a version; `line_of` says on which line of its file a day stands.
fn checked(
    days: Vec<AnnouncedDay>,
    line_of: impl Fn(NaiveDate) -> u64,
) -> Result<Vec<AnnouncedDay>, ImportError> {
    let mut faults = Faults::default();
    let rows: Vec<_> = days.iter().map(|day| day.row.clone()).collect();
    for fault in check_rows(&rows) {
        faults.add(line_of(fault.date()), in_chinese(fault), fault.to_string());
    }
    if days.is_empty() {
        faults.add(0, "没有任何日期", "there are no days");
    }
    faultless(days, faults)
}

fn day(line: &Line) -> AnnouncedDay {
    AnnouncedDay {
        row: CalendarRow {
            date: line.date,
            kind: line.kind,
            status: line.status,
            name: line.name.clone(),
        },
        source: line.source.clone(),
    }
}

fn in_chinese(fault: RowFault) -> String {
    match fault {
        RowFault::OutOfRange { date } => format!("{date} 超出 2000 至 2100 年"),
        RowFault::Duplicate { date } => format!("{date} 重复"),
        RowFault::WorkOnWeekday { date } => format!("{date} 是周一至周五, 不应标为 work"),
        RowFault::StatutoryDayNotOff { date, name } => format!("{date} ({name}) 为法定节假日, 缺少 off 行"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(rows: &str) -> Vec<(u64, String)> {
        match read(&format!("date,kind,name,status,source\n{rows}")) {
            Err(ImportError::Faults(faults)) => {
                faults.into_iter().map(|fault| (fault.line, fault.en)).collect()
            }
            Ok(_) => Vec::new(),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn the_shipped_calendar_has_no_faults() {
        assert_eq!(read(super::super::shipped::WORKDAYS).unwrap().len(), 121);
    }

    #[test]
    fn duplicates_weekday_work_rows_and_missing_statutory_days_are_refused_with_their_lines() {
        let told = faults(
            "2031-01-01,off,元旦,provisional,\n2031-01-01,off,元旦,provisional,\n2031-01-02,work,x,official,\n",
        );
        assert!(
            told.iter()
                .any(|(line, en)| *line == 3 && en.contains("more than one row")),
            "{told:?}"
        );
        assert!(
            told.iter().any(|(line, en)| *line == 4 && en.contains("weekday")),
            "{told:?}"
        );
        assert!(
            told.iter()
                .any(|(line, en)| *line == 0 && en.contains("off by law")),
            "{told:?}"
        );
    }

    #[test]
    fn a_row_that_does_not_parse_is_told_with_its_line() {
        let told = faults("2031-13-01,off,元旦,official,\n2031-01-02,maybe,x,official,\n");
        assert_eq!(
            told.iter().map(|(line, _)| *line).collect::<Vec<_>>(),
            [2, 3],
            "{told:?}"
        );
    }
}
