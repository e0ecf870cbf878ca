//! What each row of an edition changes, written down.

use chrono::NaiveDate;

use super::reading::{Place, Reading};
use super::{ClosedCode, CodeRow, EditionRow, Ended, Entry, FaultKind, Plan, Renaming, Standing, Succession};
use crate::division::{CodeSystem, Division, DivisionCode};
use crate::id::DivisionId;

impl Reading<'_> {
    /// Writes down what one row changes.
    pub(super) fn settle(
        &mut self,
        row: &EditionRow,
        place: &Place,
        parent: Option<DivisionId>,
        plan: &mut Plan,
    ) {
        let standing = place.standing.and_then(|standing| self.there.standing(standing));
        let wanted = Entry {
            division: Division {
                id: place.id,
                code: row.code.clone(),
                parent,
                level: row.level,
                name: row.name.clone(),
                kind: row.kind.clone(),
                setting: row.setting,
                counted: row.counted,
            },
            ur_class: row.ur_class.clone(),
        };
        if let Some(until) = row.until {
            return self.end(row, standing, until, plan);
        }
        match standing {
            None => {
                self.begin_code(row, CodeSystem::Statistics, &wanted, plan);
                plan.added.push(wanted);
            }
            Some(standing)
                if standing.division == wanted.division && standing.ur_class == wanted.ur_class =>
            {
                plan.unchanged += 1;
            }
            Some(standing) => {
                self.change(row, standing, &wanted, plan);
                plan.changed.push(wanted);
            }
        }
        self.settle_civil_code(row, place, parent, plan);
    }

    fn begin_code(&mut self, row: &EditionRow, system: CodeSystem, wanted: &Entry, plan: &mut Plan) {
        let digits = match system {
            CodeSystem::Statistics => &row.code,
            CodeSystem::CivilAffairs => row.civil_code.as_ref().unwrap_or(&row.code),
        };
        // an earlier bearer must have given the code up before
        if let Some(there) = self
            .there
            .last_day_of(system, row.level, digits)
            .filter(|there| *there >= row.since)
        {
            let since = row.since;
            self.fault(row.line, FaultKind::Older { since, there });
        }
        plan.codes_added.push(code_row(row, system, digits, wanted));
    }

    /// A division that is there reads differently: another code, another name or place from a later day on, or a row
    /// that was wrong.
    fn change(&mut self, row: &EditionRow, standing: &Standing, wanted: &Entry, plan: &mut Plan) {
        let (old, new) = (&standing.division, &wanted.division);
        if old.code == new.code && old.name == new.name && old.parent == new.parent {
            return;
        }
        let Some(current) = self.there.current_code(old.id, CodeSystem::Statistics) else {
            return self.begin_code(row, CodeSystem::Statistics, wanted, plan);
        };
        let there = current.code.valid_from;
        if row.since > there {
            plan.codes_closed.push(closed(&current.code, row.since));
            self.begin_other_code(row, current, wanted, plan);
        } else if row.since == there && old.code == new.code {
            plan.codes_corrected
                .push(code_row(row, CodeSystem::Statistics, &row.code, wanted));
        } else {
            let since = row.since;
            self.fault(row.line, FaultKind::Older { since, there });
        }
        if old.code != new.code {
            plan.successions.push(succession(old, new));
        } else if old.name != new.name {
            plan.renamings.push(Renaming {
                division: old.id,
                from: old.name.clone(),
                to: new.name.clone(),
            });
        }
    }

    /// The new line of a division's own history; its own former line ends the day before and is in nobody's way.
    fn begin_other_code(&mut self, row: &EditionRow, current: &CodeRow, wanted: &Entry, plan: &mut Plan) {
        if current.code.code == row.code {
            plan.codes_added
                .push(code_row(row, CodeSystem::Statistics, &row.code, wanted));
        } else {
            self.begin_code(row, CodeSystem::Statistics, wanted, plan);
        }
    }

    fn settle_civil_code(
        &mut self,
        row: &EditionRow,
        place: &Place,
        parent: Option<DivisionId>,
        plan: &mut Plan,
    ) {
        let Some(digits) = &row.civil_code else { return };
        let current = self.there.current_code(place.id, CodeSystem::CivilAffairs);
        if current.is_some_and(|current| &current.code.code == digits && current.code.level == row.level) {
            return;
        }
        if let Some(current) = current {
            let there = current.code.valid_from;
            if row.since <= there {
                let since = row.since;
                return self.fault(row.line, FaultKind::Older { since, there });
            }
            plan.codes_closed.push(closed(&current.code, row.since));
        }
        plan.codes_added.push(CodeRow {
            code: DivisionCode {
                system: CodeSystem::CivilAffairs,
                level: row.level,
                code: digits.clone(),
                valid_from: row.since,
                valid_to: None,
                name: row.name.clone(),
                division: place.id,
            },
            parent,
        });
    }

    /// Those that the row succeeds and that are other divisions end, and their work goes to the row's.
    pub(super) fn merge(&mut self, index: usize, row: &EditionRow, place: &Place, plan: &mut Plan) {
        let there = self.there;
        for code in self.open_of(index) {
            let Some(old) = there
                .living(row.level, code)
                .and_then(|standing| there.standing(standing))
                .filter(|old| old.division.id != place.id)
            else {
                continue;
            };
            self.close_codes(row.line, old, row.since, plan);
            let last_day = row.since.pred_opt().unwrap_or(row.since);
            let ended = Ended {
                last_day,
                successor: Some(place.id),
            };
            plan.ended.push((old.division.id, ended));
            plan.successions.push(Succession {
                from: old.division.id,
                from_code: old.division.code.clone(),
                from_name: old.division.name.clone(),
                to: place.id,
                to_code: row.code.clone(),
                to_name: row.name.clone(),
            });
        }
    }

    /// A division ends, and nobody takes over.
    fn end(&mut self, row: &EditionRow, standing: Option<&Standing>, until: NaiveDate, plan: &mut Plan) {
        let Some(standing) = standing else {
            return self.fault(row.line, FaultKind::NothingToEnd);
        };
        if standing.ended.is_some() {
            plan.unchanged += 1;
            return;
        }
        let next_day = until.succ_opt().unwrap_or(until);
        self.close_codes(row.line, standing, next_day, plan);
        let ended = Ended {
            last_day: until,
            successor: None,
        };
        plan.ended.push((standing.division.id, ended));
    }

    fn close_codes(&mut self, line: u64, old: &Standing, next_day: NaiveDate, plan: &mut Plan) {
        for system in [CodeSystem::Statistics, CodeSystem::CivilAffairs] {
            let Some(current) = self.there.current_code(old.division.id, system) else {
                continue;
            };
            let there = current.code.valid_from;
            if next_day <= there {
                let since = next_day;
                self.fault(line, FaultKind::Older { since, there });
            }
            plan.codes_closed.push(closed(&current.code, next_day));
        }
    }
}

fn succession(old: &Division, new: &Division) -> Succession {
    Succession {
        from: old.id,
        from_code: old.code.clone(),
        from_name: old.name.clone(),
        to: new.id,
        to_code: new.code.clone(),
        to_name: new.name.clone(),
    }
}

fn closed(code: &DivisionCode, next_day: NaiveDate) -> ClosedCode {
    ClosedCode {
        system: code.system,
        level: code.level,
        code: code.code.clone(),
        valid_from: code.valid_from,
        valid_to: next_day.pred_opt().unwrap_or(next_day),
    }
}

fn code_row(row: &EditionRow, system: CodeSystem, digits: &str, wanted: &Entry) -> CodeRow {
    CodeRow {
        code: DivisionCode {
            system,
            level: row.level,
            code: digits.to_owned(),
            valid_from: row.since,
            valid_to: None,
            name: row.name.clone(),
            division: wanted.division.id,
        },
        parent: wanted.division.parent,
    }
}
