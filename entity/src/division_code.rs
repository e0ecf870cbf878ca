//! A code that names or named a division in one code system.

use sea_orm::entity::prelude::*;

/// A code that names or named a division in one code system.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "division_code")]
pub struct Model {
    /// Code system, for example `STATISTICS` or `CIVIL_AFFAIRS`.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub system: String,
    /// Name of a `Level`; equal digits may stand on two levels.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub level: String,
    /// The code.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub code: String,
    /// First day, `YYYY-MM-DD`.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub valid_from: String,
    /// Last day; none: still valid.
    #[sea_orm(column_type = "Text", nullable)]
    pub valid_to: Option<String>,
    /// Name the division had under this code.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// The division.
    pub division_id: Uuid,
    /// What stood above the division under this code.
    pub parent_id: Option<Uuid>,
}

/// Where its rows point.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// By `division_id`.
    #[sea_orm(
        belongs_to = "super::division::Entity",
        from = "Column::DivisionId",
        to = "super::division::Column::Id"
    )]
    Division,
}

impl ActiveModelBehavior for ActiveModel {}
