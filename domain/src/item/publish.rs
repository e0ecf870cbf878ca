//! What a version must satisfy before it is published (DOMAIN §1).

use crate::calendar::{CalendarError, WorkCalendar};
use crate::directory::Directory;
use crate::division::Division;
use crate::item::{CaseKind, ItemVersion, Material, ProcessingType};
use crate::limit::{Limit, LimitUnit};
use crate::route::{Step, StepClock};
use crate::sla::reach::longest_reach_days;

pub use fault::{PublishFault, StepName};

mod fault;

/// A certificate that a community may not be asked for (民发〔2020〕20号).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForbiddenCertificate {
    /// Its name in Chinese.
    pub name_zh: String,
}

/// All faults of a version; empty: it can be published. `reach` gives the most days a chain of limits can take
/// (a caller with many versions remembers answers; else [`longest_reach_days`] through [`reach_by`]).
pub fn check(
    item: &ItemVersion,
    forbidden: &[ForbiddenCertificate],
    mut reach: impl FnMut(&[Limit]) -> Result<i64, CalendarError>,
) -> Vec<PublishFault> {
    let mut faults = Vec::new();
    check_materials(item, forbidden, &mut faults);
    let accepting = steps_that(&item.route, |step| step.accepts);
    let deciding = steps_that(&item.route, |step| step.decides);
    if let ([accepts], [decides]) = (accepting.as_slice(), deciding.as_slice()) {
        check_order(item, accepts, decides, &mut faults);
    }
    if accepting.len() != 1 {
        faults.push(PublishFault::Accepting(accepting));
    }
    if deciding.len() != 1 {
        faults.push(PublishFault::Deciding(deciding));
    }
    if item.processing == ProcessingType::Immediate && item.promised.unit != LimitUnit::OnTheSpot {
        faults.push(PublishFault::NotOnTheSpot);
    }
    if item.case_kind == CaseKind::Grid && !is_loop(item) {
        faults.push(PublishFault::NotALoop);
    }
    if let Err(error) = check_limits(item, &mut reach, &mut faults) {
        faults.push(error.into());
    }
    faults
}

/// The steps that do not resolve from some of these divisions: CHOSEN to nobody, EXTERNAL to none or several, a role
/// that nobody has. The intake may have nobody.
pub fn check_places<'a>(
    item: &ItemVersion,
    directory: &Directory,
    places: impl IntoIterator<Item = &'a Division>,
) -> Vec<PublishFault> {
    let mut found: Vec<Option<(&Division, usize)>> = vec![None; item.route.len()];
    for place in places {
        for index in directory.unresolved(&item.route, place.id) {
            if let Some(slot) = found.get_mut(index) {
                let (first, count) = slot.unwrap_or((place, 0));
                *slot = Some((first, count + 1));
            }
        }
    }
    let faults = item.route.iter().enumerate().zip(found);
    faults
        .filter_map(|((index, step), found)| {
            let (place, places) = found?;
            Some(PublishFault::Unresolved {
                step: StepName::of(index, step),
                assignment: step.assignment,
                place: place.name.clone(),
                code: place.code.clone(),
                places,
            })
        })
        .collect()
}

fn check_order(item: &ItemVersion, accepts: &StepName, decides: &StepName, faults: &mut Vec<PublishFault>) {
    if decides.number < accepts.number {
        faults.push(PublishFault::Order {
            accepts: accepts.clone(),
            decides: decides.clone(),
        });
    }
    if item.processing == ProcessingType::Immediate && accepts.number != decides.number {
        faults.push(PublishFault::NotOneOrganization {
            accepts: accepts.clone(),
            decides: decides.clone(),
        });
    }
}

/// The plain way to answer `reach` from a calendar.
pub fn reach_by(calendar: &WorkCalendar) -> impl FnMut(&[Limit]) -> Result<i64, CalendarError> + '_ {
    |chain| longest_reach_days(chain, calendar)
}

/// Whether the route of a grid event closes: handled by an ASSIGN or RESOLVE step, checked in the last.
fn is_loop(item: &ItemVersion) -> bool {
    let deciding = item.deciding_step();
    let handled = deciding
        .and_then(|step| item.route.get(step))
        .is_some_and(|step| matches!(step.action.as_str(), "ASSIGN" | "RESOLVE"));
    handled
        && item.verify_step() == deciding.map(|step| step + 1)
        && item.verify_step() == item.route.len().checked_sub(1)
}

fn steps_that(route: &[Step], is: impl Fn(&Step) -> bool) -> Vec<StepName> {
    let steps = route.iter().enumerate().filter(|(_, step)| is(step));
    steps.map(|(index, step)| StepName::of(index, step)).collect()
}

fn check_materials(item: &ItemVersion, forbidden: &[ForbiddenCertificate], faults: &mut Vec<PublishFault>) {
    for (index, material) in item.materials.iter().enumerate() {
        let code = || material.code.clone();
        if item
            .materials
            .iter()
            .take(index)
            .any(|earlier| earlier.code == material.code)
        {
            faults.push(PublishFault::DuplicateMaterial { material: code() });
        }
        if issued_by_community(material)
            && forbidden
                .iter()
                .any(|entry| plain(&entry.name_zh) == plain(&material.name_zh))
        {
            faults.push(PublishFault::ForbiddenCertificate { material: code() });
        }
        if let Some(producer) = &material.produced_by
            && !item
                .route
                .iter()
                .any(|step| step.action == *producer || step.role == *producer)
        {
            faults.push(PublishFault::ProducerUnknown { material: code() });
        }
    }
}

fn issued_by_community(material: &Material) -> bool {
    material.issuer.as_deref() == Some("COMMUNITY")
}

/// A name without blanks and without what stands in brackets: 健在证明（原件） is 健在证明.
fn plain(name: &str) -> String {
    let mut depth = 0_usize;
    name.chars()
        .filter(|letter| {
            match letter {
                '(' | '（' => depth += 1,
                ')' | '）' => {
                    depth = depth.saturating_sub(1);
                    return false;
                }
                _ => {}
            }
            depth == 0 && !letter.is_whitespace()
        })
        .collect()
}

fn check_limits(
    item: &ItemVersion,
    reach: &mut impl FnMut(&[Limit]) -> Result<i64, CalendarError>,
    faults: &mut Vec<PublishFault>,
) -> Result<(), CalendarError> {
    let promised = reach(&[item.promised])?;
    let statutory = reach(&[item.statutory])?;
    if promised > statutory {
        faults.push(PublishFault::PromiseAboveStatute { promised, statutory });
    }
    let steps = counted_steps(&item.route);
    let unlimited = steps.iter().filter(|(_, step)| step.limit.is_none());
    faults
        .extend(unlimited.map(|(index, step)| PublishFault::CountedWithoutLimit(StepName::of(*index, step))));
    let chain = counted_chain(&steps, reach)?;
    let chain = reach(&chain)?;
    if chain > promised {
        faults.push(PublishFault::ChainAbovePromise {
            steps: steps
                .iter()
                .map(|(index, step)| StepName::of(*index, step))
                .collect(),
            chain,
            promised,
        });
    }
    Ok(())
}

/// The counted steps up to and including the deciding one, with their places.
fn counted_steps(route: &[Step]) -> Vec<(usize, &Step)> {
    let last = route.iter().position(|step| step.decides).unwrap_or(route.len());
    let steps = route.iter().enumerate().take(last.saturating_add(1));
    steps
        .filter(|(_, step)| step.clock == StepClock::Counted)
        .collect()
}

/// Their limits; of a parallel group the longest.
fn counted_chain(
    steps: &[(usize, &Step)],
    reach: &mut impl FnMut(&[Limit]) -> Result<i64, CalendarError>,
) -> Result<Vec<Limit>, CalendarError> {
    let mut chain: Vec<Limit> = Vec::new();
    let mut group: Option<(&str, i64)> = None;
    for (_, step) in steps {
        let Some(limit) = step.limit else { continue };
        match (&step.parallel_group, group) {
            (Some(name), Some((open, longest))) if name == open => {
                let length = reach(&[limit])?;
                if length > longest {
                    chain.pop();
                    chain.push(limit);
                    group = Some((name, length));
                }
            }
            (Some(name), _) => {
                group = Some((name, reach(&[limit])?));
                chain.push(limit);
            }
            (None, _) => {
                group = None;
                chain.push(limit);
            }
        }
    }
    Ok(chain)
}

#[cfg(test)]
#[expect(clippy::wildcard_enum_match_arm, reason = "a test names the arms it is about")]
mod tests;
