//! Encrypts a file as it passes, a segment at a time, so that no more than a segment is ever held.
//!
//! An encrypted file is `version (1) ‖ segment*`, a segment the nonce (12), the ciphertext of up to 65,536 bytes and its tag
//! (16), by the cipher of the suite that was configured when it was uploaded. Each file has a random key of its own, which is
//! kept sealed beside its row together with its suite and never used for another file. Every segment binds the name of its
//! object, its number and whether it is the last: segments cannot be cut off, reordered or moved.

use rand::RngCore as _;

use super::StorageError;
use crate::secret::Redacted;
use crate::secret::key_file::{KEY_BYTES, Key};
use crate::secret::suite::{Cipher, SuiteName};

const VERSION: u8 = 1;
const SEGMENT_BYTES: usize = 65_536;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const SEALED_BYTES: usize = NONCE_BYTES + SEGMENT_BYTES + TAG_BYTES;

/// The key of one file.
pub struct FileKey {
    suite: SuiteName,
    key: Key,
}

impl FileKey {
    /// A fresh key from the operating system's generator.
    #[must_use]
    pub fn random(suite: SuiteName) -> Self {
        let mut bytes = [0; KEY_BYTES];
        rand::rng().fill_bytes(&mut bytes);
        Self {
            suite,
            key: Redacted::new(bytes),
        }
    }

    /// The key of bytes that were kept.
    ///
    /// # Errors
    /// They are not a suite and a key.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StorageError> {
        let (suite, key) = bytes.split_first().ok_or(StorageError::Damaged)?;
        let key = <[u8; KEY_BYTES]>::try_from(key)
            .ok()
            .ok_or(StorageError::Damaged)?;
        Ok(Self {
            suite: SuiteName::of_byte(*suite).ok_or(StorageError::Damaged)?,
            key: Redacted::new(key),
        })
    }

    /// Suite and key, to be sealed.
    #[must_use]
    pub fn to_bytes(&self) -> Redacted<Vec<u8>> {
        let mut bytes = vec![self.suite.byte()];
        bytes.extend_from_slice(self.key.expose());
        Redacted::new(bytes)
    }

    fn cipher(&self) -> Result<Box<dyn Cipher>, StorageError> {
        let cipher = self.suite.provider().cipher(&self.key);
        cipher.ok().ok_or(StorageError::Cipher)
    }
}

/// What both directions share: key, name and the number of the next segment.
struct Segments {
    cipher: Box<dyn Cipher>,
    object: String,
    next: u32,
    held: Vec<u8>,
}

impl Segments {
    fn new(key: &FileKey, object: &str) -> Result<Self, StorageError> {
        Ok(Self {
            cipher: key.cipher()?,
            object: object.to_owned(),
            next: 0,
            held: Vec::new(),
        })
    }

    /// What the next segment is bound to. Number and mark are of one length, so that no two read alike.
    fn place(&mut self, last: bool) -> Result<Vec<u8>, StorageError> {
        let mut place = self.object.clone().into_bytes();
        place.extend_from_slice(&self.next.to_be_bytes());
        place.push(u8::from(last));
        self.next = self.next.checked_add(1).ok_or(StorageError::Cipher)?;
        Ok(place)
    }
}

/// Encrypts.
pub struct Encryptor {
    segments: Segments,
    begun: bool,
}

impl Encryptor {
    /// Encrypts one file under a fresh key, for the object of this name.
    ///
    /// # Errors
    /// The key cannot be used.
    pub fn new(key: &FileKey, object: &str) -> Result<Self, StorageError> {
        Ok(Self {
            segments: Segments::new(key, object)?,
            begun: false,
        })
    }

    /// Takes bytes of the file and gives what can be written of it.
    ///
    /// # Errors
    /// The cipher failed.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, StorageError> {
        self.segments.held.extend_from_slice(bytes);
        let mut out = Vec::new();
        // a full segment waits for what follows: only then is it known not to be the last
        while self.segments.held.len() > SEGMENT_BYTES {
            let rest = self.segments.held.split_off(SEGMENT_BYTES);
            let whole = std::mem::replace(&mut self.segments.held, rest);
            self.seal(&whole, false, &mut out)?;
        }
        Ok(out)
    }

    /// Ends the file and gives the rest.
    ///
    /// # Errors
    /// The cipher failed.
    pub fn finish(mut self) -> Result<Vec<u8>, StorageError> {
        let mut out = Vec::new();
        let rest = std::mem::take(&mut self.segments.held);
        self.seal(&rest, true, &mut out)?;
        Ok(out)
    }

    fn seal(&mut self, segment: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), StorageError> {
        if !self.begun {
            self.begun = true;
            out.push(VERSION);
        }
        let place = self.segments.place(last)?;
        let sealed = self.segments.cipher.seal(&place, segment);
        out.append(&mut sealed.ok().ok_or(StorageError::Cipher)?);
        Ok(())
    }
}

/// Decrypts.
pub struct Decryptor {
    segments: Segments,
    begun: bool,
}

impl Decryptor {
    /// Decrypts the object of this name.
    ///
    /// # Errors
    /// The key cannot be used.
    pub fn new(key: &FileKey, object: &str) -> Result<Self, StorageError> {
        Ok(Self {
            segments: Segments::new(key, object)?,
            begun: false,
        })
    }

    /// Takes bytes of the object and gives what can be read of the file.
    ///
    /// # Errors
    /// The object is not what was stored.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, StorageError> {
        let mut bytes = bytes;
        if !self.begun
            && let Some((version, rest)) = bytes.split_first()
        {
            if *version != VERSION {
                return Err(StorageError::Damaged);
            }
            self.begun = true;
            bytes = rest;
        }
        self.segments.held.extend_from_slice(bytes);
        let mut out = Vec::new();
        while self.segments.held.len() > SEALED_BYTES {
            let rest = self.segments.held.split_off(SEALED_BYTES);
            let whole = std::mem::replace(&mut self.segments.held, rest);
            self.open(&whole, false, &mut out)?;
        }
        Ok(out)
    }

    /// Ends the object and gives the rest of the file.
    ///
    /// # Errors
    /// The object was cut or altered.
    pub fn finish(mut self) -> Result<Vec<u8>, StorageError> {
        let mut out = Vec::new();
        let rest = std::mem::take(&mut self.segments.held);
        self.open(&rest, true, &mut out)?;
        Ok(out)
    }

    fn open(&mut self, segment: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), StorageError> {
        let place = self.segments.place(last)?;
        let opened = self.segments.cipher.open(&place, segment);
        out.append(&mut opened.ok().ok_or(StorageError::Damaged)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(length: usize) -> Vec<u8> {
        (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
    }

    fn encrypted(key: &FileKey, object: &str, file: &[u8], piece: usize) -> Vec<u8> {
        let mut cipher = Encryptor::new(key, object).unwrap();
        let mut out = Vec::new();
        for piece in file.chunks(piece) {
            out.extend(cipher.push(piece).unwrap());
        }
        out.extend(cipher.finish().unwrap());
        out
    }

    fn decrypted(key: &FileKey, object: &str, bytes: &[u8], piece: usize) -> Result<Vec<u8>, StorageError> {
        let mut cipher = Decryptor::new(key, object)?;
        let mut out = Vec::new();
        for piece in bytes.chunks(piece) {
            out.extend(cipher.push(piece)?);
        }
        out.extend(cipher.finish()?);
        Ok(out)
    }

    #[test]
    fn a_file_comes_back_whole_however_it_is_cut_into_pieces() {
        for suite in SuiteName::ALL {
            let key = FileKey::random(suite);
            let again = FileKey::from_bytes(key.to_bytes().expose()).unwrap();
            for length in [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000] {
                let file = file(length);
                for (written, read) in [(1_000, 999), (70_000, 300_000)] {
                    let stored = encrypted(&key, "a/1", &file, written);
                    assert_eq!(decrypted(&again, "a/1", &stored, read).unwrap(), file, "{length}");
                }
            }
        }
        assert!(FileKey::from_bytes(&[0; 33]).is_err(), "no suite");
        assert!(FileKey::from_bytes(&[1; 32]).is_err(), "no key");
    }

    #[test]
    fn what_was_cut_altered_reordered_or_moved_does_not_open() {
        for suite in SuiteName::ALL {
            refuses_what_was_changed(suite);
        }
    }

    fn refuses_what_was_changed(suite: SuiteName) {
        let key = FileKey::random(suite);
        let stored = encrypted(&key, "a/1", &file(200_000), 10_000);
        let refused = |bytes: &[u8]| decrypted(&key, "a/1", bytes, 10_000).is_err();
        assert!(refused(&[]));
        for cut in [1, 100, SEALED_BYTES + 1, 2 * SEALED_BYTES + 1, stored.len() - 1] {
            assert!(refused(&stored[..cut]), "cut at {cut}");
        }
        for at in [0, 1, 70_000, stored.len() - 1] {
            let mut altered = stored.clone();
            altered[at] ^= 1;
            assert!(refused(&altered), "byte {at}");
        }
        let mut reordered = stored[..1].to_vec();
        reordered.extend(&stored[SEALED_BYTES + 1..2 * SEALED_BYTES + 1]);
        reordered.extend(&stored[1..SEALED_BYTES + 1]);
        reordered.extend(&stored[2 * SEALED_BYTES + 1..]);
        assert!(refused(&reordered));
        assert!(decrypted(&key, "a/2", &stored, 10_000).is_err());
        assert!(decrypted(&FileKey::random(suite), "a/1", &stored, 10_000).is_err());
    }
}
