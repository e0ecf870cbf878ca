//! A comparison of all open cases with one upstream system (对账).

use sea_orm::entity::prelude::*;

/// A comparison of all open cases with one upstream system (对账).
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reconciliation")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Name of the system.
    #[sea_orm(column_type = "Text")]
    pub upstream: String,
    /// Name of a `RunCause`.
    #[sea_orm(column_type = "Text")]
    pub cause: String,
    /// Subject of the token; none: nobody asked for it.
    #[sea_orm(column_type = "Text", nullable)]
    pub requested_by: Option<String>,
    /// Name of a `RunState`.
    #[sea_orm(column_type = "Text")]
    pub state: String,
    /// When it was asked for or due, microseconds UTC.
    pub requested_at: i64,
    /// Microseconds UTC.
    pub started_at: Option<i64>,
    /// Microseconds UTC.
    pub ended_at: Option<i64>,
    /// Cases asked for.
    pub checked: i32,
    /// Of these with a difference.
    pub differing: i32,
    /// Of these without a readable answer.
    pub unanswered: i32,
    /// Of these with something on its way.
    pub unsettled: i32,
    /// Differences that are gone.
    pub resolved: i32,
    /// Why it failed, as a code.
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    /// The last case asked for; the run goes on behind it.
    pub last_case_id: Option<Uuid>,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
