//! A one-time ticket by which a document is read.

use sea_orm::entity::prelude::*;

/// A one-time ticket by which a document is read.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "document_ticket")]
pub struct Model {
    /// SHA-256 of the ticket.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ticket: Vec<u8>,
    /// The same ticket, sealed: a repeated request is given it again.
    pub ticket_sealed: Vec<u8>,
    /// Whose the caller's key is: a subject, or the id of the case whose code and secret were given.
    #[sea_orm(column_type = "Text")]
    pub principal: String,
    /// The caller's key.
    pub idempotency_key: Uuid,
    /// The document.
    pub document_id: Uuid,
    /// Kind of the actor it was given to.
    #[sea_orm(column_type = "Text")]
    pub actor: String,
    /// Their subject.
    #[sea_orm(column_type = "Text")]
    pub subject: String,
    /// The organization they work for.
    pub organization_id: Option<Uuid>,
    /// Whether code and secret of the case were given.
    pub by_credential: bool,
    /// Microseconds UTC.
    pub expires_at: i64,
    /// Whether it was used; it stays so long that a repeated request finds it.
    pub used: bool,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
