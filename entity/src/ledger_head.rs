//! The last line of each chain of the ledger.

use sea_orm::entity::prelude::*;

/// The last line of each chain of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_head")]
pub struct Model {
    /// The case.
    #[sea_orm(primary_key, auto_increment = false)]
    pub chain: Uuid,
    /// Number of the last line.
    pub seq: i64,
    /// Its hash.
    pub hash: Vec<u8>,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
