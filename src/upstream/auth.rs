//! What our requests prove themselves with: authorization, signatures and certificates, resolved when the gateway starts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::secret::Redacted;
use crate::upstream::auth::body::BodySecret;
use crate::upstream::auth::mac::RequestMac;
use crate::upstream::auth::token::{NoToken, Origin, Token, TokenSource};
use crate::upstream::signing::{HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, SigningKey};

pub mod body;
pub mod mac;
pub mod token;

/// The resolved secrets with which our requests prove themselves.
#[derive(Debug, Default)]
pub struct Credentials {
    /// Who sends.
    pub authorization: Authorization,
    /// Keys of Standard Webhooks signatures; each signs.
    pub signing: Vec<SigningKey>,
    /// The system's own signature.
    pub mac: Option<RequestMac>,
    /// What stands in the body.
    pub body: Option<BodySecret>,
}

/// Who sends, as the header `authorization` says it.
#[derive(Debug, Default)]
pub enum Authorization {
    /// It says nothing.
    #[default]
    None,
    /// A token that does not change.
    Bearer(Redacted<String>),
    /// User and password.
    Basic(Redacted<String>),
    /// Tokens of a token endpoint.
    Tokens(Box<TokenSource>),
}

/// What one request says of its sender.
#[derive(Debug, Clone)]
pub enum Proof {
    /// Nothing.
    None,
    /// A bearer token.
    Bearer(Redacted<String>),
    /// The whole value of the header.
    Header(Redacted<String>),
    /// A token that may be old, and is then replaced once.
    Token(Token),
}

impl Authorization {
    /// User and password as the header carries them.
    #[must_use]
    pub fn basic(user: &str, password: &Redacted<String>) -> Self {
        let pair = STANDARD.encode(format!("{user}:{}", password.expose()));
        Self::Basic(Redacted::new(format!("Basic {pair}")))
    }

    /// What to say now; asks the token endpoint when no token is at hand.
    ///
    /// # Errors
    /// When the token endpoint gives none.
    pub async fn proof(&self, now: DateTime<Utc>, deadline: Instant) -> Result<Proof, NoToken> {
        match self {
            Self::None => Ok(Proof::None),
            Self::Bearer(token) => Ok(Proof::Bearer(token.clone())),
            Self::Basic(value) => Ok(Proof::Header(value.clone())),
            Self::Tokens(source) => Ok(Proof::Token(source.token(now, deadline).await?)),
        }
    }

    /// Another proof after a 401; `None`: there is no better one.
    ///
    /// # Errors
    /// When the token endpoint gives none.
    pub async fn renewed(
        &self,
        refused: &Proof,
        now: DateTime<Utc>,
        deadline: Instant,
    ) -> Result<Option<Proof>, NoToken> {
        match (self, refused) {
            (Self::Tokens(source), Proof::Token(token)) if token.origin == Origin::Cache => {
                source.refuse(token, deadline).await;
                Ok(Some(Proof::Token(source.token(now, deadline).await?)))
            }
            (Self::Tokens(_) | Self::None | Self::Bearer(_) | Self::Basic(_), _) => Ok(None),
        }
    }
}

impl Proof {
    /// The value of the header `authorization`; `None`: there is none.
    #[must_use]
    pub fn header(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Bearer(token) => Some(format!("Bearer {}", token.expose())),
            Self::Header(value) => Some(value.expose().clone()),
            Self::Token(token) => Some(format!("Bearer {}", token.text.expose())),
        }
    }
}

impl Credentials {
    /// The headers of the Standard Webhooks signature over a body; none without a key.
    #[must_use]
    pub fn webhook_headers(&self, key: &str, now: DateTime<Utc>, body: &[u8]) -> Vec<(&'static str, String)> {
        if self.signing.is_empty() {
            return Vec::new();
        }
        let timestamp_s = now.timestamp();
        let entries: Vec<String> = self
            .signing
            .iter()
            .map(|signing| signing.sign(key, timestamp_s, body))
            .collect();
        vec![
            (HEADER_ID, key.to_owned()),
            (HEADER_TIMESTAMP, timestamp_s.to_string()),
            (HEADER_SIGNATURE, entries.join(" ")),
        ]
    }
}
