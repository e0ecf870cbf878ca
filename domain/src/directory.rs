//! Who is where: divisions and organizations at one moment, and the organizations that a route means for a division.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;

use crate::admission::{self, Admission, Gate};
use crate::card::Place;
use crate::division::{ANCESTORS_MAX, Division, Level};
use crate::edition::Ended;
use crate::id::{DivisionId, OrganizationId};
use crate::organization::{Organization, OrganizationKind};
use crate::route::{Assignment, Step, StepClock};

/// An immutable picture of all divisions and organizations.
#[derive(Debug, Default)]
pub struct Directory {
    divisions: HashMap<DivisionId, Division>,
    division_codes: HashMap<String, DivisionId>,
    children: HashMap<DivisionId, Vec<DivisionId>>,
    organizations: HashMap<OrganizationId, Organization>,
    organization_codes: HashMap<String, OrganizationId>,
    by_place: HashMap<(DivisionId, String), OrganizationId>,
    by_division: HashMap<DivisionId, Vec<OrganizationId>>,
    externals: HashMap<String, Vec<OrganizationId>>,
    successors: HashMap<OrganizationId, OrganizationId>,
    lineage: Arc<Lineage>,
    ended: HashMap<DivisionId, Ended>,
    former_codes: HashMap<String, DivisionId>,
    admissions: Vec<Admission>,
}

/// A step of a route and the organization it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedStep<'a> {
    /// Its place in the route, from 0.
    pub index: usize,
    /// The step.
    pub step: &'a Step,
    /// Who acts.
    pub who: StepHolder,
}

impl ResolvedStep<'_> {
    /// The one organization, where there is one.
    #[must_use]
    pub const fn organization(&self) -> Option<OrganizationId> {
        match &self.who {
            StepHolder::Organization(id) => Some(*id),
            StepHolder::Chosen(_) | StepHolder::Intake => None,
        }
    }
}

/// Who acts in a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepHolder {
    /// This organization.
    Organization(OrganizationId),
    /// One of these, named when the case is handed off; never empty.
    Chosen(Vec<OrganizationId>),
    /// The division has no organization for the intake; whoever submits takes the papers in.
    Intake,
}

/// How one organization stands to another, as handoffs by hand go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rank {
    /// It serves the division directly above.
    Above,
    /// It serves a division below, at any depth.
    Below,
    /// Anywhere else in the network.
    Beside,
    /// Outside the network.
    Outside,
}

/// A route that cannot be walked from a division.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// There is no such division.
    #[error("there is no such division")]
    DivisionUnknown,
    /// No organization has the role of this step there.
    #[error("no organization is {role} for this division")]
    Unresolved {
        /// The step's place in the route, from 0.
        index: usize,
        /// Its role.
        role: String,
    },
}

impl Directory {
    /// Builds the picture. `successors` says who took over the work of whom. Later rows with the same place win
    /// never: the first one does.
    #[must_use]
    pub fn new(
        divisions: Vec<Division>,
        organizations: Vec<Organization>,
        successors: HashMap<OrganizationId, OrganizationId>,
    ) -> Self {
        let mut directory = Self {
            lineage: Arc::new(Lineage::new(&successors)),
            successors,
            ..Self::default()
        };
        for division in divisions {
            // where equal digits stand on several levels they mean the highest
            let higher = directory
                .division_by_code(&division.code)
                .is_none_or(|there| there.level < division.level);
            if higher {
                directory
                    .division_codes
                    .insert(division.code.clone(), division.id);
            }
            if let Some(parent) = division.parent {
                directory.children.entry(parent).or_default().push(division.id);
            }
            directory.divisions.insert(division.id, division);
        }
        for organization in organizations {
            let id = organization.id;
            directory.organization_codes.insert(organization.code.clone(), id);
            directory
                .by_division
                .entry(organization.division)
                .or_default()
                .push(id);
            if directory.successors.contains_key(&id) {
                // its work is its successor's
            } else if organization.kind == OrganizationKind::External {
                directory
                    .externals
                    .entry(organization.role.clone())
                    .or_default()
                    .push(id);
            } else {
                directory
                    .by_place
                    .entry((organization.division, organization.role.clone()))
                    .or_insert(id);
            }
            directory.organizations.insert(id, organization);
        }
        directory
    }

    /// Adds the divisions that ended, and whom codes named before. They stay known to cases and readers of that day,
    /// but nobody applies in them.
    #[must_use]
    pub fn with_history(
        mut self,
        ended: Vec<(Division, Ended)>,
        former_codes: HashMap<String, DivisionId>,
    ) -> Self {
        for (division, end) in ended {
            self.ended.insert(division.id, end);
            self.divisions.insert(division.id, division);
        }
        self.former_codes = former_codes;
        self
    }

    /// A division by key; also one that has ended.
    #[must_use]
    pub fn division(&self, id: DivisionId) -> Option<&Division> {
        self.divisions.get(&id)
    }

    /// A division by its current statistical code.
    #[must_use]
    pub fn division_by_code(&self, code: &str) -> Option<&Division> {
        self.division(*self.division_codes.get(code)?)
    }

    /// A division by its current statistical code, else the last that had the code.
    #[must_use]
    pub fn division_of_any_day(&self, code: &str) -> Option<&Division> {
        self.division_by_code(code)
            .or_else(|| self.division(*self.former_codes.get(code)?))
    }

    /// The end of a division; `None`: it lives.
    #[must_use]
    pub fn end_of(&self, id: DivisionId) -> Option<Ended> {
        self.ended.get(&id).copied()
    }

    /// The division that stands in the place of `id` today; one that ended without successor stands for itself.
    #[must_use]
    pub fn living_division(&self, id: DivisionId) -> DivisionId {
        let mut living = id;
        // a chain longer than this is a loop in the data; then the first one stays
        for _ in 0..=ANCESTORS_MAX {
            match self.ended.get(&living).and_then(|ended| ended.successor) {
                Some(successor) => living = successor,
                None => return living,
            }
        }
        id
    }

    /// The divisions directly below, in the order of their codes if the rows came so.
    #[must_use]
    pub fn children(&self, id: DivisionId) -> Vec<&Division> {
        let below = self.children.get(&id).map(Vec::as_slice).unwrap_or_default();
        below.iter().filter_map(|child| self.division(*child)).collect()
    }

    /// The divisions above, nearest first; of one that ended, its successor and what stands above that. Ends by
    /// itself even if the data loops.
    #[must_use]
    pub fn ancestors(&self, id: DivisionId) -> Vec<&Division> {
        let parent = |division: &&Division| {
            let successor = self.ended.get(&division.id).and_then(|ended| ended.successor);
            successor.or(division.parent).and_then(|id| self.division(id))
        };
        std::iter::successors(self.division(id), parent)
            .skip(1)
            .take(ANCESTORS_MAX)
            .collect()
    }

    /// The division of an organization and those above it, from below up to the city; levels may be missing.
    #[must_use]
    pub fn places(&self, of: OrganizationId) -> Vec<Place> {
        let Some(own) = self
            .organization(of)
            .and_then(|organization| self.division(organization.division))
        else {
            return Vec::new();
        };
        std::iter::once(own)
            .chain(self.ancestors(own.id))
            .filter(|division| division.level <= Level::City)
            .map(|division| Place {
                division: division.id,
                level: division.level,
            })
            .collect()
    }

    /// The division itself or the one above it that stands on a level; `None` where that level is missing.
    #[must_use]
    pub fn ancestor_at(&self, id: DivisionId, level: Level) -> Option<&Division> {
        let own = self.division(id)?;
        std::iter::once(own)
            .chain(self.ancestors(id))
            .filter(|division| !self.has_successor(division.id))
            .find(|division| division.level == level)
    }

    fn has_successor(&self, id: DivisionId) -> bool {
        self.ended.get(&id).is_some_and(|ended| ended.successor.is_some())
    }

    /// Whether `inner` is `outer` or lies below it.
    #[must_use]
    pub fn is_within(&self, inner: DivisionId, outer: DivisionId) -> bool {
        inner == outer || self.ancestors(inner).iter().any(|division| division.id == outer)
    }

    /// An organization by key.
    #[must_use]
    pub fn organization(&self, id: OrganizationId) -> Option<&Organization> {
        self.organizations.get(&id)
    }

    /// An organization by code.
    #[must_use]
    pub fn organization_by_code(&self, code: &str) -> Option<&Organization> {
        self.organization(*self.organization_codes.get(code)?)
    }

    /// The organizations that serve exactly this division.
    #[must_use]
    pub fn organizations_of(&self, division: DivisionId) -> Vec<&Organization> {
        let here = self
            .by_division
            .get(&division)
            .map(Vec::as_slice)
            .unwrap_or_default();
        here.iter().filter_map(|id| self.organization(*id)).collect()
    }

    /// The organization with a role in the ancestor of a division on the role's level.
    #[must_use]
    pub fn holder_of(&self, role: &str, level: Level, division: DivisionId) -> Option<&Organization> {
        let place = self.ancestor_at(division, level)?;
        self.organization(*self.by_place.get(&(place.id, role.to_owned()))?)
    }

    /// How `other` stands to `organization`; `None`: it is unknown, or its work was taken over.
    #[must_use]
    pub fn rank(&self, organization: OrganizationId, other: OrganizationId) -> Option<Rank> {
        let (from, to) = (self.organization(organization)?, self.organization(other)?);
        if self.living(other) != other {
            return None;
        }
        Some(if to.kind == OrganizationKind::External {
            Rank::Outside
        } else if to.division != from.division && self.is_within(to.division, from.division) {
            Rank::Below
        } else if self
            .ancestors(from.division)
            .first()
            .is_some_and(|above| above.id == to.division && above.id != from.division)
        {
            Rank::Above
        } else {
            Rank::Beside
        })
    }

    /// Puts the admission lists (准入) into the picture.
    #[must_use]
    pub fn with_admissions(self, admissions: Vec<Admission>) -> Self {
        Self { admissions, ..self }
    }

    /// All entries of the admission lists, in the order they were imported.
    #[must_use]
    pub fn admissions(&self) -> &[Admission] {
        &self.admissions
    }

    /// What the admission lists say of giving an item to an organization by hand, on a day.
    #[must_use]
    pub fn gate(&self, organization: OrganizationId, item_code: &str, on: NaiveDate) -> Gate {
        let Some(organization) = self.organization(organization) else {
            return Gate::Unlisted;
        };
        if organization.level != Level::Village {
            return Gate::NotGrassroots;
        }
        let own = self.division(organization.division);
        let above = self.ancestors(organization.division);
        let place: Vec<&str> = own
            .into_iter()
            .chain(above)
            .map(|division| division.code.as_str())
            .collect();
        admission::gate(&self.admissions, item_code, &place, on)
    }

    /// The organization that does the work of `id` today (DOMAIN §4, succession).
    #[must_use]
    pub fn living(&self, id: OrganizationId) -> OrganizationId {
        let mut living = id;
        // a chain longer than this is a loop in the data; then the first one keeps its work
        for _ in 0..=ANCESTORS_MAX {
            match self.successors.get(&living) {
                Some(successor) => living = *successor,
                None => return living,
            }
        }
        id
    }

    /// Who took over from whom, for lists that must find the work of a predecessor too.
    #[must_use]
    pub fn lineage(&self) -> Arc<Lineage> {
        Arc::clone(&self.lineage)
    }

    /// The organizations of a route for a case of a division (DOMAIN §1).
    ///
    /// # Errors
    /// The division is unknown, or a step other than the intake has nobody.
    pub fn resolve<'a>(
        &self,
        route: &'a [Step],
        division: DivisionId,
    ) -> Result<Vec<ResolvedStep<'a>>, ResolveError> {
        if !self.divisions.contains_key(&division) {
            return Err(ResolveError::DivisionUnknown);
        }
        let resolve = |(index, step): (usize, &'a Step)| {
            let who = self.step_holder(step, division).or_else(|| {
                let intake = index == 0 && step.clock == StepClock::PreAcceptance;
                intake.then_some(StepHolder::Intake)
            });
            match who {
                Some(who) => Ok(ResolvedStep { index, step, who }),
                None => Err(ResolveError::Unresolved {
                    index,
                    role: step.role.clone(),
                }),
            }
        };
        route.iter().enumerate().map(resolve).collect()
    }

    /// All steps of a route, by their places, that nobody takes for a division. The intake may have nobody.
    #[must_use]
    pub fn unresolved(&self, route: &[Step], division: DivisionId) -> Vec<usize> {
        let steps = route.iter().enumerate();
        steps
            .filter(|(index, step)| *index != 0 || step.clock != StepClock::PreAcceptance)
            .filter(|(_, step)| self.step_holder(step, division).is_none())
            .map(|(index, _)| index)
            .collect()
    }

    fn step_holder(&self, step: &Step, division: DivisionId) -> Option<StepHolder> {
        match step.assignment {
            Assignment::ByRole => {
                let holder = self.holder_of(&step.role, step.level, division)?;
                Some(StepHolder::Organization(self.living(holder.id)))
            }
            // one fixed organization: where several have the role, none of them is it
            Assignment::External => match self.externals.get(&step.role).map(Vec::as_slice) {
                Some([only]) => Some(StepHolder::Organization(*only)),
                Some([] | [_, _, ..]) | None => None,
            },
            Assignment::Chosen => {
                let candidates = self.candidates(step.level, division);
                (!candidates.is_empty()).then_some(StepHolder::Chosen(candidates))
            }
        }
    }

    /// The departments that a CHOSEN step may name: those of the ancestor division on its level.
    #[must_use]
    pub fn candidates(&self, level: Level, division: DivisionId) -> Vec<OrganizationId> {
        let Some(place) = self.ancestor_at(division, level) else {
            return Vec::new();
        };
        self.organizations_of(place.id)
            .into_iter()
            .filter(|organization| organization.kind == OrganizationKind::Department)
            .filter(|organization| !self.successors.contains_key(&organization.id))
            .map(|organization| organization.id)
            .collect()
    }

    /// How many divisions and organizations it holds.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.divisions.len(), self.organizations.len())
    }
}

/// Whose work each organization took over, nearest and further.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lineage {
    predecessors: HashMap<OrganizationId, Vec<OrganizationId>>,
}

impl Lineage {
    #[expect(clippy::iter_over_hash_type, reason = "each list is sorted before it is read")]
    fn new(successors: &HashMap<OrganizationId, OrganizationId>) -> Self {
        let mut predecessors: HashMap<OrganizationId, Vec<OrganizationId>> = HashMap::new();
        for first in successors.keys() {
            let next = |id: &OrganizationId| successors.get(id).copied();
            let heirs = std::iter::successors(next(first), next).take(ANCESTORS_MAX);
            for heir in heirs.take_while(|heir| heir != first) {
                predecessors.entry(heir).or_default().push(*first);
            }
        }
        for earlier in predecessors.values_mut() {
            earlier.sort();
        }
        Self { predecessors }
    }

    /// The organizations whose work one took over.
    #[must_use]
    pub fn predecessors(&self, id: OrganizationId) -> &[OrganizationId] {
        self.predecessors.get(&id).map(Vec::as_slice).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
