//! The section `[auth]`: which tokens are accepted.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::fault::Faults;

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
}

/// Signing algorithms; both are asymmetric, so that a public key can never pass as a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenAlgorithm {
    /// Ed25519.
    EdDSA,
    /// ECDSA on P-256 with SHA-256.
    ES256,
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
        let file_missing = self.public_key_file == Path::new("");
        if self.issuer.is_empty() {
            if !demo {
                faults.at(
                    "auth.issuer",
                    "must be set outside demo mode; `serve --demo` brings its own issuer",
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
}
