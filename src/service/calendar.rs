//! The working-day calendar in force, and older ones that receipts name.

use std::sync::Arc;

use onedoor_domain::calendar::{CalendarError, WorkCalendar};
use onedoor_domain::id::CalendarVersionId;
use serde::Serialize;

use super::Services;
use crate::cache::Cached;
use crate::cache::epochs::Epoch;
use crate::error::{AppError, ErrorCode};
use crate::store;
use crate::store::calendar::CalendarVersion;

/// A calendar ready to count with; kept as its rows.
#[derive(Clone, serde::Deserialize)]
#[serde(try_from = "CalendarVersion")]
pub struct CalendarInForce {
    version: CalendarVersion,
    calendar: WorkCalendar,
}

impl CalendarInForce {
    /// Counts with it.
    #[must_use]
    pub const fn calendar(&self) -> &WorkCalendar {
        &self.calendar
    }

    /// Its number, from 1.
    #[must_use]
    pub const fn number(&self) -> i32 {
        self.version.number
    }
}

impl Serialize for CalendarInForce {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.version.serialize(to)
    }
}

impl TryFrom<CalendarVersion> for CalendarInForce {
    type Error = CalendarError;

    fn try_from(version: CalendarVersion) -> Result<Self, CalendarError> {
        let calendar = WorkCalendar::from_rows(version.id, &version.rows)?;
        Ok(Self { version, calendar })
    }
}

#[derive(Serialize)]
struct CurrentKey;

impl Cached for CurrentKey {
    type Value = CalendarInForce;
    const NAME: &'static str = "calendar.current/1";
    const EPOCHS: &'static [Epoch] = &[Epoch::Calendar];
}

#[derive(Serialize)]
struct VersionKey(CalendarVersionId);

impl Cached for VersionKey {
    type Value = CalendarInForce;
    const NAME: &'static str = "calendar.version/1";
    const EPOCHS: &'static [Epoch] = &[];
}

/// The calendar in force.
///
/// # Errors
/// As any query; without any imported calendar, `INTERNAL_SERVER_ERROR`: nothing can be counted then.
pub async fn current(cx: &Services) -> Result<Arc<CalendarInForce>, AppError> {
    let database = cx.database.clone();
    let load = move || async move {
        let found = store::calendar::current(&database).await?;
        let version = found.ok_or_else(|| AppError::internal("no working-day calendar was imported"))?;
        CalendarInForce::try_from(version).map_err(AppError::internal)
    };
    cx.cache.get_or_load(&CurrentKey, load).await
}

/// A calendar by its key, in force or not.
///
/// # Errors
/// As any query; `NOT_FOUND`.
pub async fn version(cx: &Services, id: CalendarVersionId) -> Result<Arc<CalendarInForce>, AppError> {
    let database = cx.database.clone();
    let load = move || async move {
        let found = store::calendar::version(&database, id).await?;
        let version = found.ok_or_else(|| AppError::of(ErrorCode::NotFound))?;
        CalendarInForce::try_from(version).map_err(AppError::internal)
    };
    cx.cache.get_or_load(&VersionKey(id), load).await
}
