//! How often a person looked at personal data on a day.

use sea_orm::entity::prelude::*;

/// How often a person looked at personal data on a day.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_budget")]
pub struct Model {
    /// Subject of the token.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub subject: String,
    /// The day in Beijing, `YYYY-MM-DD`.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub day: String,
    /// Name of an `AccessKind`.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub kind: String,
    /// Looks that were recorded.
    pub used: i32,
    /// Looks that were refused and recorded as such.
    pub refused: i32,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
