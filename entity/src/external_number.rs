//! The number of a case in an upstream system.

use sea_orm::entity::prelude::*;

/// The number of a case in an upstream system.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "external_number")]
pub struct Model {
    /// Name of the system.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub upstream: String,
    /// Its number.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub number: String,
    /// The case.
    pub case_id: Uuid,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
