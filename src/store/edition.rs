//! Editions of the divisions: everything that is there, and the plan of an edition written down.

use onedoor_domain::edition::{ClosedCode, CodeRow, Ended, Entry, Plan, Register, Standing};
use onedoor_domain::id::DivisionId;
use onedoor_entity::{division, division_code};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use uuid::Uuid;

use super::bulk::{self, Cell, Kind, Record, Target};
use super::dialect;
use super::division::{ended, parse, parse_code};
use super::error::StoreError;
use super::names::name_of;
use super::tx::Tx;

/// `valid_to` of a division that is about to get another code, so that its old one is free within the transaction.
const MOVING: &str = "moving";
/// Keys in one condition.
const KEYS_MAX: usize = 1_000;

const DIVISIONS: Target = Target {
    table: "division",
    columns: &[
        ("id", Kind::Uuid),
        ("code", Kind::Text),
        ("parent_id", Kind::Uuid),
        ("level", Kind::Text),
        ("name", Kind::Text),
        ("kind", Kind::Text),
        ("setting", Kind::Text),
        ("counted", Kind::Boolean),
        ("ur_class", Kind::Text),
        ("valid_to", Kind::Text),
        ("successor_id", Kind::Uuid),
    ],
    key: &["id"],
};

const CODES: Target = Target {
    table: "division_code",
    columns: &[
        ("system", Kind::Text),
        ("level", Kind::Text),
        ("code", Kind::Text),
        ("valid_from", Kind::Text),
        ("valid_to", Kind::Text),
        ("name", Kind::Text),
        ("division_id", Kind::Uuid),
        ("parent_id", Kind::Uuid),
    ],
    key: &["system", "level", "code", "valid_from"],
};

impl Record for Entry {
    fn cells(&self) -> Result<Vec<Cell<'_>>, StoreError> {
        let division = &self.division;
        Ok(vec![
            Cell::Uuid(division.id.uuid()),
            Cell::text(&division.code),
            Cell::uuid_opt(division.parent.map(DivisionId::uuid)),
            Cell::text(name_of(division.level)?),
            Cell::text(&division.name),
            Cell::text(&division.kind),
            Cell::text_opt(division.setting.map(name_of).transpose()?),
            Cell::Boolean(division.counted),
            Cell::text_opt(self.ur_class.as_deref()),
            // it lives, and nobody stands in its place
            Cell::Null,
            Cell::Null,
        ])
    }
}

impl Record for CodeRow {
    fn cells(&self) -> Result<Vec<Cell<'_>>, StoreError> {
        let code = &self.code;
        Ok(vec![
            Cell::text(name_of(code.system)?),
            Cell::text(name_of(code.level)?),
            Cell::text(&code.code),
            Cell::text(code.valid_from.to_string()),
            Cell::text_opt(code.valid_to.map(|day| day.to_string())),
            Cell::text(&code.name),
            Cell::Uuid(code.division.uuid()),
            Cell::uuid_opt(self.parent.map(DivisionId::uuid)),
        ])
    }
}

/// Reads everything an edition is compared with, and lets the transaction take its time.
///
/// # Errors
/// As any query; `Corrupt` for a row that does not parse.
pub async fn register(tx: &Tx) -> Result<Register, StoreError> {
    dialect::be_patient(tx).await?;
    let divisions = division::Entity::find().all(tx.connection()).await?;
    let standing = divisions.into_iter().map(standing).collect::<Result<_, _>>()?;
    let codes = division_code::Entity::find().all(tx.connection()).await?;
    let codes = codes
        .iter()
        .map(|row| {
            Ok(CodeRow {
                code: parse_code(row)?,
                parent: row.parent_id.map(DivisionId::from_uuid),
            })
        })
        .collect::<Result<_, StoreError>>()?;
    Ok(Register::new(standing, codes))
}

fn standing(row: division::Model) -> Result<Standing, StoreError> {
    Ok(Standing {
        ended: ended(&row)?,
        ur_class: row.ur_class.clone(),
        division: parse(row)?,
    })
}

/// Writes a plan down. Into empty tables it only adds; else what ends goes first, so that its codes are free.
///
/// # Errors
/// As any write.
pub async fn carry_out(tx: &Tx, plan: &Plan) -> Result<(), StoreError> {
    if is_untouched(tx).await? {
        fill(tx, plan).await
    } else {
        change(tx, plan).await
    }
}

/// Whether nothing was ever written of divisions.
async fn is_untouched(tx: &Tx) -> Result<bool, StoreError> {
    let division = division::Entity::find().one(tx.connection()).await?;
    let code = division_code::Entity::find().one(tx.connection()).await?;
    Ok(division.is_none() && code.is_none())
}

/// The first edition: a country has hundreds of thousands of rows, and its indexes are made when they are there.
async fn fill(tx: &Tx, plan: &Plan) -> Result<(), StoreError> {
    let indexes = bulk::take_indexes_down(tx, &[DIVISIONS.table, CODES.table]).await?;
    bulk::insert(tx, &DIVISIONS, &plan.added).await?;
    bulk::insert(tx, &CODES, &plan.codes_added).await?;
    indexes.put_back(tx).await
}

/// A newer edition.
async fn change(tx: &Tx, plan: &Plan) -> Result<(), StoreError> {
    for (id, end) in &plan.ended {
        end_division(tx, *id, *end).await?;
    }
    let changed: Vec<Uuid> = plan
        .changed
        .iter()
        .map(|entry| entry.division.id.uuid())
        .collect();
    for ids in changed.chunks(KEYS_MAX) {
        division::Entity::update_many()
            .col_expr(division::Column::ValidTo, Expr::value(MOVING))
            .filter(division::Column::Id.is_in(ids.iter().copied()))
            .exec(tx.connection())
            .await?;
    }
    for entries in [&plan.added, &plan.changed] {
        bulk::upsert(tx, &DIVISIONS, entries).await?;
    }
    for closed in &plan.codes_closed {
        close_code(tx, closed).await?;
    }
    for codes in [&plan.codes_added, &plan.codes_corrected] {
        bulk::upsert(tx, &CODES, codes).await?;
    }
    Ok(())
}

async fn end_division(tx: &Tx, id: DivisionId, end: Ended) -> Result<(), StoreError> {
    division::Entity::update_many()
        .col_expr(division::Column::ValidTo, Expr::value(end.last_day.to_string()))
        .col_expr(
            division::Column::SuccessorId,
            Expr::value(end.successor.map(DivisionId::uuid)),
        )
        .filter(division::Column::Id.eq(id.uuid()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

async fn close_code(tx: &Tx, closed: &ClosedCode) -> Result<(), StoreError> {
    division_code::Entity::update_many()
        .col_expr(
            division_code::Column::ValidTo,
            Expr::value(closed.valid_to.to_string()),
        )
        .filter(division_code::Column::System.eq(name_of(closed.system)?))
        .filter(division_code::Column::Level.eq(name_of(closed.level)?))
        .filter(division_code::Column::Code.eq(closed.code.as_str()))
        .filter(division_code::Column::ValidFrom.eq(closed.valid_from.to_string()))
        .exec(tx.connection())
        .await?;
    Ok(())
}
