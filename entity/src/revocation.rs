//! A revocation of access that stands.

use sea_orm::entity::prelude::*;

/// A revocation of access that stands.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "revocation")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// `SUBJECT`, `TOKEN`, `SESSION` or `ISSUER`.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// Name of the issuer of a `TOKEN` or `ISSUER`, else empty.
    #[sea_orm(column_type = "Text")]
    pub issuer: String,
    /// The subject, the `jti`, or the session; of an `ISSUER` empty.
    #[sea_orm(column_type = "Text")]
    pub value: String,
    /// Of an `ISSUER`: what was made before is revoked, microseconds UTC.
    pub issued_before: Option<i64>,
    /// Name of a `RevocationReason`.
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    /// Microseconds UTC.
    pub revoked_at: i64,
    /// Subject of the token.
    #[sea_orm(column_type = "Text")]
    pub revoked_by: String,
    /// When it can go, microseconds UTC; none: it stands until it is taken back.
    pub ends_at: Option<i64>,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
