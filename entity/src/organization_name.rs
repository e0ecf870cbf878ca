//! A name an organization has or had.

use sea_orm::entity::prelude::*;

/// A name an organization has or had.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organization_name")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: Uuid,
    /// Since when, microseconds UTC.
    #[sea_orm(primary_key, auto_increment = false)]
    pub valid_from: i64,
    /// Until when; none: still.
    pub valid_to: Option<i64>,
    /// Name in Chinese.
    #[sea_orm(column_type = "Text")]
    pub name_zh: String,
    /// Name in English.
    #[sea_orm(column_type = "Text")]
    pub name_en: String,
}

/// Where its rows point.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// By `organization_id`.
    #[sea_orm(
        belongs_to = "super::organization::Entity",
        from = "Column::OrganizationId",
        to = "super::organization::Column::Id"
    )]
    Organization,
}

impl ActiveModelBehavior for ActiveModel {}
