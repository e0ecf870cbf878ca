//! News by windows of time: none is lost at the seams, and a window that is too full is narrowed.
//!
//! A server lists what lies between two instants, at most 90 days apart, and of that at most a number of entries; which of
//! them it leaves out is not told. So a full answer counts for nothing, and half of its window is asked for. Updates are
//! read once, from the instant of the last one on; a list of requests goes by when they were made and not by when they
//! changed, so it is read again and again over all 90 days. What changes later is found when the case is overdue.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::options::Options;
use super::reading::Report;
use crate::upstream::adapter::PollPage;

/// The longest window, seconds (GeoReport v2, "Response Volume").
const SPAN_MAX_S: i64 = 90 * 24 * 60 * 60;
/// How far behind now a window ends, seconds: by then our own request has its number here, and entries that servers write
/// a moment late are there.
const LAG_S: i64 = 60;
/// The most updates remembered by name at one instant.
const HEARD_MAX: usize = 100;

/// How far news was read: `from span [update …]`, and `- span` before the first window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    from: Option<DateTime<Utc>>,
    span_s: i64,
    /// Updates at `from` that were heard.
    heard: BTreeSet<String>,
}

/// What is asked for, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: DateTime<Utc>,
    pub(super) until: DateTime<Utc>,
    reaches_now: bool,
}

impl Position {
    /// Reads a cursor of ours; anything else begins anew.
    pub(super) fn parse(cursor: Option<&str>) -> Self {
        let mut parts = cursor.unwrap_or_default().split(' ');
        let from = parts
            .next()
            .and_then(|text| DateTime::parse_from_rfc3339(text).ok())
            .map(|instant| instant.to_utc());
        let span = parts.next().and_then(|text| text.parse().ok());
        Self {
            from,
            span_s: span.unwrap_or(SPAN_MAX_S).clamp(1, SPAN_MAX_S),
            heard: parts.map(str::to_owned).collect(),
        }
    }

    fn cursor(&self) -> String {
        let from = self.from.map_or_else(|| "-".to_owned(), |from| from.to_rfc3339());
        let heard = self.heard.iter().map(|id| format!(" {id}"));
        format!("{from} {}{}", self.span_s, heard.collect::<String>())
    }

    /// The window to ask for now. Instants are whole seconds, because the protocol writes no others.
    pub(super) fn window(&self, now: DateTime<Utc>) -> Window {
        let end = whole(shifted(now, -LAG_S));
        let from = whole(self.from.unwrap_or_else(|| shifted(now, -SPAN_MAX_S)));
        let far = shifted(from, self.span_s);
        Window {
            from,
            until: far.min(end).max(from),
            reaches_now: far >= end,
        }
    }

    /// What an answer to that window says, and where to go on; an entry that could not be read is `None`.
    pub(super) fn page(&self, reports: &[Option<Report>], options: &Options, now: DateTime<Utc>) -> PollPage {
        let window = self.window(now);
        if reports.len() >= options.page_max && self.span_s > 1 && window.until > window.from {
            let width_s = (window.until - window.from).num_seconds();
            let narrowed = Self {
                span_s: (width_s / 2).max(1),
                from: Some(window.from),
                heard: self.heard.clone(),
            };
            return PollPage {
                next: Some(narrowed.cursor()),
                more: true,
                ..PollPage::default()
            };
        }
        let mut known: Vec<&Report> = reports.iter().flatten().collect();
        known.sort_by_key(|report| report.at);
        let facts = known
            .iter()
            .filter(|report| !self.was_heard(report))
            .flat_map(|report| report.facts(&options.statuses).facts)
            .collect();
        let next = match &options.updates {
            Some(_) => self.behind(&known, window),
            None => self.again(window),
        };
        let next = Self {
            span_s: if reports.len() < options.page_max / 4 {
                self.span_s.saturating_mul(2).min(SPAN_MAX_S)
            } else {
                self.span_s
            },
            ..next
        };
        PollPage {
            facts,
            unreadable: u32::try_from(reports.iter().filter(|report| report.is_none()).count())
                .unwrap_or(u32::MAX),
            next: Some(next.cursor()),
            more: !window.reaches_now,
        }
    }

    fn was_heard(&self, report: &Report) -> bool {
        report
            .event
            .as_ref()
            .is_some_and(|event| self.heard.contains(event))
    }

    /// Updates: on from the last one, which may have company at the same instant, or from the end of a window in the past.
    fn behind(&self, known: &[&Report], window: Window) -> Self {
        let last = known.iter().filter_map(|report| report.at).max();
        let from = if window.reaches_now {
            last.map(|last| last.min(window.until).max(window.from))
                .unwrap_or(window.from)
        } else {
            window.until
        };
        let at_seam = |report: &&&Report| report.at.is_some_and(|at| whole(at) >= whole(from));
        let mut heard: BTreeSet<String> = known
            .iter()
            .filter(at_seam)
            .filter_map(|report| report.event.clone())
            .take(HEARD_MAX)
            .collect();
        if whole(from) == window.from {
            let room = HEARD_MAX.saturating_sub(heard.len());
            heard.extend(self.heard.iter().take(room).cloned());
        }
        Self {
            from: Some(whole(from)),
            span_s: self.span_s,
            heard,
        }
    }

    /// Requests: through to now, then over all of it again.
    const fn again(&self, window: Window) -> Self {
        Self {
            from: if window.reaches_now {
                None
            } else {
                Some(window.until)
            },
            span_s: self.span_s,
            heard: BTreeSet::new(),
        }
    }
}

fn shifted(instant: DateTime<Utc>, by_s: i64) -> DateTime<Utc> {
    TimeDelta::try_seconds(by_s)
        .and_then(|by| instant.checked_add_signed(by))
        .unwrap_or(instant)
}

fn whole(instant: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(instant.timestamp(), 0).unwrap_or(instant)
}
