//! An entry of the audit log.

use sea_orm::entity::prelude::*;

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_entry")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Microseconds UTC.
    pub at: i64,
    /// Name of an `ActorKind`.
    #[sea_orm(column_type = "Text")]
    pub actor: String,
    /// Subject of the token.
    #[sea_orm(column_type = "Text")]
    pub subject: String,
    /// The organization the actor works for.
    pub organization_id: Option<Uuid>,
    /// Name of an `AuditAction`.
    #[sea_orm(column_type = "Text")]
    pub action: String,
    /// An opaque id, or a name of our own configuration.
    #[sea_orm(column_type = "Text", nullable)]
    pub object: Option<String>,
    /// Name of an `AuditOutcome`.
    #[sea_orm(column_type = "Text")]
    pub outcome: String,
    /// A code of a closed list.
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    /// The correlation id of the request.
    #[sea_orm(column_type = "Text", nullable)]
    pub correlation: Option<String>,
    /// How often within a minute.
    pub times: i32,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
