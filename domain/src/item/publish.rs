//! What a version must satisfy before it is published (DOMAIN §1).

use crate::calendar::{CalendarError, WorkCalendar};
use crate::item::{CaseKind, ItemVersion, Material, ProcessingType};
use crate::limit::{Limit, LimitUnit};
use crate::route::{Step, StepClock};
use crate::sla::reach::longest_reach_days;

/// Why a version cannot be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishFault {
    /// Not exactly one step accepts, or not exactly one decides.
    #[error("exactly one step accepts and exactly one decides")]
    Roles,
    /// The deciding step stands before the accepting one.
    #[error("the step that decides stands before the one that accepts")]
    Order,
    /// The counted steps can take longer than is promised.
    #[error("the counted steps can take {chain} days, the promise allows {promised}")]
    ChainAbovePromise {
        /// Most calendar days of the counted chain.
        chain: i64,
        /// Most calendar days of the promise.
        promised: i64,
    },
    /// The promise can take longer than the law allows.
    #[error("the promise can take {promised} days, the law allows {statutory}")]
    PromiseAboveStatute {
        /// Most calendar days of the promise.
        promised: i64,
        /// Most calendar days of the statutory limit.
        statutory: i64,
    },
    /// 即办件 means: one organization accepts and decides, on the spot.
    #[error("an IMMEDIATE item is accepted and decided by one organization, promised ON_THE_SPOT")]
    NotImmediate,
    /// A grid event is assigned or resolved by its decider, and checked in one last step.
    #[error(
        "a grid event is decided by an ASSIGN or RESOLVE step, and ends with the one VERIFY step after it"
    )]
    NotALoop,
    /// A certificate that a community may not be asked for.
    #[error("material {material} is on the list of forbidden certificates")]
    ForbiddenCertificate {
        /// Code of the material.
        material: String,
    },
    /// Two materials have one code.
    #[error("two materials have the code {material}")]
    DuplicateMaterial {
        /// The code.
        material: String,
    },
    /// A material is brought by a step that the route does not have.
    #[error("material {material} is produced by a step that the route does not have")]
    ProducerUnknown {
        /// Code of the material.
        material: String,
    },
    /// A limit reaches outside the calendar.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
}

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
    let accepting: Vec<usize> = positions(&item.route, |step| step.accepts);
    let deciding: Vec<usize> = positions(&item.route, |step| step.decides);
    let ([accepts], [decides]) = (accepting.as_slice(), deciding.as_slice()) else {
        faults.push(PublishFault::Roles);
        return faults;
    };
    if decides < accepts {
        faults.push(PublishFault::Order);
    }
    if item.processing == ProcessingType::Immediate
        && (accepts != decides || item.promised.unit != LimitUnit::OnTheSpot)
    {
        faults.push(PublishFault::NotImmediate);
    }
    if item.case_kind == CaseKind::Grid && !is_loop(item) {
        faults.push(PublishFault::NotALoop);
    }
    if let Err(error) = check_limits(item, &mut reach, &mut faults) {
        faults.push(error.into());
    }
    faults
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

fn positions(route: &[Step], is: impl Fn(&Step) -> bool) -> Vec<usize> {
    route
        .iter()
        .enumerate()
        .filter(|(_, step)| is(step))
        .map(|(index, _)| index)
        .collect()
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
        if issued_by_community(material) && forbidden.iter().any(|entry| entry.name_zh == material.name_zh) {
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

fn check_limits(
    item: &ItemVersion,
    reach: &mut impl FnMut(&[Limit]) -> Result<i64, CalendarError>,
    faults: &mut Vec<PublishFault>,
) -> Result<(), CalendarError> {
    let counted = counted_chain(&item.route, reach)?;
    let chain = reach(&counted)?;
    let promised = reach(&[item.promised])?;
    let statutory = reach(&[item.statutory])?;
    if chain > promised {
        faults.push(PublishFault::ChainAbovePromise { chain, promised });
    }
    if promised > statutory {
        faults.push(PublishFault::PromiseAboveStatute { promised, statutory });
    }
    Ok(())
}

/// The limits of the counted steps up to and including the deciding one; of a parallel group the longest.
fn counted_chain(
    route: &[Step],
    reach: &mut impl FnMut(&[Limit]) -> Result<i64, CalendarError>,
) -> Result<Vec<Limit>, CalendarError> {
    let mut chain: Vec<Limit> = Vec::new();
    let mut group: Option<(&str, i64)> = None;
    for step in route {
        if let (StepClock::Counted, Some(limit)) = (step.clock, step.limit) {
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
        if step.decides {
            break;
        }
    }
    Ok(chain)
}

#[cfg(test)]
mod tests;
