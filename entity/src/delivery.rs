//! The outbox: one delivery of a case to an upstream system.

use sea_orm::entity::prelude::*;

/// The outbox: one delivery of a case to an upstream system.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The case.
    pub case_id: Uuid,
    /// Revision of the case that asked for it; deliveries of a case go out in this order.
    pub revision: i64,
    /// The handoff.
    pub handoff_id: Uuid,
    /// Name of the system.
    #[sea_orm(column_type = "Text")]
    pub upstream: String,
    /// What the system is asked to do.
    #[sea_orm(column_type = "Text")]
    pub operation: String,
    /// Idempotency key, the same on every attempt.
    #[sea_orm(column_type = "Text")]
    pub key: String,
    /// Name of a `DeliveryState`.
    #[sea_orm(column_type = "Text")]
    pub state: String,
    /// Whether a worker may take it when its time has come; leads the partial indexes of the claims.
    pub waiting: bool,
    /// Moves with every claim; a result that names an older one is refused.
    pub fence: i64,
    /// Attempts started.
    pub attempts: i32,
    /// Attempts that count towards giving up.
    pub tries_spent: i32,
    /// Whether an attempt was started and its outcome is not known.
    pub in_doubt: bool,
    /// Not before, microseconds UTC; while claimed: when the lease ends.
    pub next_attempt_at: i64,
    /// Why it waits or ended, a code.
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    /// Microseconds UTC.
    pub created_at: i64,
    /// Microseconds UTC.
    pub changed_at: i64,
    /// The line of the case's ledger that it tells of: papers that came, a withdrawal; none for a handoff.
    pub ledger_seq: Option<i64>,
    /// The trace in which it was asked for, as W3C writes it.
    #[sea_orm(column_type = "Text", nullable)]
    pub traceparent: Option<String>,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
