//! One import of the working-day calendar.

use sea_orm::entity::prelude::*;

/// One import of the working-day calendar.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "calendar_version")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Number from 1; the highest is in force.
    pub number: i32,
    /// SHA-256 of its days in hex.
    #[sea_orm(column_type = "Text")]
    pub content_hash: String,
    /// When it was imported, microseconds UTC.
    pub imported_at: i64,
}

/// Where its rows point.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
