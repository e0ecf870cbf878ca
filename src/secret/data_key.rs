//! Data keys: each seals the values of one case, or of one kind of what has no case, and is kept wrapped.

use std::fmt;

use rand::TryRngCore as _;
use rand::rngs::OsRng;
use serde::Serialize;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Redacted;
use super::key_file::KEY_BYTES;
use super::seal::{HEADER_2_BYTES, SealError, SealPlace, Sealed, SealedWith, VERSION_2};
use super::suite::{Cipher, CryptoError, SuiteName};

/// A data key, unwrapped and ready. The bytes it was made of are gone; its cipher clears itself when dropped.
pub struct DataKey {
    id: Uuid,
    suite: SuiteName,
    cipher: Box<dyn Cipher>,
}

/// The bytes of a data key, cleared when dropped.
pub(super) type DataKeyBytes = Zeroizing<[u8; KEY_BYTES]>;

/// Bytes for a new data key.
pub(super) fn random_bytes() -> Result<DataKeyBytes, SealError> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    OsRng
        .try_fill_bytes(bytes.as_mut_slice())
        .map_err(|_no_randomness| SealError::Key(CryptoError::Failed))?;
    Ok(bytes)
}

impl fmt::Debug for DataKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DataKey({})", self.id)
    }
}

impl DataKey {
    pub(super) fn new(id: Uuid, suite: SuiteName, bytes: &DataKeyBytes) -> Result<Self, SealError> {
        let cipher = suite.provider().cipher(&Redacted::new(**bytes));
        Ok(Self {
            id,
            suite,
            cipher: cipher.map_err(SealError::Key)?,
        })
    }

    /// Its key in the table of data keys.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// The suite it seals with.
    #[must_use]
    pub const fn suite(&self) -> SuiteName {
        self.suite
    }

    /// Seals bytes for a place.
    ///
    /// # Errors
    /// The cipher failed.
    pub fn seal(&self, place: &SealPlace, value: &[u8]) -> Result<Sealed, SealError> {
        let mut header = vec![VERSION_2, self.suite.byte()];
        header.extend_from_slice(self.id.as_bytes());
        let body = self.cipher.seal(&place.bound_to(&header), value);
        header.append(&mut body.map_err(SealError::Seal)?);
        Ok(Sealed::from_bytes(header))
    }

    /// Seals a value in its JSON form.
    ///
    /// # Errors
    /// As [`Self::seal`], or the value has no JSON form.
    pub fn seal_json<T: Serialize>(&self, place: &SealPlace, value: &T) -> Result<Sealed, SealError> {
        match serde_json::to_vec(value) {
            Ok(json) => self.seal(place, &Zeroizing::new(json)),
            Err(_) => Err(SealError::Form),
        }
    }

    /// Opens bytes sealed for this place.
    ///
    /// # Errors
    /// Not sealed with this key, altered, or sealed for another place.
    pub fn open(&self, place: &SealPlace, sealed: &Sealed) -> Result<Redacted<Vec<u8>>, SealError> {
        if sealed.sealed_with() != Some(SealedWith::Data(self.id, self.suite)) {
            return Err(SealError::Foreign);
        }
        let (header, body) = sealed
            .as_bytes()
            .split_at_checked(HEADER_2_BYTES)
            .ok_or(SealError::Foreign)?;
        self.cipher
            .open(&place.bound_to(header), body)
            .map(Redacted::new)
            .map_err(SealError::Refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Vec<DataKey> {
        let key = |suite| DataKey::new(Uuid::from_u128(7), suite, &Zeroizing::new([7; 32])).unwrap();
        SuiteName::ALL.map(key).into()
    }

    #[test]
    fn a_value_opens_only_where_it_was_sealed_for() {
        for key in keys() {
            let place = SealPlace::new("case_private", "applicant", "case_1");
            let sealed = key.seal(&place, "王五".as_bytes()).unwrap();
            assert_eq!(key.open(&place, &sealed).unwrap().expose(), "王五".as_bytes());
            for elsewhere in [
                SealPlace::new("case_private", "applicant", "case_2"),
                SealPlace::new("case_private", "form", "case_1"),
                SealPlace::new("draft", "applicant", "case_1"),
                SealPlace::new("case_private", "applicantc", "ase_1"),
            ] {
                assert!(matches!(
                    key.open(&elsewhere, &sealed),
                    Err(SealError::Refused(_))
                ));
            }
            // the same bytes of a key under another name, as if the row of a key had been swapped
            let other = DataKey::new(Uuid::from_u128(8), key.suite(), &Zeroizing::new([7; 32])).unwrap();
            let mut renamed = sealed.as_bytes().to_vec();
            renamed[2..18].copy_from_slice(other.id().as_bytes());
            assert!(matches!(
                other.open(&place, &Sealed::from_bytes(renamed)),
                Err(SealError::Refused(_))
            ));
        }
    }

    #[test]
    fn every_altered_byte_and_every_cut_is_refused() {
        for key in keys() {
            let place = SealPlace::new("case_private", "applicant", 1);
            let sealed = key.seal(&place, b"value").unwrap();
            for at in 0..sealed.as_bytes().len() {
                let mut bytes = sealed.as_bytes().to_vec();
                bytes[at] ^= 1;
                assert!(key.open(&place, &Sealed::from_bytes(bytes)).is_err(), "byte {at}");
                let cut = sealed.as_bytes()[..at].to_vec();
                assert!(key.open(&place, &Sealed::from_bytes(cut)).is_err(), "cut at {at}");
            }
        }
    }

    #[test]
    fn equal_values_look_different_and_nothing_shows() {
        for key in keys() {
            let place = SealPlace::new("case_private", "applicant", 1);
            let sealed = || key.seal(&place, b"340302").unwrap();
            let (one, two) = (sealed(), sealed());
            assert_ne!(one, two);
            assert!(!one.as_bytes().windows(6).any(|window| window == b"340302"));
            assert_eq!(format!("{one:?}"), "Sealed(52 bytes)");
        }
    }
}
