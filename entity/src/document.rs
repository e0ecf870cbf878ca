//! An uploaded document; its bytes lie in the storage of files, encrypted.

use sea_orm::entity::prelude::*;

/// An uploaded document.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "document")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// SHA-256 of the one-time ticket by which it is uploaded.
    pub ticket: Vec<u8>,
    /// The same ticket, sealed: a repeated request is given it again.
    pub ticket_sealed: Vec<u8>,
    /// When the ticket ends, microseconds UTC.
    pub expires_at: i64,
    /// Who uploads it: subject of a token, or the id of the case whose code and secret were given.
    #[sea_orm(column_type = "Text")]
    pub principal: String,
    /// The caller's key.
    pub idempotency_key: Uuid,
    /// Hash of what was asked under it.
    pub fingerprint: Vec<u8>,
    /// The case it is meant for; null: an application that is still to be handed in.
    pub meant_for: Option<Uuid>,
    /// Code of the material it is meant for.
    #[sea_orm(column_type = "Text")]
    pub material: String,
    /// Kind of file.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// Size of the bytes.
    pub size_bytes: i64,
    /// SHA-256 of the bytes: as said, then as stored.
    pub sha256: Option<Vec<u8>>,
    /// The file's own name, sealed.
    pub file_name: Vec<u8>,
    /// State.
    #[sea_orm(column_type = "Text")]
    pub state: String,
    /// Uploads begun; each writes an object of its own.
    pub attempts: i32,
    /// Name of the object that counts; null: none yet.
    #[sea_orm(column_type = "Text", nullable)]
    pub object: Option<String>,
    /// The key of that object, sealed.
    pub file_key: Option<Vec<u8>>,
    /// Microseconds UTC.
    pub created_at: i64,
    /// Microseconds UTC.
    pub uploaded_at: Option<i64>,
    /// The case it belongs to.
    pub case_id: Option<Uuid>,
    /// Since when it belongs to the case, microseconds UTC.
    pub joined_at: Option<i64>,
    /// When the scanner is to look at it (again), microseconds UTC; null: it needs not.
    pub scan_at: Option<i64>,
    /// Whether what was left of it in the storage was looked after.
    pub swept: bool,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
