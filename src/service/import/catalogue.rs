//! The catalogue: service items as a YAML document, each checked as DOMAIN §1 asks before it is published.

use std::collections::HashMap;

use onedoor_domain::calendar::WorkCalendar;
use onedoor_domain::directory::Directory;
use onedoor_domain::division::{Division, Level};
use onedoor_domain::item::ItemVersion;
use onedoor_domain::item::publish::{self, ForbiddenCertificate};
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
            fault(found.in_chinese(), found.to_string());
        }
        if let Err(error) = FormSchema::compile(&item.form) {
            fault(
                format!("表单不合规: {error}"),
                format!("the form is not acceptable: {error}"),
            );
        }
        for found in publish::check_places(item, grounds.directory, villages(grounds)) {
            fault(found.in_chinese(), found.to_string());
        }
    }
    faultless(items.into_iter().map(|(_, item)| item).collect(), faults)
}

/// The counted villages: from each of them every route must lead somewhere.
fn villages<'a>(grounds: &Grounds<'a>) -> impl Iterator<Item = &'a Division> {
    let divisions = grounds.divisions.iter();
    divisions.filter(|division| division.level == Level::Village && division.counted)
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

#[cfg(test)]
mod tests;
#[cfg(test)]
mod walks;
