//! One published version of a service item; never changed.

use sea_orm::entity::prelude::*;

/// One published version of a service item; never changed.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "service_item_version")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The item.
    pub item_id: Uuid,
    /// Number from 1.
    pub version: i32,
    /// The whole version as canonical JSON.
    #[sea_orm(column_type = "Text")]
    pub document: String,
    /// SHA-256 of the document in hex.
    #[sea_orm(column_type = "Text")]
    pub content_hash: String,
    /// When it was published, microseconds UTC.
    pub published_at: i64,
}

/// Where its rows point.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// By `item_id`.
    #[sea_orm(
        belongs_to = "super::service_item::Entity",
        from = "Column::ItemId",
        to = "super::service_item::Column::Id"
    )]
    Item,
}

impl ActiveModelBehavior for ActiveModel {}
