//! Organizations: one per role and division of its level, and the city's agencies.

use std::collections::HashMap;

use onedoor_domain::directory::Directory;
use onedoor_domain::division::{Division, Level};
use onedoor_domain::id::OrganizationId;
use onedoor_domain::organization::{Organization, OrganizationKind};
use serde::Deserialize;

use super::fault::Faults;
use super::table::{self, Row};
use super::{ImportError, ImportReport, Mode, faultless, write};
use crate::cache::epochs::Epoch;
use crate::service::Services;
use crate::store;

/// Role of the agencies of the city plan, which no route names.
const AGENCY_ROLE: &str = "city.agency";
/// Code in front of the roles of the province, which has no division here.
const PROVINCE_CODE: &str = "340000000000";

/// One line of the table of roles.
#[derive(Debug, Deserialize)]
struct RoleLine {
    role: String,
    level: String,
    kind: String,
    name_template_zh: String,
    name_en: String,
}

/// One line of the table of agencies.
#[derive(Debug, Deserialize)]
struct AgencyLine {
    code: String,
    name_zh: String,
    name_en: String,
    #[serde(rename = "type")]
    kind: String,
}

/// Imports organizations from a table of roles or of agencies, told apart by its heading.
///
/// # Errors
/// All faults of the table at once, or that it could not be written.
pub async fn import(cx: &Services, text: &str, mode: Mode) -> Result<ImportReport, ImportError> {
    let directory = cx.directories.current();
    let divisions = all_divisions(cx, &directory).await?;
    let rows = if table::heading(text).iter().any(|name| name == "role") {
        read_roles(text, &divisions)?
    } else {
        read_agencies(text, &divisions)?
    };
    let now = cx.clock.now();
    let import = async |tx: &_| store::organization::import(tx, &rows, now).await;
    write(cx, mode, Epoch::Organizations, rows.len(), import).await
}

async fn all_divisions(cx: &Services, directory: &Directory) -> Result<Vec<Division>, ImportError> {
    if directory.size().0 > 0 {
        return Ok(store::division::all(&cx.database).await?);
    }
    let mut faults = Faults::default();
    faults.add(
        0,
        "尚未导入区划, 请先导入区划",
        "no divisions are there yet, import them first",
    );
    faultless(Vec::new(), faults)
}

fn read_roles(text: &str, divisions: &[Division]) -> Result<Vec<Organization>, ImportError> {
    let mut faults = Faults::default();
    let lines: Vec<Row<RoleLine>> = table::read(text, &mut faults);
    let mut seen = HashMap::new();
    let mut organizations = Vec::new();
    for line in &lines {
        let (at, role) = (line.line, &line.value);
        if let Some(before) = seen.insert(role.role.as_str(), at) {
            faults.add(
                at,
                format!("角色与第 {before} 行重复"),
                format!("the role stands on line {before} already"),
            );
        }
        let Some(level) = level(&role.level) else {
            faults.add(at, "层级不明", "the level is not known");
            continue;
        };
        match Means::of(&role.kind) {
            None => faults.add(at, "单位类别不明", "the kind is not known"),
            Some(Means::Chosen) => {}
            Some(Means::External) => match divisions.iter().find(|division| division.level == Level::City) {
                Some(city) => organizations.push(external(role, level, city)),
                None => faults.add(
                    at,
                    "没有市级区划",
                    "there is no division on the level of the city",
                ),
            },
            Some(Means::PerDivision(kind)) => {
                if !role.name_template_zh.contains("{division}") {
                    faults.add(
                        at,
                        "名称模板缺少 {division}",
                        "the name's template lacks {division}",
                    );
                }
                let here = divisions
                    .iter()
                    .filter(|division| division.level == level && division.counted);
                organizations.extend(here.map(|division| per_division(role, kind, division)));
            }
        }
    }
    faultless(organizations, faults)
}

/// What a kind of the table creates.
enum Means {
    /// One organization in each counted division of the level.
    PerDivision(OrganizationKind),
    /// None: it is named when the case is handed off.
    Chosen,
    /// One organization outside the city.
    External,
}

impl Means {
    fn of(kind: &str) -> Option<Self> {
        let kind = match kind {
            "ANY_DEPARTMENT" => return Some(Self::Chosen),
            "UPSTREAM" => return Some(Self::External),
            "STATION" => OrganizationKind::Station,
            "COMMITTEE" => OrganizationKind::Committee,
            "GRID" => OrganizationKind::Grid,
            "SERVICE_CENTER" => OrganizationKind::ServiceCenter,
            "GOVERNMENT" => OrganizationKind::Government,
            "DEPARTMENT" => OrganizationKind::Department,
            "INSTITUTION" => OrganizationKind::Institution,
            "SOCIAL_ORGANIZATION" => OrganizationKind::SocialOrganization,
            "PROPERTY_COMPANY" => OrganizationKind::PropertyCompany,
            _ => return None,
        };
        Some(Self::PerDivision(kind))
    }
}

fn level(name: &str) -> Option<Level> {
    store::names::named(&name.to_uppercase())
}

fn per_division(role: &RoleLine, kind: OrganizationKind, division: &Division) -> Organization {
    let code = format!("{}:{}", division.code, role.role);
    Organization {
        id: OrganizationId::named(&code),
        code,
        role: role.role.clone(),
        kind,
        division: division.id,
        level: division.level,
        name_zh: name(&role.name_template_zh, division),
        name_en: role.name_en.clone(),
        upstream: None,
    }
}

fn external(role: &RoleLine, level: Level, city: &Division) -> Organization {
    let code = format!("{PROVINCE_CODE}:{}", role.role);
    Organization {
        id: OrganizationId::named(&code),
        code,
        role: role.role.clone(),
        kind: OrganizationKind::External,
        division: city.id,
        level,
        name_zh: role.name_template_zh.clone(),
        name_en: role.name_en.clone(),
        upstream: None,
    }
}

/// Fills the template. `人民政府(街道办事处)` names two bodies: towns have a government, streets an office, and a
/// development zone or farm that stands in the place of a township has a committee of its own name.
fn name(template: &str, division: &Division) -> String {
    const GOVERNMENT: &str = "{division}人民政府(街道办事处)";
    let place = division.name.as_str();
    if template != GOVERNMENT {
        return template.replace("{division}", place);
    }
    match division.kind.as_str() {
        "street" => format!("{}街道办事处", place.trim_end_matches("街道")),
        "town" | "township" => format!("{place}人民政府"),
        _ if place.ends_with("管委会") || place.ends_with("中心") => place.to_owned(),
        _ => format!("{place}管理委员会"),
    }
}

fn read_agencies(text: &str, divisions: &[Division]) -> Result<Vec<Organization>, ImportError> {
    let mut faults = Faults::default();
    let lines: Vec<Row<AgencyLine>> = table::read(text, &mut faults);
    let Some(city) = divisions.iter().find(|division| division.level == Level::City) else {
        faults.add(0, "没有市级区划", "there is no division on the level of the city");
        return faultless(Vec::new(), faults);
    };
    let mut seen = HashMap::new();
    let mut organizations = Vec::new();
    for line in &lines {
        let (at, agency) = (line.line, &line.value);
        if let Some(before) = seen.insert(agency.code.as_str(), at) {
            faults.add(
                at,
                format!("代码与第 {before} 行重复"),
                format!("the code stands on line {before} already"),
            );
        }
        let kind = match agency.kind.as_str() {
            "government" | "vertical" | "judicial" => OrganizationKind::Department,
            "party" | "mass_organization" => OrganizationKind::Party,
            // 各相关部门, 各县区: expanded by configuration, never a login agency
            "collective" => continue,
            _ => {
                faults.add(at, "单位类别不明", "the type is not known");
                continue;
            }
        };
        organizations.push(Organization {
            id: OrganizationId::named(&agency.code),
            code: agency.code.clone(),
            role: AGENCY_ROLE.to_owned(),
            kind,
            division: city.id,
            level: Level::City,
            name_zh: agency.name_zh.clone(),
            name_en: agency.name_en.clone(),
            upstream: None,
        });
    }
    faultless(organizations, faults)
}

#[cfg(test)]
mod tests {
    use onedoor_domain::id::DivisionId;

    use super::*;

    fn township(name: &str, kind: &str) -> Division {
        Division {
            id: DivisionId::named(name),
            code: "340302001000".to_owned(),
            parent: None,
            level: Level::Township,
            name: name.to_owned(),
            kind: kind.to_owned(),
            setting: None,
            counted: true,
        }
    }

    #[test]
    fn a_township_is_governed_under_the_name_its_kind_has() {
        let named = |place, kind| name("{division}人民政府(街道办事处)", &township(place, kind));
        assert_eq!(named("东风街道", "street"), "东风街道办事处");
        assert_eq!(named("马城镇", "town"), "马城镇人民政府");
        assert_eq!(named("临北回族乡", "township"), "临北回族乡人民政府");
        assert_eq!(named("经济开发区管委会", "quasi_township"), "经济开发区管委会");
        assert_eq!(named("龙亢农场", "quasi_township"), "龙亢农场管理委员会");
        assert_eq!(
            name("{division}派出所", &township("马城镇", "town")),
            "马城镇派出所"
        );
    }

    #[test]
    fn faults_of_the_roles_are_told_at_once() {
        let text = "role,level,kind,name_template_zh,name_en,annex_agency\n\
                    a,township,DEPARTMENT,没有模板,A,\n\
                    a,hamlet,DEPARTMENT,{division}甲,A,\n\
                    b,township,CLUB,{division}乙,B,\n\
                    c,province,UPSTREAM,省厅,C,\n";
        let Err(ImportError::Faults(faults)) = read_roles(text, &[township("马城镇", "town")]) else {
            panic!("faults expected");
        };
        assert_eq!(
            faults.iter().map(|fault| fault.line).collect::<Vec<_>>(),
            [2, 3, 3, 4, 5]
        );
    }
}
