//! What the gateway does by itself towards one upstream system, and how far it is.

use sea_orm::entity::prelude::*;

/// What the gateway does by itself towards one upstream system, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "upstream_watch")]
pub struct Model {
    /// Name of the system.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub upstream: String,
    /// Name of a `Duty`.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub duty: String,
    /// Where to go on, in the system's own words; none: from the beginning.
    #[sea_orm(column_type = "Text", nullable)]
    pub cursor: Option<String>,
    /// Moves with every claim; a result that names an older one is refused.
    pub fence: i64,
    /// Until when it is somebody's, microseconds UTC.
    pub lease_until: i64,
    /// Not before, microseconds UTC.
    pub next_at: i64,
    /// Failures in a row.
    pub failures: i32,
    /// When it last succeeded, microseconds UTC.
    pub succeeded_at: Option<i64>,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
