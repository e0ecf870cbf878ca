//! Lists and counts of kiosks.

use chrono::{DateTime, Utc};
use onedoor_domain::id::OrganizationId;
use onedoor_domain::kiosk::{Kiosk, KioskState};
use onedoor_domain::page::{KeyPart, Page, PageRequest, Position};
use onedoor_entity::kiosk;
use sea_orm::sea_query::{Condition, ExprTrait as _};
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QuerySelect as _};

use super::case::CaseStore;
use super::error::StoreError;
use super::kiosk::read;
use super::names::name_of;
use super::page::{descending, keyset};
use super::parse::{Row, number};

/// The order of kiosks: enrolled by the administrator last first. Positions have 2 parts.
pub const KIOSKS_BY_CREATED: &str = "kiosk.created";

/// Which kiosks; an empty or missing part does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KioskFilter {
    /// In these states.
    pub states: Vec<KioskState>,
    /// At this station.
    pub station: Option<OrganizationId>,
    /// Active and not heard of since this instant.
    pub silent_since: Option<DateTime<Utc>>,
}

impl CaseStore {
    /// A page of kiosks, in the order [`KIOSKS_BY_CREATED`].
    ///
    /// # Errors
    /// As any query; `Corrupt` when a row does not parse.
    pub async fn list_kiosks(
        &self,
        filter: &KioskFilter,
        page: &PageRequest,
    ) -> Result<Page<Kiosk>, StoreError> {
        let keys = [
            descending(kiosk::Column::CreatedAt),
            descending(kiosk::Column::Id),
        ];
        let query = kiosk::Entity::find().filter(narrowed(filter)?);
        let rows = keyset(query, &keys, page)?.all(self.database().read()).await?;
        let kiosks = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok(page.page(kiosks, |kiosk: &Kiosk| {
            Position(vec![
                KeyPart::Integer(kiosk.created_at.timestamp_micros()),
                KeyPart::Uuid(kiosk.id.uuid()),
            ])
        }))
    }

    /// How many kiosks the list has.
    ///
    /// # Errors
    /// As any query.
    pub async fn count_kiosks(&self, filter: &KioskFilter) -> Result<u64, StoreError> {
        let query = kiosk::Entity::find().filter(narrowed(filter)?);
        Ok(query.count(self.database().read()).await?)
    }

    /// How many kiosks are in each state.
    ///
    /// # Errors
    /// As any query.
    pub async fn kiosk_counts(&self) -> Result<Vec<(KioskState, u64)>, StoreError> {
        let rows: Vec<(String, i64)> = kiosk::Entity::find()
            .select_only()
            .column(kiosk::Column::State)
            .column_as(kiosk::Column::Id.count(), "count")
            .group_by(kiosk::Column::State)
            .into_tuple()
            .all(self.database().read())
            .await?;
        let counted = |(state, count): (String, i64)| {
            Ok((Row::of("kiosk", &"").word("state", &state)?, number(count)?))
        };
        rows.into_iter().map(counted).collect()
    }
}

fn narrowed(filter: &KioskFilter) -> Result<Condition, StoreError> {
    let states = filter.states.iter().map(name_of).collect::<Result<Vec<_>, _>>()?;
    let states = (!states.is_empty()).then(|| kiosk::Column::State.is_in(states));
    let station = filter
        .station
        .map(|station| kiosk::Column::OrganizationId.eq(station.uuid()));
    let active = name_of(KioskState::Active)?;
    let silent = filter.silent_since.map(|since| {
        let unheard = kiosk::Column::LastSeenAt
            .is_null()
            .or(kiosk::Column::LastSeenAt.lt(since.timestamp_micros()));
        Condition::all().add(kiosk::Column::State.eq(active)).add(unheard)
    });
    Ok(Condition::all()
        .add_option(states)
        .add_option(station)
        .add_option(silent))
}
