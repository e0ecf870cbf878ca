//! A clock of a case.

use sea_orm::entity::prelude::*;

/// A clock of a case.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "case_clock")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The case.
    pub case_id: Uuid,
    /// Revision of the case that wrote this row last.
    pub revision: i64,
    /// Place among the clocks of the case, from 0.
    pub position: i32,
    /// Name of a `ClockKind`.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// Name of a `ClockState`.
    #[sea_orm(column_type = "Text")]
    pub state: String,
    /// How many units.
    pub limit_value: i64,
    /// Name of a `LimitUnit`.
    #[sea_orm(column_type = "Text")]
    pub limit_unit: String,
    /// Route step it belongs to.
    pub step: Option<i32>,
    /// Handoff it belongs to.
    pub handoff_id: Option<Uuid>,
    /// Who answers for it.
    pub holder_id: Option<Uuid>,
    /// Microseconds UTC.
    pub started_at: i64,
    /// Microseconds UTC, exclusive; none while paused.
    pub due_at: Option<i64>,
    /// Whether the due date is provisional.
    pub provisional: bool,
    /// Calendar the due date was computed by.
    pub calendar_id: Uuid,
    /// Microseconds UTC.
    pub stopped_at: Option<i64>,
    /// Stretches that do not count, JSON.
    #[sea_orm(column_type = "Text")]
    pub pauses: String,
    /// Working days added by an extension.
    pub extension_working_days: i64,
    /// How often the ladder of its cards began anew.
    pub epoch: i32,
    /// When a card was cancelled, if that began the present epoch, microseconds UTC.
    pub epoch_from: Option<i64>,
    /// The last due date it had, microseconds UTC.
    pub last_due_at: Option<i64>,
    /// Whether its first due date counted on official years only.
    pub firm: bool,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
