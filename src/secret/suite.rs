//! Suites of algorithms behind one trait: the gateway names what it needs, a suite says by which algorithm.
//!
//! | | `intl` | `gm` (国密) |
//! |---|---|---|
//! | cipher | AES-256-GCM | SM4-GCM (GB/T 32907, RFC 8998) |
//! | hash | SHA-256 | SM3 (GB/T 32905) |
//! | MAC | HMAC-SHA256 | HMAC-SM3 |
//! | signature | Ed25519 | SM2 with SM3 (GB/T 32918.2), user id `1234567812345678` |
//!
//! Both are software in this process. Neither is a certified cryptographic module (商用密码产品认证), and the choice of
//! `gm` alone makes no installation pass an assessment by GB/T 39786.

pub mod gm;
pub mod intl;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::key_file::Key;

/// Bytes of a hash and of a MAC, in every suite.
pub const HASH_BYTES: usize = 32;
/// Bytes of the nonce in front of a sealed value.
pub const NONCE_BYTES: usize = 12;
/// Bytes of the tag behind it.
pub const TAG_BYTES: usize = 16;
/// Bytes of a signature: R ‖ S of Ed25519, r ‖ s of SM2.
pub const SIGNATURE_BYTES: usize = 64;

/// Names a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SuiteName {
    /// AES-256-GCM, SHA-256, HMAC-SHA256, Ed25519.
    Intl,
    /// SM4-GCM, SM3, HMAC-SM3, SM2 with SM3.
    Gm,
}

impl SuiteName {
    /// Every suite.
    pub const ALL: [Self; 2] = [Self::Intl, Self::Gm];

    /// Its name in settings and columns.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intl => "intl",
            Self::Gm => "gm",
        }
    }

    /// Its number in the header of a sealed value.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Intl => 1,
            Self::Gm => 2,
        }
    }

    /// The suite of a header; `None`: no suite of this version.
    #[must_use]
    pub fn of_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.byte() == byte)
    }

    /// The suite whose signatures an algorithm names; `None`: an algorithm that nobody here knows.
    #[must_use]
    pub fn of_algorithm(algorithm: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|suite| suite.provider().signature_algorithm() == algorithm)
    }

    /// What does the work.
    #[must_use]
    pub fn provider(self) -> &'static dyn Suite {
        match self {
            Self::Intl => &intl::Intl,
            Self::Gm => &gm::Gm,
        }
    }
}

impl fmt::Display for SuiteName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Not the name of a suite.
#[derive(Debug, thiserror::Error)]
#[error("no such suite")]
pub struct UnknownSuite;

impl FromStr for SuiteName {
    type Err = UnknownSuite;

    fn from_str(text: &str) -> Result<Self, UnknownSuite> {
        Self::ALL
            .into_iter()
            .find(|suite| suite.as_str() == text)
            .ok_or(UnknownSuite)
    }
}

/// Why an operation failed. Never shows a key or a value, and no more of the cause than a library tells.
#[derive(Debug, thiserror::Error)]
pub enum CryptoError {
    /// The key is not one of this algorithm.
    #[error("the key is not usable with this algorithm")]
    Key,
    /// No randomness from the operating system, or the library failed.
    #[error("the operation failed")]
    Failed,
    /// Altered, cut, or bound to something else.
    #[error("the value was altered or belongs elsewhere")]
    Refused,
}

/// What a suite provides.
pub trait Suite: fmt::Debug + Send + Sync {
    /// Which one it is.
    fn name(&self) -> SuiteName;

    /// The name of its signatures, as exports and `/verify/keys` tell it.
    fn signature_algorithm(&self) -> &'static str;

    /// The hash of bytes.
    fn hash(&self, bytes: &[u8]) -> [u8; HASH_BYTES];

    /// The MAC of bytes under a key.
    fn mac(&self, key: &Key, bytes: &[u8]) -> [u8; HASH_BYTES];

    /// The cipher under a key. It also wraps keys: a key is a value like any other.
    ///
    /// # Errors
    /// The key is not usable.
    fn cipher(&self, key: &Key) -> Result<Box<dyn Cipher>, CryptoError>;

    /// The key that signs, made from a seed; the same seed makes the same key.
    ///
    /// # Errors
    /// The seed makes no key.
    fn signer(&self, seed: &Key) -> Result<Box<dyn Signer>, CryptoError>;

    /// Whether bytes were signed with the private half of this public key.
    fn verify(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> bool;
}

/// Authenticated encryption under one key.
pub trait Cipher: Send + Sync {
    /// Seals a value, bound to other bytes: nonce ‖ ciphertext ‖ tag, the nonce random. One key is good for 2^32 values.
    ///
    /// # Errors
    /// No randomness, or the value is too long.
    fn seal(&self, bound_to: &[u8], value: &[u8]) -> Result<Vec<u8>, CryptoError>;

    /// Opens what [`Self::seal`] made for the same bytes.
    ///
    /// # Errors
    /// `Refused`: altered, cut, bound to other bytes, or sealed under another key.
    fn open(&self, bound_to: &[u8], sealed: &[u8]) -> Result<Vec<u8>, CryptoError>;
}

/// A key that signs.
pub trait Signer: Send + Sync {
    /// The public half: 32 raw bytes (Ed25519), or the point uncompressed, 65 bytes (SM2).
    fn public_key(&self) -> &[u8];

    /// Signs bytes.
    ///
    /// # Errors
    /// The library failed.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Redacted;

    #[test]
    fn names_and_numbers_tell_the_suites_apart() {
        for suite in SuiteName::ALL {
            assert_eq!(suite.as_str().parse::<SuiteName>().unwrap(), suite);
            assert_eq!(SuiteName::of_byte(suite.byte()), Some(suite));
            assert_eq!(suite.provider().name(), suite);
            let algorithm = suite.provider().signature_algorithm();
            assert_eq!(SuiteName::of_algorithm(algorithm), Some(suite));
        }
        assert!(SuiteName::of_byte(0).is_none());
        assert!(SuiteName::of_algorithm("none").is_none());
    }

    #[test]
    fn every_suite_seals_and_signs_for_its_own_key_alone() {
        let key = |byte: u8| Redacted::new([byte; 32]);
        for suite in SuiteName::ALL.map(SuiteName::provider) {
            let cipher = suite.cipher(&key(1)).unwrap();
            let sealed = cipher.seal(b"here", b"value").unwrap();
            assert_eq!(sealed.len(), NONCE_BYTES + 5 + TAG_BYTES);
            assert_eq!(cipher.open(b"here", &sealed).unwrap(), b"value");
            assert_ne!(
                cipher.seal(b"here", b"value").unwrap(),
                sealed,
                "nonces are random"
            );
            assert!(cipher.open(b"there", &sealed).is_err());
            assert!(suite.cipher(&key(2)).unwrap().open(b"here", &sealed).is_err());
            for at in 0..sealed.len() {
                let mut altered = sealed.clone();
                altered[at] ^= 1;
                assert!(cipher.open(b"here", &altered).is_err(), "byte {at}");
                assert!(cipher.open(b"here", &sealed[..at]).is_err(), "cut at {at}");
            }
            let signer = suite.signer(&key(3)).unwrap();
            let signature = signer.sign(b"message").unwrap();
            assert_eq!(signature.len(), SIGNATURE_BYTES);
            assert!(suite.verify(signer.public_key(), b"message", &signature));
            assert!(!suite.verify(signer.public_key(), b"Message", &signature));
            assert!(!suite.verify(signer.public_key(), b"message", &signature[..63]));
            assert!(!suite.verify(b"no key", b"message", &signature));
            let other = suite.signer(&key(4)).unwrap();
            assert!(!suite.verify(other.public_key(), b"message", &signature));
            assert_ne!(suite.mac(&key(1), b"a"), suite.mac(&key(2), b"a"));
        }
    }
}
