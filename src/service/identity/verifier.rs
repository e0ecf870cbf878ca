//! Verifies a token against one key record (RFC 8725): the record decides, the token only says.
//!
//! The algorithm, `kid` and `typ` are fixed by the record; `jku`, `x5u`, `jwk` and `x5c` make a token refused, not
//! followed. `exp`, `nbf`, `iss`, `aud` and `sub` are required; times are compared with our own clock, so tests hold
//! it. `typ` is `at+jwt` (RFC 9068) by default, because a plain `JWT` of the same issuer may be an identity token.

use std::path::{Path, PathBuf};

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::crypto::{self, aws_lc};
use jsonwebtoken::errors::{Error as JwtError, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};

use super::claims::{Claims, RawClaims};
use crate::config::auth::{AuthConfig, TokenAlgorithm, TokenType};

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $reason:literal;)*) => {
        /// Why a token is refused. For the log and the metric: the caller only learns that it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum TokenRefusal { $($(#[$doc])* $name,)* }

        impl TokenRefusal {
            /// The reason as a metric's label.
            #[must_use]
            pub const fn reason(self) -> &'static str {
                match self { $(Self::$name => $reason,)* }
            }
        }
    };
}

refusals! {
    /// The header is not `Bearer <token>`.
    NotBearer = "not_bearer";
    /// Longer than the limit.
    TooLong = "too_long";
    /// Not three parts, not base64url, not JSON, or an unknown algorithm.
    Malformed = "malformed";
    /// Another algorithm than the key's.
    Algorithm = "algorithm";
    /// Another `kid`, or none.
    KeyId = "key_id";
    /// Another `typ`, or none.
    Type = "type";
    /// A header that we do not honour: a key in or behind the token, or `crit`.
    Header = "header";
    /// Not signed with this key.
    Signature = "signature";
    /// A required claim is missing or of another type.
    Claims = "claims";
    /// Another issuer.
    Issuer = "issuer";
    /// For another service.
    Audience = "audience";
    /// Ended.
    Expired = "expired";
    /// Not valid yet.
    NotYetValid = "not_yet_valid";
    /// The subject is empty, too long or holds control characters.
    Subject = "subject";
    /// A role that we do not know.
    UnknownRole = "unknown_role";
    /// The role needs an organization.
    MissingOrganization = "missing_organization";
    /// The role needs a division.
    MissingDivision = "missing_division";
    /// No organization has this code.
    UnknownOrganization = "unknown_organization";
    /// No division has this code.
    UnknownDivision = "unknown_division";
}

impl std::fmt::Display for TokenRefusal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "the token is refused: {}", self.reason())
    }
}

impl std::error::Error for TokenRefusal {}

/// Why the verifier cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum VerifierError {
    /// The key file cannot be read.
    #[error("the token key {path} cannot be read", path = .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// The key is not a public key of the algorithm.
    #[error("the token key {path} is not a public key for auth.algorithm", path = .0.display())]
    Key(PathBuf, #[source] JwtError),
    /// No key for the self-test.
    #[error("no key can be generated")]
    Generate(#[source] Unspecified),
    /// The signature library does not do what it must.
    #[error("the self-test of token signatures failed")]
    SelfTest,
}

/// What an accepted token must be.
pub struct KeyRecord {
    /// The key.
    pub key: DecodingKey,
    /// Its algorithm.
    pub algorithm: TokenAlgorithm,
    /// Its `kid`.
    pub key_id: String,
    /// The issuer it belongs to.
    pub issuer: String,
}

/// Verifies tokens of one issuer with one key.
pub struct TokenVerifier {
    record: KeyRecord,
    audience: String,
    token_type: TokenType,
    token_max_bytes: usize,
    leeway: TimeDelta,
    validation: Validation,
}

impl TokenVerifier {
    /// The verifier of the configured issuer's key file.
    ///
    /// # Errors
    /// The file cannot be read, or is not a public key of the algorithm.
    pub fn from_key_file(auth: &AuthConfig) -> Result<Self, VerifierError> {
        let path = &auth.public_key_file;
        let pem = std::fs::read(path).map_err(|error| VerifierError::Unreadable(path.clone(), error))?;
        let key = public_key(path, &pem, auth.algorithm)?;
        let (issuer, key_id) = (auth.issuer.clone(), auth.key_id.clone());
        Ok(Self::new(
            auth,
            KeyRecord {
                key,
                algorithm: auth.algorithm,
                key_id,
                issuer,
            },
        ))
    }

    /// The verifier of a key record.
    #[must_use]
    pub fn new(auth: &AuthConfig, record: KeyRecord) -> Self {
        let mut validation = Validation::new(algorithm(record.algorithm));
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.set_issuer(&[&record.issuer]);
        validation.set_audience(&[&auth.audience]);
        // The library would ask the machine's clock; ours is asked below.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self {
            record,
            audience: auth.audience.clone(),
            token_type: auth.token_type,
            token_max_bytes: auth.token_max_bytes,
            leeway: TimeDelta::seconds(i64::from(auth.leeway_s)),
            validation,
        }
    }

    /// The claims of a good token.
    ///
    /// # Errors
    /// The first reason to refuse it.
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Claims, TokenRefusal> {
        if token.len() > self.token_max_bytes {
            return Err(TokenRefusal::TooLong);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|error| refusal_of(&error))?;
        self.check_header(&header)?;
        let decoded = jsonwebtoken::decode::<RawClaims>(token, &self.record.key, &self.validation);
        let data = decoded.map_err(|error| {
            let refusal = refusal_of(&error);
            // The header was read before, so what cannot be read now is a claim.
            if refusal == TokenRefusal::Malformed {
                TokenRefusal::Claims
            } else {
                refusal
            }
        })?;
        let claims = data.claims;
        // Compared once more, because the library lets a list of issuers pass when one of them fits.
        if claims.iss != self.record.issuer {
            return Err(TokenRefusal::Issuer);
        }
        if !claims.aud.includes(&self.audience) {
            return Err(TokenRefusal::Audience);
        }
        let instant = |seconds| DateTime::from_timestamp(seconds, 0).ok_or(TokenRefusal::Claims);
        let (expires_at, begins_at) = (instant(claims.exp)?, instant(claims.nbf)?);
        if expires_at <= now - self.leeway {
            return Err(TokenRefusal::Expired);
        }
        if begins_at > now + self.leeway {
            return Err(TokenRefusal::NotYetValid);
        }
        Claims::parse(claims, expires_at)
    }

    fn check_header(&self, header: &Header) -> Result<(), TokenRefusal> {
        if header.alg != algorithm(self.record.algorithm) {
            return Err(TokenRefusal::Algorithm);
        }
        if header.kid.as_deref() != Some(self.record.key_id.as_str()) {
            return Err(TokenRefusal::KeyId);
        }
        let brings_key = header.jku.is_some()
            || header.jwk.is_some()
            || header.x5u.is_some()
            || header.x5c.is_some()
            || header.crit.is_some()
            || header.enc.is_some()
            || header.zip.is_some();
        if brings_key {
            return Err(TokenRefusal::Header);
        }
        let said = header.typ.as_deref().unwrap_or_default();
        let said = said.strip_prefix("application/").unwrap_or(said);
        let wanted = match self.token_type {
            TokenType::AccessToken => ACCESS_TOKEN,
            TokenType::Jwt => PLAIN_JWT,
        };
        if said.eq_ignore_ascii_case(wanted) {
            Ok(())
        } else {
            Err(TokenRefusal::Type)
        }
    }
}

pub(super) const ACCESS_TOKEN: &str = "at+jwt";
pub(super) const PLAIN_JWT: &str = "JWT";

/// Names the signature library's back end for the whole process; without one it panics at first use. Call it first
/// thing in `main`. Later calls change nothing.
pub fn install_crypto() {
    // An error only says that another call was first, and there is only this one back end.
    aws_lc::DEFAULT_PROVIDER.install_default().ok();
}

/// Makes sure that the named back end is there and tells a good signature from a bad one.
///
/// # Errors
/// It does not.
pub fn self_test() -> Result<(), VerifierError> {
    let pair = Ed25519KeyPair::generate().map_err(VerifierError::Generate)?;
    let private = pair.to_pkcs8().map_err(VerifierError::Generate)?;
    let (private, public) = (
        EncodingKey::from_ed_der(private.as_ref()),
        DecodingKey::from_ed_der(pair.public_key().as_ref()),
    );
    let signed = crypto::sign(b"self-test", &private, Algorithm::EdDSA);
    let holds = signed.is_ok_and(|signature| {
        let check = |message: &[u8]| crypto::verify(&signature, message, &public, Algorithm::EdDSA);
        matches!((check(b"self-test"), check(b"self-Test")), (Ok(true), Ok(false)))
    });
    if holds {
        Ok(())
    } else {
        Err(VerifierError::SelfTest)
    }
}

pub(super) const fn algorithm(of: TokenAlgorithm) -> Algorithm {
    match of {
        TokenAlgorithm::EdDSA => Algorithm::EdDSA,
        TokenAlgorithm::ES256 => Algorithm::ES256,
    }
}

fn public_key(path: &Path, pem: &[u8], algorithm: TokenAlgorithm) -> Result<DecodingKey, VerifierError> {
    match algorithm {
        TokenAlgorithm::EdDSA => DecodingKey::from_ed_pem(pem),
        TokenAlgorithm::ES256 => DecodingKey::from_ec_pem(pem),
    }
    .map_err(|error| VerifierError::Key(path.to_owned(), error))
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's list of kinds is open"
)]
fn refusal_of(error: &JwtError) -> TokenRefusal {
    match error.kind() {
        ErrorKind::InvalidSignature => TokenRefusal::Signature,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidKeyFormat => TokenRefusal::Algorithm,
        ErrorKind::InvalidIssuer => TokenRefusal::Issuer,
        ErrorKind::InvalidAudience => TokenRefusal::Audience,
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) => TokenRefusal::Claims,
        _ => TokenRefusal::Malformed,
    }
}
