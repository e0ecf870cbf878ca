//! An edition of the divisions (区划版本) against what is there: what it adds, renames, recodes, merges and ends.
//!
//! A row continues the division that has its code on its level; `succeeds` names the codes whose work it takes over.
//! One predecessor that gives up its code keeps its key under the new one (a change of code); several, or one that is
//! joined to a division with a row of its own, end with the row's division as successor (a merger). Of a split, the
//! part that takes the work over succeeds, or goes on under the old code; the other parts are new. Parents stand on a
//! higher level by rule, so that no tree can loop, whatever the digits say.

use chrono::NaiveDate;

use crate::division::{CodeSystem, Division, Level, Setting};
use crate::id::DivisionId;
use reading::{Reading, by_level};

pub use fault::{EditionFault, FaultKind};
pub use register::{CodeRow, Ended, Register, Standing};

mod fault;
mod reading;
mod register;
mod settle;

/// One row of an edition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditionRow {
    /// The line it stands on, from 1.
    pub line: u64,
    /// Statistical code, 12 digits.
    pub code: String,
    /// Code of the division above; the row's own code: that of the next higher level that has it, if any.
    pub parent_code: Option<String>,
    /// Level; equal digits may stand on several.
    pub level: Level,
    /// Name.
    pub name: String,
    /// Kind as in the data.
    pub kind: String,
    /// Urban or rural.
    pub setting: Option<Setting>,
    /// Whether statistics count it.
    pub counted: bool,
    /// Urban-rural class.
    pub ur_class: Option<String>,
    /// Code in the tables of civil affairs; `None`: not known, what is there stays.
    pub civil_code: Option<String>,
    /// First day of what the row says.
    pub since: NaiveDate,
    /// Last day, for a division that ends and that nobody succeeds.
    pub until: Option<NaiveDate>,
    /// Codes on the same level whose work this division takes over.
    pub succeeds: Vec<String>,
}

/// A division as it will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The division.
    pub division: Division,
    /// Its urban-rural class.
    pub ur_class: Option<String>,
}

/// The organizations of one division take over from those of another, role by role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Succession {
    /// The old division; the same as `to` where only the code changed.
    pub from: DivisionId,
    /// Its code until then.
    pub from_code: String,
    /// Its name until then.
    pub from_name: String,
    /// Who takes over.
    pub to: DivisionId,
    /// Code of who takes over.
    pub to_code: String,
    /// Name of who takes over.
    pub to_name: String,
}

/// A division keeps its code and gets another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renaming {
    /// The division.
    pub division: DivisionId,
    /// Its name until then.
    pub from: String,
    /// Its new name.
    pub to: String,
}

/// A code that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedCode {
    /// The table.
    pub system: CodeSystem,
    /// The level.
    pub level: Level,
    /// The digits.
    pub code: String,
    /// First day, part of the key.
    pub valid_from: NaiveDate,
    /// Last day.
    pub valid_to: NaiveDate,
}

/// Everything an edition changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// New divisions, parents before children.
    pub added: Vec<Entry>,
    /// Divisions that read differently.
    pub changed: Vec<Entry>,
    /// Rows that change nothing.
    pub unchanged: usize,
    /// Divisions that end.
    pub ended: Vec<(DivisionId, Ended)>,
    /// Codes that begin.
    pub codes_added: Vec<CodeRow>,
    /// Codes whose row was wrong: same code, same first day.
    pub codes_corrected: Vec<CodeRow>,
    /// Codes that end.
    pub codes_closed: Vec<ClosedCode>,
    /// Whose organizations take over from whose.
    pub successions: Vec<Succession>,
    /// Who is called otherwise.
    pub renamings: Vec<Renaming>,
}

/// Reads an edition against what is there.
///
/// # Errors
/// All faults at once, by line.
pub fn plan(rows: &[EditionRow], there: &Register) -> Result<Plan, Vec<EditionFault>> {
    let mut reading = Reading::of(rows, there);
    reading.check_rows();
    reading.check_predecessors();
    let parents = reading.parents();
    let places = reading.places();
    let mut plan = Plan::default();
    if there.is_empty() {
        plan.added.reserve(rows.len());
        plan.codes_added.reserve(rows.len());
    }
    for index in by_level(rows) {
        if let (Some(row), Some(place)) = (rows.get(index), places.get(index)) {
            let parent = parents.get(index).and_then(|parent| parent.id(&places));
            reading.settle(row, place, parent, &mut plan);
            reading.merge(index, row, place, &mut plan);
        }
    }
    if reading.faults.is_empty() {
        Ok(plan)
    } else {
        reading.faults.sort_by_key(|fault| fault.line);
        Err(reading.faults)
    }
}

#[cfg(test)]
mod tests;
