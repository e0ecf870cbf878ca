//! Days and instants as upstream systems write them; where they name no zone, Beijing time is meant.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _, Utc};

/// Asia/Shanghai, which has had one offset since 1991.
const BEIJING_OFFSET_S: i32 = 8 * 60 * 60;
/// The most formats one configuration lists.
pub(super) const FORMATS_MAX: usize = 16;

/// One way of writing an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TimeFormat {
    /// Seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMilliseconds,
    /// A pattern of `strftime`.
    Pattern(String),
}

impl TimeFormat {
    /// Reads a format as the configuration writes it; `None` when it is no pattern.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "epoch_s" => Some(Self::EpochSeconds),
            "epoch_ms" => Some(Self::EpochMilliseconds),
            _ => {
                let sound = text.contains('%')
                    && chrono::format::StrftimeItems::new(text)
                        .all(|item| item != chrono::format::Item::Error);
                sound.then(|| Self::Pattern(text.to_owned()))
            }
        }
    }

    fn read(&self, text: &str) -> Option<DateTime<Utc>> {
        match self {
            Self::EpochSeconds => DateTime::from_timestamp(text.parse().ok()?, 0),
            Self::EpochMilliseconds => DateTime::from_timestamp_millis(text.parse().ok()?),
            Self::Pattern(pattern) => DateTime::parse_from_str(text, pattern)
                .ok()
                .map(|instant| instant.to_utc())
                .or_else(|| {
                    NaiveDateTime::parse_from_str(text, pattern)
                        .ok()
                        .and_then(in_beijing)
                })
                .or_else(|| {
                    NaiveDate::parse_from_str(text, pattern)
                        .ok()
                        .and_then(|day| in_beijing(day.and_time(NaiveTime::MIN)))
                }),
        }
    }
}

/// An instant of theirs: by the configured formats in their order, then RFC 3339 and the two plain forms.
pub(super) fn of_theirs(text: &str, formats: &[TimeFormat]) -> Option<DateTime<Utc>> {
    formats
        .iter()
        .find_map(|format| format.read(text))
        .or_else(|| {
            DateTime::parse_from_rfc3339(text)
                .ok()
                .map(|instant| instant.to_utc())
        })
        .or_else(|| {
            ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d"]
                .iter()
                .find_map(|pattern| TimeFormat::Pattern((*pattern).to_owned()).read(text))
        })
}

/// The day of an instant in Beijing.
pub(super) fn day(instant: DateTime<Utc>) -> NaiveDate {
    beijing().map_or_else(
        || instant.date_naive(),
        |offset| instant.with_timezone(&offset).date_naive(),
    )
}

/// An instant or day of ours, as the case view writes it, in Beijing time.
pub(super) fn of_ours(text: &str) -> Option<DateTime<FixedOffset>> {
    let offset = beijing()?;
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.with_timezone(&offset));
    }
    let day: NaiveDate = text.parse().ok()?;
    offset
        .from_local_datetime(&day.and_time(NaiveTime::MIN))
        .single()
}

fn in_beijing(local: NaiveDateTime) -> Option<DateTime<Utc>> {
    Some(beijing()?.from_local_datetime(&local).single()?.to_utc())
}

const fn beijing() -> Option<FixedOffset> {
    FixedOffset::east_opt(BEIJING_OFFSET_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn their_times_are_read_in_their_formats_and_in_beijing() {
        let formats = ["%Y%m%d%H%M%S", "%Y年%m月%d日", "epoch_ms"].map(|text| TimeFormat::parse(text).unwrap());
        let read = |text: &str| of_theirs(text, &formats).map(|instant| instant.to_rfc3339());
        for text in [
            "20261123090203",
            "1795395723000",
            "2026-11-23T09:02:03+08:00",
            "2026-11-23 09:02:03",
        ] {
            assert_eq!(read(text).as_deref(), Some("2026-11-23T01:02:03+00:00"), "{text}");
        }
        for text in ["2026年11月23日", "2026-11-23"] {
            assert_eq!(read(text).as_deref(), Some("2026-11-22T16:00:00+00:00"), "{text}");
        }
        assert_eq!(read("昨天"), None);
        assert_eq!(TimeFormat::parse("%Q"), None);
        assert_eq!(TimeFormat::parse("yyyy"), None);
    }
}
