//! Divisions (区划) and their codes.

use std::collections::{BTreeSet, HashMap};

use onedoor_domain::division::{CodeSystem, Division, DivisionCode, Level, Setting};
use onedoor_domain::id::DivisionId;
use onedoor_domain::page::{Direction, KeyPart, Page, PageRequest, Position};
use onedoor_entity::{division, division_code};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, Select,
};

use super::database::Database;
use super::error::StoreError;
use super::names::{ImportCounts, ROWS_PER_INSERT, name_of, named};
use super::page::{keyset, towards};
use super::tx::Tx;

/// Name of an order of division lists, for cursors.
#[must_use]
pub const fn order_by_code(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => "division.code",
        Direction::Descending => "division.code.desc",
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

/// A division as an import brings it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DivisionImport {
    /// The division.
    pub division: Division,
    /// Its urban-rural class, where known.
    pub ur_class: Option<String>,
    /// Its codes in all tables.
    pub codes: Vec<DivisionCode>,
}

/// All divisions, by code.
///
/// # Errors
/// As any query; `Corrupt` for a row that does not parse.
pub async fn all(database: &Database) -> Result<Vec<Division>, StoreError> {
    let rows = division::Entity::find()
        .order_by_asc(division::Column::Code)
        .all(database.read())
        .await?;
    rows.into_iter().map(parse).collect()
}

/// How many divisions there are.
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
        &[towards(division::Column::Code, filter.direction)],
        request,
    )?
    .all(database.read())
    .await?;
    let divisions = rows.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    let page = request.page(divisions, |row| Position(vec![KeyPart::Text(row.code.clone())]));
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
    let mut query = division::Entity::find();
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

/// Writes what differs from what is there. Divisions that the import does not name stay: codes die, places do not.
///
/// # Errors
/// As any write.
pub async fn import(tx: &Tx, rows: &[DivisionImport]) -> Result<ImportCounts, StoreError> {
    let there: HashMap<_, _> = division::Entity::find()
        .all(tx.connection())
        .await?
        .into_iter()
        .map(|row| (row.id, row))
        .collect();
    let mut counts = ImportCounts::default();
    let mut added = Vec::new();
    for row in rows {
        let wanted = model(row)?;
        match there.get(&wanted.id) {
            None => added.push(wanted),
            Some(found) if *found == wanted => counts.unchanged += 1,
            Some(_) => {
                wanted
                    .into_active_model()
                    .reset_all()
                    .update(tx.connection())
                    .await?;
                counts.changed += 1;
            }
        }
    }
    // a parent must be there before its children; within one statement the order does not matter
    added.sort_by_key(|row| std::cmp::Reverse(named::<Level>(&row.level)));
    counts.added = added.len();
    for chunk in added.chunks(ROWS_PER_INSERT) {
        let rows = chunk
            .iter()
            .cloned()
            .map(|row| row.into_active_model().reset_all());
        division::Entity::insert_many(rows)
            .exec_without_returning(tx.connection())
            .await?;
    }
    import_codes(tx, rows).await?;
    Ok(counts)
}

async fn import_codes(tx: &Tx, rows: &[DivisionImport]) -> Result<(), StoreError> {
    let there: BTreeSet<_> = division_code::Entity::find()
        .all(tx.connection())
        .await?
        .into_iter()
        .map(|row| (row.system, row.level, row.code, row.valid_from))
        .collect();
    let mut added = Vec::new();
    for code in rows.iter().flat_map(|row| &row.codes) {
        let row = code_model(code)?;
        if !there.contains(&(
            row.system.clone(),
            row.level.clone(),
            row.code.clone(),
            row.valid_from.clone(),
        )) {
            added.push(row);
        }
    }
    for chunk in added.chunks(ROWS_PER_INSERT) {
        let rows = chunk
            .iter()
            .cloned()
            .map(|row| row.into_active_model().reset_all());
        division_code::Entity::insert_many(rows)
            .exec_without_returning(tx.connection())
            .await?;
    }
    Ok(())
}

fn model(row: &DivisionImport) -> Result<division::Model, StoreError> {
    let division = &row.division;
    Ok(division::Model {
        id: division.id.uuid(),
        code: division.code.clone(),
        parent_id: division.parent.map(DivisionId::uuid),
        level: name_of(division.level)?,
        name: division.name.clone(),
        kind: division.kind.clone(),
        setting: division.setting.map(name_of).transpose()?,
        counted: division.counted,
        ur_class: row.ur_class.clone(),
    })
}

fn code_model(code: &DivisionCode) -> Result<division_code::Model, StoreError> {
    Ok(division_code::Model {
        system: name_of(code.system)?,
        level: name_of(code.level)?,
        code: code.code.clone(),
        valid_from: code.valid_from.to_string(),
        valid_to: code.valid_to.map(|day| day.to_string()),
        name: code.name.clone(),
        division_id: code.division.uuid(),
    })
}

fn parse(row: division::Model) -> Result<Division, StoreError> {
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

fn parse_code(row: &division_code::Model) -> Result<DivisionCode, StoreError> {
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
