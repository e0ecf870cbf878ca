//! The divisions and codes that are there when an edition comes.

use std::collections::HashMap;

use chrono::NaiveDate;

use crate::division::{CodeSystem, Division, DivisionCode, Level};
use crate::id::DivisionId;

/// The end of a division.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Its last day.
    pub last_day: NaiveDate,
    /// Who took over; `None`: nobody.
    pub successor: Option<DivisionId>,
}

/// A division that is or was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The division.
    pub division: Division,
    /// Its urban-rural class.
    pub ur_class: Option<String>,
    /// Its end; `None`: it lives.
    pub ended: Option<Ended>,
}

/// A code of a division, and what stood above the division under it: the tree of any day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeRow {
    /// The code.
    pub code: DivisionCode,
    /// The division above.
    pub parent: Option<DivisionId>,
}

/// Everything that is there, to be looked up.
#[derive(Debug, Default)]
pub struct Register {
    standing: Vec<Standing>,
    codes: Vec<CodeRow>,
    by_id: HashMap<DivisionId, usize>,
    living: HashMap<String, Vec<usize>>,
    current: HashMap<(DivisionId, CodeSystem), usize>,
    last_days: HashMap<(CodeSystem, Level, String), NaiveDate>,
    former: HashMap<(Level, String), Vec<DivisionId>>,
}

impl Register {
    /// Indexes divisions and all their codes.
    #[must_use]
    pub fn new(standing: Vec<Standing>, codes: Vec<CodeRow>) -> Self {
        let mut register = Self::default();
        for (index, one) in standing.iter().enumerate() {
            register.by_id.insert(one.division.id, index);
            if one.ended.is_none() {
                register
                    .living
                    .entry(one.division.code.clone())
                    .or_default()
                    .push(index);
            }
        }
        for (index, row) in codes.iter().enumerate() {
            let code = &row.code;
            match code.valid_to {
                None => {
                    register.current.insert((code.division, code.system), index);
                }
                Some(last) => {
                    let key = (code.system, code.level, code.code.clone());
                    let day = register.last_days.entry(key).or_insert(last);
                    *day = last.max(*day);
                    if code.system == CodeSystem::Statistics {
                        register
                            .former
                            .entry((code.level, code.code.clone()))
                            .or_default()
                            .push(code.division);
                    }
                }
            }
        }
        register.standing = standing;
        register.codes = codes;
        register
    }

    /// Whether nothing is there.
    pub(super) const fn is_empty(&self) -> bool {
        self.standing.is_empty()
    }

    /// Where the living division with a code on a level stands.
    pub(super) fn living(&self, level: Level, code: &str) -> Option<usize> {
        let found = self.living.get(code)?;
        found.iter().copied().find(|index| {
            self.standing
                .get(*index)
                .is_some_and(|one| one.division.level == level)
        })
    }

    /// Where the division stands that ended under a code.
    pub(super) fn ended_under(&self, level: Level, code: &str) -> Option<usize> {
        self.bearers(level, code)
            .iter()
            .rev()
            .filter_map(|id| self.by_id.get(id).copied())
            .find(|index| self.standing(*index).is_some_and(|one| one.ended.is_some()))
    }

    /// Whether a division had a code before, or took over from one that ended under it.
    pub(super) fn has_joined(&self, level: Level, code: &str, id: DivisionId) -> bool {
        self.bearers(level, code).iter().any(|former| {
            let standing = self.by_id.get(former).and_then(|index| self.standing(*index));
            *former == id
                || standing.is_some_and(|one| one.ended.is_some_and(|ended| ended.successor == Some(id)))
        })
    }

    /// Who had a code on a level and gave it up.
    fn bearers(&self, level: Level, code: &str) -> &[DivisionId] {
        let found = self.former.get(&(level, code.to_owned()));
        found.map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn standing(&self, index: usize) -> Option<&Standing> {
        self.standing.get(index)
    }

    /// The living division with a code on the lowest level above one.
    pub(super) fn lowest_above(&self, level: Level, code: &str) -> Option<&Standing> {
        let found = self.living.get(code)?;
        found
            .iter()
            .filter_map(|index| self.standing.get(*index))
            .filter(|one| one.division.level > level)
            .min_by_key(|one| one.division.level)
    }

    /// Whether a division on a level has or had a code.
    pub(super) fn ever_had(&self, level: Level, code: &str) -> bool {
        self.living(level, code).is_some() || !self.bearers(level, code).is_empty()
    }

    /// Whether the key is taken.
    pub(super) fn knows(&self, id: DivisionId) -> bool {
        self.by_id.contains_key(&id)
    }

    /// The code a division has now in a table.
    pub(super) fn current_code(&self, id: DivisionId, system: CodeSystem) -> Option<&CodeRow> {
        self.codes.get(*self.current.get(&(id, system))?)
    }

    /// The last day on which a code was borne by somebody who gave it up.
    pub(super) fn last_day_of(&self, system: CodeSystem, level: Level, code: &str) -> Option<NaiveDate> {
        self.last_days.get(&(system, level, code.to_owned())).copied()
    }
}
