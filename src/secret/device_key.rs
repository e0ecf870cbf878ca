//! The public key of a kiosk, and what the device signs with its other half: compact JWS (RFC 7515) by Ed25519 or ES256.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Longest signed text that is looked at.
const SIGNED_MAX_BYTES: usize = 4_096;
/// Bytes of each coordinate.
const COORDINATE_BYTES: usize = 32;

/// Why a key or a signed text is not accepted. Never shows either.
#[derive(Debug, thiserror::Error)]
pub enum DeviceKeyError {
    /// No public key of a kind that is accepted, or one with its private half.
    #[error("not a public JWK of Ed25519 or P-256")]
    NotAKey,
    /// Longer than anything a device signs.
    #[error("the signed text is too long")]
    TooLong,
    /// The signature, its algorithm or its form is not right.
    #[error("the signed text cannot be verified")]
    Signature(#[from] jsonwebtoken::errors::Error),
    /// It was signed for another purpose.
    #[error("the signed text is of another type")]
    Type,
    /// The text names another key than the one it was signed with.
    #[error("the signed text names another key")]
    OtherKey,
}

/// A public key of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceKey {
    curve: Curve,
}

/// Coordinates in base64url, each of 32 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Curve {
    Ed25519 { x: String },
    P256 { x: String, y: String },
}

#[derive(Deserialize)]
struct RawJwk {
    kty: String,
    crv: String,
    x: String,
    y: Option<String>,
    #[serde(rename = "d")]
    private: Option<Value>,
}

impl DeviceKey {
    /// Reads a JWK (RFC 7517, RFC 8037); members beside the key itself are left out.
    ///
    /// # Errors
    /// [`DeviceKeyError::NotAKey`].
    pub fn from_jwk(jwk: &Value) -> Result<Self, DeviceKeyError> {
        let raw = RawJwk::deserialize(jwk)
            .ok()
            .filter(|raw| raw.private.is_none())
            .ok_or(DeviceKeyError::NotAKey)?;
        let coordinate = |text: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok();
            bytes
                .filter(|bytes| bytes.len() == COORDINATE_BYTES)
                .map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
                .ok_or(DeviceKeyError::NotAKey)
        };
        let curve = match (raw.kty.as_str(), raw.crv.as_str(), &raw.y) {
            ("OKP", "Ed25519", None) => Curve::Ed25519 {
                x: coordinate(&raw.x)?,
            },
            ("EC", "P-256", Some(y)) => Curve::P256 {
                x: coordinate(&raw.x)?,
                y: coordinate(y)?,
            },
            _ => return Err(DeviceKeyError::NotAKey),
        };
        Ok(Self { curve })
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// [`DeviceKeyError::NotAKey`].
    pub fn from_json(text: &str) -> Result<Self, DeviceKeyError> {
        let jwk = serde_json::from_str(text).ok().ok_or(DeviceKeyError::NotAKey)?;
        Self::from_jwk(&jwk)
    }

    /// The key as its thumbprint hashes it: required members only, in alphabetical order (RFC 7638 §3).
    #[must_use]
    pub fn to_json(&self) -> String {
        match &self.curve {
            Curve::Ed25519 { x } => json!({ "crv": "Ed25519", "kty": "OKP", "x": x }),
            Curve::P256 { x, y } => json!({ "crv": "P-256", "kty": "EC", "x": x, "y": y }),
        }
        .to_string()
    }

    /// SHA-256 thumbprint, base64url (RFC 7638).
    #[must_use]
    pub fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, self.to_json().as_bytes()))
    }

    /// Verifies a compact JWS and gives its payload. Times in it mean nothing: the clocks of devices are wrong.
    ///
    /// # Errors
    /// The signature does not fit this key, or the header's `typ` is another.
    pub fn verify<T: DeserializeOwned>(&self, signed: &str, typ: &str) -> Result<T, DeviceKeyError> {
        if signed.len() > SIGNED_MAX_BYTES {
            return Err(DeviceKeyError::TooLong);
        }
        let (algorithm, key) = match &self.curve {
            Curve::Ed25519 { x } => (Algorithm::EdDSA, DecodingKey::from_ed_components(x)?),
            Curve::P256 { x, y } => (Algorithm::ES256, DecodingKey::from_ec_components(x, y)?),
        };
        let mut validation = Validation::new(algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        let read = jsonwebtoken::decode::<T>(signed, &key, &validation)?;
        if read.header.typ.as_deref() != Some(typ) {
            return Err(DeviceKeyError::Type);
        }
        match read.header.jwk.map(serde_json::to_value) {
            None => Ok(read.claims),
            Some(Ok(named)) if Self::from_jwk(&named)? == *self => Ok(read.claims),
            Some(_) => Err(DeviceKeyError::OtherKey),
        }
    }
}

/// SHA-256 of a text in base64url, as `ath` of a proof has it (RFC 9449 §4.2).
#[must_use]
pub fn text_hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};

    use super::*;

    fn encode(bytes: impl AsRef<[u8]>) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn signed(header: &Value, payload: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
        let text = format!("{}.{}", encode(header.to_string()), encode(payload.to_string()));
        format!("{text}.{}", encode(sign(text.as_bytes())))
    }

    #[test]
    fn the_thumbprint_is_that_of_rfc_8037() {
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "ext": true });
        let key = DeviceKey::from_jwk(&jwk).unwrap();
        assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(DeviceKey::from_json(&key.to_json()).unwrap(), key);
    }

    #[test]
    fn a_private_key_a_wrong_curve_and_a_short_coordinate_are_no_keys() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        for jwk in [
            json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "d": x }),
            json!({ "kty": "OKP", "crv": "X25519", "x": x }),
            json!({ "kty": "EC", "crv": "P-256", "x": x }),
            json!({ "kty": "OKP", "crv": "Ed25519", "x": "AAAA" }),
            json!({ "kty": "oct", "k": x }),
            json!(7),
        ] {
            assert!(DeviceKey::from_jwk(&jwk).is_err(), "{jwk}");
        }
    }

    #[test]
    fn both_kinds_of_key_verify_their_own_and_nothing_else() {
        jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER
            .install_default()
            .ok();
        let random = SystemRandom::new();
        let ed = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let ed_jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(ed.public_key()) });
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = ec.public_key().as_ref();
        let ec_jwk =
            json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]) });
        let ed_sign = |text: &[u8]| ed.sign(text).as_ref().to_vec();
        let ec_sign = |text: &[u8]| ec.sign(&random, text).unwrap().as_ref().to_vec();
        let payload = json!({ "counter": 1 });
        let (ed_key, ec_key) = (
            DeviceKey::from_jwk(&ed_jwk).unwrap(),
            DeviceKey::from_jwk(&ec_jwk).unwrap(),
        );

        let by_ed = signed(
            &json!({ "typ": "t", "alg": "EdDSA", "jwk": ed_jwk }),
            &payload,
            ed_sign,
        );
        let by_ec = signed(&json!({ "typ": "t", "alg": "ES256" }), &payload, ec_sign);
        assert_eq!(ed_key.verify::<Value>(&by_ed, "t").unwrap(), payload);
        assert_eq!(ec_key.verify::<Value>(&by_ec, "t").unwrap(), payload);
        assert!(ec_key.verify::<Value>(&by_ed, "t").is_err());
        assert!(ed_key.verify::<Value>(&by_ec, "t").is_err());
        assert!(matches!(
            ed_key.verify::<Value>(&by_ed, "dpop+jwt"),
            Err(DeviceKeyError::Type)
        ));
        let other = signed(
            &json!({ "typ": "t", "alg": "EdDSA", "jwk": ec_jwk }),
            &payload,
            ed_sign,
        );
        assert!(matches!(
            ed_key.verify::<Value>(&other, "t"),
            Err(DeviceKeyError::OtherKey)
        ));
        let none = signed(&json!({ "typ": "t", "alg": "none" }), &payload, |_| Vec::new());
        assert!(ed_key.verify::<Value>(&none, "t").is_err());
    }
}
