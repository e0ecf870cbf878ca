//! Lists of cards, the last raised first, cut to the reader's scope in SQL.

use chrono::{DateTime, Utc};
use onedoor_domain::card::{CardDesk, CardState, Rung};
use onedoor_domain::clock::ClockKind;
use onedoor_domain::id::{CardId, CaseId, DivisionId, OrganizationId};
use onedoor_domain::page::{KeyPart, Page, PageRequest, Position};
use onedoor_domain::proof::{ReadProof, ReadScope};
use onedoor_entity::{case_card, cases};
use sea_orm::sea_query::{Condition, Query};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use serde::Serialize;
use uuid::Uuid;

use super::case::CaseStore;
use super::error::StoreError;
use super::names::name_of;
use super::page::{descending, keyset};
use super::parse::number;
use super::reach;

/// The order of lists of cards: raised last first. Positions have 2 parts.
pub const CARDS_BY_RAISED: &str = "card.raised";

/// Which cards of the scope; an empty or missing part does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CardFilter {
    /// On cases of this division and all below it.
    pub division: Option<DivisionId>,
    /// Raised to the level of this division.
    pub raised_to: Option<DivisionId>,
    /// For the lateness of this organization.
    pub organization: Option<OrganizationId>,
    /// Of one of these rungs.
    pub rungs: Vec<Rung>,
    /// Raised by a clock of one of these kinds.
    pub clocks: Vec<ClockKind>,
    /// In one of these states.
    pub states: Vec<CardState>,
    /// On one of these lists.
    pub desks: Vec<CardDesk>,
    /// Raised at or after this instant.
    pub raised_from: Option<DateTime<Utc>>,
    /// Raised before this instant.
    pub raised_before: Option<DateTime<Utc>>,
}

/// A card and where it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardEntry {
    /// The card.
    pub card: CardId,
    /// Its case.
    pub case: CaseId,
    raised_at: i64,
}

impl CaseStore {
    /// A page of cards, in the order [`CARDS_BY_RAISED`].
    ///
    /// # Errors
    /// As any query.
    pub async fn list_cards(
        &self,
        proof: &ReadProof,
        filter: &CardFilter,
        page: &PageRequest,
    ) -> Result<Page<CardEntry>, StoreError> {
        let keys = [
            descending(case_card::Column::RaisedAt),
            descending(case_card::Column::Id),
        ];
        let query = case_card::Entity::find().filter(wanted(proof, filter)?);
        let rows: Vec<(Uuid, Uuid, i64)> = keyset(query, &keys, page)?
            .select_only()
            .column(case_card::Column::Id)
            .column(case_card::Column::CaseId)
            .column(case_card::Column::RaisedAt)
            .into_tuple()
            .all(self.database().read())
            .await?;
        let entries = rows.into_iter().map(|(card, case, raised_at)| CardEntry {
            card: CardId::from_uuid(card),
            case: CaseId::from_uuid(case),
            raised_at,
        });
        Ok(page.page(entries.collect(), |entry: &CardEntry| {
            Position(vec![
                KeyPart::Integer(entry.raised_at),
                KeyPart::Uuid(entry.card.uuid()),
            ])
        }))
    }

    /// How many cards the list has.
    ///
    /// # Errors
    /// As any query.
    pub async fn count_cards(&self, proof: &ReadProof, filter: &CardFilter) -> Result<u64, StoreError> {
        let count: Option<i64> = case_card::Entity::find()
            .filter(wanted(proof, filter)?)
            .select_only()
            .column_as(case_card::Column::Id.count(), "count")
            .into_tuple()
            .one(self.database().read())
            .await?;
        number(count.unwrap_or_default())
    }
}

fn wanted(proof: &ReadProof, filter: &CardFilter) -> Result<Condition, StoreError> {
    let micros = |at: DateTime<Utc>| at.timestamp_micros();
    Ok(Condition::all()
        .add_option(within(proof, filter)?)
        .add_option(filter.division.map(|root| {
            of_cases(Condition::all().add(cases::Column::DivisionId.in_subquery(reach::subtree(root))))
        }))
        .add_option(
            filter
                .raised_to
                .map(|division| case_card::Column::DivisionId.eq(division.uuid())),
        )
        .add_option(
            filter
                .organization
                .map(|holder| reach::is_of(proof, case_card::Column::HolderId, holder)),
        )
        .add_option(one_of(case_card::Column::Rung, &filter.rungs)?)
        .add_option(one_of(case_card::Column::ClockKind, &filter.clocks)?)
        .add_option(one_of(case_card::Column::State, &filter.states)?)
        .add_option(one_of(case_card::Column::Desk, &filter.desks)?)
        .add_option(
            filter
                .raised_from
                .map(|from| case_card::Column::RaisedAt.gte(micros(from))),
        )
        .add_option(
            filter
                .raised_before
                .map(|before| case_card::Column::RaisedAt.lt(micros(before))),
        ))
}

/// The cards of cases that a scope shows, of a past handler its own; `None`: what is asked for lies within it anyway.
fn within(proof: &ReadProof, filter: &CardFilter) -> Result<Option<Condition>, StoreError> {
    Ok(match proof.scope() {
        // whoever holds a card holds, or held, its case
        ReadScope::ByOrganization(own) if filter.organization == Some(*own) => None,
        ReadScope::All => None,
        ReadScope::ByOrganization(own) => {
            let of_present = reach::present_within(proof)?;
            Some(
                Condition::any()
                    .add(reach::is_of(proof, case_card::Column::HolderId, *own))
                    .add(of_cases(of_present)),
            )
        }
        ReadScope::BySubject(_) | ReadScope::ByDevice(_) | ReadScope::BySubtree(_) => {
            Some(of_cases(reach::cases_within(proof)))
        }
    })
}

fn of_cases(wanted: Condition) -> Condition {
    let ids = Query::select()
        .column(cases::Column::Id)
        .from(cases::Entity)
        .cond_where(wanted)
        .to_owned();
    Condition::all().add(case_card::Column::CaseId.in_subquery(ids))
}

fn one_of<T: Serialize>(column: case_card::Column, values: &[T]) -> Result<Option<Condition>, StoreError> {
    if values.is_empty() {
        return Ok(None);
    }
    let names = values.iter().map(name_of).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(Condition::all().add(column.is_in(names))))
}
