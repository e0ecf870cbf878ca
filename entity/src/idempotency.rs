//! What came of an act under a caller's key.

use sea_orm::entity::prelude::*;

/// What came of an act under a caller's key.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency")]
pub struct Model {
    /// Who the key belongs to.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub principal: String,
    /// The key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: Uuid,
    /// Name of the act.
    #[sea_orm(column_type = "Text")]
    pub act: String,
    /// Hash of the canonical input.
    pub fingerprint: Vec<u8>,
    /// The case the act was about; none: another thing.
    pub case_id: Option<Uuid>,
    /// Sealed payload of the answer.
    pub answer: Option<Vec<u8>>,
    /// Microseconds UTC.
    pub created_at: i64,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
