//! Divisions (区划) and their codes.

use std::collections::HashMap;

use onedoor_domain::division::{CodeSystem, Division, DivisionCode, Level, Setting};
use onedoor_domain::edition::Ended;
use onedoor_domain::id::DivisionId;
use onedoor_domain::page::{Direction, KeyPart, Page, PageRequest, Position};
use onedoor_entity::{division, division_code};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, Select,
};

use super::database::Database;
use super::error::StoreError;
use super::names::{name_of, named};
use super::page::{keyset, towards};

/// Name of an order of division lists, for cursors. Positions have 2 parts.
#[must_use]
pub const fn order_by_code(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => "division.code-id",
        Direction::Descending => "division.code-id.desc",
    }
}

/// Which divisions a list has; `None` does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, serde::Serialize)]
pub struct DivisionFilter {
    /// Only of this level.
    pub level: Option<Level>,
    /// Only directly below this one.
    pub parent: Option<DivisionId>,
    /// Only urban or only rural.
    pub setting: Option<Setting>,
    /// Only those that statistics count, or only the others.
    pub counted: Option<bool>,
    /// Only those whose name contains this text.
    pub name_contains: Option<String>,
    /// By code, in this direction.
    pub direction: Direction,
}

/// All divisions that live, by code.
///
/// # Errors
/// As any query; `Corrupt` for a row that does not parse.
pub async fn all(database: &Database) -> Result<Vec<Division>, StoreError> {
    let rows = division::Entity::find()
        .filter(division::Column::ValidTo.is_null())
        .order_by_asc(division::Column::Code)
        .all(database.read())
        .await?;
    rows.into_iter().map(parse).collect()
}

/// What was before: the divisions that ended, and whom the codes that are borne no longer named last.
pub struct Past {
    /// Divisions and their ends.
    pub ended: Vec<(Division, Ended)>,
    /// From a statistical code to the last division that had it.
    pub codes: HashMap<String, DivisionId>,
}

/// Reads what was before.
///
/// # Errors
/// As any query; `Corrupt` for a row that does not parse.
pub async fn past(database: &Database) -> Result<Past, StoreError> {
    let rows = division::Entity::find()
        .filter(division::Column::ValidTo.is_not_null())
        .all(database.read())
        .await?;
    let mut divisions = Vec::new();
    for row in rows {
        if let Some(end) = ended(&row)? {
            divisions.push((parse(row)?, end));
        }
    }
    let codes = division_code::Entity::find()
        .filter(division_code::Column::System.eq(name_of(CodeSystem::Statistics)?))
        .filter(division_code::Column::ValidTo.is_not_null())
        .order_by_asc(division_code::Column::ValidTo)
        .all(database.read())
        .await?;
    let codes = codes.into_iter();
    Ok(Past {
        ended: divisions,
        codes: codes
            .map(|row| (row.code, DivisionId::from_uuid(row.division_id)))
            .collect(),
    })
}

/// How many divisions there are or were.
///
/// # Errors
/// As any query.
pub async fn count(database: &Database) -> Result<u64, StoreError> {
    Ok(division::Entity::find().count(database.read()).await?)
}

/// One page of divisions by code, with the number of all that fit the filter.
///
/// # Errors
/// As any query; `Corrupt` for a row that does not parse.
pub async fn page(
    database: &Database,
    filter: &DivisionFilter,
    request: &PageRequest,
) -> Result<Page<Division>, StoreError> {
    let query = filtered(filter)?;
    let total = query.clone().count(database.read()).await?;
    let rows = keyset(
        query,
        &[
            towards(division::Column::Code, filter.direction),
            // equal digits may stand on several levels
            towards(division::Column::Id, filter.direction),
        ],
        request,
    )?
    .all(database.read())
    .await?;
    let divisions = rows.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    let page = request.page(divisions, |row| {
        Position(vec![
            KeyPart::Text(row.code.clone()),
            KeyPart::Uuid(row.id.uuid()),
        ])
    });
    Ok(Page {
        total: Some(total),
        ..page
    })
}

/// The codes of a division in all tables, newest first.
///
/// # Errors
/// As any query; `Corrupt` for a row that does not parse.
pub async fn codes(database: &Database, id: DivisionId) -> Result<Vec<DivisionCode>, StoreError> {
    let rows = division_code::Entity::find()
        .filter(division_code::Column::DivisionId.eq(id.uuid()))
        .order_by_asc(division_code::Column::System)
        .order_by_desc(division_code::Column::ValidFrom)
        .all(database.read())
        .await?;
    rows.iter().map(parse_code).collect()
}

fn filtered(filter: &DivisionFilter) -> Result<Select<division::Entity>, StoreError> {
    let mut query = division::Entity::find().filter(division::Column::ValidTo.is_null());
    if let Some(level) = filter.level {
        query = query.filter(division::Column::Level.eq(name_of(level)?));
    }
    if let Some(parent) = filter.parent {
        query = query.filter(division::Column::ParentId.eq(parent.uuid()));
    }
    if let Some(setting) = filter.setting {
        query = query.filter(division::Column::Setting.eq(name_of(setting)?));
    }
    if let Some(counted) = filter.counted {
        query = query.filter(division::Column::Counted.eq(counted));
    }
    if let Some(text) = &filter.name_contains {
        query = query.filter(super::page::contains(division::Column::Name, text));
    }
    Ok(query)
}

/// The end of a division; `None`: it lives.
pub(super) fn ended(row: &division::Model) -> Result<Option<Ended>, StoreError> {
    let Some(day) = &row.valid_to else { return Ok(None) };
    let last_day = day
        .parse()
        .ok()
        .ok_or_else(|| StoreError::corrupt("division", &row.id, "valid_to"))?;
    Ok(Some(Ended {
        last_day,
        successor: row.successor_id.map(DivisionId::from_uuid),
    }))
}

pub(super) fn parse(row: division::Model) -> Result<Division, StoreError> {
    let corrupt = |column| StoreError::corrupt("division", &row.id, column);
    Ok(Division {
        id: DivisionId::from_uuid(row.id),
        parent: row.parent_id.map(DivisionId::from_uuid),
        level: named(&row.level).ok_or_else(|| corrupt("level"))?,
        setting: match &row.setting {
            Some(name) => Some(named(name).ok_or_else(|| corrupt("setting"))?),
            None => None,
        },
        code: row.code,
        name: row.name,
        kind: row.kind,
        counted: row.counted,
    })
}

pub(super) fn parse_code(row: &division_code::Model) -> Result<DivisionCode, StoreError> {
    let corrupt = |column| StoreError::corrupt("division_code", &row.code, column);
    Ok(DivisionCode {
        system: named::<CodeSystem>(&row.system).ok_or_else(|| corrupt("system"))?,
        level: named(&row.level).ok_or_else(|| corrupt("level"))?,
        valid_from: row.valid_from.parse().ok().ok_or_else(|| corrupt("valid_from"))?,
        valid_to: match &row.valid_to {
            Some(day) => Some(day.parse().ok().ok_or_else(|| corrupt("valid_to"))?),
            None => None,
        },
        name: row.name.clone(),
        division: DivisionId::from_uuid(row.division_id),
        code: row.code.clone(),
    })
}
