//! A difference between a case here and at an upstream system, for as long as each run finds it again.

use sea_orm::entity::prelude::*;

/// A difference between a case here and at an upstream system, for as long as each run finds it again.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reconciliation_difference")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Name of the system.
    #[sea_orm(column_type = "Text")]
    pub upstream: String,
    /// The case.
    pub case_id: Uuid,
    /// The handoff by which the system has it.
    pub handoff_id: Uuid,
    /// Name of a `DifferenceKind`.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// Name of a `CaseStatus`.
    #[sea_orm(column_type = "Text")]
    pub ours: String,
    /// Name of an `UpstreamWord`.
    #[sea_orm(column_type = "Text")]
    pub theirs: String,
    /// The system's number as it said it last.
    #[sea_orm(column_type = "Text", nullable)]
    pub number: Option<String>,
    /// When it said so, microseconds UTC.
    pub as_of: i64,
    /// Whether it stands.
    pub open: bool,
    /// The run that first found it.
    pub first_run_id: Uuid,
    /// Microseconds UTC.
    pub first_seen_at: i64,
    /// The run that last found it.
    pub last_run_id: Uuid,
    /// Microseconds UTC.
    pub last_seen_at: i64,
    /// The run that last looked at the case, with or without an answer.
    pub looked_run_id: Uuid,
    /// The run that found it gone.
    pub resolved_run_id: Option<Uuid>,
    /// Microseconds UTC.
    pub resolved_at: Option<i64>,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
