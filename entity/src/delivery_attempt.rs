//! One attempt of a delivery: a row first, an act second.

use sea_orm::entity::prelude::*;

/// One attempt of a delivery: a row first, an act second.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery_attempt")]
pub struct Model {
    /// The delivery.
    #[sea_orm(primary_key, auto_increment = false)]
    pub delivery_id: Uuid,
    /// From 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
    /// The claim it belongs to.
    pub fence: i64,
    /// Microseconds UTC.
    pub started_at: i64,
    /// Microseconds UTC; none: its outcome is not known.
    pub finished_at: Option<i64>,
    /// What came of it, a code.
    #[sea_orm(column_type = "Text", nullable)]
    pub outcome: Option<String>,
    /// What the answer says of itself for later proof, visible ASCII, bounded; none: nothing.
    #[sea_orm(column_type = "Text", nullable)]
    pub evidence: Option<String>,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
