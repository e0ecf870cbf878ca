//! Taking access back, and giving it back: acts of the security administrator.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use onedoor_domain::actor::Actor;
use onedoor_domain::audit::AuditAction;
use onedoor_domain::id::RevocationId;
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use onedoor_domain::page::{Page, PageRequest};
use onedoor_domain::policy::Act;
use onedoor_domain::revocation::{Revocation, RevocationReason, RevokedAccess};
use uuid::Uuid;

use super::cases::Cases;
use super::guard;
use super::identity::issuer::Issuers;
use super::identity::revoked::{Revoked, TOPIC};
use super::rejection::{Rejection, RejectionCode};
use crate::error::{AppError, ErrorCode};
pub use crate::store::revocation::REVOCATIONS_BY_TIME;
use crate::store::write_set::IdempotencyClaim;

const REVOKE: &str = "revokeAccess";
const RESTORE: &str = "restoreAccess";
/// Longest subject or token id.
const WORD_MAX_BYTES: usize = 256;

/// The acts, and what they have to know.
pub struct Revocations {
    cases: Arc<Cases>,
    issuers: Arc<Issuers>,
    revoked: Arc<Revoked>,
    /// The longest that a session lives.
    session_max: TimeDelta,
}

/// What came of an act: the revocation, or an expected answer.
pub type Acted = Result<Revocation, Vec<Rejection>>;

/// An order to revoke.
#[derive(Debug, Clone)]
pub struct RevokeOrder {
    /// What.
    pub access: RevokedAccess,
    /// Why.
    pub reason: RevocationReason,
    /// The caller's key.
    pub key: IdempotencyKey,
    /// Hash of the canonical input.
    pub fingerprint: Fingerprint,
}

/// An order to take a revocation back.
#[derive(Debug, Clone)]
pub struct RestoreOrder {
    /// Which.
    pub id: RevocationId,
    /// The caller's key.
    pub key: IdempotencyKey,
    /// Hash of the canonical input.
    pub fingerprint: Fingerprint,
}

impl Revocations {
    /// The acts over these.
    #[must_use]
    pub const fn new(
        cases: Arc<Cases>,
        issuers: Arc<Issuers>,
        revoked: Arc<Revoked>,
        session_max: TimeDelta,
    ) -> Self {
        Self {
            cases,
            issuers,
            revoked,
            session_max,
        }
    }

    /// Takes access back, once by the key. It counts here at once, and elsewhere within a poll.
    ///
    /// # Errors
    /// FORBIDDEN or UNAUTHENTICATED by the policy, STORE_UNAVAILABLE; the inner error is an expected answer.
    pub async fn revoke(&self, actor: &Actor, order: RevokeOrder) -> Result<Acted, AppError> {
        guard::allow(actor, Act::ManageRoles)?;
        let claim = claim(actor, order.key, REVOKE, order.fingerprint);
        if let Some(earlier) = self.earlier(&claim).await? {
            return Ok(earlier);
        }
        let now = self.cases.clock.now();
        if let Err(rejection) = self.check(actor, &order.access, now) {
            return Ok(Err(vec![rejection]));
        }
        let revocation = Revocation {
            id: RevocationId::from_uuid(Uuid::now_v7()),
            ends_at: self.ends_at(&order.access, now),
            access: order.access,
            reason: order.reason,
            revoked_at: now,
            revoked_by: actor.subject.clone(),
        };
        let entry = self.cases.services.audit_entry(actor, AuditAction::RevokeAccess);
        let entry = entry.because(order.reason.name());
        let Some(id) = self.cases.store.revoke(&revocation, &entry, &claim).await? else {
            return self.stored_beside(&claim).await;
        };
        self.tell().await;
        let standing = self.cases.store.revocation(id).await?;
        Ok(Ok(standing.unwrap_or(revocation)))
    }

    /// Takes a revocation back, once by the key.
    ///
    /// # Errors
    /// As [`Self::revoke`].
    pub async fn restore(
        &self,
        actor: &Actor,
        order: RestoreOrder,
    ) -> Result<Result<(), Vec<Rejection>>, AppError> {
        guard::allow(actor, Act::ManageRoles)?;
        let claim = claim(actor, order.key, RESTORE, order.fingerprint);
        if let Some(earlier) = self.look_up(&claim).await? {
            return Ok(earlier.map(drop).map_err(|rejection| vec![rejection]));
        }
        let Some(revocation) = self.cases.store.revocation(order.id).await? else {
            return Ok(Err(vec![unknown()]));
        };
        let entry = self.cases.services.audit_entry(actor, AuditAction::RestoreAccess);
        let entry = entry.because(revocation.reason.name());
        match self.cases.store.restore(order.id, &entry, &claim).await? {
            Some(true) => {
                self.tell().await;
                Ok(Ok(()))
            }
            Some(false) => Ok(Err(vec![unknown()])),
            None => match self.look_up(&claim).await? {
                Some(earlier) => Ok(earlier.map(drop).map_err(|rejection| vec![rejection])),
                None => Err(AppError::of(ErrorCode::Overloaded).retry_after_ms(500)),
            },
        }
    }

    /// A page of the revocations that stand, the last first.
    ///
    /// # Errors
    /// FORBIDDEN or UNAUTHENTICATED by the policy, STORE_UNAVAILABLE.
    pub async fn list(&self, actor: &Actor, page: &PageRequest) -> Result<Page<Revocation>, AppError> {
        let allowed = guard::allow(actor, Act::ManageRoles)?;
        let now = self.cases.clock.now();
        Ok(self.cases.store.list_revocations(allowed, now, page).await?)
    }

    /// What is known here is read anew at once; the others are told to.
    async fn tell(&self) {
        if self.revoked.refresh(&self.cases.services).await.is_err() {
            tracing::warn!("a revocation is stored and counts here at the next poll");
        }
        self.cases.services.hints.publish(TOPIC, "");
    }

    fn check(&self, actor: &Actor, access: &RevokedAccess, now: DateTime<Utc>) -> Result<(), Rejection> {
        let fits =
            |word: &str| (1..=WORD_MAX_BYTES).contains(&word.len()) && !word.chars().any(char::is_control);
        match access {
            RevokedAccess::Subject(subject) if *subject == actor.subject => Err(invalid(
                &["access", "subject"],
                "不能撤销自己的访问权限，请由另一位安全保密管理员操作。",
                "Nobody revokes their own access; another security administrator does it.",
            )),
            RevokedAccess::Subject(subject) if fits(subject) => Ok(()),
            RevokedAccess::Subject(_) => Err(word(&["access", "subject"])),
            RevokedAccess::Token { issuer, .. } if self.issuers.named(issuer).is_none() => {
                Err(no_issuer(&["access", "token", "issuer"]))
            }
            RevokedAccess::Token { token, .. } if fits(token) => Ok(()),
            RevokedAccess::Token { .. } => Err(word(&["access", "token", "id"])),
            RevokedAccess::Session(_) => Ok(()),
            RevokedAccess::Issuer { issuer, .. } if self.issuers.named(issuer).is_none() => {
                Err(no_issuer(&["access", "issuer", "name"]))
            }
            RevokedAccess::Issuer { before, .. } if *before > now => Err(invalid(
                &["access", "issuer", "issuedBefore"],
                "时间不得晚于现在。",
                "The instant must not lie in the future.",
            )),
            RevokedAccess::Issuer { .. } => Ok(()),
        }
    }

    /// When nothing is left that it could refuse.
    fn ends_at(&self, access: &RevokedAccess, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let life = self.issuers.lifetime_max();
        match access {
            RevokedAccess::Subject(_) => None,
            RevokedAccess::Token { .. } => Some(now + life),
            RevokedAccess::Session(_) => Some(now + self.session_max),
            RevokedAccess::Issuer { .. } => Some(now + life.max(self.session_max)),
        }
    }

    async fn stored_beside(&self, claim: &IdempotencyClaim) -> Result<Acted, AppError> {
        let earlier = self.earlier(claim).await?;
        earlier.ok_or_else(|| AppError::of(ErrorCode::Overloaded).retry_after_ms(500))
    }

    async fn earlier(&self, claim: &IdempotencyClaim) -> Result<Option<Acted>, AppError> {
        match self.look_up(claim).await? {
            None => Ok(None),
            Some(Err(rejection)) => Ok(Some(Err(vec![rejection]))),
            Some(Ok(id)) => {
                let found = self.cases.store.revocation(id).await?;
                Ok(Some(found.ok_or_else(|| vec![unknown()])))
            }
        }
    }

    /// What was done under a key; the inner error: something else.
    async fn look_up(
        &self,
        claim: &IdempotencyClaim,
    ) -> Result<Option<Result<RevocationId, Rejection>>, AppError> {
        let found = self.cases.store.look_up(&claim.principal, claim.key).await?;
        let Some(record) = found else { return Ok(None) };
        if record.act != claim.act || record.fingerprint != claim.fingerprint {
            return Ok(Some(Err(Rejection::idempotency_mismatch())));
        }
        let answer = String::from_utf8(record.answer.unwrap_or_default()).map_err(AppError::internal)?;
        Ok(Some(Ok(answer.parse().map_err(AppError::internal)?)))
    }
}

fn claim(
    actor: &Actor,
    key: IdempotencyKey,
    act: &'static str,
    fingerprint: Fingerprint,
) -> IdempotencyClaim {
    IdempotencyClaim {
        principal: actor.subject.clone(),
        key,
        act,
        fingerprint,
    }
}

fn invalid(field: &[&str], zh: &str, en: &str) -> Rejection {
    Rejection::of(RejectionCode::InvalidField, field, zh, en)
}

fn word(field: &[&str]) -> Rejection {
    invalid(
        field,
        "请填写 1 至 256 字节、不含控制字符的标识。",
        "Give an identifier of 1 to 256 bytes without control characters.",
    )
}

fn no_issuer(field: &[&str]) -> Rejection {
    invalid(
        field,
        "未配置名为此的签发方；[auth] 的签发方名为 default。",
        "There is no issuer of that name; that of [auth] is called default.",
    )
}

fn unknown() -> Rejection {
    Rejection::of(
        RejectionCode::UnknownRevocation,
        &["revocation"],
        "没有此项撤销，或已恢复。",
        "There is no such revocation, or it was taken back.",
    )
}
