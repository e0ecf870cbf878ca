//! Editions of the divisions: everything that is there, and the plan of an edition written down.

use chrono::NaiveDate;
use onedoor_domain::edition::{ClosedCode, CodeRow, Ended, Entry, Plan, Register, Standing};
use onedoor_domain::id::DivisionId;
use onedoor_entity::{division, division_code};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde::Serialize;
use uuid::Uuid;

use super::bulk::{self, Kind, Target};
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

#[derive(Serialize)]
struct DivisionRow<'a> {
    id: Simple,
    code: &'a str,
    parent_id: Option<Simple>,
    level: String,
    name: &'a str,
    kind: &'a str,
    setting: Option<String>,
    counted: bool,
    ur_class: Option<&'a str>,
    valid_to: Option<&'a str>,
    successor_id: Option<Simple>,
}

#[derive(Serialize)]
struct CodeRowOut<'a> {
    system: String,
    level: String,
    code: &'a str,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    name: &'a str,
    division_id: Simple,
    parent_id: Option<Simple>,
}

/// A UUID as 32 digits, which both databases read.
struct Simple(Uuid);

impl Serialize for Simple {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.simple().encode_lower(&mut Uuid::encode_buffer()))
    }
}

fn simple(id: DivisionId) -> Simple {
    Simple(id.uuid())
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

/// Writes a plan down: what ends first, so that its codes are free; parents before children.
///
/// # Errors
/// As any write.
pub async fn carry_out(tx: &Tx, plan: &Plan) -> Result<(), StoreError> {
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
        let rows = entries.iter().map(division_row).collect::<Result<Vec<_>, _>>()?;
        bulk::upsert(tx, &DIVISIONS, &rows).await?;
    }
    for closed in &plan.codes_closed {
        close_code(tx, closed).await?;
    }
    for codes in [&plan.codes_added, &plan.codes_corrected] {
        let rows = codes.iter().map(code_row).collect::<Result<Vec<_>, _>>()?;
        bulk::upsert(tx, &CODES, &rows).await?;
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

fn division_row(entry: &Entry) -> Result<DivisionRow<'_>, StoreError> {
    let division = &entry.division;
    Ok(DivisionRow {
        id: simple(division.id),
        code: &division.code,
        parent_id: division.parent.map(simple),
        level: name_of(division.level)?,
        name: &division.name,
        kind: &division.kind,
        setting: division.setting.map(name_of).transpose()?,
        counted: division.counted,
        ur_class: entry.ur_class.as_deref(),
        valid_to: None,
        successor_id: None,
    })
}

fn code_row(row: &CodeRow) -> Result<CodeRowOut<'_>, StoreError> {
    let code = &row.code;
    Ok(CodeRowOut {
        system: name_of(code.system)?,
        level: name_of(code.level)?,
        code: &code.code,
        valid_from: code.valid_from,
        valid_to: code.valid_to,
        name: &code.name,
        division_id: simple(code.division),
        parent_id: row.parent.map(simple),
    })
}
