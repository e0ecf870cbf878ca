//! What every resolver may know of the request it serves.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use onedoor_domain::actor::Actor;
use uuid::Uuid;

use super::loaders::Loaders;
use crate::error::Language;

/// The number that joins an answer, its log lines and the caller's complaint. Always a UUID, never a caller's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CorrelationId(Uuid);

impl CorrelationId {
    /// Wraps a UUID.
    #[must_use]
    pub const fn from_uuid(raw: Uuid) -> Self {
        Self(raw)
    }

    /// The raw UUID.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(out)
    }
}

/// The address a request came from, behind the trusted proxies; for limits only, never logged in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceAddr(pub IpAddr);

impl SourceAddr {
    /// The address as limits count it: IPv6 by its /64, since a single household owns at least that.
    #[must_use]
    pub fn network(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(wide) => match wide.to_ipv4_mapped() {
                Some(narrow) => IpAddr::V4(narrow),
                None => {
                    let [a, b, c, d, ..] = wide.segments();
                    IpAddr::from([a, b, c, d, 0, 0, 0, 0])
                }
            },
        }
    }
}

/// What every resolver may know of the request; read with `ctx.data::<RequestContext>()`.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// Who asks.
    pub actor: Arc<Actor>,
    /// Language of the texts for people.
    pub language: Language,
    /// Joins the answer and its log lines.
    pub correlation_id: CorrelationId,
    /// SHA-256 of the document's text.
    pub document_hash: [u8; 32],
    /// Where the request came from.
    pub source: SourceAddr,
    /// Whether no token was sent.
    pub anonymous: bool,
    /// What lists read of their cases, in batches.
    pub loaders: Loaders,
}
