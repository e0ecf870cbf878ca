//! The admission lists (准入): what may be given to the grassroots by hand.

use std::collections::HashSet;

use chrono::NaiveDate;
use onedoor_domain::admission::{Admission, AdmissionList};
use serde::Deserialize;

use super::fault::Faults;
use super::table::{self, Row};
use super::{ImportError, ImportReport, Mode, faultless, write};
use crate::cache::epochs::Epoch;
use crate::service::{Services, catalogue};
use crate::store;

/// One line of the table.
#[derive(Debug, Deserialize)]
struct Line {
    number: String,
    list: AdmissionList,
    item_code: String,
    division_code: Option<String>,
    approver: String,
    #[serde(default)]
    funds_note: String,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
}

/// Imports the whole of the lists: an entry that the file no longer has is taken out. Items that are not offered and
/// divisions that do not exist are faults.
///
/// # Errors
/// All faults of the table at once, or that it could not be written.
pub async fn import(cx: &Services, text: &str, mode: Mode) -> Result<ImportReport, ImportError> {
    let offered = catalogue::offered(cx).await?;
    let directory = cx.directories.current();
    let known = Known {
        item: &|code| offered.by_code(code).is_some(),
        division: &|code| directory.division_by_code(code).is_some(),
    };
    let entries = read(text, &known)?;
    let import = async |tx: &_| store::admission::import(tx, &entries).await;
    let report = write(cx, mode, Epoch::Admissions, entries.len(), import).await?;
    Ok(report)
}

/// What an entry may name.
struct Known<'a> {
    item: &'a dyn Fn(&str) -> bool,
    division: &'a dyn Fn(&str) -> bool,
}

fn read(text: &str, known: &Known<'_>) -> Result<Vec<Admission>, ImportError> {
    let mut faults = Faults::default();
    let lines: Vec<Row<Line>> = table::read(text, &mut faults);
    let mut numbers = HashSet::new();
    for Row { line, value } in &lines {
        let at = *line;
        if !numbers.insert(value.number.as_str()) {
            let number = &value.number;
            faults.add(
                at,
                format!("条目编号 {number} 重复"),
                format!("the number {number} stands twice"),
            );
        }
        check(at, value, known, &mut faults);
    }
    let entries = lines.into_iter().map(|row| entry(row.value)).collect();
    faultless(entries, faults)
}

fn check(at: u64, line: &Line, known: &Known<'_>, faults: &mut Faults) {
    let blank = |text: &str| text.is_empty();
    if blank(&line.number) || blank(&line.approver) {
        faults.add(
            at,
            "条目编号和批准单位不能为空",
            "an entry needs a number and an approver",
        );
    }
    if line.list == AdmissionList::Assist && blank(&line.funds_note) {
        faults.add(
            at,
            "协助事项须写明经费来源（费随事转）",
            "what the grassroots assists with needs a note on its funds",
        );
    }
    if !(known.item)(&line.item_code) {
        let item = &line.item_code;
        faults.add(at, format!("没有事项 {item}"), format!("there is no item {item}"));
    }
    if let Some(code) = line.division_code.as_deref()
        && !(known.division)(code)
    {
        faults.add(
            at,
            format!("没有区划 {code}"),
            format!("there is no division {code}"),
        );
    }
    if line.valid_to.is_some_and(|last| last < line.valid_from) {
        faults.add(at, "有效期止早于有效期起", "the last day lies before the first");
    }
}

fn entry(line: Line) -> Admission {
    Admission {
        number: line.number,
        list: line.list,
        item_code: line.item_code,
        division_code: line.division_code,
        approver: line.approver,
        funds_note: line.funds_note,
        valid_from: line.valid_from,
        valid_to: line.valid_to,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "number,list,item_code,division_code,approver,funds_note,valid_from,valid_to";

    fn told(rows: &str) -> Result<Vec<Admission>, Vec<(u64, String)>> {
        let known = Known {
            item: &|code| code == "pension-enroll",
            division: &|code| code == "340302001001",
        };
        match read(&format!("{HEADING}\n{rows}"), &known) {
            Ok(entries) => Ok(entries),
            Err(ImportError::Faults(faults)) => {
                Err(faults.into_iter().map(|fault| (fault.line, fault.en)).collect())
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn an_entry_reads_with_and_without_place_and_end() {
        let entries = told(
            "A-1,ASSIST,pension-enroll,340302001001,区政府,随事拨付,2026-01-01,2026-12-31\nN-1,NEGATIVE,pension-enroll,,市政府,,2026-01-01,\n",
        )
        .unwrap();
        assert_eq!(entries[0].division_code.as_deref(), Some("340302001001"));
        assert_eq!((&entries[1].division_code, entries[1].valid_to), (&None, None));
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        let faults = told(
            "A-1,ASSIST,pension-enroll,,区政府,,2026-01-01,\nA-1,OWN_DUTY,none,340399000000,区政府,,2026-02-01,2026-01-01\n,MAYBE,pension-enroll,,,,2026-01-01,\n",
        )
        .unwrap_err();
        for (line, said) in [
            (2, "funds"),
            (3, "stands twice"),
            (3, "no item none"),
            (3, "no division"),
            (3, "before the first"),
            (4, "does not fit"),
        ] {
            assert!(
                faults.iter().any(|(at, en)| *at == line && en.contains(said)),
                "{line} {said}: {faults:?}"
            );
        }
    }
}
