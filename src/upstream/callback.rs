//! Checks that a notice comes from its upstream, unaltered and fresh (Standard Webhooks 1.0), before it is read.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::upstream::name::UpstreamName;
use crate::upstream::signing::{NoticeKey, signed_content};

/// The longest message identifier, bytes.
pub const ID_LENGTH_MAX: usize = 255;
/// The longest timestamp, bytes; enough for any second an `i64` can hold.
const TIMESTAMP_LENGTH_MAX: usize = 20;
/// The longest signature header, bytes.
pub const SIGNATURE_LENGTH_MAX: usize = 2_048;
/// The most signatures looked at in one header: each costs one verification per key.
const SIGNATURES_MAX: usize = 8;

/// The three headers of a notice as they came. A header that came twice, or not as text, counts as missing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoticeHeaders<'a> {
    /// `webhook-id`.
    pub id: Option<&'a str>,
    /// `webhook-timestamp`.
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`.
    pub signature: Option<&'a str>,
}

/// A notice whose sender and bytes are verified. Only [`verify`] makes one.
#[derive(Clone)]
pub struct VerifiedNotice {
    upstream: UpstreamName,
    id: String,
    signed_at: DateTime<Utc>,
    body: Vec<u8>,
}

/// Why a notice is refused. The edge answers all alike (401) and logs which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// A header is missing, doubled, empty or not text.
    #[error("the header {0} is missing")]
    HeaderMissing(&'static str),
    /// A header is longer than it may be.
    #[error("the header {0} is too long")]
    HeaderTooLong(&'static str),
    /// The timestamp is not a number of seconds.
    #[error("the timestamp is not a number of seconds")]
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

    /// Identifier of the message, the same on each repetition.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
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

/// What an upstream's notices are checked against.
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
        let signatures = bounded(headers.signature, "webhook-signature", SIGNATURE_LENGTH_MAX)?;
        let seconds = seconds(timestamp)?;
        let signed_at = DateTime::from_timestamp(seconds, 0).ok_or(CallbackError::TimestampMalformed)?;
        let tolerance = TimeDelta::from_std(self.tolerance).unwrap_or(TimeDelta::zero());
        if now - signed_at > tolerance {
            return Err(CallbackError::Stale);
        }
        if signed_at - now > tolerance {
            return Err(CallbackError::Future);
        }
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
            signed_at,
            body,
        })
    }
}

fn bounded<'a>(
    value: Option<&'a str>,
    name: &'static str,
    length_max: usize,
) -> Result<&'a str, CallbackError> {
    let value = value.map(str::trim).filter(|value| !value.is_empty());
    let value = value.ok_or(CallbackError::HeaderMissing(name))?;
    if value.len() > length_max {
        Err(CallbackError::HeaderTooLong(name))
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
