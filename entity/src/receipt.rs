//! A receipt (回执); immutable by trigger.

use sea_orm::entity::prelude::*;

/// A receipt (回执); immutable by trigger.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "receipt")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The case.
    pub case_id: Uuid,
    /// Name of a `ReceiptKind`.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// The line of the ledger it attests.
    pub seq: i64,
    /// Sealed canonical JSON, the bytes that were signed.
    pub body: Vec<u8>,
    /// Key that signed.
    #[sea_orm(column_type = "Text")]
    pub key_id: String,
    /// Signature by the algorithm of the key.
    pub signature: Vec<u8>,
    /// Microseconds UTC.
    pub issued_at: i64,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
