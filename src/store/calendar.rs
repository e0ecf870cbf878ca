//! The working-day calendar, a new version with each import.

use chrono::{DateTime, Utc};
use onedoor_domain::calendar::{CalendarRow, DayKind, RowStatus};
use onedoor_domain::id::CalendarVersionId;
use onedoor_entity::{calendar_day, calendar_version};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _,
};
use sha2::{Digest as _, Sha256};

use super::database::Database;
use super::error::StoreError;
use super::names::{ImportCounts, ROWS_PER_INSERT, named};
use super::tx::Tx;

/// One version of the calendar.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CalendarVersion {
    /// Its key.
    pub id: CalendarVersionId,
    /// Its number, from 1.
    pub number: i32,
    /// The days that differ from Monday to Friday, by date.
    pub rows: Vec<CalendarRow>,
}

/// A row of an import with where it is announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnouncedDay {
    /// The day.
    pub row: CalendarRow,
    /// Address of the notice; empty for statutory days entered ahead of it.
    pub source: String,
}

/// The version in force; `None`: none was imported yet.
///
/// # Errors
/// As any query; `Corrupt` for a row that does not parse.
pub async fn current(database: &Database) -> Result<Option<CalendarVersion>, StoreError> {
    match latest(database.read()).await? {
        Some(version) => with_days(database, version).await.map(Some),
        None => Ok(None),
    }
}

/// One version, in force or not.
///
/// # Errors
/// As any query; `Corrupt` for a row that does not parse.
pub async fn version(
    database: &Database,
    id: CalendarVersionId,
) -> Result<Option<CalendarVersion>, StoreError> {
    match calendar_version::Entity::find_by_id(id.uuid())
        .one(database.read())
        .await?
    {
        Some(version) => with_days(database, version).await.map(Some),
        None => Ok(None),
    }
}

/// The days of the version in force with where they are announced; empty: none was imported yet.
///
/// # Errors
/// As any query; `Corrupt` for a row that does not parse.
pub async fn announced(database: &Database) -> Result<Vec<AnnouncedDay>, StoreError> {
    let Some(version) = latest(database.read()).await? else {
        return Ok(Vec::new());
    };
    let days = calendar_day::Entity::find()
        .filter(calendar_day::Column::VersionId.eq(version.id))
        .order_by_asc(calendar_day::Column::Date)
        .all(database.read())
        .await?;
    days.iter()
        .map(|row| {
            Ok(AnnouncedDay {
                row: parse(row)?,
                source: row.source.clone(),
            })
        })
        .collect()
}

async fn latest(on: &impl ConnectionTrait) -> Result<Option<calendar_version::Model>, StoreError> {
    Ok(calendar_version::Entity::find()
        .order_by_desc(calendar_version::Column::Number)
        .one(on)
        .await?)
}

async fn with_days(
    database: &Database,
    version: calendar_version::Model,
) -> Result<CalendarVersion, StoreError> {
    let days = calendar_day::Entity::find()
        .filter(calendar_day::Column::VersionId.eq(version.id))
        .order_by_asc(calendar_day::Column::Date)
        .all(database.read())
        .await?;
    let rows = days.iter().map(parse).collect::<Result<_, _>>()?;
    Ok(CalendarVersion {
        id: CalendarVersionId::from_uuid(version.id),
        number: version.number,
        rows,
    })
}

/// Makes a new version in force, unless the one in force has the same days.
///
/// # Errors
/// As any write.
pub async fn import(tx: &Tx, days: &[AnnouncedDay], now: DateTime<Utc>) -> Result<ImportCounts, StoreError> {
    let mut sorted: Vec<_> = days.iter().collect();
    sorted.sort_by_key(|day| day.row.date);
    let content_hash = hash(&sorted);
    let before = latest(tx.connection()).await?;
    if before
        .as_ref()
        .is_some_and(|version| version.content_hash == content_hash)
    {
        return Ok(ImportCounts {
            unchanged: days.len(),
            ..ImportCounts::default()
        });
    }
    let number = before.map_or(0, |version| version.number) + 1;
    let id = CalendarVersionId::named(&format!("{number}:{content_hash}")).uuid();
    let version = calendar_version::Model {
        id,
        number,
        content_hash,
        imported_at: now.timestamp_micros(),
    };
    calendar_version::Entity::insert(version.into_active_model().reset_all())
        .exec_without_returning(tx.connection())
        .await?;
    for chunk in sorted.chunks(ROWS_PER_INSERT) {
        let rows = chunk
            .iter()
            .map(|day| model(id, day).into_active_model().reset_all());
        calendar_day::Entity::insert_many(rows)
            .exec_without_returning(tx.connection())
            .await?;
    }
    Ok(ImportCounts {
        added: days.len(),
        ..ImportCounts::default()
    })
}

fn hash(days: &[&AnnouncedDay]) -> String {
    let mut hash = Sha256::new();
    for day in days {
        let row = &day.row;
        let line = format!(
            "{},{},{},{},{}\n",
            row.date,
            row.kind.as_str(),
            row.name,
            row.status.as_str(),
            day.source
        );
        hash.update(line);
    }
    hex::encode(hash.finalize())
}

fn model(version: sea_orm::prelude::Uuid, day: &AnnouncedDay) -> calendar_day::Model {
    calendar_day::Model {
        version_id: version,
        date: day.row.date.to_string(),
        kind: day.row.kind.as_str().to_owned(),
        name: day.row.name.clone(),
        status: day.row.status.as_str().to_owned(),
        source: day.source.clone(),
    }
}

fn parse(row: &calendar_day::Model) -> Result<CalendarRow, StoreError> {
    let corrupt = |column| StoreError::corrupt("calendar_day", &row.date, column);
    Ok(CalendarRow {
        date: row.date.parse().ok().ok_or_else(|| corrupt("date"))?,
        kind: named::<DayKind>(&row.kind).ok_or_else(|| corrupt("kind"))?,
        status: named::<RowStatus>(&row.status).ok_or_else(|| corrupt("status"))?,
        name: row.name.clone(),
    })
}
