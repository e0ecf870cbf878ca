//! Clocks (DOMAIN §3): when a limit is due, how much of it is used and how much is left.
//!
//! Everything counts in days of Asia/Shanghai, which is UTC+08:00 all year. The start day is not counted; a
//! limit is due at 24:00 of its last day, which is 00:00 of the next. Hours count to the second and run on
//! through pauses, because a pause is a fact of whole days.

use chrono::{DateTime, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

use crate::calendar::{CalendarError, WorkCalendar, bounded};
use crate::limit::{Limit, LimitUnit};

use excluded::Excluded;

mod excluded;
pub mod ladder;
pub mod reach;
#[cfg(test)]
mod tests;

const BEIJING_AHEAD: TimeDelta = TimeDelta::hours(8);

/// One pause of a case: a special procedure of kind 2, or a supplement after acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// When the clocks stopped; its day still counts.
    pub from: DateTime<Utc>,
    /// When they resumed, that day not counting; `None`: they still stand. A pause that ends on the day it
    /// began, or before, excludes nothing.
    pub until: Option<DateTime<Utc>>,
}

/// When a limit ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The first instant that is late.
    pub at: DateTime<Utc>,
    /// Working days of a year without official rows were counted: recompute when its notice is imported.
    pub provisional: bool,
}

impl Due {
    /// The last day in Beijing that is still in time, as people read a due date.
    #[must_use]
    pub fn day(&self) -> NaiveDate {
        beijing_date(
            self.at
                .checked_sub_signed(TimeDelta::nanoseconds(1))
                .unwrap_or(self.at),
        )
    }
}

/// An amount of time in the unit in which its clock counts; negative when the clock is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Working days.
    WorkingDays(i64),
    /// Calendar days: limits in calendar days, in months, on the spot.
    CalendarDays(i64),
    /// Seconds: limits in hours.
    Seconds(i64),
}

impl Span {
    /// The number without its unit.
    #[must_use]
    pub const fn count(self) -> i64 {
        match self {
            Self::WorkingDays(count) | Self::CalendarDays(count) | Self::Seconds(count) => count,
        }
    }
}

/// The facts from which every figure of one clock is computed.
#[derive(Debug, Clone, Copy)]
pub struct ClockRun<'a> {
    /// When it started; its day is not counted.
    pub start: DateTime<Utc>,
    /// What was given.
    pub limit: Limit,
    /// All pauses of the case up to now, in any order; they may overlap.
    pub pauses: &'a [Pause],
    /// Working days added by an extension (special procedure kind 1); 0: none.
    pub extension_working_days: u32,
}

impl<'a> ClockRun<'a> {
    /// A clock that was neither paused nor extended.
    #[must_use]
    pub const fn new(start: DateTime<Utc>, limit: Limit) -> Self {
        Self {
            start,
            limit,
            pauses: &[],
            extension_working_days: 0,
        }
    }

    /// The same clock with these pauses.
    #[must_use]
    pub const fn paused_by<'b>(self, pauses: &'b [Pause]) -> ClockRun<'b>
    where
        'a: 'b,
    {
        ClockRun { pauses, ..self }
    }

    /// The same clock with working days added at its end.
    #[must_use]
    pub const fn extended_by(self, working_days: u32) -> Self {
        Self {
            extension_working_days: working_days,
            ..self
        }
    }

    /// When the clock is due: `add(start, N + |excluded|)` in its own unit, then the extension. `None` while a
    /// pause is open: there is no due date then.
    ///
    /// # Errors
    /// A date outside 2000–2100.
    pub fn due(&self, calendar: &WorkCalendar) -> Result<Option<Due>, CalendarError> {
        let excluded = self.excluded();
        if excluded.frozen_from.is_some() {
            Ok(None)
        } else {
            self.due_if_resumed(&excluded, calendar).map(Some)
        }
    }

    /// How much of the limit is used at `until`: the earlier of now and the clock's stop. Never negative.
    ///
    /// # Errors
    /// A date outside 2000–2100.
    pub fn consumed(&self, calendar: &WorkCalendar, until: DateTime<Utc>) -> Result<Span, CalendarError> {
        if self.limit.unit == LimitUnit::Hour {
            return Ok(Span::Seconds(
                until.signed_duration_since(self.start).num_seconds().max(0),
            ));
        }
        let excluded = self.excluded();
        let last = excluded.last_counted(beijing_date(until));
        let start = beijing_date(self.start);
        let all = self.days_between(calendar, start, last)?.max(0);
        Ok(self.span(all.saturating_sub(self.excluded_days(&excluded, calendar, last)?)))
    }

    /// How much is left at `until` (the earlier of now and the clock's stop): 0 on the last day, negative when
    /// late, frozen while a pause is open.
    ///
    /// # Errors
    /// A date outside 2000–2100.
    pub fn remaining(&self, calendar: &WorkCalendar, until: DateTime<Utc>) -> Result<Span, CalendarError> {
        let excluded = self.excluded();
        let due = self.due_if_resumed(&excluded, calendar)?;
        if self.limit.unit == LimitUnit::Hour {
            return Ok(Span::Seconds(due.at.signed_duration_since(until).num_seconds()));
        }
        let from = excluded
            .last_counted(beijing_date(until))
            .max(beijing_date(self.start));
        Ok(self.span(self.days_between(calendar, from, due.day())?))
    }

    fn excluded(&self) -> Excluded {
        match self.limit.unit {
            LimitUnit::Hour => Excluded::default(),
            LimitUnit::WorkingDay | LimitUnit::CalendarDay | LimitUnit::Month | LimitUnit::OnTheSpot => {
                Excluded::unite(self.pauses)
            }
        }
    }

    /// The due date by the closed pauses alone.
    fn due_if_resumed(&self, excluded: &Excluded, calendar: &WorkCalendar) -> Result<Due, CalendarError> {
        let pauses_days = self.excluded_days(excluded, calendar, NaiveDate::MAX)?;
        let pauses_days = u32::try_from(pauses_days).or(Err(CalendarError::OutOfRange))?;
        let start = bounded(beijing_date(self.start))?;
        let (at, provisional) = match self.limit.unit {
            LimitUnit::WorkingDay => {
                let count = self
                    .limit
                    .value
                    .checked_add(pauses_days)
                    .ok_or(CalendarError::OutOfRange)?;
                let last = calendar.add_working_days(start, count)?;
                (end_of_day(last)?, calendar.touches_provisional(start, last))
            }
            LimitUnit::CalendarDay => (
                end_of_day(add_days(add_days(start, self.limit.value)?, pauses_days)?)?,
                false,
            ),
            LimitUnit::Month => {
                let last = start.checked_add_months(Months::new(self.limit.value));
                (
                    end_of_day(add_days(last.ok_or(CalendarError::OutOfRange)?, pauses_days)?)?,
                    false,
                )
            }
            LimitUnit::OnTheSpot => (end_of_day(add_days(start, pauses_days)?)?, false),
            LimitUnit::Hour => (self.end_of_hours()?, false),
        };
        self.extend(Due { at, provisional }, calendar)
    }

    fn end_of_hours(&self) -> Result<DateTime<Utc>, CalendarError> {
        let end = TimeDelta::try_hours(i64::from(self.limit.value))
            .and_then(|hours| self.start.checked_add_signed(hours))
            .ok_or(CalendarError::OutOfRange)?;
        bounded(beijing_date(end))?;
        Ok(end)
    }

    /// Moves the due day by the extension; a due time of an hour clock keeps its time of day.
    fn extend(&self, due: Due, calendar: &WorkCalendar) -> Result<Due, CalendarError> {
        if self.extension_working_days == 0 {
            return Ok(due);
        }
        let last = due.day();
        let moved = calendar.add_working_days(last, self.extension_working_days)?;
        let at = due.at.checked_add_signed(moved.signed_duration_since(last));
        Ok(Due {
            at: at.ok_or(CalendarError::OutOfRange)?,
            provisional: due.provisional || calendar.touches_provisional(last, moved),
        })
    }

    /// Days of this clock's unit in closed pauses, after the start and not after `through`.
    fn excluded_days(
        &self,
        excluded: &Excluded,
        calendar: &WorkCalendar,
        through: NaiveDate,
    ) -> Result<i64, CalendarError> {
        let start = beijing_date(self.start);
        let mut days: i64 = 0;
        for (paused, resumed) in &excluded.closed {
            let (after, last) = ((*paused).max(start), (*resumed).min(through));
            if after < last {
                days = days.saturating_add(self.days_between(calendar, after, last)?);
            }
        }
        Ok(days)
    }

    /// Days of this clock's unit in `(after, through]`, negative when `through` is the earlier one.
    fn days_between(
        &self,
        calendar: &WorkCalendar,
        after: NaiveDate,
        through: NaiveDate,
    ) -> Result<i64, CalendarError> {
        if self.limit.unit != LimitUnit::WorkingDay {
            return Ok(bounded(through)?
                .signed_duration_since(bounded(after)?)
                .num_days());
        }
        let ahead = i64::from(calendar.working_days_between(after, through)?);
        let behind = i64::from(calendar.working_days_between(through, after)?);
        Ok(ahead.saturating_sub(behind))
    }

    const fn span(&self, count: i64) -> Span {
        match self.limit.unit {
            LimitUnit::WorkingDay => Span::WorkingDays(count),
            LimitUnit::CalendarDay | LimitUnit::Month | LimitUnit::OnTheSpot => Span::CalendarDays(count),
            LimitUnit::Hour => Span::Seconds(count),
        }
    }
}

/// When a limit that starts now is due, without pauses or extension.
///
/// # Errors
/// A date outside 2000–2100.
pub fn due(start: DateTime<Utc>, limit: Limit, calendar: &WorkCalendar) -> Result<Due, CalendarError> {
    ClockRun::new(start, limit).due_if_resumed(&Excluded::default(), calendar)
}

/// 00:00 of the working day after the due day: when an unanswered acceptance is deemed given (DOMAIN §2).
///
/// # Errors
/// A date outside 2000–2100.
pub fn start_of_working_day_after(due: Due, calendar: &WorkCalendar) -> Result<DateTime<Utc>, CalendarError> {
    beijing_midnight(calendar.next_working_day(due.day())?)
}

/// From how little left on a WARNING card is raised, in the unit of [`ClockRun::remaining`]: the larger of one day
/// and 20 % of the limit rounded down. `None`: the limit is under 3 days and never warns. A month counts 30 days.
#[must_use]
pub fn warning_threshold(limit: Limit) -> Option<Span> {
    const DAY_SECONDS: i64 = 24 * 3600;
    let value = i64::from(limit.value);
    match limit.unit {
        LimitUnit::WorkingDay => (value >= 3).then(|| Span::WorkingDays((value / 5).max(1))),
        LimitUnit::CalendarDay => (value >= 3).then(|| Span::CalendarDays((value / 5).max(1))),
        LimitUnit::Month => (value >= 1).then(|| Span::CalendarDays(value * 30 / 5)),
        LimitUnit::Hour => {
            let seconds = value * 3600;
            (seconds >= 3 * DAY_SECONDS).then(|| Span::Seconds((seconds / 5).max(DAY_SECONDS)))
        }
        LimitUnit::OnTheSpot => None,
    }
}

/// The date in Beijing at an instant.
#[must_use]
pub fn beijing_date(at: DateTime<Utc>) -> NaiveDate {
    at.naive_utc()
        .checked_add_signed(BEIJING_AHEAD)
        .unwrap_or(NaiveDateTime::MAX)
        .date()
}

/// 00:00 in Beijing of a date.
///
/// # Errors
/// A date before 2000 or after the first day of 2101, where the last limit may end.
pub fn beijing_midnight(date: NaiveDate) -> Result<DateTime<Utc>, CalendarError> {
    bounded(date).or_else(|error| bounded(date.pred_opt().ok_or(error)?))?;
    let local = date.and_time(NaiveTime::MIN);
    local
        .checked_sub_signed(BEIJING_AHEAD)
        .map(|utc| utc.and_utc())
        .ok_or(CalendarError::OutOfRange)
}

fn end_of_day(day: NaiveDate) -> Result<DateTime<Utc>, CalendarError> {
    beijing_midnight(bounded(day)?.succ_opt().ok_or(CalendarError::OutOfRange)?)
}

fn add_days(day: NaiveDate, count: u32) -> Result<NaiveDate, CalendarError> {
    day.checked_add_days(Days::new(u64::from(count)))
        .ok_or(CalendarError::OutOfRange)
}
