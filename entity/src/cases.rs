//! A case (办件): its row. Handoffs and clocks have tables of their own.

use sea_orm::entity::prelude::*;

/// A case (办件): its row. Handoffs and clocks have tables of their own.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "cases")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Moves with every write, also of a handoff or a clock; the public version does not.
    pub revision: i64,
    /// Version that acts on the case must name.
    pub version: i32,
    /// Number that people use; unique.
    #[sea_orm(column_type = "Text")]
    pub tracking_code: String,
    /// Pinned version of the item.
    pub item_version_id: Uuid,
    /// Code of the item.
    #[sea_orm(column_type = "Text")]
    pub item_code: String,
    /// Name of a `CaseKind`.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// Name of a `CaseStatus`.
    #[sea_orm(column_type = "Text")]
    pub status: String,
    /// The division it belongs to.
    pub division_id: Uuid,
    /// Code of the division on the day of submission.
    #[sea_orm(column_type = "Text")]
    pub division_code: String,
    /// Name of the division on the day of submission.
    #[sea_orm(column_type = "Text")]
    pub division_name: String,
    /// The organization that took it in.
    pub first_contact_id: Uuid,
    /// The organization that answers for it; none once it is closed.
    pub owner_id: Option<Uuid>,
    /// Index of the route step it stands in.
    pub step: i32,
    /// Name of a `Channel`.
    #[sea_orm(column_type = "Text")]
    pub channel: String,
    /// Subject of the applicant's own account.
    #[sea_orm(column_type = "Text", nullable)]
    pub applicant_subject: Option<String>,
    /// Subject of the token it was submitted with.
    #[sea_orm(column_type = "Text")]
    pub submitted_by: String,
    /// Microseconds UTC.
    pub submitted_at: i64,
    /// Microseconds UTC.
    pub accepted_at: Option<i64>,
    /// Microseconds UTC.
    pub decided_at: Option<i64>,
    /// Name of an `Outcome`.
    #[sea_orm(column_type = "Text", nullable)]
    pub outcome: Option<String>,
    /// Microseconds UTC.
    pub completed_at: Option<i64>,
    /// Microseconds UTC.
    pub delivered_at: Option<i64>,
    /// Due date of the leading clock, microseconds UTC; for lists.
    pub due_at: Option<i64>,
    /// The same, `i64::MAX` without one, so that lists sort dates first.
    pub due_order: i64,
    /// Whether that date is provisional.
    pub provisional: bool,
    /// How often it went back and forth.
    pub back_and_forth: i64,
    /// The rest as JSON: organizations of the route, external numbers, materials on file by commitment.
    #[sea_orm(column_type = "Text")]
    pub document: String,
    /// When a clock of it speaks next, microseconds UTC; none: no clock will. A hint: the case itself decides.
    pub next_tick_at: Option<i64>,
    /// How often in a row its clocks could not be heard; it is looked at later each time.
    pub tick_failures: i32,
    /// How many cards it has, standing or not.
    pub cards: i32,
    /// Name of the highest `Rung` that says something of the present; for desks.
    #[sea_orm(column_type = "Text", nullable)]
    pub card: Option<String>,
    /// Of a grid event: checks that failed.
    pub failed_checks: i32,
    /// Of a grid event: how often it was opened again.
    pub reopenings: i32,
    /// 满意度 of its evaluation, by the code of the standard: 1 is the best.
    pub grade: Option<i32>,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
