//! Organizations (单位), the names they had and who took over their work.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use onedoor_domain::division::Level;
use onedoor_domain::id::{DivisionId, OrganizationId};
use onedoor_domain::organization::{Organization, OrganizationKind};
use onedoor_domain::page::{Direction, KeyPart, Page, PageRequest, Position};
use onedoor_entity::{organization, organization_name};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, Select,
};

use super::database::Database;
use super::error::StoreError;
use super::names::{ImportCounts, ROWS_PER_INSERT, name_of, named};
use super::page::{keyset, towards};
use super::tx::Tx;

/// Name of an order of organization lists, for cursors.
#[must_use]
pub const fn order_by_code(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => "organization.code",
        Direction::Descending => "organization.code.desc",
    }
}

/// Which organizations a list has; `None` does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, serde::Serialize)]
pub struct OrganizationFilter {
    /// Only of this kind.
    pub kind: Option<OrganizationKind>,
    /// Only of this level.
    pub level: Option<Level>,
    /// Only with this role.
    pub role: Option<String>,
    /// Only those that serve exactly this division.
    pub division: Option<DivisionId>,
    /// Only those whose Chinese name contains this text.
    pub name_contains: Option<String>,
    /// By code, in this direction.
    pub direction: Direction,
}

/// All organizations by code, and who took over the work of those that closed.
pub struct Everybody {
    /// All organizations, without their upstream systems, which are configuration.
    pub organizations: Vec<Organization>,
    /// From a closed organization to its successor.
    pub successors: HashMap<OrganizationId, OrganizationId>,
}

/// Reads all organizations.
///
/// # Errors
/// As any query; `Corrupt` for a row that does not parse.
pub async fn everybody(database: &Database) -> Result<Everybody, StoreError> {
    let rows = organization::Entity::find()
        .order_by_asc(organization::Column::Code)
        .all(database.read())
        .await?;
    let successors = rows
        .iter()
        .filter_map(|row| {
            Some((
                OrganizationId::from_uuid(row.id),
                OrganizationId::from_uuid(row.successor_id?),
            ))
        })
        .collect();
    let organizations = rows.into_iter().map(parse).collect::<Result<_, _>>()?;
    Ok(Everybody {
        organizations,
        successors,
    })
}

/// One page of organizations by code, with the number of all that fit the filter.
///
/// # Errors
/// As any query; `Corrupt` for a row that does not parse.
pub async fn page(
    database: &Database,
    filter: &OrganizationFilter,
    request: &PageRequest,
) -> Result<Page<Organization>, StoreError> {
    let query = filtered(filter)?;
    let total = query.clone().count(database.read()).await?;
    let rows = keyset(
        query,
        &[towards(organization::Column::Code, filter.direction)],
        request,
    )?
    .all(database.read())
    .await?;
    let organizations = rows.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    let page = request.page(organizations, |row| {
        Position(vec![KeyPart::Text(row.code.clone())])
    });
    Ok(Page {
        total: Some(total),
        ..page
    })
}

fn filtered(filter: &OrganizationFilter) -> Result<Select<organization::Entity>, StoreError> {
    let mut query = organization::Entity::find();
    if let Some(kind) = filter.kind {
        query = query.filter(organization::Column::Kind.eq(name_of(kind)?));
    }
    if let Some(level) = filter.level {
        query = query.filter(organization::Column::Level.eq(name_of(level)?));
    }
    if let Some(role) = &filter.role {
        query = query.filter(organization::Column::Role.eq(role));
    }
    if let Some(division) = filter.division {
        query = query.filter(organization::Column::DivisionId.eq(division.uuid()));
    }
    if let Some(text) = &filter.name_contains {
        query = query.filter(super::page::contains(organization::Column::NameZh, text));
    }
    Ok(query)
}

/// Writes what differs from what is there; an old name stays in the history. Organizations that the import does not
/// name stay as they are.
///
/// # Errors
/// As any write.
pub async fn import(tx: &Tx, rows: &[Organization], now: DateTime<Utc>) -> Result<ImportCounts, StoreError> {
    let there: HashMap<_, _> = organization::Entity::find()
        .all(tx.connection())
        .await?
        .into_iter()
        .map(|row| (row.id, row))
        .collect();
    let mut counts = ImportCounts::default();
    let (mut added, mut names) = (Vec::new(), Vec::new());
    for row in rows {
        let mut wanted = model(row)?;
        match there.get(&wanted.id) {
            None => {
                names.push(current_name(row, now));
                added.push(wanted);
            }
            // its work is another's now: it stays as it was remembered
            Some(found) if found.successor_id.is_some() => counts.unchanged += 1,
            Some(found) => {
                (wanted.successor_id, wanted.closed_at) = (found.successor_id, found.closed_at);
                if *found == wanted {
                    counts.unchanged += 1;
                    continue;
                }
                if (&found.name_zh, &found.name_en) != (&wanted.name_zh, &wanted.name_en) {
                    end_name(tx, row.id, now).await?;
                    names.push(current_name(row, now));
                }
                wanted
                    .into_active_model()
                    .reset_all()
                    .update(tx.connection())
                    .await?;
                counts.changed += 1;
            }
        }
    }
    counts.added = added.len();
    for chunk in added.chunks(ROWS_PER_INSERT) {
        let rows = chunk
            .iter()
            .cloned()
            .map(|row| row.into_active_model().reset_all());
        organization::Entity::insert_many(rows)
            .exec_without_returning(tx.connection())
            .await?;
    }
    for chunk in names.chunks(ROWS_PER_INSERT) {
        let rows = chunk
            .iter()
            .cloned()
            .map(|row| row.into_active_model().reset_all());
        organization_name::Entity::insert_many(rows)
            .exec_without_returning(tx.connection())
            .await?;
    }
    Ok(counts)
}

/// Closes the name that is valid now.
pub(super) async fn end_name(tx: &Tx, id: OrganizationId, now: DateTime<Utc>) -> Result<(), StoreError> {
    organization_name::Entity::update_many()
        .col_expr(
            organization_name::Column::ValidTo,
            Expr::value(now.timestamp_micros()),
        )
        .filter(organization_name::Column::OrganizationId.eq(id.uuid()))
        .filter(organization_name::Column::ValidTo.is_null())
        .exec(tx.connection())
        .await?;
    Ok(())
}

fn current_name(row: &Organization, now: DateTime<Utc>) -> organization_name::Model {
    organization_name::Model {
        organization_id: row.id.uuid(),
        valid_from: now.timestamp_micros(),
        valid_to: None,
        name_zh: row.name_zh.clone(),
        name_en: row.name_en.clone(),
    }
}

fn model(row: &Organization) -> Result<organization::Model, StoreError> {
    Ok(organization::Model {
        id: row.id.uuid(),
        code: row.code.clone(),
        role: row.role.clone(),
        kind: name_of(row.kind)?,
        division_id: row.division.uuid(),
        level: name_of(row.level)?,
        name_zh: row.name_zh.clone(),
        name_en: row.name_en.clone(),
        successor_id: None,
        closed_at: None,
    })
}

fn parse(row: organization::Model) -> Result<Organization, StoreError> {
    let corrupt = |column| StoreError::corrupt("organization", &row.id, column);
    Ok(Organization {
        id: OrganizationId::from_uuid(row.id),
        kind: named(&row.kind).ok_or_else(|| corrupt("kind"))?,
        level: named(&row.level).ok_or_else(|| corrupt("level"))?,
        division: DivisionId::from_uuid(row.division_id),
        code: row.code,
        role: row.role,
        name_zh: row.name_zh,
        name_en: row.name_en,
        upstream: None,
    })
}
