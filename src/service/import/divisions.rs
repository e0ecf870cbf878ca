//! Divisions: an edition as a table with one row each, read against the divisions that are there.

use chrono::NaiveDate;
use onedoor_domain::division::{Level, Setting};
use onedoor_domain::edition::{self, EditionRow, Plan, Register};
use serde::Deserialize;

use super::fault::{Faults, ImportFault};
use super::table::{self, Row};
use super::{ImportError, ImportReport, Mode, faultless, write_read};
use crate::cache::epochs::Epoch;
use crate::config::catalogue::SettingRule;
use crate::service::Services;
use crate::store::error::StoreError;
use crate::store::names::ImportCounts;
use crate::store::tx::Tx;
use crate::store::{self, epoch};

/// The first day of what a row says that names none: the day of the 2023 edition of the statistics.
const EDITION: NaiveDate = match NaiveDate::from_ymd_opt(2023, 6, 30) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// One line of the table. Only code, parent, level and name must be there.
#[derive(Debug, Deserialize)]
struct Line {
    code: String,
    parent_code: String,
    level: String,
    name: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    counted: String,
    #[serde(default)]
    ur_class: String,
    #[serde(default)]
    mca_code: String,
    /// First day of what the row says.
    #[serde(default)]
    valid_from: String,
    /// Last day, for a division that ends and that nobody succeeds.
    #[serde(default)]
    valid_to: String,
    /// Codes on the same level whose work the division takes over, separated by blanks.
    #[serde(default)]
    succeeds: String,
}

/// Imports an edition. `rows_expected`: the table must have exactly so many rows. Divisions that it does not name stay.
/// Organizations of divisions that were recoded or merged are succeeded role by role; `service::succession` then moves
/// the open cases.
///
/// # Errors
/// All faults of the table at once, or that it could not be written.
pub async fn import(
    cx: &Services,
    text: &str,
    rows_expected: Option<usize>,
    mode: Mode,
) -> Result<ImportReport, ImportError> {
    let rows = read(text, rows_expected, cx.setting_rule)?;
    let now = cx.clock.now();
    write_read(cx, mode, Epoch::Divisions, rows.len(), async |tx| {
        let there = store::edition::register(tx).await?;
        match plan(&rows, &there) {
            Ok(plan) => Ok(Ok(carry_out(tx, &plan, now).await?)),
            Err(faults) => Ok(Err(faults)),
        }
    })
    .await
}

async fn carry_out(
    tx: &Tx,
    plan: &Plan,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<ImportCounts, StoreError> {
    store::edition::carry_out(tx, plan).await?;
    let done = store::succession::succeed(tx, &plan.successions, &plan.renamings, now).await?;
    if done.succeeded + done.renamed > 0 {
        epoch::bump(tx, Epoch::Organizations.name()).await?;
    }
    Ok(ImportCounts {
        added: plan.added.len(),
        changed: plan.changed.len(),
        unchanged: plan.unchanged,
        ended: plan.ended.len(),
        succeeded: done.succeeded,
    })
}

/// Reads the table; what needs no other row and no database is checked here.
fn read(text: &str, rows_expected: Option<usize>, rule: SettingRule) -> Result<Vec<EditionRow>, ImportError> {
    let mut faults = Faults::default();
    let mut found = 0;
    let rows: Vec<EditionRow> = table::read_as(text, &mut faults, |line, faults| {
        found += 1;
        row(line, rule, faults)
    });
    if let Some(expected) = rows_expected
        && found != expected
    {
        faults.add(
            0,
            format!("应有 {expected} 行, 实有 {found} 行"),
            format!("{expected} rows expected, {found} found"),
        );
    }
    if !faults.is_empty() {
        // what the rows say of each other is told as well, as far as it needs no database
        add_faults(&rows, &mut faults);
    }
    faultless(rows, faults)
}

fn add_faults(rows: &[EditionRow], faults: &mut Faults) {
    for fault in edition::plan(rows, &Register::default())
        .err()
        .into_iter()
        .flatten()
    {
        let needs_database = matches!(
            fault.kind,
            edition::FaultKind::ParentUnknown
                | edition::FaultKind::PredecessorUnknown { .. }
                | edition::FaultKind::NothingToEnd
        );
        if !needs_database {
            faults.add(fault.line, fault.kind.in_chinese(), fault.kind.to_string());
        }
    }
}

fn plan(rows: &[EditionRow], there: &Register) -> Result<Plan, Vec<ImportFault>> {
    edition::plan(rows, there).map_err(|found| {
        let mut faults = Faults::default();
        for fault in found {
            faults.add(fault.line, fault.kind.in_chinese(), fault.kind.to_string());
        }
        faults.into_sorted()
    })
}

fn level(name: &str) -> Option<Level> {
    match name {
        "village" => Some(Level::Village),
        "township" => Some(Level::Township),
        "county" => Some(Level::County),
        "city" => Some(Level::City),
        "province" => Some(Level::Province),
        _ => None,
    }
}

/// Urban or rural, by the configured rule; other levels than the village have none.
fn setting(line: &Line, level: Level, rule: SettingRule) -> Option<Setting> {
    if level != Level::Village {
        return None;
    }
    match rule {
        SettingRule::CommitteeKind => match line.kind.as_str() {
            "residents_committee" => Some(Setting::Urban),
            "villagers_committee" => Some(Setting::Rural),
            _ => None,
        },
        // 1xx: urban (城镇), 2xx: rural (乡村)
        SettingRule::UrClass => match line.ur_class.bytes().next() {
            Some(b'1') => Some(Setting::Urban),
            Some(b'2') => Some(Setting::Rural),
            _ => None,
        },
    }
}

fn row(line: Row<Line>, rule: SettingRule, faults: &mut Faults) -> Option<EditionRow> {
    let (at, line) = (line.line, line.value);
    let counted = match line.counted.as_str() {
        "1" | "" => true,
        "0" => false,
        _ => {
            faults.add(at, "counted 须为 0 或 1", "counted must be 0 or 1");
            false
        }
    };
    let since = day(at, "valid_from", &line.valid_from, faults).unwrap_or(EDITION);
    let until = day(at, "valid_to", &line.valid_to, faults);
    let Some(level) = level(&line.level) else {
        faults.add(
            at,
            "层级不明",
            "the level is not one of village, township, county, city, province",
        );
        return None;
    };
    let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Some(EditionRow {
        line: at,
        parent_code: given(&line.parent_code),
        level,
        setting: setting(&line, level, rule),
        counted,
        ur_class: given(&line.ur_class),
        civil_code: given(&line.mca_code),
        since,
        until,
        succeeds: line.succeeds.split_whitespace().map(str::to_owned).collect(),
        code: line.code,
        name: line.name,
        kind: line.kind,
    })
}

fn day(at: u64, column: &str, text: &str, faults: &mut Faults) -> Option<NaiveDate> {
    if text.is_empty() {
        return None;
    }
    let day = text.parse().ok();
    if day.is_none() {
        faults.add(
            at,
            format!("{column} 须为日期 YYYY-MM-DD"),
            format!("{column} must be a date, YYYY-MM-DD"),
        );
    }
    day
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "code,parent_code,level,name,kind,setting,counted,ur_class,mca_code,note\n";

    fn faults(rows: &str) -> Vec<(u64, String)> {
        let read = read(&format!("{HEADING}{rows}"), None, SettingRule::CommitteeKind);
        let planned = |rows: Vec<_>| plan(&rows, &Register::default()).map_err(ImportError::Faults);
        match read.and_then(planned) {
            Err(ImportError::Faults(faults)) => {
                faults.into_iter().map(|fault| (fault.line, fault.en)).collect()
            }
            Ok(_) => Vec::new(),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn all_faults_are_told_at_once_with_their_lines() {
        let told = faults(
            "34030000000,,city,蚌埠市,prefecture_city,,1,,,\n\
             340302000000,340300000000,county,,district,,2,,,\n\
             340302000000,340302000000,hamlet,乙,district,,1,,,\n",
        );
        let lines: Vec<_> = told.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 3, 3, 4], "{told:?}");
    }

    #[test]
    fn own_parents_and_missing_levels_are_tolerated_and_cycles_cannot_be() {
        let own = "340300000000,340300000000,city,甲,c,,1,,,\n340302001001,340300000000,village,乙,v,,1,,,\n";
        assert_eq!(faults(own), []);
        let cycle =
            "340300000001,340300000002,county,甲,c,,1,,,\n340300000002,340300000001,county,乙,c,,1,,,\n";
        let told = faults(cycle);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told.iter().all(|(_, en)| en.contains("higher level")), "{told:?}");
    }

    #[test]
    fn a_table_without_its_columns_is_refused() {
        assert!(matches!(
            read("code,name\n340300000000,甲\n", None, SettingRule::CommitteeKind),
            Err(ImportError::Faults(_))
        ));
        assert!(matches!(
            read(HEADING, Some(1), SettingRule::CommitteeKind),
            Err(ImportError::Faults(_))
        ));
    }

    #[test]
    fn the_setting_follows_the_configured_rule() {
        let village = format!("{HEADING}340302001001,,village,甲,residents_committee,,1,220,,\n");
        let by = |rule| read(&village, None, rule).unwrap().remove(0).setting;
        assert_eq!(by(SettingRule::CommitteeKind), Some(Setting::Urban));
        assert_eq!(by(SettingRule::UrClass), Some(Setting::Rural));
    }
}
