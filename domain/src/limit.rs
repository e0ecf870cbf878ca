//! A limit of time as the law and the catalogue state it: a number and its unit.

use serde::{Deserialize, Serialize};

/// The unit in which a limit counts (DOMAIN §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LimitUnit {
    /// Working days (工作日) of the national calendar; due at 24:00 of the last.
    WorkingDay,
    /// Calendar days (自然日); due at 24:00 of the last, even if it is off.
    CalendarDay,
    /// Months: the same day of the month, else its last day.
    Month,
    /// Hours by the wall clock, to the second.
    Hour,
    /// Before the same day ends (即办).
    OnTheSpot,
}

/// A limit: `value` units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limit {
    /// How many units; 0 only for [`LimitUnit::OnTheSpot`] and steps that end when acknowledged.
    pub value: u32,
    /// The unit.
    pub unit: LimitUnit,
}

impl Limit {
    /// A limit in working days.
    #[must_use]
    pub const fn working_days(value: u32) -> Self {
        Self {
            value,
            unit: LimitUnit::WorkingDay,
        }
    }

    /// A limit in calendar days.
    #[must_use]
    pub const fn calendar_days(value: u32) -> Self {
        Self {
            value,
            unit: LimitUnit::CalendarDay,
        }
    }

    /// A limit in months.
    #[must_use]
    pub const fn months(value: u32) -> Self {
        Self {
            value,
            unit: LimitUnit::Month,
        }
    }

    /// A limit in hours.
    #[must_use]
    pub const fn hours(value: u32) -> Self {
        Self {
            value,
            unit: LimitUnit::Hour,
        }
    }

    /// Before the same day ends.
    #[must_use]
    pub const fn on_the_spot() -> Self {
        Self {
            value: 0,
            unit: LimitUnit::OnTheSpot,
        }
    }
}
