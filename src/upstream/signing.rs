//! Standard Webhooks 1.0 signatures: the signed content, and both schemes of signing it.

use std::sync::Arc;

use aws_lc_rs::{hmac, signature};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::secret::Redacted;

/// Header with the identifier of a message, the same on each repetition.
pub const HEADER_ID: &str = "webhook-id";
/// Header with the time of signing, seconds since 1970.
pub const HEADER_TIMESTAMP: &str = "webhook-timestamp";
/// Header with the signatures, separated by spaces.
pub const HEADER_SIGNATURE: &str = "webhook-signature";

/// Shortest HMAC secret, bytes (the specification's floor).
const SECRET_BYTES_MIN: usize = 24;
/// Longest HMAC secret, bytes (the specification's ceiling).
const SECRET_BYTES_MAX: usize = 64;
/// Bytes of the seed of an Ed25519 secret key.
const SEED_BYTES: usize = 32;
/// Bytes of an Ed25519 public key.
const PUBLIC_KEY_BYTES: usize = 32;

/// A key that verifies notices: `whsec_` + base64 (HMAC-SHA256) or `whpk_` + base64 (Ed25519 public key).
#[derive(Clone)]
pub enum NoticeKey {
    /// Shared secret: scheme `v1`.
    Shared(Box<hmac::Key>),
    /// Public key of the sender: scheme `v1a`.
    Public(Vec<u8>),
}

/// A text that is no key. The text itself is never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Neither prefix.
    #[error("a key begins with whsec_ (shared secret) or whpk_ (Ed25519 public key)")]
    Prefix,
    /// Not base64 behind the prefix.
    #[error("the key is not base64")]
    Base64,
    /// Too short or too long.
    #[error("a shared secret has 24 to 64 bytes, a public key 32, a secret key 32 or 64")]
    Length,
}

impl NoticeKey {
    /// Reads a key.
    ///
    /// # Errors
    /// When the text is no key.
    pub fn parse(text: &Redacted<String>) -> Result<Self, KeyError> {
        let text = text.expose().trim();
        if let Some(encoded) = text.strip_prefix("whsec_") {
            let bytes = decode(encoded, SECRET_BYTES_MIN..=SECRET_BYTES_MAX)?;
            Ok(Self::Shared(Box::new(hmac::Key::new(hmac::HMAC_SHA256, &bytes))))
        } else if let Some(encoded) = text.strip_prefix("whpk_") {
            Ok(Self::Public(decode(
                encoded,
                PUBLIC_KEY_BYTES..=PUBLIC_KEY_BYTES,
            )?))
        } else {
            Err(KeyError::Prefix)
        }
    }

    /// Whether one entry of a signature header, `v1,…` or `v1a,…`, is this key's signature. The HMAC is
    /// compared in constant time.
    #[must_use]
    pub fn verifies(&self, content: &[u8], entry: &str) -> bool {
        let Some((scheme, encoded)) = entry.split_once(',') else {
            return false;
        };
        let Ok(found) = STANDARD.decode(encoded) else {
            return false;
        };
        match (self, scheme) {
            (Self::Shared(key), "v1") => hmac::verify(key, content, &found).is_ok(),
            (Self::Public(key), "v1a") => signature::UnparsedPublicKey::new(&signature::ED25519, key)
                .verify(content, &found)
                .is_ok(),
            (Self::Shared(_) | Self::Public(_), _) => false,
        }
    }
}

impl std::fmt::Debug for NoticeKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Shared(_) => "NoticeKey::Shared(***)",
            Self::Public(_) => "NoticeKey::Public",
        })
    }
}

/// A key that signs our own requests: `whsec_` + base64 (HMAC-SHA256) or `whsk_` + base64 (Ed25519 secret key).
#[derive(Clone)]
pub enum SigningKey {
    /// Shared secret: scheme `v1`.
    Shared(Box<hmac::Key>),
    /// Secret key of ours: scheme `v1a`; whoever verifies holds its public half alone.
    Secret(Arc<signature::Ed25519KeyPair>),
}

impl SigningKey {
    /// Reads a key. A secret key is written as its seed, or as seed and public key (64 bytes).
    ///
    /// # Errors
    /// When the text is no key that signs.
    pub fn parse(text: &Redacted<String>) -> Result<Self, SigningKeyError> {
        let text_of_key = text.expose().trim();
        if let Some(encoded) = text_of_key.strip_prefix("whsk_") {
            let bytes = decode(encoded, SEED_BYTES..=SEED_BYTES + PUBLIC_KEY_BYTES)?;
            let (seed, public) = bytes.split_at_checked(SEED_BYTES).ok_or(KeyError::Length)?;
            let pair = if public.is_empty() {
                signature::Ed25519KeyPair::from_seed_unchecked(seed)
            } else {
                signature::Ed25519KeyPair::from_seed_and_public_key(seed, public)
            };
            // The library's error says nothing more.
            let pair = pair.ok().ok_or(SigningKeyError::Halves)?;
            return Ok(Self::Secret(Arc::new(pair)));
        }
        match NoticeKey::parse(text) {
            Ok(NoticeKey::Shared(key)) => Ok(Self::Shared(key)),
            Ok(NoticeKey::Public(_)) | Err(KeyError::Prefix) => Err(SigningKeyError::Prefix),
            Err(error @ (KeyError::Base64 | KeyError::Length)) => Err(error.into()),
        }
    }

    /// One entry of the signature header of a message.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp_s: i64, body: &[u8]) -> String {
        let content = signed_content(id, timestamp_s, body);
        match self {
            Self::Shared(key) => format!("v1,{}", STANDARD.encode(hmac::sign(key, &content))),
            Self::Secret(pair) => format!("v1a,{}", STANDARD.encode(pair.sign(&content))),
        }
    }
}

/// A text that is no key that signs. The text itself is never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// Neither prefix.
    #[error("a key that signs begins with whsec_ (shared secret) or whsk_ (Ed25519 secret key)")]
    Prefix,
    /// The two halves of a secret key do not belong together.
    #[error("the public half does not belong to the secret key")]
    Halves,
    /// Its bytes are wrong.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SigningKey(***)")
    }
}

/// The bytes that are signed: `id.timestamp.body`.
#[must_use]
pub fn signed_content(id: &str, timestamp_s: i64, body: &[u8]) -> Vec<u8> {
    let mut content = format!("{id}.{timestamp_s}.").into_bytes();
    content.extend_from_slice(body);
    content
}

fn decode(encoded: &str, length: std::ops::RangeInclusive<usize>) -> Result<Vec<u8>, KeyError> {
    // The decoder's own error names the offending byte of the secret; it is dropped on purpose.
    let bytes = STANDARD.decode(encoded).ok().ok_or(KeyError::Base64)?;
    length
        .contains(&bytes.len())
        .then_some(bytes)
        .ok_or(KeyError::Length)
}
