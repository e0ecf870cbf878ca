//! Sealed values: how they look in a column, and what binds them to their place.
//!
//! | version | layout | opened with |
//! |---|---|---|
//! | 1 | `1 ‖ master key id (8) ‖ nonce (12) ‖ ciphertext ‖ tag (16)` | the master key itself, AES-256-GCM |
//! | 2 | `2 ‖ suite (1) ‖ data key id (16) ‖ nonce (12) ‖ ciphertext ‖ tag (16)` | a data key, by the cipher of its suite |
//!
//! Everything new is of version 2. Header and place (table, column, row) are authenticated, so that a value which is
//! copied into another row, column or table does not open, and one of another case has another key besides.

use std::fmt::{self, Display};

use serde::de::DeserializeOwned;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Redacted;
use super::key_file::Key;
use super::suite::{CryptoError, SuiteName};

/// Version of a value sealed with a master key.
pub(super) const VERSION_1: u8 = 1;
/// Version of a value sealed with a data key.
pub(super) const VERSION_2: u8 = 2;
const KEY_ID_BYTES: usize = 8;
pub(super) const HEADER_1_BYTES: usize = 1 + KEY_ID_BYTES;
pub(super) const HEADER_2_BYTES: usize = 2 + 16;

/// A sealed value, as a database column keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

/// What a sealed value says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedWith {
    /// Nothing is there any more: it was erased.
    Nothing,
    /// A master key.
    Master(KeyId),
    /// A data key.
    Data(Uuid, SuiteName),
}

impl Sealed {
    /// Bytes of a column; they are looked at when opened.
    #[must_use]
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Bytes for a column.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Bytes for a column.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The key it was sealed with; `None` when these bytes were never sealed.
    #[must_use]
    pub fn sealed_with(&self) -> Option<SealedWith> {
        sealed_with(&self.0)
    }
}

/// The key that the bytes of a column are sealed with; `None` when they were never sealed.
#[must_use]
pub fn sealed_with(bytes: &[u8]) -> Option<SealedWith> {
    let Some((version, rest)) = bytes.split_first() else {
        return Some(SealedWith::Nothing);
    };
    match *version {
        VERSION_1 => {
            let (id, _) = rest.split_first_chunk::<KEY_ID_BYTES>()?;
            Some(SealedWith::Master(KeyId(*id)))
        }
        VERSION_2 => {
            let (suite, rest) = rest.split_first()?;
            let (id, _) = rest.split_first_chunk::<16>()?;
            Some(SealedWith::Data(
                Uuid::from_bytes(*id),
                SuiteName::of_byte(*suite)?,
            ))
        }
        _ => None,
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Sealed({} bytes)", self.0.len())
    }
}

/// Names a key of a file: the first 8 bytes of a labelled hash of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; KEY_ID_BYTES]);

impl Display for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex::encode(self.0))
    }
}

impl KeyId {
    /// The name of a key of some purpose under a suite. It tells nothing of the key.
    pub(super) fn of(purpose: &str, suite: SuiteName, key: &Key) -> Self {
        let labelled = Zeroizing::new([purpose.as_bytes(), b"\0", key.expose()].concat());
        let mut id = [0; KEY_ID_BYTES];
        id.iter_mut()
            .zip(suite.provider().hash(&labelled))
            .for_each(|(to, from)| *to = from);
        Self(id)
    }
}

/// Where a sealed value belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealPlace {
    table: &'static str,
    column: &'static str,
    row: String,
}

impl SealPlace {
    /// A column of a row; the row by its id in text form, which must never change.
    pub fn new(table: &'static str, column: &'static str, row: impl Display) -> Self {
        Self {
            table,
            column,
            row: row.to_string(),
        }
    }

    /// Header and place, each part with its length in front so that no two places read alike.
    pub(super) fn bound_to(&self, header: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in [
            header,
            self.table.as_bytes(),
            self.column.as_bytes(),
            self.row.as_bytes(),
        ] {
            bytes.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

/// Why a value cannot be sealed or opened. Never shows the value.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// A key is not usable.
    #[error("the key cannot be used")]
    Key(#[source] CryptoError),
    /// Sealing failed.
    #[error("the value cannot be sealed")]
    Seal(#[source] CryptoError),
    /// The bytes are not a sealed value of a known version.
    #[error("the column does not hold a sealed value")]
    Foreign,
    /// The master key is not here (any more).
    #[error("master key {0} is not configured")]
    UnknownKey(KeyId),
    /// There is no such data key.
    #[error("there is no data key {0}")]
    UnknownDataKey(Uuid),
    /// Changed, cut, or moved from another place.
    #[error("the sealed value was altered or belongs elsewhere")]
    Refused(#[source] CryptoError),
    /// The value has no JSON form, or the opened bytes are not the expected JSON. The cause would quote the value.
    #[error("the sealed value is not of the expected form")]
    Form,
    /// The self-test found an open door.
    #[error("the self-test of sealing failed: {0}")]
    SelfTest(&'static str),
}

/// The JSON in an opened value.
///
/// # Errors
/// `Form`: it is of another form.
pub fn json_in<T: DeserializeOwned>(opened: &Redacted<Vec<u8>>) -> Result<T, SealError> {
    serde_json::from_slice(opened.expose())
        .ok()
        .ok_or(SealError::Form)
}
