//! Texts beside a line of the ledger, sealed; apart from it, so that they can be erased and the chain still holds.

use sea_orm::entity::prelude::*;

/// Texts beside a line of the ledger, sealed; apart from it, so that they can be erased and the chain still holds.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_private")]
pub struct Model {
    /// The case.
    #[sea_orm(primary_key, auto_increment = false)]
    pub chain: Uuid,
    /// Number of the line.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    /// Sealed JSON: salt and text of the commitment in the line.
    pub sealed: Vec<u8>,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
