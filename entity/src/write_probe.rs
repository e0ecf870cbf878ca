//! The row on which the gateway tries whether a whole write set can be committed.

use sea_orm::entity::prelude::*;

/// The row on which the gateway tries whether a whole write set can be committed.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "write_probe")]
pub struct Model {
    /// What is tried.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub name: String,
    /// Bytes that mean nothing.
    pub filler: Vec<u8>,
}

/// Where its rows point.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
