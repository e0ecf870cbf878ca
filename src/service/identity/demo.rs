//! The demo issuer: makes tokens for a demonstration, with a key in the data folder that `onedoor token` and
//! `serve --demo` share.

use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::errors::Error as JwtError;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};

use super::claims::{DemoClaims, Role};
use super::issuer::Issuer;
use super::verifier::{ACCESS_TOKEN, PLAIN_JWT};
use crate::config::auth::{AuthConfig, TokenAlgorithm, TokenType};
use crate::secret::key_file::{self, Key, KeyFileError};

/// The claim `iss` of demo tokens.
pub const DEMO_ISSUER: &str = "urn:onedoor:demo";

/// A demonstration may last a year, and its tokens with it.
const LIFETIME_MAX_S: u32 = 366 * 86_400;

/// Name of the key file in the folder of generated keys.
const KEY_FILE: &str = "demo-issuer.key";

/// Why there is no demo token.
#[derive(Debug, thiserror::Error)]
pub enum DemoIssuerError {
    /// The key file cannot be read or written.
    #[error("the demo issuer's key cannot be used")]
    File(#[from] KeyFileError),
    /// The seed makes no key.
    #[error("the demo issuer's key is not valid")]
    Key(#[from] KeyRejected),
    /// The key has no PKCS#8 form.
    #[error("the demo issuer's key cannot be encoded")]
    Encode(#[from] Unspecified),
    /// The token cannot be signed.
    #[error("the token cannot be signed")]
    Sign(#[from] JwtError),
    /// The role needs an organization.
    #[error(
        "this role works for an organization: name its code with --organization 请用 --organization 指定单位代码"
    )]
    NeedsOrganization,
    /// The role needs a division.
    #[error("this role oversees a division: name its code with --division 请用 --division 指定区划代码")]
    NeedsDivision,
}

/// What a demo token shall say.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// As what.
    pub role: Role,
    /// Who; when not given `demo-<role>`, followed by the organization's code.
    pub subject: Option<String>,
    /// Code of the organization.
    pub organization: Option<String>,
    /// Code of the division.
    pub division: Option<String>,
    /// May extend a case.
    pub approver: bool,
    /// How long it is good for.
    pub lifetime: TimeDelta,
}

impl TokenRequest {
    /// A subject for nobody in particular. Organizations do not share one: drafts and idempotency keys are a subject's
    /// own. A colon would make it a URI (RFC 7519 §2).
    fn stand_in(&self) -> String {
        let role = self.role.name();
        match &self.organization {
            None => format!("demo-{role}"),
            Some(code) => format!("demo-{role}.{}", code.replace(':', ".")),
        }
    }
}

/// The demo issuer.
pub struct DemoIssuer {
    private: EncodingKey,
    public: Vec<u8>,
    key_id: String,
}

impl DemoIssuer {
    /// The issuer whose key lies in this folder, generated on first use.
    ///
    /// # Errors
    /// The key cannot be read or written.
    pub fn open(keys_dir: &Path) -> Result<Self, DemoIssuerError> {
        Self::from_seed(&key_file::read_or_create(&keys_dir.join(KEY_FILE))?)
    }

    /// The issuer of a key.
    ///
    /// # Errors
    /// The seed makes no key.
    pub fn from_seed(seed: &Key) -> Result<Self, DemoIssuerError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose())?;
        let public = pair.public_key().as_ref().to_vec();
        let key_id = digest(&SHA256, &public)
            .as_ref()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(Self {
            private: EncodingKey::from_ed_der(pair.to_pkcs8()?.as_ref()),
            public,
            key_id,
        })
    }

    /// This issuer, to verify its tokens.
    #[must_use]
    pub fn issuer(&self, auth: &AuthConfig) -> Issuer {
        let auth = AuthConfig {
            issuer: DEMO_ISSUER.to_owned(),
            algorithm: TokenAlgorithm::EdDSA,
            key_id: self.key_id.clone(),
            lifetime_max_s: LIFETIME_MAX_S,
            ..auth.clone()
        };
        Issuer::of_key(&auth, DecodingKey::from_ed_der(&self.public))
    }

    /// A token.
    ///
    /// # Errors
    /// The role needs an organization or a division that the request does not name.
    pub fn issue(
        &self,
        request: &TokenRequest,
        auth: &AuthConfig,
        now: DateTime<Utc>,
    ) -> Result<String, DemoIssuerError> {
        if request.role.needs_organization() && request.organization.is_none() {
            return Err(DemoIssuerError::NeedsOrganization);
        }
        if request.role.needs_division() && request.division.is_none() {
            return Err(DemoIssuerError::NeedsDivision);
        }
        let claims = DemoClaims {
            iss: DEMO_ISSUER,
            aud: &auth.audience,
            sub: request.subject.clone().unwrap_or_else(|| request.stand_in()),
            exp: (now + request.lifetime).timestamp(),
            nbf: now.timestamp(),
            iat: now.timestamp(),
            role: request.role.name(),
            organization: request.organization.as_deref(),
            division: request.division.as_deref(),
            approver: request.approver,
        };
        let typ = match auth.token_type {
            TokenType::AccessToken => ACCESS_TOKEN,
            TokenType::Jwt => PLAIN_JWT,
        };
        let header = Header {
            typ: Some(typ.to_owned()),
            kid: Some(self.key_id.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        Ok(jsonwebtoken::encode(&header, &claims, &self.private)?)
    }
}
