//! Service items (事项) and their published versions, each one document.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use onedoor_domain::id::{ItemVersionId, ServiceItemId};
use onedoor_domain::item::ItemVersion;
use onedoor_entity::{service_item, service_item_version};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _,
};
use sha2::{Digest as _, Sha256};

use super::database::Database;
use super::error::StoreError;
use super::names::{ImportCounts, ROWS_PER_INSERT};
use super::tx::Tx;

/// How many items there are.
///
/// # Errors
/// As any query.
pub async fn count(database: &Database) -> Result<u64, StoreError> {
    Ok(service_item::Entity::find().count(database.read()).await?)
}

/// The published version of every item that is offered, by code.
///
/// # Errors
/// As any query; `Corrupt` for a document that does not parse.
pub async fn current(database: &Database) -> Result<Vec<ItemVersion>, StoreError> {
    let rows = service_item::Entity::find()
        .filter(service_item::Column::WithdrawnAt.is_null())
        .find_also_related(service_item_version::Entity)
        .order_by_asc(service_item::Column::Code)
        .all(database.read())
        .await?;
    rows.into_iter()
        .map(|(item, version)| {
            let version =
                version.ok_or_else(|| StoreError::corrupt("service_item", &item.id, "current_version_id"))?;
            parse(&version)
        })
        .collect()
}

/// One version, published now or before.
///
/// # Errors
/// As any query; `Corrupt` for a document that does not parse.
pub async fn version(database: &Database, id: ItemVersionId) -> Result<Option<ItemVersion>, StoreError> {
    let row = service_item_version::Entity::find_by_id(id.uuid())
        .one(database.read())
        .await?;
    row.as_ref().map(parse).transpose()
}

/// Publishes what differs from the published version; the number and key of each given version are set here.
///
/// # Errors
/// As any write.
pub async fn import(tx: &Tx, items: &[ItemVersion], now: DateTime<Utc>) -> Result<ImportCounts, StoreError> {
    let mut there = HashMap::new();
    let found = service_item::Entity::find().find_also_related(service_item_version::Entity);
    for (item, version) in found.all(tx.connection()).await? {
        if let Some(version) = version {
            there.insert(item.id, version);
        }
    }
    let mut counts = ImportCounts::default();
    let (mut new_items, mut new_versions) = (Vec::new(), Vec::new());
    for item in items {
        match there.get(&item.item.uuid()) {
            None => {
                let version = model(item, 1, now)?;
                new_items.push(service_item::Model {
                    id: item.item.uuid(),
                    code: item.code.clone(),
                    current_version_id: version.id,
                    withdrawn_at: None,
                });
                new_versions.push(version);
                counts.added += 1;
            }
            // compared as a value: the order of keys in a document says nothing
            Some(found) if same_content(&parse(found)?, item) => counts.unchanged += 1,
            Some(found) => {
                let version = model(item, found.version + 1, now)?;
                service_item::Entity::update_many()
                    .col_expr(service_item::Column::CurrentVersionId, Expr::value(version.id))
                    .col_expr(
                        service_item::Column::WithdrawnAt,
                        Expr::value(Option::<i64>::None),
                    )
                    .filter(service_item::Column::Id.eq(item.item.uuid()))
                    .exec(tx.connection())
                    .await?;
                new_versions.push(version);
                counts.changed += 1;
            }
        }
    }
    for chunk in new_items.chunks(ROWS_PER_INSERT) {
        let rows = chunk
            .iter()
            .cloned()
            .map(|row| row.into_active_model().reset_all());
        service_item::Entity::insert_many(rows)
            .exec_without_returning(tx.connection())
            .await?;
    }
    for chunk in new_versions.chunks(ROWS_PER_INSERT) {
        let rows = chunk
            .iter()
            .cloned()
            .map(|row| row.into_active_model().reset_all());
        service_item_version::Entity::insert_many(rows)
            .exec_without_returning(tx.connection())
            .await?;
    }
    Ok(counts)
}

fn same_content(published: &ItemVersion, wanted: &ItemVersion) -> bool {
    let wanted = ItemVersion {
        id: published.id,
        version: published.version,
        ..wanted.clone()
    };
    *published == wanted
}

/// The key of a version follows from the item's code and the version's number.
fn version_id(code: &str, number: i32) -> ItemVersionId {
    ItemVersionId::named(&format!("{code}@{number}"))
}

fn model(
    item: &ItemVersion,
    number: i32,
    now: DateTime<Utc>,
) -> Result<service_item_version::Model, StoreError> {
    let numbered = ItemVersion {
        id: version_id(&item.code, number),
        version: number,
        ..item.clone()
    };
    let document = serde_json::to_string(&numbered).map_err(StoreError::other)?;
    Ok(service_item_version::Model {
        id: numbered.id.uuid(),
        item_id: item.item.uuid(),
        version: number,
        content_hash: hex::encode(Sha256::digest(&document)),
        document,
        published_at: now.timestamp_micros(),
    })
}

fn parse(row: &service_item_version::Model) -> Result<ItemVersion, StoreError> {
    let corrupt = |column| StoreError::corrupt("service_item_version", &row.id, column);
    let version: ItemVersion = serde_json::from_str(&row.document)
        .ok()
        .ok_or_else(|| corrupt("document"))?;
    let belongs = version.id.uuid() == row.id
        && version.item == ServiceItemId::from_uuid(row.item_id)
        && version.version == row.version;
    belongs.then_some(version).ok_or_else(|| corrupt("document"))
}
