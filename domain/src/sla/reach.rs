//! How far limits of different units can reach, for the check before an item is published.

use chrono::{NaiveDate, TimeDelta};

use crate::calendar::{CalendarError, WorkCalendar, YEAR_MIN, bounded};
use crate::limit::Limit;

use super::{Due, beijing_midnight, due};

/// The latest date on which the last of these limits can be due, when the first starts on `from` and each next
/// one at the last moment of the one before.
///
/// # Errors
/// A date outside 2000–2100.
pub fn latest_reachable_date(
    chain: &[Limit],
    from: NaiveDate,
    calendar: &WorkCalendar,
) -> Result<NaiveDate, CalendarError> {
    let next_day = bounded(from)?.succ_opt().ok_or(CalendarError::OutOfRange)?;
    let mut end = Due {
        at: beijing_midnight(next_day)?,
        provisional: false,
    };
    for limit in chain {
        let last_moment = end.at.checked_sub_signed(TimeDelta::microseconds(1));
        end = due(last_moment.ok_or(CalendarError::OutOfRange)?, *limit, calendar)?;
    }
    Ok(end.day())
}

/// The most calendar days the chain can take, over every start in the calendar's official years (without any:
/// over four years of plain weeks).
///
/// # Errors
/// A date outside 2000–2100.
pub fn longest_reach_days(chain: &[Limit], calendar: &WorkCalendar) -> Result<i64, CalendarError> {
    let official: Vec<i32> = calendar.official_years().iter().copied().collect();
    let years = if official.is_empty() {
        (YEAR_MIN..YEAR_MIN + 4).collect()
    } else {
        official
    };
    let mut longest = 0;
    for year in years {
        let first = NaiveDate::from_ymd_opt(year, 1, 1).ok_or(CalendarError::OutOfRange)?;
        let next_year = NaiveDate::from_ymd_opt(year + 1, 1, 1).ok_or(CalendarError::OutOfRange)?;
        for from in first.iter_days().take_while(|day| *day < next_year) {
            let last = latest_reachable_date(chain, from, calendar)?;
            longest = longest.max(last.signed_duration_since(from).num_days());
        }
    }
    Ok(longest)
}

/// Whether the chain never reaches a later date than the bound can: counted chain ≤ promised ≤ statutory.
///
/// # Errors
/// A date outside 2000–2100.
pub fn fits_within(chain: &[Limit], bound: Limit, calendar: &WorkCalendar) -> Result<bool, CalendarError> {
    Ok(longest_reach_days(chain, calendar)? <= longest_reach_days(&[bound], calendar)?)
}
