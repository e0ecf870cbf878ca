//! A notice of an upstream system, kept before it is acted upon.

use sea_orm::entity::prelude::*;

/// A notice of an upstream system, kept before it is acted upon.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "inbox")]
pub struct Model {
    /// Name of the system.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub upstream: String,
    /// Its id of the notice.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub event_id: String,
    /// Name of a `NoticeState`.
    #[sea_orm(column_type = "Text")]
    pub state: String,
    /// Sealed JSON of what it says.
    pub facts: Vec<u8>,
    /// Microseconds UTC.
    pub received_at: i64,
    /// Microseconds UTC.
    pub settled_at: Option<i64>,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
