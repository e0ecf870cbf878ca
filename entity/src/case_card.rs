//! A card (预警、黄牌、红牌) on a case.

use sea_orm::entity::prelude::*;

/// A card (预警、黄牌、红牌) on a case.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "case_card")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The case.
    pub case_id: Uuid,
    /// Revision of the case that wrote this row last.
    pub revision: i64,
    /// Place among the cards of the case, from 0.
    pub position: i32,
    /// `CLOCK`, or why it was raised by hand.
    #[sea_orm(column_type = "Text")]
    pub cause: String,
    /// The clock that raised it; none by hand. Unique with rung and epoch.
    pub clock_id: Option<Uuid>,
    /// Name of a `ClockKind`; none by hand.
    #[sea_orm(column_type = "Text", nullable)]
    pub clock_kind: Option<String>,
    /// Epoch of the clock; none by hand.
    pub epoch: Option<i32>,
    /// Name of a `Rung`.
    #[sea_orm(column_type = "Text")]
    pub rung: String,
    /// Whose lateness it is.
    pub holder_id: Option<Uuid>,
    /// Name of a `CardDesk`.
    #[sea_orm(column_type = "Text")]
    pub desk: String,
    /// The division to whose level it is raised.
    pub division_id: Option<Uuid>,
    /// Name of a `Level`.
    #[sea_orm(column_type = "Text", nullable)]
    pub level: Option<String>,
    /// When the clock came to the rung, microseconds UTC.
    pub due_at: i64,
    /// Microseconds UTC.
    pub raised_at: i64,
    /// Name of a `CardState`.
    #[sea_orm(column_type = "Text")]
    pub state: String,
    /// Microseconds UTC.
    pub appealed_at: Option<i64>,
    /// Microseconds UTC.
    pub cancelled_at: Option<i64>,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
