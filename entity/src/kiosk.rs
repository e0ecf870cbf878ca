//! A kiosk (自助终端).

use sea_orm::entity::prelude::*;

/// A kiosk.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "kiosk")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What people call it.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// The station where it stands.
    pub organization_id: Uuid,
    /// Name of a `KioskState`.
    #[sea_orm(column_type = "Text")]
    pub state: String,
    /// Hash of the enrolment code that is open.
    pub code_hash: Option<Vec<u8>>,
    /// Microseconds UTC.
    pub code_expires_at: Option<i64>,
    /// JSON of its public key (RFC 7517).
    #[sea_orm(column_type = "Text", nullable)]
    pub public_key: Option<String>,
    /// Thumbprint of that key (RFC 7638).
    #[sea_orm(column_type = "Text", nullable)]
    pub thumbprint: Option<String>,
    /// The highest counter that was accepted.
    pub counter: i64,
    /// Hash of the challenge under which it was.
    pub challenge: Option<Vec<u8>>,
    /// When that challenge was given out, microseconds UTC.
    pub challenge_at: Option<i64>,
    /// Version of the program on it.
    #[sea_orm(column_type = "Text", nullable)]
    pub app_version: Option<String>,
    /// Applications that wait on it.
    pub queue_length: Option<i64>,
    /// By how many seconds its clock is ahead.
    pub clock_ahead_s: Option<i64>,
    /// Microseconds UTC.
    pub created_at: i64,
    /// Microseconds UTC.
    pub enrolled_at: Option<i64>,
    /// Microseconds UTC.
    pub last_seen_at: Option<i64>,
    /// Microseconds UTC.
    pub ended_at: Option<i64>,
}

/// Rows are joined by hand, where a list needs it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
