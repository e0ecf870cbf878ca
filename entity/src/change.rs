//! The change feed: that a case changed, and whom it concerns.

use sea_orm::entity::prelude::*;

/// The change feed: that a case changed, and whom it concerns.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "change")]
pub struct Model {
    /// Position; on PostgreSQL a smaller one may become visible later.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The case.
    pub case_id: Uuid,
    /// Revision of the case.
    pub revision: i64,
    /// Organizations it concerns, JSON.
    #[sea_orm(column_type = "Text")]
    pub organizations: String,
    /// Division of the case.
    pub division_id: Uuid,
    /// Microseconds UTC.
    pub at: i64,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
