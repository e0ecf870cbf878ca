//! One line of the ledger; append-only by trigger.

use sea_orm::entity::prelude::*;

/// One line of the ledger; append-only by trigger.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_event")]
pub struct Model {
    /// The case.
    #[sea_orm(primary_key, auto_increment = false)]
    pub chain: Uuid,
    /// Number of the line, from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    /// Hash of the line before; zeros before the first.
    pub prev: Vec<u8>,
    /// Hash of this line.
    pub hash: Vec<u8>,
    /// The exact bytes that were hashed.
    pub payload: Vec<u8>,
    /// What happened; also in the payload.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// When, microseconds UTC; also in the payload.
    pub at: i64,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
