//! A counter that moves with every change of one kind of reference data.

use sea_orm::entity::prelude::*;

/// A counter that moves with every change of one kind of reference data.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reference_epoch")]
pub struct Model {
    /// The kind, for example `organizations`.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub name: String,
    /// The counter.
    pub value: i64,
}

/// Where its rows point.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
