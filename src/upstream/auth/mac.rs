//! HMAC signatures over our requests, in the canonical form of the system that checks them.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::secret::Redacted;
use crate::upstream::config::auth::{EpochUnit, MacConfig, MacHash, TagEncoding};

/// What a signature is over, as it goes over the wire.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// Method.
    pub method: &'a str,
    /// Path, percent-encoded.
    pub path: &'a str,
    /// Query, percent-encoded; empty when there is none.
    pub query: &'a str,
    /// Body.
    pub body: &'a [u8],
}

/// Signs requests.
pub struct RequestMac {
    config: MacConfig,
    key: hmac::Key,
}

impl std::fmt::Debug for RequestMac {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("RequestMac(***)")
    }
}

impl RequestMac {
    /// A signer with its secret.
    #[must_use]
    pub fn new(config: MacConfig, secret: &Redacted<String>) -> Self {
        let algorithm = match config.algorithm {
            MacHash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            MacHash::Sha256 => hmac::HMAC_SHA256,
            MacHash::Sha512 => hmac::HMAC_SHA512,
        };
        let key = hmac::Key::new(algorithm, secret.expose().as_bytes());
        Self { config, key }
    }

    /// The headers of one request; `key` is the idempotency key.
    #[must_use]
    pub fn headers(&self, signed: Signed<'_>, key: &str, now: DateTime<Utc>) -> Vec<(String, String)> {
        self.headers_with(signed, key, now, &Uuid::now_v7().simple().to_string())
    }

    fn headers_with(
        &self,
        signed: Signed<'_>,
        key: &str,
        now: DateTime<Utc>,
        nonce: &str,
    ) -> Vec<(String, String)> {
        let config = &self.config;
        let timestamp = match config.timestamp_unit {
            EpochUnit::S => now.timestamp(),
            EpochUnit::Ms => now.timestamp_millis(),
        }
        .to_string();
        let body_sha256 = hex::encode(Sha256::digest(signed.body));
        let canonical = filled(&config.canonical, |part| match part {
            "method" => signed.method.as_bytes(),
            "path" => signed.path.as_bytes(),
            "query" => signed.query.as_bytes(),
            "timestamp" => timestamp.as_bytes(),
            "nonce" => nonce.as_bytes(),
            "key_id" => config.key_id.as_bytes(),
            "key" => key.as_bytes(),
            "body" => signed.body,
            "body_sha256" => body_sha256.as_bytes(),
            _ => &[],
        });
        let tag = hmac::sign(&self.key, &canonical);
        let tag = match config.encoding {
            TagEncoding::Hex => hex::encode(tag),
            TagEncoding::Base64 => STANDARD.encode(tag),
        };
        let mut headers = vec![(config.header.clone(), format!("{}{tag}", config.prefix))];
        for (header, value) in [
            (&config.key_id_header, config.key_id.as_str()),
            (&config.timestamp_header, timestamp.as_str()),
            (&config.nonce_header, nonce),
        ] {
            headers.extend(header.clone().map(|header| (header, value.to_owned())));
        }
        headers
    }
}

/// The names within `{…}` of a canonical string.
#[must_use]
pub fn parts(canonical: &str) -> Vec<&str> {
    canonical
        .split('{')
        .skip(1)
        .filter_map(|piece| piece.split_once('}').map(|(name, _)| name))
        .collect()
}

/// A canonical string with its parts put in; a value is never read as a part.
fn filled<'a>(canonical: &str, value: impl Fn(&str) -> &'a [u8]) -> Vec<u8> {
    let mut pieces = canonical.split('{');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        match piece.split_once('}') {
            Some((name, rest)) => {
                bytes.extend_from_slice(value(name));
                bytes.extend_from_slice(rest.as_bytes());
            }
            None => bytes.extend_from_slice(piece.as_bytes()),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::config::SecretRef;

    fn config(canonical: &str) -> MacConfig {
        MacConfig {
            secret: SecretRef::Env("A".to_owned()),
            algorithm: MacHash::Sha256,
            encoding: TagEncoding::Hex,
            header: "x-sign".to_owned(),
            prefix: "HMAC ".to_owned(),
            key_id: "app".to_owned(),
            key_id_header: Some("x-app".to_owned()),
            timestamp_header: Some("x-time".to_owned()),
            timestamp_unit: EpochUnit::Ms,
            nonce_header: None,
            canonical: canonical.to_owned(),
        }
    }

    #[test]
    fn the_tag_is_the_one_of_rfc_4231_and_the_headers_say_what_was_signed() {
        // RFC 4231, test case 2: key "Jefe", data "what do ya want for nothing?"
        let mac = RequestMac::new(config("{method} {body}"), &Redacted::new("Jefe".to_owned()));
        let signed = Signed {
            method: "what",
            path: "/",
            query: "",
            body: b"do ya want for nothing?",
        };
        let headers = mac.headers_with(signed, "k", DateTime::UNIX_EPOCH, "n");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            headers,
            [
                pair(
                    "x-sign",
                    "HMAC 5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
                ),
                pair("x-app", "app"),
                pair("x-time", "0"),
            ]
        );
    }

    #[test]
    fn a_value_is_never_read_as_a_part() {
        let bytes = filled("{path}|{body}|{}|x}", |part| {
            if part == "path" { b"{body}" } else { b"B" }
        });
        assert_eq!(String::from_utf8(bytes).unwrap(), "{body}|B|B|x}");
        assert_eq!(parts("{path}|{body}|{"), ["path", "body"]);
    }
}
