//! A data key, wrapped by a master key.

use sea_orm::entity::prelude::*;

/// A data key, wrapped by a master key.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "data_key")]
pub struct Model {
    /// Key; stands in the header of what it seals.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The case whose values it seals; none: what has no case.
    pub case_id: Option<Uuid>,
    /// Name of a `Sealing`: what it seals.
    #[sea_orm(column_type = "Text")]
    pub class: String,
    /// Name of a `SuiteName`: how it seals.
    #[sea_orm(column_type = "Text")]
    pub suite: String,
    /// Name of the master key.
    #[sea_orm(column_type = "Text")]
    pub master_key: String,
    /// The key, sealed by the master key; none once it was destroyed.
    pub wrapped: Option<Vec<u8>>,
    /// Microseconds UTC.
    pub created_at: i64,
    /// Since when nothing new is sealed with it, and what it sealed is sealed anew; microseconds UTC.
    pub retired_at: Option<i64>,
    /// Since when nothing but answers under callers' keys can be sealed with it; microseconds UTC.
    pub emptied_at: Option<i64>,
    /// When it was destroyed, and what it sealed with it; microseconds UTC.
    pub destroyed_at: Option<i64>,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
