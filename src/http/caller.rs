//! Who asks: what the head, the token and the trace of a request told.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName, ToStrError};
use onedoor_domain::actor::ActorKind;

use crate::graphql::budget::Payer;
use crate::http::head::Head;
use crate::secret::Redacted;
use crate::service::identity::{Authenticated, Presented};

/// The header of a proof of possession (RFC 9449).
const PROOF: HeaderName = HeaderName::from_static("dpop");

/// What a request presents of its caller.
///
/// # Errors
/// A header that is not plain text; whoever sends one is nobody that we know.
pub fn presented(request: &HttpRequest) -> Result<Presented, ToStrError> {
    let read = |name: HeaderName| -> Result<Option<Redacted<String>>, ToStrError> {
        let Some(value) = request.headers().get(name) else {
            return Ok(None);
        };
        Ok(Some(Redacted::new(value.to_str()?.to_owned())))
    };
    Ok(Presented {
        authorization: read(header::AUTHORIZATION)?,
        cookie: read(header::COOKIE)?,
        proof: read(PROOF)?,
        method: request.method().as_str().to_owned(),
        path: request.path().to_owned(),
    })
}

/// Who asks, and by which way.
#[derive(Debug, Clone)]
pub struct Caller {
    /// What the head told.
    pub head: Head,
    /// What the token told.
    pub session: Authenticated,
    /// The trace that the request is part of, as W3C writes it.
    pub traceparent: Option<String>,
}

impl Caller {
    /// Whether no token was sent.
    #[must_use]
    pub fn anonymous(&self) -> bool {
        self.session.actor.kind == ActorKind::Anonymous
    }

    /// Whose budget this caller spends.
    #[must_use]
    pub fn payer(&self) -> Payer {
        Payer::of(&self.session.actor, self.head.source)
    }
}
