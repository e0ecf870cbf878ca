//! Encrypts a file as it passes, a segment at a time, so that no more than a segment is ever held.
//!
//! An encrypted file is `version (1) ‖ segment*`, a segment the ciphertext of up to 65,536 bytes and its tag (16). Each file
//! has a random key of its own (AES-256-GCM), which is kept sealed beside its row and never used for another file. The nonce
//! is seven zero bytes, the segment's number (4 bytes, big-endian) and 1 for the last segment, else 0 (the STREAM
//! construction), and every segment binds the name of its object: segments cannot be cut off, reordered or moved.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use rand::RngCore as _;

use super::StorageError;
use crate::secret::Redacted;

const VERSION: u8 = 1;
const SEGMENT_BYTES: usize = 65_536;
const TAG_BYTES: usize = 16;
const SEALED_BYTES: usize = SEGMENT_BYTES + TAG_BYTES;

/// The key of one file.
pub struct FileKey(Redacted<[u8; 32]>);

impl FileKey {
    /// A fresh key from the operating system's generator.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0; 32];
        rand::rng().fill_bytes(&mut bytes);
        Self(Redacted::new(bytes))
    }

    /// The key of bytes that were kept.
    ///
    /// # Errors
    /// They are not 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StorageError> {
        let bytes = <[u8; 32]>::try_from(bytes).ok().ok_or(StorageError::Damaged)?;
        Ok(Self(Redacted::new(bytes)))
    }

    /// The bytes, to be sealed.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    fn aead(&self) -> Result<LessSafeKey, StorageError> {
        let key = UnboundKey::new(&AES_256_GCM, self.0.expose());
        Ok(LessSafeKey::new(key.ok().ok_or(StorageError::Cipher)?))
    }
}

/// What both directions share: key, name and the number of the next segment.
struct Segments {
    key: LessSafeKey,
    object: String,
    next: u32,
    held: Vec<u8>,
}

impl Segments {
    fn new(key: &FileKey, object: &str) -> Result<Self, StorageError> {
        Ok(Self {
            key: key.aead()?,
            object: object.to_owned(),
            next: 0,
            held: Vec::new(),
        })
    }

    fn nonce(&mut self, last: bool) -> Result<Nonce, StorageError> {
        let mut nonce = [0; NONCE_LEN];
        let tail = self.next.to_be_bytes().into_iter().chain([u8::from(last)]);
        nonce
            .iter_mut()
            .skip(7)
            .zip(tail)
            .for_each(|(to, from)| *to = from);
        self.next = self.next.checked_add(1).ok_or(StorageError::Cipher)?;
        Ok(Nonce::assume_unique_for_key(nonce))
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
            self.seal(whole, false, &mut out)?;
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
        self.seal(rest, true, &mut out)?;
        Ok(out)
    }

    fn seal(&mut self, mut segment: Vec<u8>, last: bool, out: &mut Vec<u8>) -> Result<(), StorageError> {
        if !self.begun {
            self.begun = true;
            out.push(VERSION);
        }
        let nonce = self.segments.nonce(last)?;
        let aad = Aad::from(self.segments.object.as_bytes());
        let sealed = self
            .segments
            .key
            .seal_in_place_append_tag(nonce, aad, &mut segment);
        sealed.ok().ok_or(StorageError::Cipher)?;
        out.append(&mut segment);
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
            self.open(whole, false, &mut out)?;
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
        self.open(rest, true, &mut out)?;
        Ok(out)
    }

    fn open(&mut self, mut segment: Vec<u8>, last: bool, out: &mut Vec<u8>) -> Result<(), StorageError> {
        let nonce = self.segments.nonce(last)?;
        let aad = Aad::from(self.segments.object.as_bytes());
        let opened = self.segments.key.open_in_place(nonce, aad, &mut segment);
        out.extend_from_slice(opened.ok().ok_or(StorageError::Damaged)?);
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
        let key = FileKey::random();
        for length in [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000] {
            let file = file(length);
            let stored = encrypted(&key, "a/1", &file, 1_000);
            assert_eq!(stored, encrypted(&key, "a/1", &file, 70_000), "{length}");
            assert_eq!(decrypted(&key, "a/1", &stored, 999).unwrap(), file, "{length}");
            assert_eq!(
                decrypted(&key, "a/1", &stored, 300_000).unwrap(),
                file,
                "{length}"
            );
        }
    }

    #[test]
    fn what_was_cut_altered_reordered_or_moved_does_not_open() {
        let key = FileKey::random();
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
        assert!(decrypted(&FileKey::random(), "a/1", &stored, 10_000).is_err());
    }
}
