//! The export of a ledger: one JSON record a line, complete enough to be verified by a stranger (docs/ledger.md).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Name of the format, in the first record.
pub const FORMAT: &str = "onedoor-ledger";
/// Its version.
pub const VERSION: u32 = 1;

/// One record. Bytes are lower-case hexadecimal, instants microseconds since 1970 in UTC. What an export was taken from
/// may have been tampered with, so every column is kept as it was found.
///
/// Order: `header`, `key`s, each `checkpoint` followed by its `checkpoint-head`s, `receipt`s, then for each chain its `head`
/// and its `line`s, lines of chains without a head, `end`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
pub enum Record {
    /// What this is.
    Header {
        /// [`FORMAT`].
        format: String,
        /// [`VERSION`].
        version: u32,
        /// When it was taken.
        exported_at_us: i64,
    },
    /// A public key of the gateway. Trust it only after comparing it with a copy that came by another way.
    Key {
        /// The first 8 bytes of the SHA-256 of the public key.
        key_id: String,
        /// `Ed25519` or `SM2-SM3`.
        algorithm: String,
        /// 32 raw bytes (Ed25519), or the point uncompressed, 65 bytes (SM2).
        public_key: String,
    },
    /// A checkpoint.
    Checkpoint(CheckpointRecord),
    /// Where one chain stood at the checkpoint before it in the export.
    CheckpointHead(HeadRecord),
    /// A receipt.
    Receipt(ReceiptRecord),
    /// The head row of a chain.
    Head(HeadRecord),
    /// A line of a chain.
    Line(LineRecord),
    /// The last record; an export without it was cut.
    End {
        /// How many records stand before it.
        records: u64,
    },
}

/// A signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointRecord {
    /// Number, from 1.
    pub seq: i64,
    /// When.
    pub at_us: i64,
    /// Hash of the one before.
    pub prev: String,
    /// How many heads follow.
    pub heads: i64,
    /// Hash over them.
    pub root: String,
    /// Key that signed.
    pub key_id: String,
    /// Signature over the canonical statement.
    pub signature: String,
}

/// A position of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadRecord {
    /// UUID of the case.
    pub chain: Uuid,
    /// Number of the line.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
}

/// A receipt, as whoever holds it has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptRecord {
    /// The canonical JSON that was signed.
    pub canonical: String,
    /// Key that signed.
    pub key_id: String,
    /// Signature over `canonical`, base64 as the door shows it.
    pub signature: String,
}

/// A line as its row was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineRecord {
    /// UUID of the case.
    pub chain: Uuid,
    /// Number of the line, from 1.
    pub seq: i64,
    /// Hash of the line before.
    pub prev: String,
    /// Hash of this line.
    pub hash: String,
    /// The bytes that were hashed: version byte, then canonical JSON.
    pub payload: String,
    /// Column: kind of event.
    pub name: String,
    /// Column: when.
    pub at_us: i64,
}
