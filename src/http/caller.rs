//! Who asks: what the head, the token and the trace of a request told.

use onedoor_domain::actor::ActorKind;

use crate::graphql::budget::Payer;
use crate::http::head::Head;
use crate::service::identity::Authenticated;

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
