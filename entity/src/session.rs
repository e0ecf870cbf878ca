//! A sign-in session of a browser.

use sea_orm::entity::prelude::*;

/// A sign-in session of a browser.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    /// Key, known to people; it opens nothing.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// SHA-256 of what the cookie holds.
    pub key: Vec<u8>,
    /// Name of the issuer.
    #[sea_orm(column_type = "Text")]
    pub issuer: String,
    /// Subject, qualified by the issuer.
    #[sea_orm(column_type = "Text")]
    pub subject: String,
    /// The role, as a token names it.
    #[sea_orm(column_type = "Text")]
    pub role: String,
    /// Code of the organization.
    #[sea_orm(column_type = "Text", nullable)]
    pub organization: Option<String>,
    /// Code of the division.
    #[sea_orm(column_type = "Text", nullable)]
    pub division: Option<String>,
    /// May extend a case.
    pub approver: bool,
    /// Microseconds UTC.
    pub created_at: i64,
    /// When it was last used, to the minute, microseconds UTC.
    pub seen_at: i64,
    /// When it ends however much it is used, microseconds UTC.
    pub expires_at: i64,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
