//! Revocations of access (撤销访问) as GraphQL shows them.

use async_graphql::{Context, Enum, ID, InputObject, OneofObject, Result, SimpleObject};
use chrono::{DateTime, Utc};
use onedoor_domain::revocation::{
    Revocation as DomainRevocation, RevocationReason as Reason, RevokedAccess as Access,
};

use crate::graphql::reach;

/// What is revoked.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationKind {
    /// Everything that a subject presents, until it is restored.
    Subject,
    /// One token.
    Token,
    /// One sign-in session.
    Session,
    /// Whatever an issuer made before an instant.
    Issuer,
}

/// Why access is taken back.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "Reason")]
pub enum RevocationReason {
    /// 离岗: the person left or was suspended.
    Left,
    /// 岗位变动: the person does other work now.
    RoleChanged,
    /// 凭据泄露: the credential is or may be in other hands.
    Compromised,
    /// 设备遗失: the device is lost.
    DeviceLost,
    /// Something else, told elsewhere.
    Other,
}

/// Which access: exactly one of these.
#[derive(OneofObject)]
pub enum AccessToRevoke {
    /// All of one subject, as `viewer`, the audit log and timelines name it.
    Subject(String),
    /// One token.
    Token(TokenToRevoke),
    /// One sign-in session.
    Session(ID),
    /// Whatever an issuer made before an instant.
    Issuer(IssuerToRevoke),
}

/// One token.
#[derive(InputObject)]
pub struct TokenToRevoke {
    /// Name of its issuer in the configuration; that of `[auth]` is called `default`.
    issuer: String,
    /// Its claim `jti`.
    id: String,
}

/// Whatever an issuer made before an instant, and the sessions begun by it before then.
#[derive(InputObject)]
pub struct IssuerToRevoke {
    /// Its name in the configuration; that of `[auth]` is called `default`.
    name: String,
    /// What was made then or later is good; not in the future.
    issued_before: DateTime<Utc>,
}

impl AccessToRevoke {
    pub(crate) fn read(self, ctx: &Context<'_>) -> Result<Access> {
        Ok(match self {
            Self::Subject(subject) => Access::Subject(subject),
            Self::Token(token) => Access::Token {
                issuer: token.issuer,
                token: token.id,
            },
            Self::Session(id) => Access::Session(reach::id(ctx, &id)?),
            Self::Issuer(issuer) => Access::Issuer {
                issuer: issuer.name,
                before: issuer.issued_before,
            },
        })
    }
}

/// Access that was taken back (撤销访问). It counts on every replica within a minute.
#[derive(SimpleObject)]
pub struct Revocation {
    /// Opaque key.
    id: ID,
    /// What is revoked.
    kind: RevocationKind,
    /// Name of the issuer of a token, or whose tokens are revoked.
    issuer: Option<String>,
    /// The subject, the token's id or the session; null of an issuer.
    value: Option<String>,
    /// Of an issuer: what was made before is revoked.
    issued_before: Option<DateTime<Utc>>,
    /// Why.
    reason: RevocationReason,
    /// When.
    revoked_at: DateTime<Utc>,
    /// By whom: subject of the security administrator.
    revoked_by: String,
    /// When nothing is left that it could refuse; null: it stands until it is taken back.
    ends_at: Option<DateTime<Utc>>,
}

impl Revocation {
    pub(crate) fn of(revocation: DomainRevocation) -> Self {
        let (kind, issuer, value, issued_before) = match revocation.access {
            Access::Subject(subject) => (RevocationKind::Subject, None, Some(subject), None),
            Access::Token { issuer, token } => (RevocationKind::Token, Some(issuer), Some(token), None),
            Access::Session(session) => (RevocationKind::Session, None, Some(session.to_string()), None),
            Access::Issuer { issuer, before } => (RevocationKind::Issuer, Some(issuer), None, Some(before)),
        };
        Self {
            id: ID(revocation.id.to_string()),
            kind,
            issuer,
            value,
            issued_before,
            reason: revocation.reason.into(),
            revoked_at: revocation.revoked_at,
            revoked_by: revocation.revoked_by,
            ends_at: revocation.ends_at,
        }
    }
}
