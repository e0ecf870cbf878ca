//! The ladder of cards (DOMAIN §3): at which instant a clock comes to which rung.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::{Due, Span, beijing_date, beijing_midnight, end_of_day, warning_threshold};
use crate::calendar::{CalendarError, WorkCalendar};
use crate::card::Rung;
use crate::limit::Limit;

/// Working days between a card and the next one above it.
const PACE_WORKING_DAYS: u32 = 3;

/// How high a clock climbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Climb {
    /// STATUTORY: no yellow card, red at once.
    Statutory,
    /// PROMISE and STEP: yellow, then red level by level.
    Climbing,
    /// All others: yellow, and no further.
    Flat,
}

/// What of a clock its ladder depends on.
#[derive(Debug, Clone, Copy)]
pub struct Ladder {
    /// How high it climbs.
    pub climb: Climb,
    /// The limit it started with.
    pub limit: Limit,
    /// When it started; a warning never comes on that day.
    pub start: DateTime<Utc>,
    /// When it runs out.
    pub due_at: DateTime<Utc>,
    /// When a card of it was cancelled, after which the ladder began anew.
    pub anew_from: Option<DateTime<Utc>>,
    /// How many levels stand above the holder, up to the city.
    pub levels_above: usize,
    /// Whether silence decides when it runs out (deemed acceptance): then a short limit is warned of as well.
    pub silence_decides: bool,
}

impl Ladder {
    /// All rungs with their instants, from below.
    ///
    /// A rung whose instant lay behind when the ladder began anew comes again one pace after that: a cancelled card is
    /// not raised again at once, but a clock that stays late does not stay without one.
    ///
    /// # Errors
    /// A date outside 2000–2100.
    pub fn rungs(&self, calendar: &WorkCalendar) -> Result<Vec<(Rung, DateTime<Utc>)>, CalendarError> {
        let mut rungs = Vec::new();
        let ahead = |at: DateTime<Utc>| self.anew_from.is_none_or(|from| at > from);
        if let Some(at) = self.warning_at(calendar)?.filter(|at| ahead(*at)) {
            rungs.push((Rung::Warning, at));
        }
        let mut at = match self.anew_from {
            Some(from) if from >= self.due_at => one_pace_after(from, calendar)?,
            Some(_) | None => self.due_at,
        };
        let reds = match self.climb {
            Climb::Flat => 0,
            // none above the city: there a breach of the law stays with the city itself
            Climb::Statutory => self.levels_above.max(1),
            Climb::Climbing => self.levels_above,
        };
        if self.climb != Climb::Statutory {
            rungs.push((Rung::Yellow, at));
            at = one_pace_after(at, calendar)?;
        }
        for rung in Rung::REDS.into_iter().take(reds) {
            rungs.push((rung, at));
            at = one_pace_after(at, calendar)?;
        }
        Ok(rungs)
    }

    /// The first instant at which no more is left than the threshold; `None`: this clock does not warn.
    fn warning_at(&self, calendar: &WorkCalendar) -> Result<Option<DateTime<Utc>>, CalendarError> {
        let short = self.silence_decides && self.limit.value >= 2;
        let Some(threshold) = warning_threshold(self.limit).or(short.then_some(Span::WorkingDays(1))) else {
            return Ok(None);
        };
        let due = last_day(self.due_at);
        let first = match threshold {
            Span::Seconds(seconds) => {
                let before = TimeDelta::try_seconds(seconds).ok_or(CalendarError::OutOfRange)?;
                return Ok(self.due_at.checked_sub_signed(before));
            }
            Span::CalendarDays(days) => due.checked_sub_signed(TimeDelta::days(days)),
            Span::WorkingDays(days) => Some(working_days_before(due, days, calendar)?),
        };
        let first = first.ok_or(CalendarError::OutOfRange)?;
        let after_start = beijing_date(self.start)
            .succ_opt()
            .ok_or(CalendarError::OutOfRange)?;
        Ok(Some(beijing_midnight(first.max(after_start))?))
    }
}

/// 24:00 of the last working day of one pace, counted from the day that ends with, or holds, an instant.
fn one_pace_after(at: DateTime<Utc>, calendar: &WorkCalendar) -> Result<DateTime<Utc>, CalendarError> {
    end_of_day(calendar.add_working_days(last_day(at), PACE_WORKING_DAYS)?)
}

/// The day that an exclusive end belongs to: 00:00 belongs to the day before.
fn last_day(at: DateTime<Utc>) -> NaiveDate {
    Due {
        at,
        provisional: false,
    }
    .day()
}

/// The earliest day after which no more than so many working days are left up to `due`.
fn working_days_before(
    due: NaiveDate,
    days: i64,
    calendar: &WorkCalendar,
) -> Result<NaiveDate, CalendarError> {
    let mut first = due;
    while let Some(earlier) = first.pred_opt() {
        if i64::from(calendar.working_days_between(earlier, due)?) > days {
            break;
        }
        first = earlier;
    }
    Ok(first)
}

#[cfg(test)]
mod tests;
