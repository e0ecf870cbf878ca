//! The suite `intl`: AES-256-GCM, SHA-256, HMAC-SHA256 and Ed25519 by aws-lc-rs.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use super::{Cipher, CryptoError, HASH_BYTES, NONCE_BYTES, Signer, Suite, SuiteName, TAG_BYTES};
use crate::secret::key_file::Key;

/// The suite.
#[derive(Debug, Clone, Copy)]
pub struct Intl;

impl Suite for Intl {
    fn name(&self) -> SuiteName {
        SuiteName::Intl
    }

    fn signature_algorithm(&self) -> &'static str {
        "Ed25519"
    }

    fn hash(&self, bytes: &[u8]) -> [u8; HASH_BYTES] {
        whole(digest(&SHA256, bytes).as_ref())
    }

    fn mac(&self, key: &Key, bytes: &[u8]) -> [u8; HASH_BYTES] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
        whole(hmac::sign(&key, bytes).as_ref())
    }

    fn cipher(&self, key: &Key) -> Result<Box<dyn Cipher>, CryptoError> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, key.expose());
        Ok(Box::new(Aes(key.map_err(|_unspecified| CryptoError::Key)?)))
    }

    fn signer(&self, seed: &Key) -> Result<Box<dyn Signer>, CryptoError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose());
        Ok(Box::new(Ed25519(pair.map_err(|_rejected| CryptoError::Key)?)))
    }

    fn verify(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, public_key)
            .verify(message, signature)
            .is_ok()
    }
}

fn whole(bytes: &[u8]) -> [u8; HASH_BYTES] {
    let mut whole = [0; HASH_BYTES];
    whole.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    whole
}

struct Aes(RandomizedNonceKey);

impl Cipher for Aes {
    fn seal(&self, bound_to: &[u8], value: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut body = Vec::with_capacity(value.len() + TAG_BYTES);
        body.extend_from_slice(value);
        let nonce = self.0.seal_in_place_append_tag(Aad::from(bound_to), &mut body);
        let nonce = nonce.map_err(|_unspecified| CryptoError::Failed)?;
        Ok([nonce.as_ref().as_slice(), &body].concat())
    }

    fn open(&self, bound_to: &[u8], sealed: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let (nonce, body) = sealed
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(CryptoError::Refused)?;
        let mut body = body.to_vec();
        let opened = self.0.open_in_place(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(bound_to),
            &mut body,
        );
        let length = opened.map_err(|_unspecified| CryptoError::Refused)?.len();
        body.truncate(length);
        Ok(body)
    }
}

struct Ed25519(Ed25519KeyPair);

impl Signer for Ed25519 {
    fn public_key(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let signed = self.0.try_sign(message);
        Ok(signed
            .map_err(|_unspecified| CryptoError::Failed)?
            .as_ref()
            .to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Redacted;

    fn bytes(hex: &str) -> Vec<u8> {
        hex::decode(hex.replace(' ', "")).unwrap()
    }

    fn key(hex: &str) -> Key {
        Redacted::new(bytes(hex).try_into().unwrap())
    }

    #[test]
    fn fips_180_4_sha_256_of_abc() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex::encode(Intl.hash(b"abc")), expected);
    }

    #[test]
    fn rfc_8032_test_1() {
        let signer = Intl
            .signer(&key(
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            ))
            .unwrap();
        assert_eq!(
            hex::encode(signer.public_key()),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        );
        assert_eq!(
            hex::encode(signer.sign(b"").unwrap()),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        );
    }

    /// The GCM specification (McGrew and Viega), test case 16 is AES-256 with additional data.
    #[test]
    fn gcm_test_case_16() {
        let cipher = Intl
            .cipher(&key(
                "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            ))
            .unwrap();
        let sealed = bytes(
            "cafebabefacedbaddecaf888 522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662 76fc6ece0f4e1768cddf8853bb2d551b",
        );
        let opened = cipher
            .open(&bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2"), &sealed)
            .unwrap();
        assert_eq!(
            hex::encode(opened),
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
        );
    }

    #[test]
    fn rfc_4231_test_case_1_with_its_key_padded_as_hmac_pads_it() {
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        let mac = Intl.mac(&Redacted::new(key), b"Hi There");
        assert_eq!(
            hex::encode(mac),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
    }
}
