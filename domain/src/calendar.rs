//! The working-day calendar: which days work, and the date N working days later.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

use crate::id::CalendarVersionId;

pub mod import;
#[cfg(test)]
pub(crate) mod tests;

/// First year the gateway counts in.
pub const YEAR_MIN: i32 = 2000;
/// Last year the gateway counts in.
pub const YEAR_MAX: i32 = 2100;

const FIRST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(YEAR_MIN, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// What the notice of the State Council says of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DayKind {
    /// A day off (放假).
    Off,
    /// A weekend day that works instead (调休上班).
    Work,
}

impl DayKind {
    /// The word in the table: `off` or `work`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Work => "work",
        }
    }
}

/// Whether a row comes from a published notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowStatus {
    /// From a notice of the State Council.
    Official,
    /// Statutory days entered ahead of the notice.
    Provisional,
}

impl RowStatus {
    /// The word in the table: `official` or `provisional`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Official => "official",
            Self::Provisional => "provisional",
        }
    }
}

/// A word that the calendar table does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a word of the calendar table: expected {expected}")]
pub struct WordError {
    /// The words that would have been understood.
    pub expected: &'static str,
}

impl FromStr for DayKind {
    type Err = WordError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "off" => Ok(Self::Off),
            "work" => Ok(Self::Work),
            _ => Err(WordError {
                expected: "off or work",
            }),
        }
    }
}

impl FromStr for RowStatus {
    type Err = WordError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "official" => Ok(Self::Official),
            "provisional" => Ok(Self::Provisional),
            _ => Err(WordError {
                expected: "official or provisional",
            }),
        }
    }
}

impl fmt::Display for DayKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Display for RowStatus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// One row of `workdays.csv`; a date without a row works from Monday to Friday.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarRow {
    /// The date in China.
    pub date: NaiveDate,
    /// Off or work.
    pub kind: DayKind,
    /// Official or provisional.
    pub status: RowStatus,
    /// Name of the holiday, for example 国庆节.
    pub name: String,
}

/// A date or table the calendar cannot answer for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// The date, or the date it leads to, lies outside 2000–2100.
    #[error("the date is outside the years {YEAR_MIN} to {YEAR_MAX}")]
    OutOfRange,
    /// Two rows name one date.
    #[error("two calendar rows name {0}")]
    Duplicate(NaiveDate),
}

/// One version of the working-day calendar, 2000–2100, answering in logarithmic time.
#[derive(Clone, PartialEq, Eq)]
pub struct WorkCalendar {
    version: CalendarVersionId,
    /// Element i: how many of the first i days since 2000-01-01 work. 36,890 numbers.
    worked_before: Vec<u32>,
    official_years: BTreeSet<i32>,
}

impl WorkCalendar {
    /// Builds the calendar of one version from its rows, in any order.
    ///
    /// # Errors
    /// A date outside 2000–2100 or named twice. The rules of a whole import are [`import::check_rows`].
    pub fn from_rows(version: CalendarVersionId, rows: &[CalendarRow]) -> Result<Self, CalendarError> {
        let mut kinds = BTreeMap::new();
        let mut official_years = BTreeSet::new();
        for row in rows {
            let date = bounded(row.date)?;
            if kinds.insert(date, row.kind).is_some() {
                return Err(CalendarError::Duplicate(date));
            }
            if row.status == RowStatus::Official {
                official_years.insert(date.year());
            }
        }
        let mut worked: u32 = 0;
        let mut worked_before = vec![0];
        for date in FIRST_DAY.iter_days().take_while(|date| date.year() <= YEAR_MAX) {
            let works = match kinds.get(&date) {
                Some(DayKind::Off) => false,
                Some(DayKind::Work) => true,
                None => !is_weekend(date),
            };
            worked += u32::from(works);
            worked_before.push(worked);
        }
        Ok(Self {
            version,
            worked_before,
            official_years,
        })
    }

    /// The import these answers come from; receipts name it.
    #[must_use]
    pub const fn version(&self) -> CalendarVersionId {
        self.version
    }

    /// The years with at least one official row, ascending.
    #[must_use]
    pub const fn official_years(&self) -> &BTreeSet<i32> {
        &self.official_years
    }

    /// Whether the date lies in a year without official rows, so that its answers may still change.
    #[must_use]
    pub fn is_provisional(&self, date: NaiveDate) -> bool {
        !self.official_years.contains(&date.year())
    }

    /// Whether any day of `(after, through]` is provisional; an empty interval is not.
    #[must_use]
    pub fn touches_provisional(&self, after: NaiveDate, through: NaiveDate) -> bool {
        let Some(first) = after.succ_opt().filter(|first| *first <= through) else {
            return false;
        };
        (first.year()..=through.year()).any(|year| !self.official_years.contains(&year))
    }

    /// Whether the date is a working day.
    ///
    /// # Errors
    /// A date outside 2000–2100.
    pub fn is_working_day(&self, date: NaiveDate) -> Result<bool, CalendarError> {
        Ok(self.worked_through(date)? > self.worked_until(date)?)
    }

    /// The first working day after the date.
    ///
    /// # Errors
    /// A date or answer outside 2000–2100.
    pub fn next_working_day(&self, date: NaiveDate) -> Result<NaiveDate, CalendarError> {
        self.add_working_days(date, 1)
    }

    /// The `count`-th working day after `from`, `from` itself not counted; 0 is `from`, working or not.
    ///
    /// # Errors
    /// A date or answer outside 2000–2100.
    pub fn add_working_days(&self, from: NaiveDate, count: u32) -> Result<NaiveDate, CalendarError> {
        let target = self
            .worked_through(from)?
            .checked_add(count)
            .ok_or(CalendarError::OutOfRange)?;
        if count == 0 {
            return Ok(from);
        }
        // the first prefix that holds `target` working days ends with the day that is the target-th
        let days = self.worked_before.partition_point(|worked| *worked < target);
        if days >= self.worked_before.len() {
            return Err(CalendarError::OutOfRange);
        }
        u64::try_from(days)
            .ok()
            .and_then(|days| days.checked_sub(1))
            .and_then(|days| FIRST_DAY.checked_add_days(Days::new(days)))
            .ok_or(CalendarError::OutOfRange)
    }

    /// How many working days lie in `(after, through]`; 0 when the interval is empty.
    ///
    /// # Errors
    /// A date outside 2000–2100.
    pub fn working_days_between(&self, after: NaiveDate, through: NaiveDate) -> Result<u32, CalendarError> {
        Ok(self
            .worked_through(through)?
            .saturating_sub(self.worked_through(after)?))
    }

    fn worked_until(&self, date: NaiveDate) -> Result<u32, CalendarError> {
        usize::try_from(date.signed_duration_since(FIRST_DAY).num_days())
            .ok()
            .and_then(|index| self.worked_before.get(index).copied())
            .ok_or(CalendarError::OutOfRange)
    }

    fn worked_through(&self, date: NaiveDate) -> Result<u32, CalendarError> {
        self.worked_until(bounded(date)?.succ_opt().ok_or(CalendarError::OutOfRange)?)
    }
}

impl fmt::Debug for WorkCalendar {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("WorkCalendar")
            .field("version", &self.version)
            .field("official_years", &self.official_years)
            .finish_non_exhaustive()
    }
}

/// The date, when the gateway counts in its year.
///
/// # Errors
/// A date outside 2000–2100.
pub fn bounded(date: NaiveDate) -> Result<NaiveDate, CalendarError> {
    if (YEAR_MIN..=YEAR_MAX).contains(&date.year()) {
        Ok(date)
    } else {
        Err(CalendarError::OutOfRange)
    }
}

fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}
