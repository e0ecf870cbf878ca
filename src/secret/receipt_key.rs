//! Signs receipts with Ed25519 and checks them.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use onedoor_domain::ledger::audit::Signatures;

use super::key_file::Key;

/// Bytes of a public key.
const PUBLIC_KEY_BYTES: usize = 32;
/// Bytes of a signature.
pub const SIGNATURE_BYTES: usize = 64;

/// Why the signing key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptKeyError {
    /// The seed makes no key.
    #[error("the receipt key cannot be used")]
    Key(#[source] KeyRejected),
    /// Signing failed.
    #[error("the receipt cannot be signed")]
    Sign(#[source] Unspecified),
    /// A signature of our own did not hold, or a false one did.
    #[error("the self-test of the receipt key failed")]
    SelfTest,
}

/// The key that signs receipts.
pub struct ReceiptSigner {
    pair: Ed25519KeyPair,
    key_id: String,
}

impl fmt::Debug for ReceiptSigner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ReceiptSigner(key {})", self.key_id)
    }
}

impl ReceiptSigner {
    /// The signer whose private key is this seed.
    ///
    /// # Errors
    /// The seed makes no key.
    pub fn new(seed: &Key) -> Result<Self, ReceiptKeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose()).map_err(ReceiptKeyError::Key)?;
        let key_id = key_id(pair.public_key().as_ref());
        Ok(Self { pair, key_id })
    }

    /// The first 8 bytes of the SHA-256 of the public key, in hex; stands on every receipt.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The public key, 32 raw bytes; may be published.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// Signs the canonical bytes of a receipt.
    ///
    /// # Errors
    /// The library failed.
    pub fn sign(&self, canonical: &[u8]) -> Result<Vec<u8>, ReceiptKeyError> {
        self.pair
            .try_sign(canonical)
            .map(|signature| signature.as_ref().to_vec())
            .map_err(ReceiptKeyError::Sign)
    }

    /// Whether these bytes were signed with this key.
    #[must_use]
    pub fn verify(&self, canonical: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.public_key())
            .verify(canonical, signature)
            .is_ok()
    }

    /// Signs, checks, and makes sure that other bytes do not pass.
    ///
    /// # Errors
    /// One of these did not hold.
    pub fn self_test(&self) -> Result<(), ReceiptKeyError> {
        let signature = self.sign(b"self-test")?;
        let holds = self.verify(b"self-test", &signature) && !self.verify(b"self-Test", &signature);
        if holds {
            Ok(())
        } else {
            Err(ReceiptKeyError::SelfTest)
        }
    }
}

/// Public keys that somebody trusts, by their identifiers.
#[derive(Debug, Clone, Default)]
pub struct PublicKeys(BTreeMap<String, Vec<u8>>);

impl PublicKeys {
    /// Trusts a key given as 64 hex digits; `None` when it is none.
    pub fn add(&mut self, hex: &str) -> Option<()> {
        let mut key = [0; PUBLIC_KEY_BYTES];
        hex::decode_to_slice(hex.trim(), &mut key).ok()?;
        self.0.insert(key_id(&key), key.to_vec());
        Some(())
    }
}

impl Signatures for PublicKeys {
    fn holds(&self, key_id: &str, message: &[u8], signature: &[u8]) -> bool {
        self.0.get(key_id).is_some_and(|key| {
            UnparsedPublicKey::new(&ED25519, key)
                .verify(message, signature)
                .is_ok()
        })
    }
}

/// The first 8 bytes of the SHA-256 of a public key, in hex.
fn key_id(public_key: &[u8]) -> String {
    let hash = digest(&SHA256, public_key);
    hash.as_ref()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Redacted;

    fn signer(seed: u8) -> ReceiptSigner {
        ReceiptSigner::new(&Redacted::new([seed; 32])).unwrap()
    }

    #[test]
    fn a_signature_holds_for_its_bytes_and_key_alone() {
        let signature = signer(1).sign(b"receipt").unwrap();
        assert_eq!(signature.len(), SIGNATURE_BYTES);
        assert!(signer(1).verify(b"receipt", &signature));
        assert!(!signer(1).verify(b"Receipt", &signature));
        assert!(!signer(2).verify(b"receipt", &signature));
        assert!(!signer(1).verify(b"receipt", &signature[..63]));
        signer(1).self_test().unwrap();
    }

    #[test]
    fn rfc_8032_test_1_and_the_key_id() {
        let seed = hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        let signer = ReceiptSigner::new(&Redacted::new(seed.try_into().unwrap())).unwrap();
        assert_eq!(
            hex::encode(signer.public_key()),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        );
        assert!(hex::encode(signer.sign(b"").unwrap()).starts_with("e5564300c360ac729086e2cc806e828a"));
        let hash = hex::encode(digest(&SHA256, signer.public_key()).as_ref());
        assert_eq!(hash.split_at(16).0, signer.key_id());
    }
}
