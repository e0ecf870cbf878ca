//! The section `[reconcile]`: when open cases are compared with upstream systems by itself (对账).

use chrono::NaiveTime;
use serde::{Deserialize, Serialize};

/// The nightly comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconcileConfig {
    /// Whether there is one; on demand it is done all the same.
    pub enabled: bool,
    /// When it begins, Beijing time.
    pub at: TimeOfDay,
}

/// A time of day, written as `HH:MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(pub NaiveTime);

/// How it is written.
const FORM: &str = "%H:%M";

impl TryFrom<String> for TimeOfDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        NaiveTime::parse_from_str(&text, FORM)
            .map(Self)
            .map_err(|error| format!("must be a time of day such as \"02:30\": {error}"))
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.0.format(FORM).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_hours_and_minutes() {
        let read = |text: &str| TimeOfDay::try_from(text.to_owned());
        assert_eq!(String::from(read("02:30").unwrap()), "02:30");
        for wrong in ["", "24:00", "2", "02:60", "02:30:00", "半夜"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
