//! Checks that a notice comes from its upstream, unaltered and fresh, before it is read: by Standard Webhooks 1.0, by an
//! HMAC in a header, or by the sender's address, as the upstream's configuration says.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use onedoor_domain::digest::Digest;

use crate::upstream::egress::AddressRange;
use crate::upstream::name::UpstreamName;
use crate::upstream::signing::{NoticeKey, signed_content};

pub mod header;

use header::HeaderVerifier;

/// The longest message identifier, bytes.
pub const ID_LENGTH_MAX: usize = 255;
/// The longest timestamp, bytes; enough for any second an `i64` can hold.
const TIMESTAMP_LENGTH_MAX: usize = 20;
/// The longest signature header, bytes.
pub const SIGNATURE_LENGTH_MAX: usize = 2_048;
/// The most signatures looked at in one header: each costs one verification per key.
const SIGNATURES_MAX: usize = 8;

/// What came with a notice beside its bytes: its headers, and who sent it.
#[derive(Debug, Clone, Default)]
pub struct Envelope<'a> {
    headers: BTreeMap<&'a str, Option<&'a str>>,
    source: Option<IpAddr>,
}

impl<'a> Envelope<'a> {
    /// An envelope. Names are lowercase; a header that came twice, or not as text (`None`), counts as missing.
    #[must_use]
    pub fn new(source: IpAddr, headers: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> Self {
        let mut once: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        for (name, value) in headers {
            once.entry(name)
                .and_modify(|known| *known = None)
                .or_insert(value);
        }
        Self {
            headers: once,
            source: Some(source),
        }
    }

    fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name).copied().flatten()
    }
}

impl<'a> From<NoticeHeaders<'a>> for Envelope<'a> {
    fn from(standard: NoticeHeaders<'a>) -> Self {
        let headers = [
            ("webhook-id", standard.id),
            ("webhook-timestamp", standard.timestamp),
            ("webhook-signature", standard.signature),
        ];
        Self {
            headers: headers.into(),
            source: None,
        }
    }
}

/// The three headers of a Standard Webhooks notice as they came. A header that came twice, or not as text, counts as missing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoticeHeaders<'a> {
    /// `webhook-id`.
    pub id: Option<&'a str>,
    /// `webhook-timestamp`.
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`.
    pub signature: Option<&'a str>,
}

/// A notice whose sender and bytes are verified. Only a verifier makes one.
#[derive(Clone)]
pub struct VerifiedNotice {
    upstream: UpstreamName,
    id: String,
    named: bool,
    signed_at: DateTime<Utc>,
    body: Vec<u8>,
}

/// Why a notice is refused. The edge answers all alike (401) and logs which.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// A header is missing, doubled, empty or not text.
    #[error("the header {0} is missing")]
    HeaderMissing(String),
    /// A header is longer than it may be.
    #[error("the header {0} is too long")]
    HeaderTooLong(String),
    /// The identifier holds a full stop, which is what parts it from the timestamp where both are signed: what stands on
    /// either side could be pushed over the boundary.
    #[error("the identifier holds a full stop")]
    IdMalformed,
    /// The sender's address is not among those allowed.
    #[error("the sender's address is not among those allowed")]
    AddressRefused,
    /// The timestamp is not a number.
    #[error("the timestamp is not a number of its unit")]
    TimestampMalformed,
    /// Signed too long ago: a replay, or a clock that is behind.
    #[error("the notice is too old")]
    Stale,
    /// Signed in the future: a clock that is ahead.
    #[error("the notice is from the future")]
    Future,
    /// No signature of a known key.
    #[error("no signature matches")]
    SignatureMismatch,
}

impl VerifiedNotice {
    /// The upstream whose key verified the notice.
    #[must_use]
    pub const fn upstream(&self) -> &UpstreamName {
        &self.upstream
    }

    /// Identifier of the message, the same on each repetition; without one of the sender's, the hash of its bytes.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether the sender gave that identifier, and signed it.
    #[must_use]
    pub const fn is_named(&self) -> bool {
        self.named
    }

    /// When it was signed.
    #[must_use]
    pub const fn signed_at(&self) -> DateTime<Utc> {
        self.signed_at
    }

    /// The raw bytes that were signed.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

impl std::fmt::Debug for VerifiedNotice {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("VerifiedNotice")
            .field("upstream", &self.upstream)
            .field("id", &self.id)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What an upstream's notices are checked against: the addresses they may come from, and their signature.
#[derive(Debug, Clone)]
pub struct CallbackVerifier {
    /// The upstream.
    pub upstream: UpstreamName,
    /// Where they may come from; empty: anywhere.
    pub addresses: Vec<AddressRange>,
    /// How they are signed.
    pub proof: Proof,
}

/// How notices prove who sent them.
#[derive(Debug, Clone)]
pub enum Proof {
    /// By a Standard Webhooks signature.
    Standard(NoticeVerifier),
    /// By an HMAC in a header.
    Header(HeaderVerifier),
    /// By the sender's address alone.
    Address,
}

impl CallbackVerifier {
    /// Verifies a notice of this upstream. Costs a hash of the body for each key and signature: for large bodies call it
    /// off the request thread.
    ///
    /// # Errors
    /// When the address is not one of the allowed, anything is missing, too long, out of time, or no signature matches.
    pub fn verify<'a>(
        &self,
        envelope: impl Into<Envelope<'a>>,
        raw_body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<VerifiedNotice, CallbackError> {
        let envelope = envelope.into();
        let expected = |source: IpAddr| self.addresses.iter().any(|range| range.contains(source));
        let by_address = matches!(self.proof, Proof::Address);
        if (by_address || !self.addresses.is_empty()) && !envelope.source.is_some_and(expected) {
            return Err(CallbackError::AddressRefused);
        }
        let (id, signed_at) = match &self.proof {
            Proof::Standard(verifier) => {
                let headers = NoticeHeaders {
                    id: envelope.header("webhook-id"),
                    timestamp: envelope.header("webhook-timestamp"),
                    signature: envelope.header("webhook-signature"),
                };
                return verifier.verify(headers, raw_body, now);
            }
            Proof::Header(verifier) => {
                let head = verifier.verify(&envelope, raw_body, now)?;
                (head.id, head.signed_at)
            }
            Proof::Address => (None, now),
        };
        Ok(VerifiedNotice {
            upstream: self.upstream.clone(),
            named: id.is_some(),
            id: id.unwrap_or_else(|| Digest::of(raw_body).to_string()),
            signed_at,
            body: raw_body.to_vec(),
        })
    }
}

/// Checks Standard Webhooks signatures.
#[derive(Debug, Clone)]
pub struct NoticeVerifier {
    /// The upstream.
    pub upstream: UpstreamName,
    /// Its keys, any of which may have signed.
    pub keys: Vec<NoticeKey>,
    /// Largest difference between the signature's time and ours, both ways.
    pub tolerance: Duration,
}

impl NoticeVerifier {
    /// Verifies a notice of this upstream. Costs up to 8 signatures × keys hashes over the body: for large
    /// bodies call it off the request thread.
    ///
    /// # Errors
    /// When anything is missing, too long, out of time, or no signature matches.
    pub fn verify(
        &self,
        headers: NoticeHeaders<'_>,
        raw_body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<VerifiedNotice, CallbackError> {
        let id = bounded(headers.id, "webhook-id", ID_LENGTH_MAX)?;
        let timestamp = bounded(headers.timestamp, "webhook-timestamp", TIMESTAMP_LENGTH_MAX)?;
        if id.contains('.') {
            return Err(CallbackError::IdMalformed);
        }
        let signatures = bounded(headers.signature, "webhook-signature", SIGNATURE_LENGTH_MAX)?;
        let seconds = seconds(timestamp)?;
        let signed_at = DateTime::from_timestamp(seconds, 0).ok_or(CallbackError::TimestampMalformed)?;
        within(signed_at, self.tolerance, now)?;
        let content = signed_content(id, seconds, raw_body);
        let matches = signatures
            .split_ascii_whitespace()
            .take(SIGNATURES_MAX)
            .any(|entry| self.keys.iter().any(|key| key.verifies(&content, entry)));
        if !matches {
            return Err(CallbackError::SignatureMismatch);
        }
        let (id, body) = (id.to_owned(), raw_body.to_vec());
        Ok(VerifiedNotice {
            upstream: self.upstream.clone(),
            id,
            named: true,
            signed_at,
            body,
        })
    }
}

/// An instant that is not further from now than allowed, both ways.
fn within(
    signed_at: DateTime<Utc>,
    tolerance: Duration,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, CallbackError> {
    let tolerance = TimeDelta::from_std(tolerance).unwrap_or(TimeDelta::zero());
    if now - signed_at > tolerance {
        Err(CallbackError::Stale)
    } else if signed_at - now > tolerance {
        Err(CallbackError::Future)
    } else {
        Ok(signed_at)
    }
}

fn bounded<'a>(value: Option<&'a str>, name: &str, length_max: usize) -> Result<&'a str, CallbackError> {
    let value = value.map(str::trim).filter(|value| !value.is_empty());
    let value = value.ok_or_else(|| CallbackError::HeaderMissing(name.to_owned()))?;
    if value.len() > length_max {
        Err(CallbackError::HeaderTooLong(name.to_owned()))
    } else {
        Ok(value)
    }
}

/// Plain digits only, and in the one form that the signed content repeats: `+1` and `01` would verify as `1`.
fn seconds(text: &str) -> Result<i64, CallbackError> {
    let seconds: i64 = text.parse().ok().ok_or(CallbackError::TimestampMalformed)?;
    (seconds >= 0 && seconds.to_string() == text)
        .then_some(seconds)
        .ok_or(CallbackError::TimestampMalformed)
}

#[cfg(test)]
mod tests;
