//! The suite `gm` (国密): SM4-GCM, SM3, HMAC-SM3 and SM2 with SM3 by the crates of RustCrypto.
//!
//! A key is 32 bytes in every suite; SM4 takes the first 16 of them. SM2 reads its seed as the private number.

use aes_gcm::AesGcm;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use hmac::{Hmac, Mac as _};
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use sm2::dsa::signature::{Signer as _, Verifier as _};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use sm3::{Digest as _, Sm3};
use sm4::Sm4;

use super::{Cipher, CryptoError, HASH_BYTES, NONCE_BYTES, Signer, Suite, SuiteName};
use crate::secret::key_file::Key;

/// The user identifier that goes into the hash that SM2 signs, where parties agreed on no other (GM/T 0009-2012 §10).
pub const USER_ID: &str = "1234567812345678";

const SM4_KEY_BYTES: usize = 16;

/// The suite.
#[derive(Debug, Clone, Copy)]
pub struct Gm;

impl Suite for Gm {
    fn name(&self) -> SuiteName {
        SuiteName::Gm
    }

    fn signature_algorithm(&self) -> &'static str {
        "SM2-SM3"
    }

    fn hash(&self, bytes: &[u8]) -> [u8; HASH_BYTES] {
        Sm3::digest(bytes).into()
    }

    fn mac(&self, key: &Key, bytes: &[u8]) -> [u8; HASH_BYTES] {
        let Ok(mut mac) = <Hmac<Sm3> as hmac::Mac>::new_from_slice(key.expose()) else {
            // HMAC takes keys of every length
            return [0; HASH_BYTES];
        };
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }

    fn cipher(&self, key: &Key) -> Result<Box<dyn Cipher>, CryptoError> {
        let (key, _unused) = key
            .expose()
            .split_first_chunk::<SM4_KEY_BYTES>()
            .ok_or(CryptoError::Key)?;
        Ok(Box::new(Sm4Gcm(AesGcm::new(key.into()))))
    }

    fn signer(&self, seed: &Key) -> Result<Box<dyn Signer>, CryptoError> {
        let key = SigningKey::from_slice(USER_ID, seed.expose()).map_err(|_rejected| CryptoError::Key)?;
        Ok(Box::new(Sm2 {
            public_key: key.verifying_key().to_sec1_bytes().into_vec(),
            key,
        }))
    }

    fn verify(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        let (Ok(key), Ok(signature)) = (
            VerifyingKey::from_sec1_bytes(USER_ID, public_key),
            Signature::from_slice(signature),
        ) else {
            return false;
        };
        key.verify(message, &signature).is_ok()
    }
}

/// GCM is the same mode over either cipher; the type is called after the first.
struct Sm4Gcm(AesGcm<Sm4, U12>);

impl Sm4Gcm {
    fn seal_with(
        &self,
        nonce: [u8; NONCE_BYTES],
        bound_to: &[u8],
        value: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let payload = Payload {
            msg: value,
            aad: bound_to,
        };
        let body = self.0.encrypt(&nonce.into(), payload);
        let body = body.map_err(|_opaque| CryptoError::Failed)?;
        Ok([nonce.as_slice(), &body].concat())
    }
}

impl Cipher for Sm4Gcm {
    fn seal(&self, bound_to: &[u8], value: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut nonce = [0; NONCE_BYTES];
        OsRng
            .try_fill_bytes(&mut nonce)
            .map_err(|_no_randomness| CryptoError::Failed)?;
        self.seal_with(nonce, bound_to, value)
    }

    fn open(&self, bound_to: &[u8], sealed: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let (nonce, body) = sealed
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(CryptoError::Refused)?;
        let payload = Payload {
            msg: body,
            aad: bound_to,
        };
        self.0
            .decrypt(nonce.into(), payload)
            .map_err(|_opaque| CryptoError::Refused)
    }
}

struct Sm2 {
    key: SigningKey,
    public_key: Vec<u8>,
}

impl Signer for Sm2 {
    fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let signature = self.key.try_sign(message);
        Ok(signature.map_err(|_opaque| CryptoError::Failed)?.to_vec())
    }
}

#[cfg(test)]
mod tests;
