//! Epochs as this process knows them: what dates the entries of the cache.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Serialize};

/// A kind of reference data with a counter of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Epoch {
    /// Divisions and their codes.
    Divisions,
    /// Organizations.
    Organizations,
    /// Service items.
    Items,
    /// The working-day calendar.
    Calendar,
    /// The admission lists.
    Admissions,
}

/// How many kinds there are.
const KINDS: usize = 5;

impl Epoch {
    /// All kinds, in the order of a stamp.
    pub const ALL: [Self; KINDS] = [
        Self::Divisions,
        Self::Organizations,
        Self::Items,
        Self::Calendar,
        Self::Admissions,
    ];

    /// Its name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Divisions => "divisions",
            Self::Organizations => "organizations",
            Self::Items => "items",
            Self::Calendar => "calendar",
            Self::Admissions => "admissions",
        }
    }
}

/// The counters that matter to one entry; 0 for those that do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Stamp([i64; KINDS]);

impl Stamp {
    /// Whether an entry of this stamp may be served when `wanted` is known.
    #[must_use]
    pub fn covers(self, wanted: Self) -> bool {
        self.0.iter().zip(wanted.0).all(|(have, want)| *have >= want)
    }
}

/// The newest counters that this process has heard of.
#[derive(Debug, Default)]
pub struct Epochs {
    known: [AtomicI64; KINDS],
    instance: OnceLock<i64>,
}

impl Epochs {
    /// The counters of some kinds as known now.
    #[must_use]
    pub fn stamp(&self, kinds: &[Epoch]) -> Stamp {
        let mut stamp = Stamp::default();
        for ((slot, known), kind) in stamp.0.iter_mut().zip(&self.known).zip(Epoch::ALL) {
            if kinds.contains(&kind) {
                *slot = known.load(Ordering::Acquire);
            }
        }
        stamp
    }

    /// Takes over what the database says. Counters never go back, so a slow reader cannot undo what is known.
    pub fn learn(&self, committed: &BTreeMap<String, i64>) {
        for (known, kind) in self.known.iter().zip(Epoch::ALL) {
            if let Some(value) = committed.get(kind.name()) {
                known.fetch_max(*value, Ordering::AcqRel);
            }
        }
    }

    /// Says which database the counters come from, once.
    pub fn of_instance(&self, instance: i64) {
        // the first answer stays: a process works with one database
        self.instance.get_or_init(|| instance);
    }

    /// The database the counters come from, once known.
    #[must_use]
    pub fn instance(&self) -> Option<i64> {
        self.instance.get().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_served_until_one_of_its_own_counters_moves() {
        let epochs = Epochs::default();
        let entry = epochs.stamp(&[Epoch::Divisions, Epoch::Items]);
        let wanted = || epochs.stamp(&[Epoch::Divisions, Epoch::Items]);
        epochs.learn(&BTreeMap::from([("calendar".to_owned(), 7)]));
        assert!(entry.covers(wanted()));
        epochs.learn(&BTreeMap::from([("items".to_owned(), 1)]));
        assert!(!entry.covers(wanted()));
        let newer = wanted();
        epochs.learn(&BTreeMap::from([("items".to_owned(), 0)]));
        assert_eq!(newer, wanted(), "counters never go back");
    }
}
