//! What only the holder of a case may read: sealed, one row per case.

use sea_orm::entity::prelude::*;

/// What only the holder of a case may read: sealed, one row per case.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "case_private")]
pub struct Model {
    /// The case.
    #[sea_orm(primary_key, auto_increment = false)]
    pub case_id: Uuid,
    /// Argon2 hash of the tracking secret (查询码).
    #[sea_orm(column_type = "Text")]
    pub secret_hash: String,
    /// Sealed JSON.
    pub applicant: Vec<u8>,
    /// Sealed JSON.
    pub form: Vec<u8>,
    /// Sealed JSON.
    pub materials: Vec<u8>,
    /// Sealed salt of the commitment in the first line of the ledger.
    pub salt: Vec<u8>,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
