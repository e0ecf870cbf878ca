//! Master keys: they wrap data keys, and open values of the time before there were data keys.

use std::collections::BTreeMap;
use std::fmt;

use uuid::Uuid;
use zeroize::Zeroizing;

use super::Redacted;
use super::data_key::{DataKey, random_bytes};
use super::key_file::Key;
use super::seal::{HEADER_1_BYTES, KeyId, SealError, SealPlace, Sealed, SealedWith};
use super::suite::{Cipher, SuiteName};

/// Part of a key's name, and unchanged since version 1 of sealed values, which carry it.
const PURPOSE: &str = "onedoor data key id";

/// A data key as its row keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Its key.
    pub id: Uuid,
    /// The suite it seals with.
    pub suite: SuiteName,
    /// The master key, by its name; a name stands for a key and a suite.
    pub master: KeyId,
    /// The key, sealed by the master key for this `id`.
    pub bytes: Vec<u8>,
}

/// One master key, and those that older data keys are wrapped with.
pub struct MasterKeys {
    suite: SuiteName,
    current: KeyId,
    ciphers: BTreeMap<KeyId, (SuiteName, Box<dyn Cipher>)>,
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "MasterKeys(key {})", self.current)
    }
}

impl MasterKeys {
    /// The current key under the current suite; it and the retired ones unwrap under every suite.
    ///
    /// # Errors
    /// A key is not usable.
    pub fn new(suite: SuiteName, current: &Key, retired: &[Key]) -> Result<Self, SealError> {
        let mut ciphers = BTreeMap::new();
        for key in std::iter::once(current).chain(retired) {
            for suite in SuiteName::ALL {
                let cipher = suite.provider().cipher(key).map_err(SealError::Key)?;
                ciphers.insert(KeyId::of(PURPOSE, suite, key), (suite, cipher));
            }
        }
        Ok(Self {
            suite,
            current: KeyId::of(PURPOSE, suite, current),
            ciphers,
        })
    }

    /// The key that data keys are wrapped with now.
    #[must_use]
    pub const fn key_id(&self) -> KeyId {
        self.current
    }

    /// The suite that new data keys seal with.
    #[must_use]
    pub const fn suite(&self) -> SuiteName {
        self.suite
    }

    /// Every key that unwraps, by name.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.ciphers.keys().copied()
    }

    /// The key of this name in text form; `None`: it is not here.
    #[must_use]
    pub fn named(&self, text: &str) -> Option<KeyId> {
        self.ids().find(|id| id.to_string() == text)
    }

    /// A new data key, and how its row keeps it.
    ///
    /// # Errors
    /// No randomness, or the cipher failed.
    pub fn new_data_key(&self, id: Uuid) -> Result<(DataKey, WrappedKey), SealError> {
        let bytes = random_bytes()?;
        let key = DataKey::new(id, self.suite, &bytes)?;
        let (_, cipher) = self.cipher(self.current)?;
        let wrapped = WrappedKey {
            id,
            suite: self.suite,
            master: self.current,
            bytes: cipher
                .seal(&bound_to(id, self.suite), bytes.as_slice())
                .map_err(SealError::Seal)?,
        };
        Ok((key, wrapped))
    }

    /// A data key from its row.
    ///
    /// # Errors
    /// `UnknownKey`; `Refused`: altered, or of another row.
    pub fn unwrap(&self, wrapped: &WrappedKey) -> Result<DataKey, SealError> {
        DataKey::new(wrapped.id, wrapped.suite, &self.bytes(wrapped)?)
    }

    /// The same data key under the current master key.
    ///
    /// # Errors
    /// As [`Self::unwrap`].
    pub fn rewrap(&self, wrapped: &WrappedKey) -> Result<WrappedKey, SealError> {
        let bytes = self.bytes(wrapped)?;
        let (_, cipher) = self.cipher(self.current)?;
        let sealed = cipher.seal(&bound_to(wrapped.id, wrapped.suite), bytes.as_slice());
        Ok(WrappedKey {
            master: self.current,
            bytes: sealed.map_err(SealError::Seal)?,
            ..wrapped.clone()
        })
    }

    /// Opens a value of version 1.
    ///
    /// # Errors
    /// Not a value of that version, an unknown key, altered, or sealed for another place.
    pub fn open(&self, place: &SealPlace, sealed: &Sealed) -> Result<Redacted<Vec<u8>>, SealError> {
        let Some(SealedWith::Master(id)) = sealed.sealed_with() else {
            return Err(SealError::Foreign);
        };
        let (header, body) = sealed
            .as_bytes()
            .split_at_checked(HEADER_1_BYTES)
            .ok_or(SealError::Foreign)?;
        let (suite, cipher) = self.cipher(id)?;
        if *suite != SuiteName::Intl {
            return Err(SealError::UnknownKey(id));
        }
        cipher
            .open(&place.bound_to(header), body)
            .map(Redacted::new)
            .map_err(SealError::Refused)
    }

    /// Wraps and unwraps a key, and makes sure that another row and another bit are refused, before the first real key is
    /// trusted to it.
    ///
    /// # Errors
    /// One of these did not hold.
    pub fn self_test(&self) -> Result<(), SealError> {
        let (key, wrapped) = self.new_data_key(Uuid::from_u128(1))?;
        let place = SealPlace::new("self_test", "value", 1);
        let value = b"\xe4\xb8\x80\xe7\xbd\x91";
        let sealed = key.seal(&place, value)?;
        if self.unwrap(&wrapped)?.open(&place, &sealed)?.expose() != value {
            return Err(SealError::SelfTest("what was opened is not what was sealed"));
        }
        if key
            .open(&SealPlace::new("self_test", "value", 2), &sealed)
            .is_ok()
        {
            return Err(SealError::SelfTest("a value opened in another place"));
        }
        let elsewhere = WrappedKey {
            id: Uuid::from_u128(2),
            ..wrapped.clone()
        };
        if self.unwrap(&elsewhere).is_ok() {
            return Err(SealError::SelfTest("a key was unwrapped in another row"));
        }
        let mut altered = wrapped;
        if let Some(byte) = altered.bytes.last_mut() {
            *byte ^= 1;
        }
        if self.unwrap(&altered).is_ok() {
            return Err(SealError::SelfTest("an altered key was unwrapped"));
        }
        Ok(())
    }

    fn bytes(&self, wrapped: &WrappedKey) -> Result<super::data_key::DataKeyBytes, SealError> {
        let (_, cipher) = self.cipher(wrapped.master)?;
        let opened = cipher.open(&bound_to(wrapped.id, wrapped.suite), &wrapped.bytes);
        let opened = Zeroizing::new(opened.map_err(SealError::Refused)?);
        let bytes = opened.as_slice().try_into().ok().ok_or(SealError::Foreign)?;
        Ok(Zeroizing::new(bytes))
    }

    fn cipher(&self, id: KeyId) -> Result<&(SuiteName, Box<dyn Cipher>), SealError> {
        self.ciphers.get(&id).ok_or(SealError::UnknownKey(id))
    }
}

/// A wrapped key belongs to its row and its suite.
fn bound_to(id: Uuid, suite: SuiteName) -> Vec<u8> {
    let mut bytes = b"onedoor data key\0".to_vec();
    bytes.push(suite.byte());
    bytes.extend_from_slice(id.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> Key {
        Redacted::new(core::array::from_fn(|at| {
            u8::try_from(at).unwrap().wrapping_mul(37) ^ seed
        }))
    }

    fn masters(suite: SuiteName, current: u8, retired: &[u8]) -> MasterKeys {
        let retired: Vec<Key> = retired.iter().map(|seed| key(*seed)).collect();
        MasterKeys::new(suite, &key(current), &retired).unwrap()
    }

    #[test]
    fn a_retired_key_and_the_other_suite_still_unwrap_and_a_forgotten_key_is_named() {
        let place = SealPlace::new("case_private", "applicant", 1);
        for (suite, other) in [(SuiteName::Intl, SuiteName::Gm), (SuiteName::Gm, SuiteName::Intl)] {
            let old = masters(suite, 1, &[]);
            let (data, wrapped) = old.new_data_key(Uuid::from_u128(5)).unwrap();
            let sealed = data.seal(&place, b"value").unwrap();
            for rotated in [
                masters(suite, 2, &[1]),
                masters(other, 1, &[]),
                masters(other, 2, &[1]),
            ] {
                assert_ne!(rotated.key_id(), old.key_id());
                let moved = rotated.rewrap(&wrapped).unwrap();
                assert_eq!((moved.master, moved.suite), (rotated.key_id(), suite));
                for known in [&wrapped, &moved] {
                    let opened = rotated.unwrap(known).unwrap().open(&place, &sealed).unwrap();
                    assert_eq!(opened.expose(), b"value");
                }
            }
            let forgotten = masters(suite, 2, &[]).unwrap(&wrapped).unwrap_err();
            assert!(matches!(forgotten, SealError::UnknownKey(id) if id == old.key_id()));
        }
    }

    #[test]
    fn a_value_of_version_1_opens_with_its_master_key() {
        let place = SealPlace::new("cases", "applicant", "case_1");
        let masters = masters(SuiteName::Gm, 2, &[1]);
        let id = KeyId::of(PURPOSE, SuiteName::Intl, &key(1));
        let mut header = vec![1];
        header.extend(hex::decode(id.to_string()).unwrap());
        let cipher = SuiteName::Intl.provider().cipher(&key(1)).unwrap();
        let body = cipher.seal(&place.bound_to(&header), b"value").unwrap();
        let sealed = Sealed::from_bytes([header, body].concat());
        assert_eq!(masters.open(&place, &sealed).unwrap().expose(), b"value");
        let elsewhere = SealPlace::new("cases", "applicant", "case_2");
        assert!(masters.open(&elsewhere, &sealed).is_err());
    }

    #[test]
    fn the_self_test_passes_under_every_suite() {
        for suite in SuiteName::ALL {
            masters(suite, 1, &[2]).self_test().unwrap();
        }
    }
}
