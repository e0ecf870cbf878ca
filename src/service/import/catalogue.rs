//! The catalogue: service items as a YAML document, each checked as DOMAIN §1 asks before it is published.

use std::collections::HashMap;

use onedoor_domain::calendar::WorkCalendar;
use onedoor_domain::directory::{Directory, ResolveError};
use onedoor_domain::division::{Division, Level};
use onedoor_domain::item::ItemVersion;
use onedoor_domain::item::publish::{self, ForbiddenCertificate, PublishFault};
use onedoor_domain::limit::{Limit, LimitUnit};
use onedoor_domain::sla::reach::longest_reach_days;
use serde::Deserialize;

use super::fault::Faults;
use super::table;
use super::{ImportError, ImportReport, Mode, faultless, write};
use crate::cache::epochs::Epoch;
use crate::service::form::FormSchema;
use crate::service::{Services, calendar};
use crate::store;

mod document;

/// Imports the catalogue; an item whose content differs from its published version gets a new one.
///
/// # Errors
/// All faults of the document at once, or that it could not be written.
pub async fn import(cx: &Services, text: &str, mode: Mode) -> Result<ImportReport, ImportError> {
    let directory = cx.directories.current();
    let divisions = store::division::all(&cx.database).await?;
    let calendar = calendar::current(cx).await?;
    let grounds = Grounds {
        directory: &directory,
        divisions: &divisions,
        calendar: calendar.calendar(),
        forbidden: forbidden(super::shipped::FORBIDDEN_CERTIFICATES)?,
    };
    let items = read(text, &grounds)?;
    let now = cx.clock.now();
    let import = async |tx: &_| store::catalogue::import(tx, &items, now).await;
    write(cx, mode, Epoch::Items, items.len(), import).await
}

/// What the items are checked against.
struct Grounds<'a> {
    directory: &'a Directory,
    divisions: &'a [Division],
    calendar: &'a WorkCalendar,
    forbidden: Vec<ForbiddenCertificate>,
}

fn read(text: &str, grounds: &Grounds<'_>) -> Result<Vec<ItemVersion>, ImportError> {
    let mut faults = Faults::default();
    let items = document::read(text, &mut faults);
    let mut reach = Reach {
        calendar: grounds.calendar,
        known: HashMap::new(),
    };
    let mut seen = HashMap::new();
    for (line, item) in &items {
        if let Some(before) = seen.insert(item.code.as_str(), *line) {
            faults.add(
                *line,
                format!("事项与第 {before} 行重复"),
                format!("the item stands on line {before} already"),
            );
        }
        let mut fault = |zh: String, en: String| {
            faults.add(
                *line,
                format!("{}: {zh}", item.code),
                format!("{}: {en}", item.code),
            );
        };
        for found in publish::check(item, &grounds.forbidden, |chain| reach.of(chain)) {
            fault(in_chinese(&found), found.to_string());
        }
        if let Err(error) = FormSchema::compile(&item.form) {
            fault(
                format!("表单不合规: {error}"),
                format!("the form is not acceptable: {error}"),
            );
        }
        if let Some((place, error)) = first_unresolved(item, grounds) {
            fault(
                format!("流程在 {} ({}) 无法落实到单位: {error}", place.name, place.code),
                format!(
                    "the route does not resolve from {} ({}): {error}",
                    place.name, place.code
                ),
            );
        }
    }
    faultless(items.into_iter().map(|(_, item)| item).collect(), faults)
}

/// The first counted village from which the route cannot be walked.
fn first_unresolved<'a>(
    item: &ItemVersion,
    grounds: &'a Grounds<'_>,
) -> Option<(&'a Division, ResolveError)> {
    grounds
        .divisions
        .iter()
        .filter(|division| division.level == Level::Village && division.counted)
        .find_map(|village| Some((village, grounds.directory.resolve(&item.route, village.id).err()?)))
}

/// Remembers how long chains of limits can take: few differ, and each is tried from every day of several years.
struct Reach<'a> {
    calendar: &'a WorkCalendar,
    known: HashMap<Vec<Limit>, i64>,
}

impl Reach<'_> {
    fn of(&mut self, chain: &[Limit]) -> Result<i64, onedoor_domain::calendar::CalendarError> {
        let chain = merged(chain);
        if let Some(days) = self.known.get(&chain) {
            return Ok(*days);
        }
        let days = longest_reach_days(&chain, self.calendar)?;
        self.known.insert(chain, days);
        Ok(days)
    }
}

/// Adds up neighbours in working days: one after another they end when their sum does.
fn merged(chain: &[Limit]) -> Vec<Limit> {
    let mut merged: Vec<Limit> = Vec::new();
    for limit in chain {
        match merged.last_mut() {
            Some(last) if last.unit == LimitUnit::WorkingDay && limit.unit == LimitUnit::WorkingDay => {
                last.value = last.value.saturating_add(limit.value);
            }
            _ => merged.push(*limit),
        }
    }
    merged
}

fn forbidden(text: &str) -> Result<Vec<ForbiddenCertificate>, ImportError> {
    #[derive(Deserialize)]
    struct Line {
        name_zh: String,
    }
    let mut faults = Faults::default();
    let lines = table::read::<Line>(text, &mut faults);
    let list = lines
        .into_iter()
        .map(|line| ForbiddenCertificate {
            name_zh: line.value.name_zh,
        })
        .collect();
    faultless(list, faults)
}

fn in_chinese(fault: &PublishFault) -> String {
    match fault {
        PublishFault::Roles => "应恰有一步受理、一步决定".to_owned(),
        PublishFault::Order => "决定步骤早于受理步骤".to_owned(),
        PublishFault::ChainAbovePromise { chain, promised } => {
            format!("计时步骤最长 {chain} 天, 超过承诺时限 {promised} 天")
        }
        PublishFault::PromiseAboveStatute { promised, statutory } => {
            format!("承诺时限最长 {promised} 天, 超过法定时限 {statutory} 天")
        }
        PublishFault::NotImmediate => "即办件须由同一单位受理并当场决定, 承诺时限为即办".to_owned(),
        PublishFault::NotALoop => {
            "网格事项须由 ASSIGN 或 RESOLVE 步骤决定, 其后以唯一的 VERIFY 步骤结束".to_owned()
        }
        PublishFault::ForbiddenCertificate { material } => {
            format!("材料 {material} 属于不应由社区出具的证明 (民发〔2020〕20号)")
        }
        PublishFault::DuplicateMaterial { material } => format!("材料代码 {material} 重复"),
        PublishFault::ProducerUnknown { material } => format!("材料 {material} 的产生步骤不在流程中"),
        PublishFault::Calendar(_) => "时限超出工作日历范围".to_owned(),
    }
}

#[cfg(test)]
mod tests;
