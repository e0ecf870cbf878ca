//! Sign-in sessions of browsers: kept in the database, so that every replica knows them, under the hash of their secret.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use moka::sync::Cache;
use onedoor_domain::audit::AuditAction;
use onedoor_domain::id::SessionId;
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use url::Url;
use uuid::Uuid;

use super::claims::{Claims, Role};
use super::{Authenticated, Grounds};
use crate::config::session::SessionConfig;
use crate::error::AppError;
use crate::secret::Redacted;
use crate::service::Services;
use crate::store::session::{self, SecretHash, SessionRecord};

/// How long a session is believed without looking; so long it lives on elsewhere after its end.
const BELIEVED: Duration = Duration::from_secs(3);
/// Sessions that are believed at once.
const BELIEVED_MAX: u64 = 20_000;
/// Use is noted at most so often.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);
/// Random bytes of a secret.
const SECRET_BYTES: usize = 32;
/// Longest secret that is looked at.
const SECRET_MAX_BYTES: usize = 64;

/// The sessions.
pub struct Sessions {
    cx: Services,
    idle: TimeDelta,
    absolute: TimeDelta,
    /// What the address of this gateway is to browsers; known once it listens.
    public_url: OnceLock<Url>,
    believed: Cache<SecretHash, Option<Arc<SessionRecord>>>,
}

/// A session as its holder sees it.
#[derive(Debug, Clone)]
pub struct Held {
    /// The caller.
    pub caller: Authenticated,
    /// Its session.
    pub id: SessionId,
}

impl Sessions {
    /// Sessions of these lengths.
    #[must_use]
    pub fn new(cx: Services, config: &SessionConfig) -> Self {
        Self {
            cx,
            idle: TimeDelta::minutes(i64::from(config.idle_minutes)),
            absolute: TimeDelta::minutes(i64::from(config.absolute_minutes)),
            public_url: OnceLock::new(),
            believed: Cache::builder()
                .max_capacity(BELIEVED_MAX)
                .time_to_live(BELIEVED)
                .build(),
        }
    }

    /// Tells the address of this gateway as browsers see it.
    pub fn set_public_url(&self, url: Url) {
        self.public_url.get_or_init(|| url);
    }

    /// That address; `None` before the gateway listens.
    #[must_use]
    pub fn public_url(&self) -> Option<&Url> {
        self.public_url.get()
    }

    /// Whether cookies go over TLS alone.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.public_url().is_none_or(|url| url.scheme() == "https")
    }

    /// Name of the cookie. The prefix has browsers refuse it from a subdomain and without TLS; plain http, which is only for
    /// this machine and demonstrations, cannot have it.
    #[must_use]
    pub fn cookie_name(&self) -> &'static str {
        if self.is_secure() {
            "__Host-onedoor"
        } else {
            "onedoor"
        }
    }

    /// The secret of a header `Cookie`; `None`: it holds none of ours. Two are none that is known.
    #[must_use]
    pub fn secret_in(&self, cookies: &str) -> Option<Redacted<String>> {
        secret_named(cookies, self.cookie_name())
    }

    /// The caller of a secret; `None`: there is no such session, or it is over.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn caller(&self, secret: &Redacted<String>) -> Result<Option<Authenticated>, AppError> {
        Ok(self.held(secret).await?.map(|held| held.caller))
    }

    /// The session of a secret; `None`: there is none, or it is over.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn held(&self, secret: &Redacted<String>) -> Result<Option<Held>, AppError> {
        let Some(key) = hash_of(secret) else {
            return Ok(None);
        };
        let now = self.cx.clock.now();
        let Some(record) = self.record(key).await? else {
            return Ok(None);
        };
        if now >= record.expires_at || now - record.seen_at >= self.idle {
            return Ok(None);
        }
        let Some(caller) = self.admitted(&record) else {
            return Ok(None);
        };
        if now - record.seen_at >= NOTED_EVERY {
            self.note_use(key, &record, now).await;
        }
        Ok(Some(Held {
            caller,
            id: record.id,
        }))
    }

    /// Whether the session of a long-lived connection was not ended meanwhile.
    pub async fn still_holds(&self, caller: &Authenticated) -> bool {
        let Some(id) = caller.grounds.as_ref().and_then(|grounds| grounds.session) else {
            return true;
        };
        // while the database is away nothing new is known; what was revoked is bounded elsewhere
        session::stands(&self.cx.database, id).await.unwrap_or(true)
    }

    /// Begins a session; the one that the same browser held before ends. Gives its secret.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE; an internal error without randomness.
    pub async fn begin(
        &self,
        issuer: &str,
        claims: Claims,
        earlier: Option<&Redacted<String>>,
    ) -> Result<Redacted<String>, AppError> {
        let (secret, now) = (fresh_secret()?, self.cx.clock.now());
        let key = hash_of(&secret).ok_or_else(|| AppError::internal("a fresh secret is too long"))?;
        let record = SessionRecord {
            id: SessionId::from_uuid(Uuid::now_v7()),
            issuer: issuer.to_owned(),
            subject: claims.subject,
            role: claims.role.name().to_owned(),
            organization: claims.organization,
            division: claims.division,
            approver: claims.approver,
            created_at: now,
            seen_at: now,
            expires_at: now + self.absolute,
        };
        let admitted = self.admitted(&record);
        let caller = admitted.ok_or_else(|| AppError::internal("the claims of a sign-in make no actor"))?;
        let entry = self
            .cx
            .audit_entry(&caller.actor, AuditAction::SignIn)
            .on(record.id);
        let earlier = earlier.and_then(hash_of);
        session::insert(&self.cx.database, key, &record, earlier, &entry).await?;
        if let Some(earlier) = earlier {
            self.believed.invalidate(&earlier);
        }
        Ok(secret)
    }

    /// Ends the session of a secret; without one nothing happens.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn end(&self, secret: &Redacted<String>) -> Result<(), AppError> {
        let Some(held) = self.held(secret).await? else {
            return Ok(());
        };
        let entry = self
            .cx
            .audit_entry(&held.caller.actor, AuditAction::SignOut)
            .on(held.id);
        session::end(&self.cx.database, held.id, &entry).await?;
        if let Some(key) = hash_of(secret) {
            self.believed.invalidate(&key);
        }
        Ok(())
    }

    /// Removes what is over.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn remove_over(&self) -> Result<u64, AppError> {
        let now = self.cx.clock.now();
        Ok(session::remove_over(&self.cx.database, now, now - self.idle).await?)
    }

    async fn record(&self, key: SecretHash) -> Result<Option<Arc<SessionRecord>>, AppError> {
        if let Some(believed) = self.believed.get(&key) {
            return Ok(believed);
        }
        let found = session::find(&self.cx.database, key).await?.map(Arc::new);
        self.believed.insert(key, found.clone());
        Ok(found)
    }

    /// Codes are resolved each time, as those of a token are: an organization may have been merged since.
    fn admitted(&self, record: &SessionRecord) -> Option<Authenticated> {
        let claims = Claims {
            subject: record.subject.clone(),
            role: Role::named(&record.role)?,
            organization: record.organization.clone(),
            division: record.division.clone(),
            approver: record.approver,
        };
        let actor = claims.actor(&self.cx.directories.current()).ok()?;
        Some(Authenticated {
            actor: Arc::new(actor),
            expires_at: Some(record.expires_at),
            grounds: Some(Arc::new(Grounds {
                issuer: record.issuer.clone(),
                issued_at: record.created_at,
                token_id: None,
                session: Some(record.id),
            })),
        })
    }

    /// A session whose use could not be noted ends somewhat earlier, which is no reason to refuse it.
    async fn note_use(&self, key: SecretHash, record: &SessionRecord, now: DateTime<Utc>) {
        if session::touch(&self.cx.database, record.id, now).await.is_ok() {
            let noted = SessionRecord {
                seen_at: now,
                ..record.clone()
            };
            self.believed.insert(key, Some(Arc::new(noted)));
        }
    }
}

/// A secret of 256 random bits, as a cookie can hold it.
///
/// # Errors
/// The machine has no randomness.
pub(super) fn fresh_secret() -> Result<Redacted<String>, AppError> {
    let mut bytes = [0; SECRET_BYTES];
    OsRng.try_fill_bytes(&mut bytes).map_err(AppError::internal)?;
    Ok(Redacted::new(URL_SAFE_NO_PAD.encode(bytes)))
}

/// The value of a cookie of this name; of two with one name neither is believed.
pub(super) fn secret_named(cookies: &str, name: &str) -> Option<Redacted<String>> {
    let mut found = cookies.split(';').filter_map(|pair| {
        let (said, value) = pair.split_once('=')?;
        (said.trim() == name).then(|| value.trim())
    });
    let first = found.next()?;
    let only = if found.next().is_none() { first } else { "" };
    Some(Redacted::new(only.to_owned()))
}

fn hash_of(secret: &Redacted<String>) -> Option<SecretHash> {
    let secret = secret.expose();
    (secret.len() <= SECRET_MAX_BYTES).then(|| sha256(secret.as_bytes()))
}

pub(super) fn sha256(bytes: &[u8]) -> SecretHash {
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *to = *from;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name_and_two_are_none() {
        let read = |cookies: &str| secret_named(cookies, "__Host-onedoor").map(Redacted::into_exposed);
        assert_eq!(read("a=b; __Host-onedoor=abc"), Some("abc".to_owned()));
        assert_eq!(read("x__Host-onedoor=abc; onedoor=d"), None);
        assert_eq!(
            read("__Host-onedoor=abc; __Host-onedoor=def"),
            Some(String::new())
        );
        assert_eq!(read(""), None);
    }

    #[test]
    fn secrets_differ_and_fit() {
        let [one, other] = [fresh_secret(), fresh_secret()].map(|it| it.expect("randomness"));
        assert_eq!(one.expose().len(), 43);
        assert_ne!(one.expose(), other.expose());
        assert!(hash_of(&Redacted::new("x".repeat(65))).is_none());
    }
}
