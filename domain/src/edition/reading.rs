//! The rows of an edition, indexed: which are at fault, what stands above each, and which division each means.

use std::collections::{HashMap, HashSet};

use super::{EditionFault, EditionRow, FaultKind, Register};
use crate::division::Level;
use crate::id::DivisionId;

/// Longest name, code points; the country's longest has 33.
const NAME_MAX: usize = 100;

/// Indexes of the rows, the highest level first, so that a parent comes before its children.
pub(super) fn by_level(rows: &[EditionRow]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(rows.get(*index).map(|row| row.level)));
    order
}

/// Where a row's parent stands.
#[derive(Clone, Copy)]
pub(super) enum Parent {
    None,
    Row(usize),
    There(DivisionId),
}

impl Parent {
    pub(super) fn id(self, places: &[Place]) -> Option<DivisionId> {
        match self {
            Self::None => None,
            Self::Row(index) => places.get(index).map(|place| place.id),
            Self::There(id) => Some(id),
        }
    }
}

/// Which division a row means.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) id: DivisionId,
    /// The code it has until then; `None`: it is new.
    pub(super) standing: Option<usize>,
}

/// The rows, indexed, with the faults found so far.
pub(super) struct Reading<'a> {
    rows: &'a [EditionRow],
    pub(super) there: &'a Register,
    by_code: HashMap<&'a str, Vec<usize>>,
    /// Of each row, the codes it succeeds and that nobody has succeeded yet.
    open: Vec<Vec<&'a str>>,
    taken: HashMap<(Level, &'a str), u64>,
    pub(super) faults: Vec<EditionFault>,
}

impl<'a> Reading<'a> {
    pub(super) fn of(rows: &'a [EditionRow], there: &'a Register) -> Self {
        let mut by_code: HashMap<&str, Vec<usize>> = HashMap::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            by_code.entry(&row.code).or_default().push(index);
        }
        Self {
            rows,
            there,
            by_code,
            open: rows.iter().map(|row| open_predecessors(row, there)).collect(),
            taken: HashMap::new(),
            faults: Vec::new(),
        }
    }

    pub(super) fn fault(&mut self, line: u64, kind: FaultKind) {
        self.faults.push(EditionFault { line, kind });
    }

    /// What can be said of a row without its neighbours, and that no key stands twice.
    pub(super) fn check_rows(&mut self) {
        let mut codes: HashMap<(Level, &str), u64> = HashMap::with_capacity(self.rows.len());
        let mut civil: HashMap<(Level, &str), u64> = HashMap::new();
        for row in self.rows {
            if row.code.len() != 12 || !row.code.bytes().all(|digit| digit.is_ascii_digit()) {
                self.fault(row.line, FaultKind::Code);
            }
            if !is_name(&row.name) {
                self.fault(row.line, FaultKind::Name);
            }
            if let Some(before) = codes.insert((row.level, &row.code), row.line) {
                self.fault(row.line, FaultKind::RepeatedCode { before });
            }
            if let Some(code) = &row.civil_code
                && let Some(before) = civil.insert((row.level, code), row.line)
            {
                self.fault(row.line, FaultKind::RepeatedCivilCode { before });
            }
            if row.until.is_some_and(|until| until < row.since) {
                self.fault(row.line, FaultKind::EndsBeforeItBegins);
            }
        }
    }

    /// Every predecessor is known, goes to one successor, and does not go on by itself.
    pub(super) fn check_predecessors(&mut self) {
        for (index, row) in self.rows.iter().enumerate() {
            for code in self.open_of(index) {
                let key = (row.level, code);
                if let Some(before) = self.taken.insert(key, row.line) {
                    let code = code.to_owned();
                    self.fault(row.line, FaultKind::PredecessorTaken { code, before });
                }
                if !self.there.ever_had(row.level, code) {
                    let code = code.to_owned();
                    self.fault(row.line, FaultKind::PredecessorUnknown { code });
                } else if self.there.living(row.level, code).is_some() && self.goes_on(row.level, code) {
                    let code = code.to_owned();
                    self.fault(row.line, FaultKind::PredecessorContinues { code });
                }
            }
        }
    }

    pub(super) fn open_of(&self, index: usize) -> Vec<&'a str> {
        self.open.get(index).cloned().unwrap_or_default()
    }

    /// Whether the table has a row for a code that does not itself move in from elsewhere.
    fn goes_on(&self, level: Level, code: &str) -> bool {
        let rows = self.by_code.get(code).map(Vec::as_slice).unwrap_or_default();
        rows.iter().any(|index| {
            let same_level = self.rows.get(*index).is_some_and(|row| row.level == level);
            same_level && self.open_of(*index).is_empty()
        })
    }

    /// The parent of each row: the lowest division above its level that has the parent's code.
    pub(super) fn parents(&mut self) -> Vec<Parent> {
        let rows = self.rows;
        rows.iter()
            .map(|row| {
                let Some(code) = row.parent_code.as_deref() else {
                    return Parent::None;
                };
                let named = self.by_code.get(code).map(Vec::as_slice).unwrap_or_default();
                let above = named
                    .iter()
                    .filter_map(|index| Some((*index, rows.get(*index)?)))
                    .filter(|(_, other)| other.level > row.level)
                    .min_by_key(|(_, other)| other.level);
                if let Some((index, _)) = above {
                    return Parent::Row(index);
                }
                if let Some(standing) = self.there.lowest_above(row.level, code) {
                    return Parent::There(standing.division.id);
                }
                // a row that is its own parent stands on top
                if code != row.code {
                    self.fault(
                        row.line,
                        if named.is_empty() {
                            FaultKind::ParentUnknown
                        } else {
                            FaultKind::ParentNotHigher
                        },
                    );
                }
                Parent::None
            })
            .collect()
    }

    /// Which division each row means: the one that has its code, the one whose code it takes over, or a new one.
    pub(super) fn places(&self) -> Vec<Place> {
        let mut places: Vec<Option<Place>> = vec![None; self.rows.len()];
        let mut used: HashSet<DivisionId> = HashSet::new();
        for index in by_level(self.rows) {
            let Some(row) = self.rows.get(index) else { continue };
            let own = self
                .there
                .living(row.level, &row.code)
                .filter(|_| !self.taken.contains_key(&(row.level, row.code.as_str())));
            let standing = own.or_else(|| match self.open_of(index).as_slice() {
                [only] => self.there.living(row.level, only),
                [] | [_, _, ..] => None,
            });
            let ended = || {
                row.until
                    .and_then(|_| self.there.ended_under(row.level, &row.code))
            };
            let standing = standing.or_else(ended);
            let id = match standing.and_then(|standing| self.there.standing(standing)) {
                Some(standing) => standing.division.id,
                None => self.fresh(row, &used),
            };
            used.insert(id);
            if let Some(slot) = places.get_mut(index) {
                *slot = Some(Place { id, standing });
            }
        }
        places.into_iter().flatten().collect()
    }

    /// The key of a new division: by its code, where another level or an earlier bearer has that, by more.
    fn fresh(&self, row: &EditionRow, used: &HashSet<DivisionId>) -> DivisionId {
        let free = |id: &DivisionId| !used.contains(id) && !self.there.knows(*id);
        let plain = DivisionId::named(&row.code);
        if free(&plain) {
            return plain;
        }
        let by_level = format!("{:?}:{}", row.level, row.code);
        let by_day = format!("{by_level}@{}", row.since);
        let by_level = DivisionId::named(&by_level);
        if free(&by_level) {
            by_level
        } else {
            DivisionId::named(&by_day)
        }
    }
}

/// The codes that a row succeeds, without its own and those that an earlier import has carried out.
fn open_predecessors<'a>(row: &'a EditionRow, there: &Register) -> Vec<&'a str> {
    let own = there
        .living(row.level, &row.code)
        .and_then(|own| there.standing(own));
    let done = |code: &str| own.is_some_and(|own| there.has_joined(row.level, code, own.division.id));
    row.succeeds
        .iter()
        .map(String::as_str)
        .filter(|code| *code != row.code && !done(code))
        .collect()
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().count() <= NAME_MAX && !name.chars().any(char::is_control)
}
