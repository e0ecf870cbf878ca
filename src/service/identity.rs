//! Who calls: what a request presents is verified strictly and becomes an actor.

pub mod callers;
pub mod claims;
pub mod demo;
pub mod issuer;
pub mod keys;
pub mod mapping;
pub mod revoked;
pub mod sessions;
pub mod sign_in;
pub mod verifier;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use onedoor_domain::actor::Actor;
use onedoor_domain::directory::Directory;
use onedoor_domain::id::SessionId;
use prometheus::IntCounterVec;

use crate::clock::SharedClock;
use crate::error::{AppError, ErrorCode};
use crate::secret::Redacted;
use crate::telemetry::metrics::Metrics;
use issuer::{Accepted, Issuers, NotAccepted};
use verifier::TokenRefusal;

/// A caller, as every edge hands it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticated {
    /// The actor.
    pub actor: Arc<Actor>,
    /// When the token ends, and with it a long-lived connection; `None` without a token.
    pub expires_at: Option<DateTime<Utc>>,
    /// What the caller was let in by, as revocations name it; `None` without a token, and for devices.
    pub grounds: Option<Arc<Grounds>>,
}

/// What a caller was let in by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grounds {
    /// Name of the issuer.
    pub issuer: String,
    /// When the token was made, or the session began.
    pub issued_at: DateTime<Utc>,
    /// The claim `jti` of the token.
    pub token_id: Option<String>,
    /// The session.
    pub session: Option<SessionId>,
}

impl Authenticated {
    /// A caller without a token.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            actor: Arc::new(Actor::anonymous()),
            expires_at: None,
            grounds: None,
        }
    }
}

/// What a request presents of its caller, as the edge found it. None of it is believed yet.
#[derive(Debug, Clone, Default)]
pub struct Presented {
    /// The header `Authorization`.
    pub authorization: Option<Redacted<String>>,
    /// The header `Cookie`.
    pub cookie: Option<Redacted<String>>,
    /// The header `DPoP`: a proof that the caller holds the key of its token (RFC 9449).
    pub proof: Option<Redacted<String>>,
    /// The method of the request.
    pub method: String,
    /// Its path, without query.
    pub path: String,
}

impl Presented {
    /// Nothing but this header `Authorization`.
    #[must_use]
    pub fn bearing(authorization: Option<&str>) -> Self {
        Self {
            authorization: authorization.map(|header| Redacted::new(header.to_owned())),
            ..Self::default()
        }
    }
}

/// Turns what a request presents into a caller; what every edge asks.
pub trait Authenticator: Send + Sync + 'static {
    /// The caller: anonymous when nothing is presented.
    ///
    /// # Errors
    /// UNAUTHENTICATED when something is presented and it is bad, or the failure of what had to be asked.
    fn authenticate<'a>(&'a self, presented: &'a Presented)
    -> BoxFuture<'a, Result<Authenticated, AppError>>;

    /// Whether a caller who was let in would still be let in: it was not revoked meanwhile. Asked again and again by what
    /// lasts longer than a request; the end of a token is watched apart from this.
    fn still_admits<'a>(&'a self, caller: &'a Authenticated) -> BoxFuture<'a, bool>;
}

/// Gives the picture of divisions and organizations in force, to resolve the codes of claims.
pub type DirectorySource = Arc<dyn Fn() -> Arc<Directory> + Send + Sync>;

/// Knows callers by their tokens.
pub struct TokenAuthenticator {
    issuers: Arc<Issuers>,
    directory: DirectorySource,
    clock: SharedClock,
    refused: IntCounterVec,
}

impl TokenAuthenticator {
    /// An authenticator.
    ///
    /// # Errors
    /// The metric's name is taken by another kind.
    pub fn new(
        issuers: Arc<Issuers>,
        directory: DirectorySource,
        clock: SharedClock,
        metrics: &Metrics,
    ) -> Result<Self, prometheus::Error> {
        let refused = metrics.counter(
            "onedoor_tokens_refused_total",
            "Refused tokens and sessions, by reason.",
            &["reason"],
        )?;
        Ok(Self {
            issuers,
            directory,
            clock,
            refused,
        })
    }

    /// The caller of a header `Authorization`: anonymous without one.
    ///
    /// # Errors
    /// UNAUTHENTICATED when there is one and it is bad; UPSTREAM_UNAVAILABLE when its issuer cannot be asked for the key.
    pub async fn caller(&self, authorization: Option<&str>) -> Result<Authenticated, AppError> {
        let Some(header) = authorization else {
            return Ok(Authenticated::anonymous());
        };
        let token = bearer(header).map_err(|refusal| self.refuse(refusal))?;
        let accepted = self.issuers.accept(token, self.clock.now()).await;
        let accepted = accepted.map_err(|reason| match reason {
            NotAccepted::Refused(refusal) => self.refuse(refusal),
            NotAccepted::Unavailable => AppError::of(ErrorCode::UpstreamUnavailable)
                .retry_after_ms(ISSUER_RETRY_MS)
                .because(reason),
        })?;
        self.admit(accepted).map_err(|refusal| self.refuse(refusal))
    }

    fn admit(&self, accepted: Accepted) -> Result<Authenticated, TokenRefusal> {
        Ok(Authenticated {
            actor: Arc::new(accepted.claims.actor(&(self.directory)())?),
            expires_at: Some(accepted.expires_at),
            grounds: Some(Arc::new(Grounds {
                issuer: accepted.issuer,
                issued_at: accepted.issued_at,
                token_id: accepted.token_id,
                session: None,
            })),
        })
    }

    /// Counts a refusal; the caller only learns that it is refused.
    fn refuse(&self, refusal: TokenRefusal) -> AppError {
        self.refused.with_label_values(&[refusal.reason()]).inc();
        tracing::debug!(token.refusal = refusal.reason(), "refused a caller");
        AppError::of(ErrorCode::Unauthenticated).because(refusal)
    }
}

/// When a caller may come again whose issuer could not be asked.
const ISSUER_RETRY_MS: u64 = 5_000;

/// The token of `Bearer <token>`; the scheme is case-insensitive (RFC 9110 §11.1).
fn bearer(header: &str) -> Result<&str, TokenRefusal> {
    match header.trim().split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim_start()),
        Some(_) | None => Err(TokenRefusal::NotBearer),
    }
}

#[cfg(test)]
mod tests;
