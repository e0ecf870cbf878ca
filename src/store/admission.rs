//! The admission lists (准入): replaced whole by an import.

use std::collections::HashMap;

use onedoor_domain::admission::Admission;
use onedoor_entity::admission;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _,
};

use super::database::Database;
use super::error::StoreError;
use super::names::{ImportCounts, ROWS_PER_INSERT, name_of};
use super::parse::Row;
use super::tx::Tx;

/// All entries, by number.
///
/// # Errors
/// As any query; `Corrupt` for a row that does not parse.
pub async fn all(database: &Database) -> Result<Vec<Admission>, StoreError> {
    let rows = admission::Entity::find()
        .order_by_asc(admission::Column::Number)
        .all(database.read())
        .await?;
    rows.into_iter().map(parse).collect()
}

/// Makes the lists those of the file: writes what differs, and takes out what the file no longer has, which counts as
/// changed.
///
/// # Errors
/// As any write.
pub async fn import(tx: &Tx, entries: &[Admission]) -> Result<ImportCounts, StoreError> {
    let mut there: HashMap<String, admission::Model> = admission::Entity::find()
        .all(tx.connection())
        .await?
        .into_iter()
        .map(|row| (row.number.clone(), row))
        .collect();
    let mut counts = ImportCounts::default();
    let mut added = Vec::new();
    for entry in entries {
        let wanted = model(entry)?;
        match there.remove(&wanted.number) {
            None => added.push(wanted.into_active_model().reset_all()),
            Some(found) if found == wanted => counts.unchanged += 1,
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
    counts.added = added.len();
    for chunk in added.chunks(ROWS_PER_INSERT) {
        admission::Entity::insert_many(chunk.iter().cloned())
            .exec_without_returning(tx.connection())
            .await?;
    }
    let gone: Vec<String> = there.into_keys().collect();
    counts.changed += gone.len();
    for chunk in gone.chunks(ROWS_PER_INSERT) {
        admission::Entity::delete_many()
            .filter(admission::Column::Number.is_in(chunk.iter().cloned()))
            .exec(tx.connection())
            .await?;
    }
    Ok(counts)
}

fn model(entry: &Admission) -> Result<admission::Model, StoreError> {
    Ok(admission::Model {
        number: entry.number.clone(),
        list: name_of(entry.list)?,
        item_code: entry.item_code.clone(),
        division_code: entry.division_code.clone(),
        approver: entry.approver.clone(),
        funds_note: entry.funds_note.clone(),
        valid_from: entry.valid_from.to_string(),
        valid_to: entry.valid_to.map(|day| day.to_string()),
    })
}

fn parse(row: admission::Model) -> Result<Admission, StoreError> {
    let number = row.number.clone();
    let parse = Row::of("admission", &number);
    Ok(Admission {
        list: parse.word("list", &row.list)?,
        valid_from: parse.text("valid_from", &row.valid_from)?,
        valid_to: row.valid_to.map(|day| parse.text("valid_to", &day)).transpose()?,
        number: row.number,
        item_code: row.item_code,
        division_code: row.division_code,
        approver: row.approver,
        funds_note: row.funds_note,
    })
}
