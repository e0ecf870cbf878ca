//! A draft of an application.

use sea_orm::entity::prelude::*;

/// A draft of an application.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "draft")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Subject of its author; a kiosk: its session.
    #[sea_orm(column_type = "Text")]
    pub author: String,
    /// Version of the item it was begun with.
    pub item_version_id: Uuid,
    /// Code of the item.
    #[sea_orm(column_type = "Text")]
    pub item_code: String,
    /// Whether it is wiped after a day, as on a kiosk.
    pub ephemeral: bool,
    /// Sealed JSON.
    pub content: Vec<u8>,
    /// Microseconds UTC.
    pub created_at: i64,
    /// Microseconds UTC.
    pub saved_at: i64,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
