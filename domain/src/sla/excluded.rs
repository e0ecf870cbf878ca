//! The whole days that pauses exclude: the pause day counts, the resume day does not.

use chrono::NaiveDate;

use super::{Pause, beijing_date};

/// The united days that pauses exclude.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Excluded {
    /// Ascending, apart from each other: (pause day, resume day) exclude `(pause, resume]`.
    pub(super) closed: Vec<(NaiveDate, NaiveDate)>,
    /// The last day that counts while a pause is open.
    pub(super) frozen_from: Option<NaiveDate>,
}

impl Excluded {
    pub(super) fn unite(pauses: &[Pause]) -> Self {
        let mut days: Vec<(NaiveDate, Option<NaiveDate>)> = pauses
            .iter()
            .map(|pause| (beijing_date(pause.from), pause.until.map(beijing_date)))
            .collect();
        days.sort_unstable();
        let mut united = Self::default();
        for (paused, resumed) in days {
            let Some(resumed) = resumed else {
                united.freeze(paused);
                break;
            };
            match united.closed.last_mut() {
                Some((_, last)) if paused <= *last => *last = resumed.max(*last),
                _ if paused < resumed => united.closed.push((paused, resumed)),
                _ => {}
            }
        }
        // closed pauses that begin inside the open one add nothing; those sorted before it were united already
        united
    }

    /// An open pause swallows the closed one it begins in.
    fn freeze(&mut self, paused: NaiveDate) {
        self.frozen_from = Some(match self.closed.last().copied() {
            Some((began, last)) if paused <= last => {
                self.closed.pop();
                began
            }
            _ => paused,
        });
    }

    /// The last day that counts when a clock is read on `day`.
    pub(super) fn last_counted(&self, day: NaiveDate) -> NaiveDate {
        self.frozen_from.map_or(day, |frozen| frozen.min(day))
    }
}
