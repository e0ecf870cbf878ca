//! A signed checkpoint of the ledger; append-only by trigger.

use sea_orm::entity::prelude::*;

/// A signed checkpoint of the ledger; append-only by trigger.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_checkpoint")]
pub struct Model {
    /// Number, from 1 without a gap.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    /// When it was taken, microseconds UTC.
    pub at: i64,
    /// Hash of the one before; zeros before the first.
    pub prev: Vec<u8>,
    /// How many heads it signs.
    pub heads: i64,
    /// Hash over them.
    pub root: Vec<u8>,
    /// Key that signed.
    #[sea_orm(column_type = "Text")]
    pub key_id: String,
    /// Signature of the statement.
    pub signature: Vec<u8>,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
