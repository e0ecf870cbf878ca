//! Signs receipts and checkpoints, and checks them with every key whose signatures still hold.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use onedoor_domain::ledger::audit::Signatures;

use super::key_file::{Key, KeyFileError};
use super::suite::intl::Intl;
use super::suite::{CryptoError, Signer, Suite as _, SuiteName};

/// Bytes of a public key of Ed25519, and of SM2: the point uncompressed.
const ED25519_BYTES: usize = 32;
const SM2_BYTES: usize = 65;

/// Why the signing key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptKeyError {
    /// The seed makes no key.
    #[error("the receipt key cannot be used")]
    Key(#[source] CryptoError),
    /// Signing failed.
    #[error("the receipt cannot be signed")]
    Sign(#[source] CryptoError),
    /// A signature of our own did not hold, or a false one did.
    #[error("the self-test of the receipt key failed")]
    SelfTest,
}

/// A public key: who has it can check, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    suite: SuiteName,
    bytes: Vec<u8>,
}

/// Not a public key.
#[derive(Debug, thiserror::Error)]
#[error("a public key is wanted: `Ed25519` and 64 hex digits, or `SM2-SM3` and 130 hex digits")]
pub struct NotAPublicKey;

impl PublicKey {
    /// The key of an algorithm.
    ///
    /// # Errors
    /// An algorithm that is not known here, or bytes that are no key of it.
    pub fn of(algorithm: &str, hex: &str) -> Result<Self, NotAPublicKey> {
        let suite = SuiteName::of_algorithm(algorithm).ok_or(NotAPublicKey)?;
        let bytes = hex::decode(hex.trim()).ok().ok_or(NotAPublicKey)?;
        let wanted = match suite {
            SuiteName::Intl => ED25519_BYTES,
            SuiteName::Gm => SM2_BYTES,
        };
        if bytes.len() == wanted {
            Ok(Self { suite, bytes })
        } else {
            Err(NotAPublicKey)
        }
    }

    /// Reads a file that holds one.
    ///
    /// # Errors
    /// The file cannot be read, or holds none.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let text = std::fs::read_to_string(path).map_err(KeyFileError::Unreadable)?;
        text.parse().map_err(KeyFileError::NotPublic)
    }

    /// The first 8 bytes of the SHA-256 of the public key, in hex; stands on every receipt. It is SHA-256 in every suite:
    /// a name, and no proof of anything.
    #[must_use]
    pub fn key_id(&self) -> String {
        let hash = Intl.hash(&self.bytes);
        hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The algorithm, by name.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        self.suite.provider().signature_algorithm()
    }

    /// Its bytes; may be published.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether bytes were signed with the private half.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.suite.provider().verify(&self.bytes, message, signature)
    }
}

impl FromStr for PublicKey {
    type Err = NotAPublicKey;

    /// `ALGORITHM HEX`, or the digits alone, whose number tells the algorithm.
    fn from_str(text: &str) -> Result<Self, NotAPublicKey> {
        let text = text.trim();
        if let Some((algorithm, hex)) = text.split_once([' ', ':']) {
            return Self::of(algorithm, hex);
        }
        let mut algorithms = SuiteName::ALL
            .into_iter()
            .map(|suite| suite.provider().signature_algorithm());
        algorithms
            .find_map(|algorithm| Self::of(algorithm, text).ok())
            .ok_or(NotAPublicKey)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.algorithm(), hex::encode(&self.bytes))
    }
}

/// The key that signs receipts and checkpoints.
pub struct ReceiptSigner {
    signer: Box<dyn Signer>,
    public: PublicKey,
    key_id: String,
    trusted: PublicKeys,
}

impl fmt::Debug for ReceiptSigner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ReceiptSigner(key {})", self.key_id)
    }
}

impl ReceiptSigner {
    /// The signer whose private key is made of this seed by the algorithm of a suite. Beside its own signatures those of
    /// the retired keys hold, and those that the same seed makes by the other algorithm.
    ///
    /// # Errors
    /// The seed makes no key.
    pub fn new(suite: SuiteName, seed: &Key, retired: Vec<PublicKey>) -> Result<Self, ReceiptKeyError> {
        let signer = |suite: SuiteName| suite.provider().signer(seed).map_err(ReceiptKeyError::Key);
        let public = |suite, signer: &dyn Signer| PublicKey {
            suite,
            bytes: signer.public_key().to_vec(),
        };
        let current = signer(suite)?;
        let mut trusted = PublicKeys::default();
        trusted.add(public(suite, &*current));
        retired.into_iter().for_each(|key| trusted.add(key));
        for other in SuiteName::ALL.into_iter().filter(|other| *other != suite) {
            trusted.add(public(other, &*signer(other)?));
        }
        let public = public(suite, &*current);
        Ok(Self {
            signer: current,
            key_id: public.key_id(),
            public,
            trusted,
        })
    }

    /// The name of the key, as it stands on every receipt.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The public key; may be published.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Every key whose signatures hold here, the current one first.
    #[must_use]
    pub const fn trusted(&self) -> &PublicKeys {
        &self.trusted
    }

    /// Signs the canonical bytes of a receipt.
    ///
    /// # Errors
    /// The library failed.
    pub fn sign(&self, canonical: &[u8]) -> Result<Vec<u8>, ReceiptKeyError> {
        self.signer.sign(canonical).map_err(ReceiptKeyError::Sign)
    }

    /// Signs, checks, and makes sure that other bytes do not pass.
    ///
    /// # Errors
    /// One of these did not hold.
    pub fn self_test(&self) -> Result<(), ReceiptKeyError> {
        let signature = self.sign(b"self-test")?;
        let holds =
            self.public.verify(b"self-test", &signature) && !self.public.verify(b"self-Test", &signature);
        if holds {
            Ok(())
        } else {
            Err(ReceiptKeyError::SelfTest)
        }
    }
}

/// Public keys that somebody trusts.
#[derive(Debug, Clone, Default)]
pub struct PublicKeys(Vec<PublicKey>);

impl PublicKeys {
    /// Trusts a key.
    pub fn add(&mut self, key: PublicKey) {
        if !self.0.contains(&key) {
            self.0.push(key);
        }
    }

    /// The keys, in the order in which they came to be trusted.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.iter()
    }

    /// The key of this name; `None`: it is not trusted.
    #[must_use]
    pub fn named(&self, key_id: &str) -> Option<&PublicKey> {
        self.iter().find(|key| key.key_id() == key_id)
    }
}

impl Signatures for PublicKeys {
    fn holds(&self, key_id: &str, message: &[u8], signature: &[u8]) -> bool {
        self.named(key_id)
            .is_some_and(|key| key.verify(message, signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Redacted;

    fn signer(suite: SuiteName, seed: u8) -> ReceiptSigner {
        ReceiptSigner::new(suite, &Redacted::new([seed; 32]), Vec::new()).unwrap()
    }

    #[test]
    fn a_signature_holds_for_its_bytes_and_key_alone() {
        for suite in SuiteName::ALL {
            let one = signer(suite, 1);
            let signature = one.sign(b"receipt").unwrap();
            let holds = |by: &ReceiptSigner, bytes: &[u8], signature: &[u8]| {
                by.trusted().holds(one.key_id(), bytes, signature)
            };
            assert!(holds(&one, b"receipt", &signature));
            assert!(!holds(&one, b"Receipt", &signature));
            assert!(!holds(&one, b"receipt", &signature[..63]));
            assert!(!holds(&signer(suite, 2), b"receipt", &signature));
            one.self_test().unwrap();
        }
    }

    #[test]
    fn a_retired_key_and_the_other_algorithm_of_the_seed_still_hold() {
        for (suite, other) in [(SuiteName::Intl, SuiteName::Gm), (SuiteName::Gm, SuiteName::Intl)] {
            let old = signer(suite, 1);
            let signature = old.sign(b"receipt").unwrap();
            let retired: PublicKey = old.public_key().to_string().parse().unwrap();
            let rotated = ReceiptSigner::new(other, &Redacted::new([2; 32]), vec![retired]).unwrap();
            assert!(rotated.trusted().holds(old.key_id(), b"receipt", &signature));
            assert!(
                signer(other, 1)
                    .trusted()
                    .holds(old.key_id(), b"receipt", &signature)
            );
            assert!(
                !signer(other, 2)
                    .trusted()
                    .holds(old.key_id(), b"receipt", &signature)
            );
            assert_eq!(rotated.trusted().iter().next(), Some(rotated.public_key()));
        }
    }

    #[test]
    fn a_public_key_tells_its_algorithm_and_an_unknown_one_is_none() {
        for suite in SuiteName::ALL {
            let key = signer(suite, 1).public_key().clone();
            assert_eq!(hex::encode(key.bytes()).parse::<PublicKey>().unwrap(), key);
            assert_eq!(key.to_string().parse::<PublicKey>().unwrap(), key);
            assert!(PublicKey::of("RSA", &hex::encode(key.bytes())).is_err());
            assert_eq!(key.key_id().len(), 16);
        }
        let ed25519 = hex::encode(signer(SuiteName::Intl, 1).public_key().bytes());
        assert!(PublicKey::of("SM2-SM3", &ed25519).is_err());
        assert!("none".parse::<PublicKey>().is_err());
    }
}
