//! Divisions: a table with one row each, whose parents stand in the same table.

use std::collections::HashMap;

use chrono::NaiveDate;
use onedoor_domain::division::{ANCESTORS_MAX, CodeSystem, Division, DivisionCode, Level, Setting};
use onedoor_domain::id::DivisionId;
use serde::Deserialize;

use super::fault::Faults;
use super::table::{self, Row};
use super::{ImportError, ImportReport, Mode, faultless, write};
use crate::cache::epochs::Epoch;
use crate::config::catalogue::SettingRule;
use crate::service::Services;
use crate::store;
use crate::store::division::DivisionImport;

/// The day from which the codes of the 2023 edition of the statistics are valid.
const EDITION: NaiveDate = match NaiveDate::from_ymd_opt(2023, 6, 30) {
    Some(day) => day,
    None => NaiveDate::MIN,
};
/// Longest name, code points; the country's longest has 33.
const NAME_MAX: usize = 100;

/// One line of the table.
#[derive(Debug, Deserialize)]
struct Line {
    code: String,
    parent_code: String,
    level: String,
    name: String,
    kind: String,
    counted: String,
    #[serde(default)]
    ur_class: String,
    #[serde(default)]
    mca_code: String,
}

/// Imports divisions. `rows_expected`: the table must have exactly so many rows.
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
    write(cx, mode, Epoch::Divisions, rows.len(), async |tx| {
        store::division::import(tx, &rows).await
    })
    .await
}

/// Reads and checks the table.
fn read(
    text: &str,
    rows_expected: Option<usize>,
    rule: SettingRule,
) -> Result<Vec<DivisionImport>, ImportError> {
    let mut faults = Faults::default();
    let lines: Vec<Row<Line>> = table::read(text, &mut faults);
    if let Some(expected) = rows_expected
        && lines.len() != expected
    {
        let found = lines.len();
        faults.add(
            0,
            format!("应有 {expected} 行, 实有 {found} 行"),
            format!("{expected} rows expected, {found} found"),
        );
    }
    let by_code = index(&lines, &mut faults);
    check_parents(&lines, &by_code, &mut faults);
    check_civil_codes(&lines, &mut faults);
    let rows = lines
        .iter()
        .filter_map(|line| row(line, rule, &mut faults))
        .collect();
    faultless(rows, faults)
}

/// Rows by code; a code that comes twice is a fault.
fn index<'a>(lines: &'a [Row<Line>], faults: &mut Faults) -> HashMap<&'a str, &'a Row<Line>> {
    let mut by_code: HashMap<&str, &Row<Line>> = HashMap::new();
    for line in lines {
        let code = line.value.code.as_str();
        if code.len() != 12 || !code.bytes().all(|digit| digit.is_ascii_digit()) {
            faults.add(
                line.line,
                "区划代码须为 12 位数字",
                "the code must have 12 digits",
            );
        }
        if let Some(first) = by_code.insert(code, line) {
            let before = first.line;
            faults.add(
                line.line,
                format!("区划代码与第 {before} 行重复"),
                format!("the code stands on line {before} already"),
            );
        }
    }
    by_code
}

/// Parents must be there and stand higher; a row that is its own parent stands on top. A walk that does not end is a
/// cycle.
fn check_parents(lines: &[Row<Line>], by_code: &HashMap<&str, &Row<Line>>, faults: &mut Faults) {
    for line in lines {
        let Some(parent) = parent_of(&line.value) else {
            continue;
        };
        let Some(above) = by_code.get(parent) else {
            faults.add(line.line, "上级区划不在表中", "the parent is not in the table");
            continue;
        };
        if let (Some(own), Some(its)) = (level(&line.value.level), level(&above.value.level))
            && its <= own
        {
            faults.add(
                line.line,
                "上级区划的层级不高于本级",
                "the parent does not stand on a higher level",
            );
        }
        let up = |row: &&Row<Line>| parent_of(&row.value).and_then(|code| by_code.get(code)).copied();
        if std::iter::successors(Some(line), up)
            .take(ANCESTORS_MAX + 1)
            .count()
            > ANCESTORS_MAX
        {
            faults.add(line.line, "上下级关系成环", "the parents form a cycle");
        }
    }
}

/// Equal digits may mean different places in different tables, but within one table on one level only one place.
fn check_civil_codes(lines: &[Row<Line>], faults: &mut Faults) {
    let mut seen = HashMap::new();
    for line in lines.iter().filter(|line| !line.value.mca_code.is_empty()) {
        let key = (line.value.level.as_str(), line.value.mca_code.as_str());
        if let Some(before) = seen.insert(key, line.line) {
            faults.add(
                line.line,
                format!("民政代码与第 {before} 行重复"),
                format!("the civil affairs code stands on line {before} already"),
            );
        }
    }
}

fn parent_of(line: &Line) -> Option<&str> {
    let parent = line.parent_code.as_str();
    (!parent.is_empty() && parent != line.code).then_some(parent)
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

fn row(line: &Row<Line>, rule: SettingRule, faults: &mut Faults) -> Option<DivisionImport> {
    let (at, line) = (line.line, &line.value);
    if line.name.is_empty() || line.name.chars().count() > NAME_MAX {
        faults.add(at, "名称为空或过长", "the name is empty or too long");
    }
    let counted = match line.counted.as_str() {
        "1" => true,
        "0" => false,
        _ => {
            faults.add(at, "counted 须为 0 或 1", "counted must be 0 or 1");
            false
        }
    };
    let Some(level) = level(&line.level) else {
        faults.add(
            at,
            "层级不明",
            "the level is not one of village, township, county, city, province",
        );
        return None;
    };
    let id = DivisionId::named(&line.code);
    let code = |system, digits: &str| DivisionCode {
        system,
        level,
        code: digits.to_owned(),
        valid_from: EDITION,
        valid_to: None,
        name: line.name.clone(),
        division: id,
    };
    let mut codes = vec![code(CodeSystem::Statistics, &line.code)];
    if !line.mca_code.is_empty() {
        codes.push(code(CodeSystem::CivilAffairs, &line.mca_code));
    }
    let division = Division {
        id,
        code: line.code.clone(),
        parent: parent_of(line).map(DivisionId::named),
        level,
        name: line.name.clone(),
        kind: line.kind.clone(),
        setting: setting(line, level, rule),
        counted,
    };
    let ur_class = Some(line.ur_class.clone()).filter(|class| !class.is_empty());
    Some(DivisionImport {
        division,
        ur_class,
        codes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "code,parent_code,level,name,kind,setting,counted,ur_class,mca_code,note\n";

    fn faults(rows: &str) -> Vec<(u64, String)> {
        match read(&format!("{HEADING}{rows}"), None, SettingRule::CommitteeKind) {
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
        assert_eq!(lines, [2, 3, 3, 3, 4, 4], "{told:?}");
    }

    #[test]
    fn own_parents_and_missing_levels_are_tolerated_and_cycles_refused() {
        let own = "340300000000,340300000000,city,甲,c,,1,,,\n340302001001,340300000000,village,乙,v,,1,,,\n";
        assert_eq!(faults(own), []);
        let cycle =
            "340300000001,340300000002,county,甲,c,,1,,,\n340300000002,340300000001,county,乙,c,,1,,,\n";
        let told = faults(cycle);
        assert!(told.iter().any(|(_, en)| en.contains("cycle")), "{told:?}");
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
        let by = |rule| read(&village, None, rule).unwrap().remove(0).division.setting;
        assert_eq!(by(SettingRule::CommitteeKind), Some(Setting::Urban));
        assert_eq!(by(SettingRule::UrClass), Some(Setting::Rural));
    }
}
