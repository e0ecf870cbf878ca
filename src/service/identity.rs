//! Who calls: a bearer token is verified strictly and becomes an actor.

pub mod claims;
pub mod demo;
pub mod verifier;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use onedoor_domain::actor::Actor;
use onedoor_domain::id::{DivisionId, OrganizationId};
use prometheus::IntCounterVec;

use crate::clock::SharedClock;
use crate::error::{AppError, ErrorCode};
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

/// An organization as a token's claim means it: the living one, after mergers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeskPlace {
    /// The organization.
    pub organization: OrganizationId,
    /// The division it serves.
    pub division: DivisionId,
}

/// Resolves the codes of claims; the reference data's cache implements it.
pub trait CodeDirectory: Send + Sync + 'static {
    /// The living organization of a code, `None` when there is none.
    fn organization_by_code<'a>(
        &'a self,
        code: &'a str,
    ) -> BoxFuture<'a, Result<Option<DeskPlace>, AppError>>;

    /// The division of a statistical code, `None` when there is none.
    fn division_by_code<'a>(&'a self, code: &'a str) -> BoxFuture<'a, Result<Option<DivisionId>, AppError>>;
}

/// Turns the header `Authorization` into a caller: verifier, directory and clock.
pub struct TokenAuthenticator {
    verifier: TokenVerifier,
    directory: Arc<dyn CodeDirectory>,
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
        directory: Arc<dyn CodeDirectory>,
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
    /// UNAUTHENTICATED when there is one and it is bad, or the failure of the directory.
    pub async fn caller(&self, authorization: Option<&str>) -> Result<Authenticated, AppError> {
        let Some(header) = authorization else {
            return Ok(Authenticated::anonymous());
        };
        let verified = bearer(header).and_then(|token| self.verifier.verify(token, self.clock.now()));
        let claims = verified.map_err(|refusal| self.refuse(refusal))?;
        let expires_at = Some(claims.expires_at);
        let actor = self.actor(claims).await?;
        Ok(Authenticated {
            actor: Arc::new(actor),
            expires_at,
        })
    }

    /// The actor of verified claims, their codes resolved.
    async fn actor(&self, claims: Claims) -> Result<Actor, AppError> {
        let mut actor = Actor {
            kind: claims.role.kind(),
            subject: claims.subject,
            organization: None,
            division: None,
            approver: claims.approver,
        };
        if let Some(code) = claims.organization {
            let found = self.directory.organization_by_code(&code).await?;
            let place = found.ok_or_else(|| self.refuse(TokenRefusal::UnknownOrganization))?;
            actor.organization = Some(place.organization);
            actor.division = Some(place.division);
        }
        if let Some(code) = claims.division {
            let found = self.directory.division_by_code(&code).await?;
            actor.division = Some(found.ok_or_else(|| self.refuse(TokenRefusal::UnknownDivision))?);
        }
        Ok(actor)
    }

    fn refuse(&self, refusal: TokenRefusal) -> AppError {
        self.refused.with_label_values(&[refusal.reason()]).inc();
        tracing::info!(token.refusal = refusal.reason(), "refused a bearer token");
        AppError::of(ErrorCode::Unauthenticated).because(refusal)
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
