//! Lists of cases, newest or most urgent first, cut to the reader's scope in SQL.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use onedoor_domain::card::Rung;
use onedoor_domain::case::state::CaseStatus;
use onedoor_domain::id::{CaseId, DivisionId, OrganizationId};
use onedoor_domain::item::CaseKind;
use onedoor_domain::page::{Direction, KeyPart, Page, PageRequest, Position};
use onedoor_domain::proof::{ReadProof, ReadScope};
use onedoor_entity::{case_party, cases};
use sea_orm::sea_query::Condition;
use sea_orm::{
    ColumnTrait as _, DbBackend, EntityTrait as _, JoinType, QueryFilter as _, QuerySelect as _, RelationDef,
    Select,
};
use uuid::Uuid;

use super::case::{CaseStore, Loaded};
use super::error::StoreError;
use super::names::name_of;
use super::page::{Key, keyset, towards};
use super::reach;

/// By what a list of cases is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CaseKey {
    /// By when they were submitted.
    Submitted,
    /// By due date of the leading clock; those without a date count as due last of all.
    Due,
}

/// An order of a list of cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CaseOrder {
    /// By what.
    pub key: CaseKey,
    /// In which direction.
    pub direction: Direction,
}

impl CaseOrder {
    /// Submitted last first.
    pub const NEWEST: Self = Self {
        key: CaseKey::Submitted,
        direction: Direction::Descending,
    };

    /// Name of the order for cursors. Positions have 2 parts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match (self.key, self.direction) {
            (CaseKey::Submitted, Direction::Descending) => "case.submitted",
            (CaseKey::Submitted, Direction::Ascending) => "case.submitted.asc",
            (CaseKey::Due, Direction::Ascending) => "case.due",
            (CaseKey::Due, Direction::Descending) => "case.due.desc",
        }
    }

    const fn column(self) -> cases::Column {
        match self.key {
            CaseKey::Submitted => cases::Column::SubmittedAt,
            CaseKey::Due => cases::Column::DueOrder,
        }
    }

    const fn keys(self) -> [Key<cases::Column>; 2] {
        [
            towards(self.column(), self.direction),
            towards(cases::Column::Id, self.direction),
        ]
    }
}

/// What a case belongs to when divisions have changed since it was handed in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Belonging {
    /// To the division that stands in the place of its own today.
    #[default]
    Successors,
    /// To its division of the day, under what stood above that by the codes of the day.
    OfTheDay,
}

/// Which cases of the scope; an empty or missing part does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaseFilter {
    /// In one of these states.
    pub statuses: Vec<CaseStatus>,
    /// Of this item.
    pub item_code: Option<String>,
    /// Of this division and all below it.
    pub division: Option<DivisionId>,
    /// Whether cases of divisions that ended count where they were handed in, or with the successor.
    pub belonging: Belonging,
    /// Held by this organization now.
    pub owner: Option<OrganizationId>,
    /// 首问: taken in by this organization.
    pub first_contact: Option<OrganizationId>,
    /// A card of one of these rungs stands on it.
    pub cards: Vec<Rung>,
    /// Known by this number in an upstream system.
    pub external_number: Option<String>,
    /// Applications or grid events.
    pub kind: Option<CaseKind>,
    /// Its leading clock runs out at or before this instant.
    pub late_at: Option<DateTime<Utc>>,
    /// Its leading clock runs out at or after this instant.
    pub due_from: Option<DateTime<Utc>>,
    /// Its leading clock runs out before this instant.
    pub due_before: Option<DateTime<Utc>>,
    /// Submitted at or after this instant.
    pub submitted_from: Option<DateTime<Utc>>,
    /// Submitted before this instant.
    pub submitted_before: Option<DateTime<Utc>>,
    /// Only those whose present the reader sees; a past handler's own part is left out. Whatever narrows or orders by what
    /// changes with the case implies it.
    pub of_the_present: bool,
}

impl CaseFilter {
    /// Whether the list would tell a past handler how a case went on.
    const fn tells_the_present(&self) -> bool {
        self.of_the_present
            || !self.statuses.is_empty()
            || !self.cards.is_empty()
            || self.owner.is_some()
            || self.external_number.is_some()
            || self.late_at.is_some()
            || self.due_from.is_some()
            || self.due_before.is_some()
    }
}

impl CaseStore {
    /// A page of cases.
    ///
    /// # Errors
    /// As any query; `Corrupt` when a row does not parse.
    pub async fn list_cases(
        &self,
        proof: &ReadProof,
        filter: &CaseFilter,
        order: CaseOrder,
        page: &PageRequest,
    ) -> Result<Page<Loaded>, StoreError> {
        let places: Vec<(i64, Uuid)> = match (proof.scope(), order.key) {
            // its own part anyway: the filter alone leads to an index
            (ReadScope::ByOrganization(own), _)
                if filter.owner == Some(*own) || filter.first_contact == Some(*own) =>
            {
                self.places(proof, cases::Entity::find(), filter, order, page)
                    .await?
            }
            (ReadScope::ByOrganization(own), CaseKey::Submitted) => {
                self.places_of(proof, *own, filter, order.direction, page).await?
            }
            (ReadScope::ByOrganization(_), CaseKey::Due) => {
                let within = cases::Entity::find().filter(reach::cases_within(proof));
                let present = CaseFilter {
                    of_the_present: true,
                    ..filter.clone()
                };
                self.places(proof, within, &present, order, page).await?
            }
            (
                ReadScope::BySubject(_) | ReadScope::ByDevice(_) | ReadScope::BySubtree(_) | ReadScope::All,
                CaseKey::Submitted | CaseKey::Due,
            ) => {
                let within = cases::Entity::find().filter(reach::cases_within(proof));
                self.places(proof, within, filter, order, page).await?
            }
        };
        let ids: Vec<CaseId> = places.iter().map(|(_, id)| CaseId::from_uuid(*id)).collect();
        let mut loaded: BTreeMap<CaseId, Loaded> = self
            .load_cases(&ids)
            .await?
            .into_iter()
            .map(|loaded| (loaded.case.id, loaded))
            .collect();
        // positions are those that were read: a case that moved since must not take the list with it
        let places = page.page(places, |(key, id)| {
            Position(vec![KeyPart::Integer(*key), KeyPart::Uuid(*id)])
        });
        Ok(places.filter_map(|(_, id)| loaded.remove(&CaseId::from_uuid(id))))
    }

    /// How many cases the list has.
    ///
    /// # Errors
    /// As any query.
    pub async fn count_cases(&self, proof: &ReadProof, filter: &CaseFilter) -> Result<u64, StoreError> {
        let count: Option<i64> = cases::Entity::find()
            .select_only()
            .column_as(cases::Column::Id.count(), "count")
            .filter(reach::cases_within(proof))
            .filter(narrowed(proof, self.backend(), filter)?)
            .into_tuple()
            .one(self.database().read())
            .await?;
        super::parse::number(count.unwrap_or_default())
    }

    /// Whether a case lies within a scope.
    ///
    /// # Errors
    /// As any query.
    pub async fn is_within(&self, proof: &ReadProof, case: CaseId) -> Result<bool, StoreError> {
        let found: Option<Uuid> = cases::Entity::find_by_id(case.uuid())
            .select_only()
            .column(cases::Column::Id)
            .filter(reach::cases_within(proof))
            .into_tuple()
            .one(self.database().read())
            .await?;
        Ok(found.is_some())
    }

    /// Those of some cases that lie within a scope.
    ///
    /// # Errors
    /// As any query.
    pub async fn among(&self, proof: &ReadProof, ids: &[CaseId]) -> Result<Vec<CaseId>, StoreError> {
        let found: Vec<Uuid> = cases::Entity::find()
            .select_only()
            .column(cases::Column::Id)
            .filter(cases::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
            .filter(reach::cases_within(proof))
            .into_tuple()
            .all(self.database().read())
            .await?;
        Ok(found.into_iter().map(CaseId::from_uuid).collect())
    }

    /// A page out of the range of the index that holds an organization's cases in this order.
    async fn places_of(
        &self,
        proof: &ReadProof,
        organization: OrganizationId,
        filter: &CaseFilter,
        direction: Direction,
        page: &PageRequest,
    ) -> Result<Vec<(i64, Uuid)>, StoreError> {
        let to_case: RelationDef = case_party::Entity::belongs_to(cases::Entity)
            .from(case_party::Column::CaseId)
            .to(cases::Column::Id)
            .into();
        let query = case_party::Entity::find()
            .join(JoinType::InnerJoin, to_case)
            .filter(case_party::Column::OrganizationId.eq(organization.uuid()))
            .filter(narrowed(proof, self.backend(), filter)?);
        let keys = [
            towards(case_party::Column::SubmittedAt, direction),
            towards(case_party::Column::CaseId, direction),
        ];
        let places = keyset(query, &keys, page)?
            .select_only()
            .column(case_party::Column::SubmittedAt)
            .column(case_party::Column::CaseId)
            .into_tuple()
            .all(self.database().read())
            .await?;
        Ok(places)
    }

    fn backend(&self) -> DbBackend {
        self.database().read().get_database_backend()
    }

    async fn places(
        &self,
        proof: &ReadProof,
        among: Select<cases::Entity>,
        filter: &CaseFilter,
        order: CaseOrder,
        page: &PageRequest,
    ) -> Result<Vec<(i64, Uuid)>, StoreError> {
        let query = among.filter(narrowed(proof, self.backend(), filter)?);
        let places = keyset(query, &order.keys(), page)?
            .select_only()
            .column(order.column())
            .column(cases::Column::Id)
            .into_tuple()
            .all(self.database().read())
            .await?;
        Ok(places)
    }
}

fn narrowed(proof: &ReadProof, backend: DbBackend, filter: &CaseFilter) -> Result<Condition, StoreError> {
    let mut all = Condition::all();
    if !filter.statuses.is_empty() {
        let names = filter
            .statuses
            .iter()
            .map(name_of)
            .collect::<Result<Vec<_>, _>>()?;
        all = all.add(cases::Column::Status.is_in(names));
    }
    let division = match (filter.division, filter.belonging) {
        (None, _) => None,
        (Some(root), Belonging::Successors) => {
            Some(cases::Column::DivisionId.in_subquery(reach::subtree(root)))
        }
        (Some(root), Belonging::OfTheDay) => Some(reach::of_the_day(backend, root)?),
    };
    let micros = |at: DateTime<Utc>| at.timestamp_micros();
    let kind = filter.kind.map(name_of).transpose()?;
    if !filter.cards.is_empty() {
        all = all.add(cases::Column::Id.in_subquery(reach::carded(&filter.cards)?));
    }
    let number = filter.external_number.as_deref();
    if let ReadScope::ByOrganization(own) = proof.scope()
        && filter.tells_the_present()
        && filter.owner != Some(*own)
        && filter.first_contact != Some(*own)
    {
        all = all.add(reach::present_of(proof, *own)?);
    }
    Ok(all
        .add_option(number.map(|number| cases::Column::Id.in_subquery(reach::numbered(number))))
        .add_option(kind.map(|kind| cases::Column::Kind.eq(kind)))
        .add_option(
            filter
                .first_contact
                .map(|contact| reach::is_of(proof, cases::Column::FirstContactId, contact)),
        )
        .add_option(filter.late_at.map(|now| cases::Column::DueOrder.lte(micros(now))))
        .add_option(
            filter
                .due_from
                .map(|from| cases::Column::DueOrder.gte(micros(from))),
        )
        .add_option(
            filter
                .due_before
                .map(|before| cases::Column::DueOrder.lt(micros(before))),
        )
        .add_option(
            filter
                .item_code
                .as_ref()
                .map(|code| cases::Column::ItemCode.eq(code)),
        )
        .add_option(division)
        .add_option(
            filter
                .owner
                .map(|owner| reach::is_of(proof, cases::Column::OwnerId, owner)),
        )
        .add_option(
            filter
                .submitted_from
                .map(|from| cases::Column::SubmittedAt.gte(micros(from))),
        )
        .add_option(
            filter
                .submitted_before
                .map(|before| cases::Column::SubmittedAt.lt(micros(before))),
        ))
}
