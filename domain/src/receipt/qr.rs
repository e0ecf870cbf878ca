//! What the QR code of a receipt holds: its address, and behind `#` what proves it without asking anybody.
//!
//! `{address}#1.{key id}.{SHA-256 of the signed bytes}.{signature}`, the last two in base64url without padding. Browsers
//! send nothing behind `#` to a server. A checker that has the receipt compares the hash and verifies the signature with
//! a public key it holds; whoever has the code alone asks `verifyReceipt`, which compares both with what was issued.
//! Nothing of it says anything about a person.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::SignedReceipt;
use crate::canonical::CanonicalError;
use crate::digest::Digest;
use crate::id::ReceiptId;

/// Version of the part behind `#`.
const VERSION: &str = "1";

/// What was read from a QR code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QrPayload {
    /// Key of the receipt.
    pub receipt: ReceiptId,
    /// Key that signed it.
    pub key_id: String,
    /// SHA-256 of the signed bytes.
    pub hash: Digest,
    /// The signature's bytes.
    pub signature: Vec<u8>,
}

/// The text for the QR code of a receipt.
///
/// # Errors
/// The body has no canonical form, which is a bug.
pub fn qr_payload(signed: &SignedReceipt) -> Result<String, CanonicalError> {
    let hash = Digest::of(&signed.body.canonical_bytes()?);
    let signature = STANDARD.decode(&signed.signature).unwrap_or_default();
    Ok(format!(
        "{}#{VERSION}.{}.{}.{}",
        signed.body.contact.verify_url,
        signed.key_id,
        URL_SAFE_NO_PAD.encode(hash.as_bytes()),
        URL_SAFE_NO_PAD.encode(signature),
    ))
}

impl QrPayload {
    /// Reads a scanned text; `None` when it is none of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, proof) = text.trim().split_once('#')?;
        let (_, receipt) = address.rsplit_once('/')?;
        let mut parts = proof.split('.');
        let (version, key_id, hash, signature) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if version != VERSION || parts.next().is_some() {
            return None;
        }
        Some(Self {
            receipt: receipt.parse().ok()?,
            key_id: key_id.to_owned(),
            hash: Digest::from_column(&URL_SAFE_NO_PAD.decode(hash).ok()?).ok()?,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Whether it was made of this receipt: of exactly these bytes, this key and this signature.
    #[must_use]
    pub fn is_of(&self, canonical: &[u8], key_id: &str, signature: &[u8]) -> bool {
        self.hash == Digest::of(canonical) && self.key_id == key_id && self.signature == signature
    }
}
