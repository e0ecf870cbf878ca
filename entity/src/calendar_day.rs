//! A day that differs from Monday to Friday.

use sea_orm::entity::prelude::*;

/// A day that differs from Monday to Friday.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "calendar_day")]
pub struct Model {
    /// The calendar version.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version_id: Uuid,
    /// The day, `YYYY-MM-DD`.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub date: String,
    /// `off` or `work`.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// The holiday's name.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// `official` or `provisional`.
    #[sea_orm(column_type = "Text")]
    pub status: String,
    /// Where it is announced.
    #[sea_orm(column_type = "Text")]
    pub source: String,
}

/// Where its rows point.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// By `version_id`.
    #[sea_orm(
        belongs_to = "super::calendar_version::Entity",
        from = "Column::VersionId",
        to = "super::calendar_version::Column::Id"
    )]
    Version,
}

impl ActiveModelBehavior for ActiveModel {}
