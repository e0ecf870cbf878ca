//! Verifies a token by the rules of its issuer (RFC 8725): the rules decide, the token only says.
//!
//! The algorithm and `typ` are fixed by the rules, and `kid` names one of the issuer's keys; `jku`, `x5u`, `jwk` and `x5c` make a token refused, not
//! followed. `exp`, `nbf`, `iss`, `aud` and `sub` are required; times are compared with our own clock, so tests hold
//! it. `typ` is `at+jwt` (RFC 9068) by default, because a plain `JWT` of the same issuer may be an identity token.

use std::path::{Path, PathBuf};

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::crypto::{self, aws_lc};
use jsonwebtoken::errors::{Error as JwtError, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::Value;

use crate::config::auth::{TokenAlgorithm, TokenType};
use crate::config::issuer::ValidFrom;

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
    /// A `kid` of none of the issuer's keys, or none.
    KeyId = "key_id";
    /// Another `typ`, or none.
    Type = "type";
    /// A header that we do not honour: a key in or behind the token, or `crit`.
    Header = "header";
    /// Not signed with the key it names.
    Signature = "signature";
    /// A required claim is missing or of another type.
    Claims = "claims";
    /// No issuer of ours.
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
    /// It would live longer than a token may.
    Lifetime = "lifetime";
    /// Made for another sign-in.
    Nonce = "nonce";
    /// It carries more than one role.
    SeveralRoles = "several_roles";
    /// A role that its issuer may not give.
    RoleNotAllowed = "role_not_allowed";
    /// An administrator who did not sign in as administrators must.
    WeakSignIn = "weak_sign_in";
    /// It was revoked, or its bearer.
    Revoked = "revoked";
    /// The session is unknown or over.
    Session = "session";
    /// The role needs an organization.
    MissingOrganization = "missing_organization";
    /// The role needs a division.
    MissingDivision = "missing_division";
    /// No organization has this code.
    UnknownOrganization = "unknown_organization";
    /// No division has this code.
    UnknownDivision = "unknown_division";
    /// A kiosk came with a plain bearer token where devices prove their keys.
    WithoutKey = "without_key";
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

/// What an accepted token of an issuer must be, whichever of its keys signed it.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The claim `iss`.
    pub issuer: String,
    /// The claim `aud` of access tokens.
    pub audience: String,
    /// The algorithm of its keys.
    pub algorithm: TokenAlgorithm,
    /// The header `typ` of access tokens.
    pub token_type: TokenType,
    /// The claim that says from when an access token is good.
    pub valid_from: ValidFrom,
    /// Accepted difference of clocks.
    pub leeway: TimeDelta,
    /// The longest life of an access token.
    pub lifetime_max: TimeDelta,
}

/// Which kind of token is expected; one never passes for the other.
#[derive(Debug, Clone, Copy)]
pub enum Kind<'a> {
    /// An access token (RFC 9068).
    Access,
    /// The identity token of a sign-in (OpenID Connect Core 1.0, 3.1.3.7).
    Identity {
        /// Our client, which it must be for.
        client_id: &'a str,
        /// The nonce of this sign-in.
        nonce: &'a str,
    },
}

/// A token whose signature and common claims are good.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// The claim `sub`, as the issuer wrote it.
    pub subject: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When it was made: `iat`, else from when it is good.
    pub issued_at: DateTime<Utc>,
    /// The claim `jti`.
    pub token_id: Option<String>,
    /// All claims.
    pub claims: Value,
}

impl Rules {
    /// The common claims of a good token.
    ///
    /// # Errors
    /// The first reason to refuse it.
    pub fn verify(
        &self,
        token: &str,
        key: &DecodingKey,
        kind: Kind<'_>,
        now: DateTime<Utc>,
    ) -> Result<Verified, TokenRefusal> {
        let audience = match kind {
            Kind::Access => &self.audience,
            Kind::Identity { client_id, .. } => client_id,
        };
        let mut validation = Validation::new(algorithm(self.algorithm));
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[audience]);
        // The library would ask the machine's clock; ours is asked below.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let decoded = jsonwebtoken::decode::<Value>(token, key, &validation);
        let claims = decoded.map_err(|error| after_header(&error))?.claims;
        // Compared once more, because the library lets a list of issuers pass when one of them fits.
        if text(&claims, "iss")? != self.issuer {
            return Err(TokenRefusal::Issuer);
        }
        let audiences = audiences(&claims)?;
        if !audiences.contains(&audience) {
            return Err(TokenRefusal::Audience);
        }
        let expires_at = instant(&claims, "exp")?.ok_or(TokenRefusal::Claims)?;
        let (issued_at, not_before) = (instant(&claims, "iat")?, instant(&claims, "nbf")?);
        let valid_from = match (kind, self.valid_from) {
            (Kind::Access, ValidFrom::Nbf) => not_before,
            (Kind::Access, ValidFrom::Iat) | (Kind::Identity { .. }, _) => not_before.max(issued_at),
        };
        let valid_from = valid_from.ok_or(TokenRefusal::Claims)?;
        if expires_at <= now - self.leeway {
            return Err(TokenRefusal::Expired);
        }
        if valid_from > now + self.leeway {
            return Err(TokenRefusal::NotYetValid);
        }
        match kind {
            Kind::Access if expires_at > now + self.lifetime_max + self.leeway => {
                return Err(TokenRefusal::Lifetime);
            }
            Kind::Access => {}
            Kind::Identity { client_id, nonce } => {
                check_party(&claims, client_id, audiences.len())?;
                if text(&claims, "nonce")? != nonce {
                    return Err(TokenRefusal::Nonce);
                }
            }
        }
        Ok(Verified {
            subject: text(&claims, "sub")?.to_owned(),
            expires_at,
            issued_at: issued_at.unwrap_or(valid_from),
            token_id: match claims.get("jti") {
                None | Some(Value::Null) => None,
                Some(_) => Some(text(&claims, "jti")?.to_owned()),
            },
            claims,
        })
    }

    /// Checks what a token says of itself before a key is looked for; gives the key's id.
    ///
    /// # Errors
    /// The first reason to refuse it.
    pub fn check_header(&self, header: &Header, kind: Kind<'_>) -> Result<(), TokenRefusal> {
        if header.alg != algorithm(self.algorithm) {
            return Err(TokenRefusal::Algorithm);
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
        let said = header.typ.as_deref();
        let said = said.map(|said| said.strip_prefix("application/").unwrap_or(said));
        let fits = match (kind, self.token_type) {
            (Kind::Access, TokenType::AccessToken) => said.is_some_and(|said| is(said, ACCESS_TOKEN)),
            (Kind::Access, TokenType::Jwt) => said.is_some_and(|said| is(said, PLAIN_JWT)),
            (Kind::Identity { .. }, _) => said.is_none_or(|said| is(said, PLAIN_JWT)),
        };
        fits.then_some(()).ok_or(TokenRefusal::Type)
    }
}

fn is(said: &str, wanted: &str) -> bool {
    said.eq_ignore_ascii_case(wanted)
}

/// The header and the claim `iss` of a token that is not believed yet: by them its issuer is looked for.
///
/// # Errors
/// It is too long, or no token.
pub fn peek(token: &str, token_max_bytes: usize) -> Result<(Header, String), TokenRefusal> {
    if token.len() > token_max_bytes {
        return Err(TokenRefusal::TooLong);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|error| refusal_of(&error))?;
    let mut parts = token.split('.');
    let (_, claims) = (parts.next(), parts.next().ok_or(TokenRefusal::Malformed)?);
    if parts.count() != 1 {
        return Err(TokenRefusal::Malformed);
    }
    let claims = URL_SAFE_NO_PAD
        .decode(claims)
        .ok()
        .ok_or(TokenRefusal::Malformed)?;
    let claims: Value = serde_json::from_slice(&claims).ok().ok_or(TokenRefusal::Claims)?;
    Ok((header, text(&claims, "iss")?.to_owned()))
}

/// Whoever the identity token was made for is us (`azp`).
fn check_party(claims: &Value, client_id: &str, audiences: usize) -> Result<(), TokenRefusal> {
    match claims.get("azp") {
        None if audiences == 1 => Ok(()),
        Some(Value::String(party)) if party == client_id => Ok(()),
        None | Some(_) => Err(TokenRefusal::Audience),
    }
}

fn text<'a>(claims: &'a Value, name: &str) -> Result<&'a str, TokenRefusal> {
    claims
        .get(name)
        .and_then(Value::as_str)
        .ok_or(TokenRefusal::Claims)
}

fn audiences(claims: &Value) -> Result<Vec<&str>, TokenRefusal> {
    match claims.get("aud") {
        Some(Value::String(one)) => Ok(vec![one]),
        Some(Value::Array(several)) => several
            .iter()
            .map(|one| one.as_str().ok_or(TokenRefusal::Claims))
            .collect(),
        None | Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
            Err(TokenRefusal::Claims)
        }
    }
}

/// A time of a claim; `None`: it is not there.
fn instant(claims: &Value, name: &str) -> Result<Option<DateTime<Utc>>, TokenRefusal> {
    let Some(said) = claims.get(name) else {
        return Ok(None);
    };
    let seconds = said.as_i64().ok_or(TokenRefusal::Claims)?;
    let read = DateTime::from_timestamp(seconds, 0);
    read.map(Some).ok_or(TokenRefusal::Claims)
}

/// The header was read before, so what cannot be read now is a claim.
fn after_header(error: &JwtError) -> TokenRefusal {
    let refusal = refusal_of(error);
    if refusal == TokenRefusal::Malformed {
        TokenRefusal::Claims
    } else {
        refusal
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
        TokenAlgorithm::RS256 => Algorithm::RS256,
    }
}

/// The public key of a PEM file.
///
/// # Errors
/// The file cannot be read, or is not a public key of the algorithm.
pub fn public_key(path: &Path, algorithm: TokenAlgorithm) -> Result<DecodingKey, VerifierError> {
    let pem = std::fs::read(path).map_err(|error| VerifierError::Unreadable(path.to_owned(), error))?;
    match algorithm {
        TokenAlgorithm::EdDSA => DecodingKey::from_ed_pem(&pem),
        TokenAlgorithm::ES256 => DecodingKey::from_ec_pem(&pem),
        TokenAlgorithm::RS256 => DecodingKey::from_rsa_pem(&pem),
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
