//! The section `[auth]`: which tokens are accepted.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::fault::Faults;
use super::issuer::{self, IssuerConfig};

/// A revoked caller can do nothing any more after this time, on any replica, with Redis or without.
pub const REVOKED_WITHIN_MS: u64 = 60_000;

/// Which tokens are accepted.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthConfig {
    /// The claim `iss`; empty in demo mode: the demo issuer.
    pub issuer: String,
    /// The claim `aud`.
    pub audience: String,
    /// The issuer's public key, PEM (SPKI).
    pub public_key_file: PathBuf,
    /// The algorithm of that key; a token's own `alg` never chooses.
    pub algorithm: TokenAlgorithm,
    /// The header `kid`.
    pub key_id: String,
    /// The header `typ`.
    pub token_type: TokenType,
    /// Longest token.
    pub token_max_bytes: usize,
    /// Accepted difference of clocks, seconds.
    pub leeway_s: u16,
    /// The longest life of a token; a longer one is refused, so that it is known how long a revocation must be kept.
    pub lifetime_max_s: u32,
    /// How often the keys of issuers are fetched again.
    pub keys_refresh_s: u32,
    /// An issuer is asked at most once in this time, whatever tokens come.
    pub keys_cooldown_s: u32,
    /// How long known keys go on verifying while their issuer cannot be asked.
    pub keys_keep_s: u32,
    /// How often each replica reads the revocations.
    pub revocation_poll_ms: u64,
    /// More issuers.
    pub issuers: Vec<IssuerConfig>,
}

/// Signing algorithms; all are asymmetric, so that a public key can never pass as a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenAlgorithm {
    /// Ed25519.
    EdDSA,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, of keys of 2048 bits and more; for issuers that have no other.
    RS256,
}

/// Values of the header `typ`; explicit typing keeps other JWTs of the issuer out (RFC 8725 §3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenType {
    /// An access token (RFC 9068).
    #[serde(rename = "at+jwt")]
    AccessToken,
    /// Any JWT, for issuers that cannot write the former.
    #[serde(rename = "JWT")]
    Jwt,
}

impl AuthConfig {
    pub(super) fn check(&self, demo: bool, faults: &mut Faults) {
        if self.audience.is_empty() {
            faults.at(
                "auth.audience",
                "must not be empty: tokens for other services would be accepted",
            );
        }
        faults.within("auth.token_max_bytes", self.token_max_bytes, &(256..=65_536));
        faults.within("auth.leeway_s", self.leeway_s, &(0..=300));
        self.check_times(faults);
        issuer::check(&self.issuers, &self.issuer, demo, faults);
        let file_missing = self.public_key_file == Path::new("");
        if self.issuer.is_empty() {
            if !demo && self.issuers.is_empty() {
                faults.at(
                    "auth.issuer",
                    "must be set outside demo mode, or one of [[auth.issuers]]; `serve --demo` brings its own issuer",
                );
            }
            if !file_missing {
                faults.at(
                    "auth.public_key_file",
                    "is set without auth.issuer; set both or neither",
                );
            }
            return;
        }
        if file_missing {
            faults.at(
                "auth.public_key_file",
                "must name the issuer's public key (PEM) when auth.issuer is set",
            );
        } else if let Err(error) = std::fs::metadata(&self.public_key_file) {
            faults.at("auth.public_key_file", format_args!("cannot be read: {error}"));
        }
        if self.key_id.is_empty() {
            faults.at(
                "auth.key_id",
                "must be the `kid` of the issuer's tokens when auth.issuer is set",
            );
        }
    }

    fn check_times(&self, faults: &mut Faults) {
        faults.within("auth.lifetime_max_s", self.lifetime_max_s, &(60..=2_678_400));
        faults.within("auth.keys_cooldown_s", self.keys_cooldown_s, &(1..=300));
        faults.within("auth.keys_refresh_s", self.keys_refresh_s, &(1..=86_400));
        faults.within("auth.keys_keep_s", self.keys_keep_s, &(60..=604_800));
        faults.within("auth.revocation_poll_ms", self.revocation_poll_ms, &(50..=10_000));
        if self.keys_refresh_s > self.keys_keep_s {
            faults.at("auth.keys_refresh_s", "must not be longer than auth.keys_keep_s");
        }
    }
}
