//! Opens what kiosks seal to the gateway while they are offline: compact JWE (RFC 7516) by ECDH-ES on P-256 and A256GCM,
//! so that a browser can write it and whoever takes the device can read nothing.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::digest::{Context, Digest, SHA256, digest};
use aws_lc_rs::error::{KeyRejected, Unspecified};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::key_file::Key;

/// The one way of agreeing on a key (RFC 7518 §4.6).
const AGREEMENT: &str = "ECDH-ES";
/// The one cipher (RFC 7518 §5.3).
const CIPHER: &str = "A256GCM";
/// Bits of its key.
const KEY_BITS: u32 = 256;
const COORDINATE_BYTES: usize = 32;
/// First byte of a point that is written out.
const UNCOMPRESSED: u8 = 4;

/// Why something sealed cannot be opened. Never shows it.
#[derive(Debug, thiserror::Error)]
pub enum SealedInputError {
    /// The key file makes no key.
    #[error("the sealing key of kiosks is not valid")]
    Key(#[from] KeyRejected),
    /// The key has no public half.
    #[error("the sealing key of kiosks has no public half")]
    Public(#[from] Unspecified),
    /// Not five parts of base64url with the header that is asked for.
    #[error("not a compact JWE of ECDH-ES and A256GCM")]
    Form,
    /// Sealed to a key that is not here (any more).
    #[error("sealed to a key that is not configured")]
    UnknownKey,
    /// Altered, cut, or sealed otherwise.
    #[error("the sealed input does not open")]
    Refused(#[source] Unspecified),
}

/// A public key as devices are told it (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SealingJwk {
    kid: String,
    kty: &'static str,
    crv: &'static str,
    x: String,
    y: String,
    r#use: &'static str,
    alg: &'static str,
}

/// What was sealed, and by which device it says it was.
pub struct Opened {
    /// `apu` of the header: the device.
    pub device: String,
    /// The plain bytes.
    pub bytes: Vec<u8>,
}

/// The keys that kiosks seal to.
pub struct SealingKeys {
    current: SealingKey,
    retired: Vec<SealingKey>,
}

struct SealingKey {
    private: PrivateKey,
    jwk: SealingJwk,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    enc: String,
    kid: String,
    apu: String,
    #[serde(default)]
    apv: String,
    epk: EphemeralKey,
    /// Extensions that must be understood; none is.
    crit: Option<serde_json::Value>,
    /// Compression, which is not undone here.
    zip: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct EphemeralKey {
    kty: String,
    crv: String,
    x: String,
    y: String,
}

impl SealingKeys {
    /// The key that devices seal to from now on, and those that older queues may be sealed to.
    ///
    /// # Errors
    /// A file's bytes are no private key of P-256 (one in 2^32 is not).
    pub fn new(current: &Key, retired: &[Key]) -> Result<Self, SealedInputError> {
        Ok(Self {
            current: SealingKey::new(current)?,
            retired: retired.iter().map(SealingKey::new).collect::<Result<_, _>>()?,
        })
    }

    /// The public key that devices are to seal to.
    #[must_use]
    pub const fn public(&self) -> &SealingJwk {
        &self.current.jwk
    }

    /// Opens a compact JWE.
    ///
    /// # Errors
    /// It is none, or was sealed to another key, or was altered.
    pub fn open(&self, jwe: &str) -> Result<Opened, SealedInputError> {
        let parts: Vec<&str> = jwe.split('.').collect();
        let [protected, "", iv, text, tag] = parts.as_slice() else {
            return Err(SealedInputError::Form);
        };
        let header: Header = serde_json::from_slice(&decode(protected)?)
            .ok()
            .ok_or(SealedInputError::Form)?;
        let plain = header.crit.is_none() && header.zip.is_none();
        if header.alg != AGREEMENT || header.enc != CIPHER || !plain {
            return Err(SealedInputError::Form);
        }
        let key = std::iter::once(&self.current)
            .chain(&self.retired)
            .find(|key| key.jwk.kid == header.kid)
            .ok_or(SealedInputError::UnknownKey)?;
        let (apu, apv) = (decode(&header.apu)?, decode(&header.apv)?);
        let peer = UnparsedPublicKey::new(&ECDH_P256, header.epk.point()?);
        let derived = agree(
            &key.private,
            peer,
            SealedInputError::Refused(Unspecified),
            |shared| Ok(concat_kdf(shared, &apu, &apv)),
        )?;
        let nonce = Nonce::try_assume_unique_for_key(&decode(iv)?).map_err(SealedInputError::Refused)?;
        let cipher =
            LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &derived).map_err(SealedInputError::Refused)?);
        let mut bytes = decode(text)?;
        bytes.extend(decode(tag)?);
        let opened = cipher
            .open_in_place(nonce, Aad::from(protected.as_bytes()), &mut bytes)
            .map_err(SealedInputError::Refused)?
            .len();
        bytes.truncate(opened);
        Ok(Opened {
            device: String::from_utf8(apu).ok().ok_or(SealedInputError::Form)?,
            bytes,
        })
    }
}

impl SealingKey {
    fn new(key: &Key) -> Result<Self, SealedInputError> {
        let private = PrivateKey::from_private_key(&ECDH_P256, key.expose())?;
        let point = private.compute_public_key()?;
        let point = point.as_ref();
        let (x, y) = point
            .get(1..)
            .and_then(|both| both.split_at_checked(COORDINATE_BYTES))
            .ok_or(Unspecified)?;
        let jwk = SealingJwk {
            kid: hex::encode(digest(&SHA256, point).as_ref().get(..8).unwrap_or_default()),
            kty: "EC",
            crv: "P-256",
            x: URL_SAFE_NO_PAD.encode(x),
            y: URL_SAFE_NO_PAD.encode(y),
            r#use: "enc",
            alg: AGREEMENT,
        };
        Ok(Self { private, jwk })
    }
}

impl EphemeralKey {
    fn point(&self) -> Result<Vec<u8>, SealedInputError> {
        let (x, y) = (decode(&self.x)?, decode(&self.y)?);
        let fits = self.kty == "EC" && self.crv == "P-256";
        if !fits || x.len() != COORDINATE_BYTES || y.len() != COORDINATE_BYTES {
            return Err(SealedInputError::Form);
        }
        Ok([&[UNCOMPRESSED], x.as_slice(), y.as_slice()].concat())
    }
}

/// The one round of Concat KDF that 256 bits need (RFC 7518 §4.6.2, NIST SP 800-56A §5.8.1).
fn concat_kdf(shared: &[u8], apu: &[u8], apv: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    let round = concat_round(shared, &[CIPHER.as_bytes(), apu, apv], KEY_BITS);
    for (to, from) in key.iter_mut().zip(round.as_ref()) {
        *to = *from;
    }
    key
}

fn concat_round(shared: &[u8], parts: &[&[u8]], bits: u32) -> Digest {
    let mut context = Context::new(&SHA256);
    context.update(&1_u32.to_be_bytes());
    context.update(shared);
    for part in parts {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        context.update(&length.to_be_bytes());
        context.update(part);
    }
    context.update(&bits.to_be_bytes());
    context.finish()
}

fn decode(text: &str) -> Result<Vec<u8>, SealedInputError> {
    URL_SAFE_NO_PAD.decode(text).ok().ok_or(SealedInputError::Form)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Redacted;

    fn key(first: u8) -> Key {
        Redacted::new(core::array::from_fn(|at| first ^ u8::try_from(at * 5).unwrap()))
    }

    /// Seals as a device does.
    fn seal(to: &SealingJwk, device: &str, text: &[u8]) -> String {
        let mine = PrivateKey::generate(&ECDH_P256).unwrap();
        let point = mine.compute_public_key().unwrap();
        let (x, y) = point.as_ref()[1..].split_at(32);
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let header = serde_json::json!({
            "alg": "ECDH-ES", "enc": "A256GCM", "kid": to.kid, "apu": encode(device.as_bytes()),
            "epk": { "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) },
        });
        let protected = encode(header.to_string().as_bytes());
        let theirs = [vec![4], decode(&to.x).unwrap(), decode(&to.y).unwrap()].concat();
        let peer = UnparsedPublicKey::new(&ECDH_P256, theirs);
        let derived = agree(&mine, peer, (), |shared| {
            Ok(concat_kdf(shared, device.as_bytes(), b""))
        })
        .unwrap();
        let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &derived).unwrap());
        let mut bytes = text.to_vec();
        let nonce = Nonce::assume_unique_for_key([9; 12]);
        let tag = cipher
            .seal_in_place_separate_tag(nonce, Aad::from(protected.as_bytes()), &mut bytes)
            .unwrap();
        format!(
            "{protected}..{}.{}.{}",
            encode(&[9; 12]),
            encode(&bytes),
            encode(tag.as_ref())
        )
    }

    #[test]
    fn what_a_device_seals_opens_with_its_name_also_under_a_retired_key() {
        let old = SealingKeys::new(&key(1), &[]).unwrap();
        let sealed = seal(old.public(), "kiosk_1", "裘稻香".as_bytes());
        for keys in [&old, &SealingKeys::new(&key(2), &[key(1)]).unwrap()] {
            let opened = keys.open(&sealed).unwrap();
            assert_eq!(
                (opened.device.as_str(), opened.bytes.as_slice()),
                ("kiosk_1", "裘稻香".as_bytes())
            );
        }
        let other = SealingKeys::new(&key(2), &[]).unwrap();
        assert!(matches!(other.open(&sealed), Err(SealedInputError::UnknownKey)));
    }

    #[test]
    fn nothing_altered_opens() {
        let keys = SealingKeys::new(&key(1), &[]).unwrap();
        let sealed = seal(keys.public(), "kiosk_1", b"text");
        for at in 0..sealed.len() {
            let mut altered = sealed.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            assert!(
                keys.open(&String::from_utf8(altered).unwrap()).is_err(),
                "byte {at}"
            );
        }
        for bad in ["", "a.b.c.d.e", "....", sealed.get(..sealed.len() - 4).unwrap()] {
            assert!(keys.open(bad).is_err());
        }
    }

    #[test]
    fn the_derivation_is_that_of_rfc_7518() {
        // Appendix C
        let shared = [
            158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49, 110, 163,
            218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196_u8,
        ];
        let derived = concat_round(&shared, &[b"A128GCM", b"Alice", b"Bob"], 128);
        assert_eq!(
            URL_SAFE_NO_PAD.encode(&derived.as_ref()[..16]),
            "VqqN6vgjbSBcIijNcacQGg"
        );
    }
}
