//! Who calls: a bearer token is verified strictly and becomes an actor.

pub mod claims;
pub mod demo;
pub mod verifier;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use onedoor_domain::actor::Actor;
use onedoor_domain::directory::Directory;
use prometheus::IntCounterVec;

use crate::clock::SharedClock;
use crate::error::{AppError, ErrorCode};
use crate::secret::Redacted;
use crate::telemetry::metrics::Metrics;
use claims::Claims;
use verifier::{TokenRefusal, TokenVerifier};

/// A caller, as every edge hands it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticated {
    /// The actor.
    pub actor: Arc<Actor>,
    /// When the token ends, and with it a long-lived connection; `None` without a token.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Authenticated {
    /// A caller without a token.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            actor: Arc::new(Actor::anonymous()),
            expires_at: None,
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

/// The authenticator of the service: verifier, directory and clock.
pub struct TokenAuthenticator {
    verifier: TokenVerifier,
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
        verifier: TokenVerifier,
        directory: DirectorySource,
        clock: SharedClock,
        metrics: &Metrics,
    ) -> Result<Self, prometheus::Error> {
        let refused = metrics.counter(
            "onedoor_tokens_refused_total",
            "Refused bearer tokens, by reason.",
            &["reason"],
        )?;
        Ok(Self {
            verifier,
            directory,
            clock,
            refused,
        })
    }

    /// The caller of a header `Authorization`: anonymous without one.
    ///
    /// # Errors
    /// UNAUTHENTICATED when there is one and it is bad.
    pub fn caller(&self, authorization: Option<&str>) -> Result<Authenticated, AppError> {
        let Some(header) = authorization else {
            return Ok(Authenticated::anonymous());
        };
        let verified = bearer(header)
            .and_then(|token| self.verifier.verify(token, self.clock.now()))
            .and_then(|claims| Ok((claims.expires_at, self.actor(claims)?)));
        let (expires_at, actor) = verified.map_err(|refusal| self.refuse(refusal))?;
        Ok(Authenticated {
            actor: Arc::new(actor),
            expires_at: Some(expires_at),
        })
    }

    /// The actor of verified claims. Codes mean the organizations that do the work today; the division of a kiosk,
    /// clerk or officer is their organization's, whatever else the token says.
    fn actor(&self, claims: Claims) -> Result<Actor, TokenRefusal> {
        let directory = (self.directory)();
        let organization = claims.organization.map(|code| {
            let named = directory.organization_by_code(&code);
            let living = named.and_then(|named| directory.organization(directory.living(named.id)));
            living.ok_or(TokenRefusal::UnknownOrganization)
        });
        let organization = organization.transpose()?;
        let division = match claims.division.filter(|_| claims.role.needs_division()) {
            Some(code) => {
                let named = directory.division_by_code(&code);
                Some(named.ok_or(TokenRefusal::UnknownDivision)?.id)
            }
            None => organization.map(|organization| organization.division),
        };
        Ok(Actor {
            kind: claims.role.kind(),
            subject: claims.subject,
            organization: organization.map(|organization| organization.id),
            division,
            approver: claims.approver,
        })
    }

    fn refuse(&self, refusal: TokenRefusal) -> AppError {
        self.refused.with_label_values(&[refusal.reason()]).inc();
        tracing::debug!(token.refusal = refusal.reason(), "refused a bearer token");
        AppError::of(ErrorCode::Unauthenticated).because(refusal)
    }
}

impl Authenticator for TokenAuthenticator {
    fn authenticate<'a>(
        &'a self,
        presented: &'a Presented,
    ) -> BoxFuture<'a, Result<Authenticated, AppError>> {
        // An Ed25519 check takes some 100 µs, less than a hop to another thread is worth.
        let authorization = presented
            .authorization
            .as_ref()
            .map(|header| header.expose().as_str());
        Box::pin(std::future::ready(self.caller(authorization)))
    }

    fn still_admits<'a>(&'a self, _caller: &'a Authenticated) -> BoxFuture<'a, bool> {
        Box::pin(std::future::ready(true))
    }
}

/// The token of `Bearer <token>`; the scheme is case-insensitive (RFC 9110 §11.1).
fn bearer(header: &str) -> Result<&str, TokenRefusal> {
    match header.trim().split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim_start()),
        Some(_) | None => Err(TokenRefusal::NotBearer),
    }
}

#[cfg(test)]
mod tests;
