//! A sign-in that was begun; it can be finished once.

use sea_orm::entity::prelude::*;

/// A sign-in that was begun; it can be finished once.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_in")]
pub struct Model {
    /// Hash of what the browser's cookie holds; state, nonce and PKCE verifier follow from that alone.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: Vec<u8>,
    /// Name of the issuer.
    #[sea_orm(column_type = "Text")]
    pub issuer: String,
    /// Local path that the browser goes to then.
    #[sea_orm(column_type = "Text")]
    pub target: String,
    /// Microseconds UTC.
    pub expires_at: i64,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
