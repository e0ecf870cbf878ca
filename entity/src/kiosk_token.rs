//! A short token of a kiosk.

use sea_orm::entity::prelude::*;

/// A short token of a kiosk.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "kiosk_token")]
pub struct Model {
    /// Hash of the token.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: Vec<u8>,
    /// Whose.
    pub kiosk_id: Uuid,
    /// Microseconds UTC.
    pub expires_at: i64,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
