//! A notice signed by an HMAC in a header of the sender's own choice: which bytes are signed, and how it is written.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{CallbackError, Envelope, ID_LENGTH_MAX, SIGNATURE_LENGTH_MAX, bounded};
use crate::secret::Redacted;

/// The longest timestamp, bytes; enough for any millisecond an `i64` can hold.
const TIMESTAMP_LENGTH_MAX: usize = 20;
/// The shortest secret, bytes: shorter ones can be guessed from a single notice.
const SECRET_BYTES_MIN: usize = 16;

/// The hash beneath the HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MacAlgorithm {
    /// HMAC-SHA256.
    Sha256,
    /// HMAC-SHA512.
    Sha512,
}

/// How the signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MacEncoding {
    /// Hexadecimal, in either case.
    Hex,
    /// Base64 with padding.
    Base64,
}

/// The unit of the timestamp since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimestampUnit {
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Milliseconds,
}

/// One part of the signed bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedPart {
    /// Fixed text between the others.
    Text(String),
    /// The timestamp's header as it came.
    Timestamp,
    /// The identifier's header as it came.
    Id,
    /// The raw body.
    Body,
}

/// How one upstream signs its notices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderStyle {
    /// Header that holds the signature, lowercase.
    pub signature_header: String,
    /// The hash.
    pub algorithm: MacAlgorithm,
    /// How the signature is written.
    pub encoding: MacEncoding,
    /// What stands before it, for example `sha256=`; empty: nothing.
    pub prefix: String,
    /// Header with the time of signing, lowercase; `None`: a notice of any age is taken.
    pub timestamp_header: Option<String>,
    /// Unit of that time.
    pub timestamp_unit: TimestampUnit,
    /// Header with the identifier of the notice, lowercase; `None`: it is known by what it says.
    pub id_header: Option<String>,
    /// What is signed.
    pub signed: Vec<SignedPart>,
}

/// A text that does not say what is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignedError {
    /// Not exactly one `{body}`.
    #[error("must hold {{body}} exactly once")]
    Body,
    /// Something else in braces.
    #[error("may hold {{timestamp}}, {{id}} and {{body}}; other braces mean nothing")]
    Unknown,
}

/// Reads what is signed, for example `{timestamp}.{body}`.
///
/// # Errors
/// When the body is not in it exactly once, or something unknown stands in braces.
pub fn signed_parts(text: &str) -> Result<Vec<SignedPart>, SignedError> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (fixed, braced) = rest.split_once('{').map_or((rest, None), |(l, r)| (l, Some(r)));
        if fixed.contains('}') {
            return Err(SignedError::Unknown);
        }
        if !fixed.is_empty() {
            parts.push(SignedPart::Text(fixed.to_owned()));
        }
        let Some(braced) = braced else { break };
        let (name, after) = braced.split_once('}').ok_or(SignedError::Unknown)?;
        parts.push(match name {
            "timestamp" => SignedPart::Timestamp,
            "id" => SignedPart::Id,
            "body" => SignedPart::Body,
            _ => return Err(SignedError::Unknown),
        });
        rest = after;
    }
    let bodies = parts.iter().filter(|part| **part == SignedPart::Body).count();
    if bodies == 1 {
        Ok(parts)
    } else {
        Err(SignedError::Body)
    }
}

/// A secret that is too short to protect anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a shared secret has at least 16 bytes")]
pub struct ShortSecret;

/// A shared secret of one algorithm.
#[derive(Clone)]
pub struct MacKey(hmac::Key);

impl MacKey {
    /// Takes the bytes of a secret as they stand.
    ///
    /// # Errors
    /// When it is too short.
    pub fn new(algorithm: MacAlgorithm, secret: &Redacted<String>) -> Result<Self, ShortSecret> {
        let bytes = secret.expose().as_bytes();
        if bytes.len() < SECRET_BYTES_MIN {
            return Err(ShortSecret);
        }
        let algorithm = match algorithm {
            MacAlgorithm::Sha256 => hmac::HMAC_SHA256,
            MacAlgorithm::Sha512 => hmac::HMAC_SHA512,
        };
        Ok(Self(hmac::Key::new(algorithm, bytes)))
    }
}

impl std::fmt::Debug for MacKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("MacKey(***)")
    }
}

/// Checks notices of this style.
#[derive(Debug, Clone)]
pub struct HeaderVerifier {
    /// How they are signed.
    pub style: HeaderStyle,
    /// The secrets, any of which may have signed.
    pub keys: Vec<MacKey>,
    /// Largest difference between the signature's time and ours, both ways.
    pub tolerance: Duration,
}

/// What a verified head says of its notice.
pub(super) struct SignedHead {
    /// The sender's identifier.
    pub(super) id: Option<String>,
    /// When it was signed; now, when it does not say.
    pub(super) signed_at: DateTime<Utc>,
}

impl HeaderVerifier {
    pub(super) fn verify(
        &self,
        envelope: &Envelope<'_>,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<SignedHead, CallbackError> {
        let style = &self.style;
        let read = |name: &str, max| bounded(envelope.header(name), name, max);
        let signature = read(&style.signature_header, SIGNATURE_LENGTH_MAX)?;
        let timestamp = match &style.timestamp_header {
            Some(name) => Some(read(name, TIMESTAMP_LENGTH_MAX)?),
            None => None,
        };
        let id = match &style.id_header {
            Some(name) => Some(read(name, ID_LENGTH_MAX)?),
            None => None,
        };
        let signed_at = match timestamp {
            Some(text) => self.in_time(text, now)?,
            None => now,
        };
        let found = style
            .read_signature(signature)
            .ok_or(CallbackError::SignatureMismatch)?;
        let content = style.content(timestamp, id, body);
        // `verify` compares in constant time
        let matches = self
            .keys
            .iter()
            .any(|key| hmac::verify(&key.0, &content, &found).is_ok());
        matches.then_some(()).ok_or(CallbackError::SignatureMismatch)?;
        Ok(SignedHead {
            id: id.map(str::to_owned),
            signed_at,
        })
    }

    fn in_time(&self, text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, CallbackError> {
        let number: i64 = text.parse().ok().ok_or(CallbackError::TimestampMalformed)?;
        let at = match self.style.timestamp_unit {
            TimestampUnit::Seconds => DateTime::from_timestamp(number, 0),
            TimestampUnit::Milliseconds => DateTime::from_timestamp_millis(number),
        };
        super::within(at.ok_or(CallbackError::TimestampMalformed)?, self.tolerance, now)
    }
}

impl HeaderStyle {
    fn read_signature(&self, text: &str) -> Option<Vec<u8>> {
        let text = text.strip_prefix(self.prefix.as_str())?;
        match self.encoding {
            MacEncoding::Hex => hex::decode(text).ok(),
            MacEncoding::Base64 => STANDARD.decode(text).ok(),
        }
    }

    fn content(&self, timestamp: Option<&str>, id: Option<&str>, body: &[u8]) -> Vec<u8> {
        let mut content = Vec::with_capacity(body.len().saturating_add(64));
        for part in &self.signed {
            content.extend_from_slice(match part {
                SignedPart::Text(text) => text.as_bytes(),
                SignedPart::Timestamp => timestamp.unwrap_or_default().as_bytes(),
                SignedPart::Id => id.unwrap_or_default().as_bytes(),
                SignedPart::Body => body,
            });
        }
        content
    }
}
