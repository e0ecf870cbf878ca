//! A service item (事项) over all its versions.

use sea_orm::entity::prelude::*;

/// A service item (事项) over all its versions.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "service_item")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Code, for example `pension-enroll`; unique.
    #[sea_orm(column_type = "Text")]
    pub code: String,
    /// The published version.
    pub current_version_id: Uuid,
    /// When it was withdrawn, microseconds UTC; none: offered.
    pub withdrawn_at: Option<i64>,
}

/// Where its rows point.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// By `current_version_id`.
    #[sea_orm(
        belongs_to = "super::service_item_version::Entity",
        from = "Column::CurrentVersionId",
        to = "super::service_item_version::Column::Id"
    )]
    CurrentVersion,
}

impl Related<super::service_item_version::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::CurrentVersion.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
