//! A handoff (移交) of a case.

use sea_orm::entity::prelude::*;

/// A handoff (移交) of a case.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "handoff")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The case.
    pub case_id: Uuid,
    /// Revision of the case that wrote this row last.
    pub revision: i64,
    /// Position among the handoffs of the case, from 1.
    pub seq: i32,
    /// Version that acts on the handoff must name.
    pub version: i32,
    /// Name of a `HandoffKind`.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// Name of a `HandoffState`.
    #[sea_orm(column_type = "Text")]
    pub state: String,
    /// Whether it is on somebody's desk; leads the partial index of the desks.
    pub open: bool,
    /// Whether the receiver becomes the owner.
    pub owning: bool,
    /// Whether the owner cannot go on before it is done.
    pub required: bool,
    /// Route step it leads into.
    pub step: Option<i32>,
    /// Sender.
    pub from_id: Option<Uuid>,
    /// Receiver.
    pub to_id: Uuid,
    /// Upstream system the receiver is bound to.
    #[sea_orm(column_type = "Text", nullable)]
    pub upstream: Option<String>,
    /// Number of paper originals.
    pub originals: i64,
    /// Number of the transfer slip.
    #[sea_orm(column_type = "Text", nullable)]
    pub slip: Option<String>,
    /// Subject of the token, or a part of the gateway.
    #[sea_orm(column_type = "Text")]
    pub offered_by: String,
    /// Subject of the token.
    #[sea_orm(column_type = "Text", nullable)]
    pub acknowledged_by: Option<String>,
    /// Microseconds UTC.
    pub offered_at: i64,
    /// Microseconds UTC.
    pub sent_at: Option<i64>,
    /// Microseconds UTC.
    pub acknowledged_at: Option<i64>,
    /// Microseconds UTC.
    pub closed_at: Option<i64>,
    /// Name of an `Opinion`.
    #[sea_orm(column_type = "Text", nullable)]
    pub opinion: Option<String>,
    /// What was handed over, by commitment, as JSON; none: nothing, or an older binary wrote the row.
    #[sea_orm(column_type = "Text", nullable)]
    pub materials: Option<String>,
    /// Name of a `RefusalReason`.
    #[sea_orm(column_type = "Text", nullable)]
    pub refused_for: Option<String>,
    /// Number of the admission by which a village-level organization could be given it.
    #[sea_orm(column_type = "Text", nullable)]
    pub admission: Option<String>,
    /// The division of its case; none: an older binary wrote the row.
    pub division_id: Option<Uuid>,
    /// When its work is due, microseconds UTC; `i64::MAX`: no date, so that desks sort dates first.
    pub due_at: i64,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
