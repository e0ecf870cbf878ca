//! Access that was taken back: of a person, a token, a session, or of all tokens that an issuer made before an instant.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{RevocationId, SessionId};

/// What is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevokedAccess {
    /// Everything that this subject presents, until it is restored.
    Subject(String),
    /// One token.
    Token {
        /// Name of its issuer in our configuration.
        issuer: String,
        /// Its claim `jti`.
        token: String,
    },
    /// One sign-in session.
    Session(SessionId),
    /// Whatever an issuer made before an instant, and the sessions begun by it before then.
    Issuer {
        /// Its name in our configuration.
        issuer: String,
        /// What was made then or later is good.
        before: DateTime<Utc>,
    },
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RevocationReason {
    /// The person left or was suspended (离岗).
    Left,
    /// The person does other work now (岗位变动).
    RoleChanged,
    /// The credential is or may be in other hands (凭据泄露).
    Compromised,
    /// The device is lost (设备遗失).
    DeviceLost,
    /// Something else, told elsewhere.
    Other,
}

impl RevocationReason {
    /// The name as columns and the audit log have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Left => "LEFT",
            Self::RoleChanged => "ROLE_CHANGED",
            Self::Compromised => "COMPROMISED",
            Self::DeviceLost => "DEVICE_LOST",
            Self::Other => "OTHER",
        }
    }
}

/// One revocation that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Its key.
    pub id: RevocationId,
    /// What is revoked.
    pub access: RevokedAccess,
    /// Why.
    pub reason: RevocationReason,
    /// When.
    pub revoked_at: DateTime<Utc>,
    /// By whom: subject of the security administrator.
    pub revoked_by: String,
    /// When nothing is left that it could refuse; `None`: it stands until it is taken back.
    pub ends_at: Option<DateTime<Utc>>,
}
