//! Seals values so that only this gateway reads them, and only in the place they were sealed for.
//!
//! A sealed value is `version (1) ‖ key id (8) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`. Version 1 is AES-256-GCM under
//! a data key directly; envelope keys per case and a `gm` suite come as further versions. The header and the place
//! (table, column, row) are authenticated, so a value copied into another row does not open. Nonces are random: one
//! key is good for 2^32 values.

use std::fmt::{self, Display};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::Redacted;
use super::key_file::Key;
use super::suite::SuiteName;

const VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 8;
const HEADER_BYTES: usize = 1 + KEY_ID_BYTES;
const TAG_BYTES: usize = 16;

/// A sealed value, as a database column keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

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
    pub fn key_id(&self) -> Option<KeyId> {
        self.0.get(1..HEADER_BYTES)?.try_into().ok().map(KeyId)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Sealed({} bytes)", self.0.len())
    }
}

/// Names a data key: the first 8 bytes of a labelled SHA-256 of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    fn bound_to(&self, header: &[u8]) -> Vec<u8> {
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
    /// The key is not usable.
    #[error("the data key cannot be used")]
    Key(#[source] Unspecified),
    /// Sealing failed.
    #[error("the value cannot be sealed")]
    Seal(#[source] Unspecified),
    /// The bytes are not a sealed value of a known version.
    #[error("the column does not hold a sealed value")]
    Foreign,
    /// The key is not here (any more).
    #[error("the value is sealed with key {0}, which is not configured")]
    UnknownKey(KeyId),
    /// Changed, cut, or moved from another place.
    #[error("the sealed value was altered or belongs elsewhere")]
    Refused(#[source] Unspecified),
    /// The value has no JSON form, or the opened bytes are not the expected JSON. The cause would quote the value.
    #[error("the sealed value is not of the expected form")]
    Form,
    /// The self-test found an open door.
    #[error("the self-test of sealing failed: {0}")]
    SelfTest(&'static str),
}

/// Seals with the current data key, opens with any configured one.
pub struct Sealer {
    current: DataKey,
    retired: Vec<DataKey>,
}

struct DataKey {
    id: KeyId,
    aead: RandomizedNonceKey,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Sealer(key {})", self.current.id)
    }
}

impl Sealer {
    /// A sealer with its current key and the keys that older values may be sealed with.
    ///
    /// # Errors
    /// A key is not usable.
    pub fn new(current: &Key, retired: &[Key]) -> Result<Self, SealError> {
        Ok(Self {
            current: DataKey::new(current)?,
            retired: retired.iter().map(DataKey::new).collect::<Result<_, _>>()?,
        })
    }

    /// The key that new values are sealed with.
    #[must_use]
    pub const fn key_id(&self) -> KeyId {
        self.current.id
    }

    /// Seals bytes for a place.
    ///
    /// # Errors
    /// The cipher failed.
    pub fn seal(&self, place: &SealPlace, value: &[u8]) -> Result<Sealed, SealError> {
        let mut header = Vec::with_capacity(HEADER_BYTES + NONCE_LEN + value.len() + TAG_BYTES);
        header.push(VERSION);
        header.extend_from_slice(&self.current.id.0);
        let aad = Aad::from(place.bound_to(&header));
        let mut body = Vec::with_capacity(value.len() + TAG_BYTES);
        body.extend_from_slice(value);
        let nonce = self
            .current
            .aead
            .seal_in_place_append_tag(aad, &mut body)
            .map_err(SealError::Seal)?;
        header.extend_from_slice(nonce.as_ref());
        header.append(&mut body);
        Ok(Sealed(header))
    }

    /// Opens bytes sealed for this place.
    ///
    /// # Errors
    /// Not a sealed value, an unknown key, altered, or sealed for another place.
    pub fn open(&self, place: &SealPlace, sealed: &Sealed) -> Result<Redacted<Vec<u8>>, SealError> {
        let (header, rest) = sealed
            .0
            .split_at_checked(HEADER_BYTES)
            .ok_or(SealError::Foreign)?;
        let (nonce, body) = rest.split_at_checked(NONCE_LEN).ok_or(SealError::Foreign)?;
        if header.first() != Some(&VERSION) {
            return Err(SealError::Foreign);
        }
        let id = sealed.key_id().ok_or(SealError::Foreign)?;
        let mut keys = std::iter::once(&self.current).chain(&self.retired);
        let key = keys.find(|key| key.id == id).ok_or(SealError::UnknownKey(id))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(SealError::Refused)?;
        let aad = Aad::from(place.bound_to(header));
        let mut body = body.to_vec();
        let length = key
            .aead
            .open_in_place(nonce, aad, &mut body)
            .map_err(SealError::Refused)?
            .len();
        body.truncate(length);
        Ok(Redacted::new(body))
    }

    /// Seals a value in its JSON form.
    ///
    /// # Errors
    /// As [`Self::seal`], or the value has no JSON form.
    pub fn seal_json<T: Serialize>(&self, place: &SealPlace, value: &T) -> Result<Sealed, SealError> {
        match serde_json::to_vec(value) {
            Ok(json) => self.seal(place, Redacted::new(json).expose()),
            Err(_) => Err(SealError::Form),
        }
    }

    /// Opens a value sealed by [`Self::seal_json`].
    ///
    /// # Errors
    /// As [`Self::open`], or the JSON is of another form.
    pub fn open_json<T: DeserializeOwned>(&self, place: &SealPlace, sealed: &Sealed) -> Result<T, SealError> {
        match serde_json::from_slice(self.open(place, sealed)?.expose()) {
            Ok(value) => Ok(value),
            Err(_) => Err(SealError::Form),
        }
    }

    /// Seals and opens a value and makes sure that another place and another bit are refused, before the first real
    /// value is trusted to it.
    ///
    /// # Errors
    /// One of these did not hold.
    pub fn self_test(&self) -> Result<(), SealError> {
        let place = SealPlace::new("self_test", "value", 1);
        let value = b"\xe4\xb8\x80\xe7\xbd\x91";
        let sealed = self.seal(&place, value)?;
        if self.open(&place, &sealed)?.expose() != value {
            return Err(SealError::SelfTest("what was opened is not what was sealed"));
        }
        if self
            .open(&SealPlace::new("self_test", "value", 2), &sealed)
            .is_ok()
        {
            return Err(SealError::SelfTest("a value opened in another place"));
        }
        let mut altered = sealed;
        if let Some(byte) = altered.0.last_mut() {
            *byte ^= 1;
        }
        if self.open(&place, &altered).is_ok() {
            return Err(SealError::SelfTest("an altered value opened"));
        }
        Ok(())
    }
}

impl DataKey {
    fn new(key: &Key) -> Result<Self, SealError> {
        let id = KeyId::of("onedoor data key id", SuiteName::Intl, key);
        let aead = RandomizedNonceKey::new(&AES_256_GCM, key.expose()).map_err(SealError::Key)?;
        Ok(Self { id, aead })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> Key {
        Redacted::new(core::array::from_fn(|at| {
            u8::try_from(at).unwrap().wrapping_mul(37) ^ seed
        }))
    }

    fn sealer() -> Sealer {
        Sealer::new(&key(1), &[]).unwrap()
    }

    #[test]
    fn a_value_opens_only_where_it_was_sealed_for() {
        let sealer = sealer();
        let place = SealPlace::new("cases", "applicant", "case_1");
        let sealed = sealer.seal(&place, "王五".as_bytes()).unwrap();
        assert_eq!(sealer.open(&place, &sealed).unwrap().expose(), "王五".as_bytes());
        for elsewhere in [
            SealPlace::new("cases", "applicant", "case_2"),
            SealPlace::new("cases", "form", "case_1"),
            SealPlace::new("drafts", "applicant", "case_1"),
            SealPlace::new("cases", "applicantc", "ase_1"),
        ] {
            assert!(matches!(
                sealer.open(&elsewhere, &sealed),
                Err(SealError::Refused(_))
            ));
        }
    }

    #[test]
    fn every_altered_byte_and_every_cut_is_refused() {
        let sealer = sealer();
        let place = SealPlace::new("cases", "applicant", 1);
        let sealed = sealer.seal(&place, b"value").unwrap();
        for at in 0..sealed.as_bytes().len() {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[at] ^= 1;
            assert!(
                sealer.open(&place, &Sealed::from_bytes(bytes)).is_err(),
                "byte {at}"
            );
            let cut = sealed.as_bytes()[..at].to_vec();
            assert!(
                sealer.open(&place, &Sealed::from_bytes(cut)).is_err(),
                "cut at {at}"
            );
        }
    }

    #[test]
    fn equal_values_look_different_and_nothing_shows() {
        let sealer = sealer();
        let place = SealPlace::new("cases", "applicant", 1);
        let (one, two) = (
            sealer.seal(&place, b"340302").unwrap(),
            sealer.seal(&place, b"340302").unwrap(),
        );
        assert_ne!(one, two);
        assert!(!one.as_bytes().windows(6).any(|window| window == b"340302"));
        assert_eq!(format!("{one:?}"), "Sealed(43 bytes)");
    }

    #[test]
    fn a_retired_key_still_opens_and_a_forgotten_one_is_named() {
        let place = SealPlace::new("cases", "applicant", 1);
        let sealed = sealer().seal_json(&place, &vec![1, 2]).unwrap();
        let rotated = Sealer::new(&key(2), &[key(1)]).unwrap();
        assert_eq!(rotated.open_json::<Vec<i32>>(&place, &sealed).unwrap(), [1, 2]);
        assert_ne!(rotated.key_id(), sealer().key_id());
        let forgotten = Sealer::new(&key(2), &[]).unwrap();
        let refusal = forgotten.open(&place, &sealed).unwrap_err();
        assert!(matches!(refusal, SealError::UnknownKey(id) if id == sealer().key_id()));
    }

    #[test]
    fn the_self_test_passes() {
        sealer().self_test().unwrap();
    }
}
