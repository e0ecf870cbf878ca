//! Lists of cases, newest first, cut to the reader's scope in SQL.

use chrono::{DateTime, Utc};
use onedoor_domain::case::state::CaseStatus;
use onedoor_domain::id::{CaseId, DivisionId, OrganizationId};
use onedoor_domain::page::{KeyPart, Page, PageRequest, Position};
use onedoor_domain::proof::{ReadProof, ReadScope};
use onedoor_entity::{case_party, cases};
use sea_orm::sea_query::Condition;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, JoinType, QueryFilter as _, QuerySelect as _, RelationDef,
};
use uuid::Uuid;

use super::case::{CaseStore, Loaded};
use super::error::StoreError;
use super::names::name_of;
use super::page::{descending, keyset};
use super::reach;

/// The order of lists of cases: submitted last first. Positions have 2 parts.
pub const CASES_BY_SUBMITTED: &str = "case.submitted";

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
    /// Submitted at or after this instant.
    pub submitted_from: Option<DateTime<Utc>>,
    /// Submitted before this instant.
    pub submitted_before: Option<DateTime<Utc>>,
}

impl CaseStore {
    /// A page of cases, in the order [`CASES_BY_SUBMITTED`].
    ///
    /// # Errors
    /// As any query; `Corrupt` when a row does not parse.
    pub async fn list_cases(
        &self,
        proof: &ReadProof,
        filter: &CaseFilter,
        page: &PageRequest,
    ) -> Result<Page<Loaded>, StoreError> {
        let places = match proof.scope() {
            ReadScope::ByOrganization(organization) => {
                self.places_of(proof, *organization, filter, page).await?
            }
            ReadScope::BySubject(_) | ReadScope::ByDevice(_) | ReadScope::BySubtree(_) | ReadScope::All => {
                self.places_within(proof, filter, page).await?
            }
        };
        let ids: Vec<CaseId> = places.iter().map(|(_, id)| CaseId::from_uuid(*id)).collect();
        let loaded = self.load_cases(&ids).await?;
        Ok(page.page(loaded, |loaded| {
            Position(vec![
                KeyPart::Integer(loaded.case.submitted_at.timestamp_micros()),
                KeyPart::Uuid(loaded.case.id.uuid()),
            ])
        }))
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
            .filter(narrowed(proof, filter)?)
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

    /// A page out of the range of the index that holds an organization's cases in this order.
    async fn places_of(
        &self,
        proof: &ReadProof,
        organization: OrganizationId,
        filter: &CaseFilter,
        page: &PageRequest,
    ) -> Result<Vec<(i64, Uuid)>, StoreError> {
        let to_case: RelationDef = case_party::Entity::belongs_to(cases::Entity)
            .from(case_party::Column::CaseId)
            .to(cases::Column::Id)
            .into();
        let query = case_party::Entity::find()
            .join(JoinType::InnerJoin, to_case)
            .filter(case_party::Column::OrganizationId.eq(organization.uuid()))
            .filter(narrowed(proof, filter)?);
        let keys = [
            descending(case_party::Column::SubmittedAt),
            descending(case_party::Column::CaseId),
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

    async fn places_within(
        &self,
        proof: &ReadProof,
        filter: &CaseFilter,
        page: &PageRequest,
    ) -> Result<Vec<(i64, Uuid)>, StoreError> {
        let query = cases::Entity::find()
            .filter(reach::cases_within(proof))
            .filter(narrowed(proof, filter)?);
        let keys = [
            descending(cases::Column::SubmittedAt),
            descending(cases::Column::Id),
        ];
        let places = keyset(query, &keys, page)?
            .select_only()
            .column(cases::Column::SubmittedAt)
            .column(cases::Column::Id)
            .into_tuple()
            .all(self.database().read())
            .await?;
        Ok(places)
    }
}

fn narrowed(proof: &ReadProof, filter: &CaseFilter) -> Result<Condition, StoreError> {
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
        (Some(root), Belonging::OfTheDay) => Some(reach::of_the_day(root)?),
    };
    let micros = |at: DateTime<Utc>| at.timestamp_micros();
    Ok(all
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
