//! The ledger: per-case hash chains that a stranger can verify with SHA-256 and a JSON parser.
//!
//! # Format, version 1
//!
//! One chain belongs to one case; its name is the 16 bytes of the case's UUID. A line of a chain has
//!
//! | field | bytes | meaning |
//! |---|---|---|
//! | `chain` | 16 | UUID of the case, in network order |
//! | `seq` | 8 | number of the line, unsigned, big endian; 1, 2, 3 … without a gap |
//! | `prev` | 32 | `hash` of line `seq − 1`; 32 zero bytes for line 1 |
//! | `payload` | any | byte `0x01` (the version), then canonical JSON, UTF-8 ([`crate::canonical`], RFC 8785) |
//! | `hash` | 32 | see below |
//! | `name`, `at` | | columns for queries; both also stand in the payload |
//!
//! ```text
//! hash = SHA-256( version ‖ chain ‖ seq ‖ prev ‖ SHA-256(payload) )
//!           1 byte   16      8     32        32              = 89 bytes
//! ```
//!
//! `version` is the first byte of the payload. The JSON is one object with exactly three members:
//! `at_us` (integer, microseconds since 1970-01-01T00:00:00Z), `body` (any JSON without fractional numbers) and
//! `name` (the kind of event). The stored bytes are the bytes that were hashed: a verifier hashes them as they are
//! and parses them only to compare the columns.
//!
//! A sample chain, `01932c00-0000-7000-8000-000000000001`:
//!
//! ```text
//! seq 1  prev     0000000000000000000000000000000000000000000000000000000000000000
//!        payload  01 {"at_us":1795401000000000,"body":{"division":"340302001001"},"name":"SUBMITTED"}
//!        hash     fa54501b19e5dd368d8c98104037f4d62fe2ec90c168a44ccd79d716751c15ca
//! seq 2  prev     the hash above
//!        payload  01 {"at_us":1795402800000001,"body":{},"name":"ACCEPTED"}
//!        hash     9bf4a2cf4c10209386ff4303c5e9a4dffc4fc79da1facf4d526e098fe27e2585
//! ```
//!
//! # Verifying
//!
//! Take the lines in the order of `seq` and stop at the first fault, in this order for each line: number
//! (GAP, FORK), link (BAD_LINK), hash (BAD_CONTENT), columns (COLUMN_MISMATCH). A chain alone proves that nothing
//! inside it was changed; that its end was not cut off, or the whole of it rewritten, is proved by positions known
//! from elsewhere ([`Known`]): the head row, signed checkpoints, and the `seq` and `hash` that every signed receipt
//! bears. Signatures are checked by whoever holds the keys, and reported as BAD_SIG.
//!
//! # Personal data
//!
//! A body holds none. Where a line must bind personal data it holds [`commitment`]`(salt, value)` =
//! `SHA-256("onedoor:commitment:1" ‖ 0x00 ‖ salt ‖ value)` with 16 random bytes of salt, kept beside the sealed
//! value. Erasing value and salt leaves the chain verifiable and the commitment meaningless.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::canonical::{CanonicalError, canonical_bytes};
use crate::digest::Digest;

pub mod audit;
pub mod checkpoint;
pub mod export;
#[cfg(test)]
mod tests;
mod verify;

/// First byte of every payload, and of what is hashed with it.
pub const FORMAT_VERSION: u8 = 1;

const COMMITMENT_TAG: &[u8] = b"onedoor:commitment:1\0";

/// A position in a chain: the last line of it, or one that a receipt or checkpoint attests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// UUID of the case.
    pub chain: Uuid,
    /// Number of the line; 0: the chain has none yet.
    pub seq: u64,
    /// Hash of the line; zeros while the chain has none.
    pub hash: Digest,
}

impl Head {
    /// The position before the first line of a chain.
    #[must_use]
    pub const fn empty(chain: Uuid) -> Self {
        Self {
            chain,
            seq: 0,
            hash: Digest::ZERO,
        }
    }
}

/// An event on its way to the ledger; the store seals it at commit.
#[derive(Debug, Clone, PartialEq)]
pub struct UnsealedEvent {
    /// Kind of event, for example `ACCEPTED`; also a column.
    pub name: String,
    /// When it happened; the ledger keeps whole microseconds. Also a column.
    pub at: DateTime<Utc>,
    /// Everything else: no personal data, no fractional numbers, no hash of a receipt.
    pub body: Value,
}

/// A line of the ledger, as sealed or as read back; only [`verify_chain`] tells whether it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEvent {
    /// UUID of the case.
    pub chain: Uuid,
    /// Number of the line, from 1.
    pub seq: u64,
    /// Hash of the line before; zeros before the first.
    pub prev: Digest,
    /// Hash of this line.
    pub hash: Digest,
    /// The exact bytes that were hashed: version byte, then canonical JSON.
    pub payload: Vec<u8>,
    /// Column: kind of event.
    pub name: String,
    /// Column: when, microseconds since 1970 in UTC.
    pub at_us: i64,
}

impl SealedEvent {
    /// The position of this line: `prev` of the next, and what a receipt names.
    #[must_use]
    pub const fn head(&self) -> Head {
        Head {
            chain: self.chain,
            seq: self.seq,
            hash: self.hash,
        }
    }

    /// SHA-256 of the payload, the version byte included.
    #[must_use]
    pub fn payload_hash(&self) -> Digest {
        Digest::of(&self.payload)
    }

    /// The `body` that was sealed; `None` when the payload is not of this format.
    #[must_use]
    pub fn body(&self) -> Option<Value> {
        verify::Envelope::read(&self.payload).map(|envelope| envelope.body)
    }
}

/// Why an event cannot be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Its body has no canonical form.
    #[error("the body of a ledger event has no canonical form")]
    Body(#[from] CanonicalError),
    /// The chain has no number left.
    #[error("the chain is full")]
    Full,
}

/// Seals an event behind the last line of its chain. Several events of one act are sealed in turn, each behind the
/// [`SealedEvent::head`] of the one before.
///
/// # Errors
/// The body has no canonical form, or the chain is full.
pub fn seal(prev: &Head, event: &UnsealedEvent) -> Result<SealedEvent, SealError> {
    let seq = prev.seq.checked_add(1).ok_or(SealError::Full)?;
    let at_us = event.at.timestamp_micros();
    let envelope = json!({ "at_us": at_us, "body": event.body, "name": event.name });
    let mut payload = vec![FORMAT_VERSION];
    payload.extend(canonical_bytes(&envelope)?);
    let hash = line_hash(FORMAT_VERSION, prev.chain, seq, &prev.hash, &payload);
    Ok(SealedEvent {
        chain: prev.chain,
        seq,
        prev: prev.hash,
        hash,
        payload,
        name: event.name.clone(),
        at_us,
    })
}

/// What the chain is compared with besides itself. Empty: an end that was cut off is not found.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The head row: the chain must end exactly there.
    pub head: Option<Head>,
    /// Positions from receipts and checkpoints whose signatures hold: the chain must pass through each.
    pub attested: Vec<Head>,
}

/// Verifies the lines of one chain in the order of their `seq` and gives the position of the last.
///
/// # Errors
/// The first fault.
pub fn verify_chain<'a>(
    chain: Uuid,
    lines: impl IntoIterator<Item = &'a SealedEvent>,
    known: &Known,
) -> Result<Head, LedgerFault> {
    let mut head = Head::empty(chain);
    for line in lines {
        head = verify::next(&head, line)?;
        verify::pass_attested(&head, known)?;
    }
    verify::end(&head, known)?;
    Ok(head)
}

/// The first fault of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at line {seq} of the chain")]
pub struct LedgerFault {
    /// Number of the first line that is missing or does not hold.
    pub seq: u64,
    /// What is wrong with it.
    pub kind: LedgerFaultKind,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LedgerFaultKind {
    /// A line is missing, or stands later than its number says.
    Gap,
    /// There are two histories: a number comes twice, the chain goes on behind its head, or it differs from a
    /// position that a receipt or checkpoint attests.
    Fork,
    /// `prev` is not the hash of the line before: one of the two was changed.
    BadLink,
    /// The hash does not fit the payload, or the payload is not of this format.
    BadContent,
    /// A column says something else than the sealed payload, or the line is of another chain.
    ColumnMismatch,
    /// A signature of a receipt or checkpoint over this position does not hold; found by whoever has the keys.
    BadSignature,
    /// The chain ends before a position that is known.
    Truncated,
}

impl LedgerFaultKind {
    /// The word that `ledger verify` prints.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gap => "GAP",
            Self::Fork => "FORK",
            Self::BadLink => "BAD_LINK",
            Self::BadContent => "BAD_CONTENT",
            Self::ColumnMismatch => "COLUMN_MISMATCH",
            Self::BadSignature => "BAD_SIG",
            Self::Truncated => "TRUNCATED",
        }
    }
}

impl fmt::Display for LedgerFaultKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Binds a line to personal data without holding it. The salt comes from a CSPRNG, once for each value.
#[must_use]
pub fn commitment(salt: &[u8; 16], value: &[u8]) -> Digest {
    Digest::of_parts(&[COMMITMENT_TAG, salt, value])
}

fn line_hash(version: u8, chain: Uuid, seq: u64, prev: &Digest, payload: &[u8]) -> Digest {
    let payload_hash = Digest::of(payload);
    Digest::of_parts(&[
        &[version],
        chain.as_bytes(),
        &seq.to_be_bytes(),
        prev.as_bytes(),
        payload_hash.as_bytes(),
    ])
}
