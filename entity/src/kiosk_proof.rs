//! A proof or challenge that a kiosk has used, for as long as it could be sent again.

use sea_orm::entity::prelude::*;

/// A proof or challenge that a kiosk has used.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "kiosk_proof")]
pub struct Model {
    /// Who used it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kiosk_id: Uuid,
    /// Hash of the proof's id, or of the challenge.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: Vec<u8>,
    /// Microseconds UTC.
    pub expires_at: i64,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
