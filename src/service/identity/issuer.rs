//! The issuers whose tokens are accepted, each with its rules, its keys and its mapping.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{DecodingKey, Header};
use prometheus::IntCounterVec;
use tokio::runtime::Handle;
use url::Url;

use super::claims::Claims;
use super::keys::{KeyParts, KeySource, KeyTiming, KeysAt, NoKey, RemoteKeys};
use super::mapping::Mapping;
use super::verifier::{self, Kind, Rules, TokenRefusal, Verified, VerifierError};
use crate::clock::SharedClock;
use crate::config::auth::AuthConfig;
use crate::config::issuer::{DEFAULT_ISSUER, IssuerConfig, ValidFrom};
use crate::config::secret_source;
use crate::secret::Redacted;
use crate::upstream::fetch::{Fetcher, FetcherError};

/// Where the description of an issuer lies below its own address.
const DESCRIPTION: &str = ".well-known/openid-configuration";

/// One issuer.
pub struct Issuer {
    /// Our name for it.
    pub name: String,
    rules: Rules,
    keys: Keys,
    mapping: Mapping,
    client: Option<Client>,
}

enum Keys {
    Fixed { id: String, key: DecodingKey },
    Remote(Arc<RemoteKeys>),
}

/// Our client at an issuer.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// Its secret; a public client has none.
    pub secret: Option<Redacted<String>>,
    /// What is asked for.
    pub scope: String,
}

/// A token that was accepted.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// Name of its issuer.
    pub issuer: String,
    /// What it says here.
    pub claims: Claims,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When it was made.
    pub issued_at: DateTime<Utc>,
    /// Its claim `jti`.
    pub token_id: Option<String>,
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAccepted {
    /// It is bad.
    #[error(transparent)]
    Refused(#[from] TokenRefusal),
    /// Its issuer cannot be asked for its key.
    #[error("the keys of the issuer are not known")]
    Unavailable,
}

/// Why an issuer cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// Its key.
    #[error("the key of the issuer {0} cannot be used")]
    Key(String, #[source] VerifierError),
    /// How it is asked.
    #[error("the issuer {0} cannot be asked")]
    Fetcher(String, #[source] FetcherError),
    /// Its address.
    #[error("the address of the issuer {0} is none")]
    Address(String),
    /// The client's secret.
    #[error("the client's secret at the issuer {0} {1}")]
    Secret(String, String),
}

/// What all issuers share.
pub struct IssuerParts<'a> {
    /// `[auth]`.
    pub auth: &'a AuthConfig,
    /// The time.
    pub clock: SharedClock,
    /// Where connections are at home.
    pub home: Handle,
    /// Counts fetches of keys.
    pub fetches: IntCounterVec,
}

impl Issuer {
    /// The issuer of `[auth]` with this key.
    #[must_use]
    pub fn of_key(auth: &AuthConfig, key: DecodingKey) -> Self {
        let others = auth.issuers.iter().map(|issuer| issuer.name.clone());
        Self {
            name: DEFAULT_ISSUER.to_owned(),
            rules: Rules {
                issuer: auth.issuer.clone(),
                audience: auth.audience.clone(),
                algorithm: auth.algorithm,
                token_type: auth.token_type,
                valid_from: ValidFrom::Nbf,
                leeway: TimeDelta::seconds(i64::from(auth.leeway_s)),
                lifetime_max: TimeDelta::seconds(i64::from(auth.lifetime_max_s)),
            },
            keys: Keys::Fixed {
                id: auth.key_id.clone(),
                key,
            },
            mapping: Mapping::plain(others.collect()),
            client: None,
        }
    }

    /// The issuer of `[auth]` with the key of its file.
    ///
    /// # Errors
    /// The file cannot be read, or is not a public key of the algorithm.
    pub fn of_key_file(auth: &AuthConfig) -> Result<Self, VerifierError> {
        let key = verifier::public_key(&auth.public_key_file, auth.algorithm)?;
        Ok(Self::of_key(auth, key))
    }

    /// One of `[[auth.issuers]]`.
    ///
    /// # Errors
    /// It cannot be set up.
    pub fn new(config: &IssuerConfig, parts: &IssuerParts<'_>) -> Result<Self, IssuerError> {
        let name = || config.name.clone();
        let auth = parts.auth;
        let audience = if config.audience.is_empty() {
            &auth.audience
        } else {
            &config.audience
        };
        let keys = if config.is_remote() {
            Keys::Remote(remote_keys(config, parts)?)
        } else {
            let key = verifier::public_key(&config.public_key_file, config.algorithm);
            Keys::Fixed {
                id: config.key_id.clone(),
                key: key.map_err(|error| IssuerError::Key(name(), error))?,
            }
        };
        Ok(Self {
            name: name(),
            rules: Rules {
                issuer: config.issuer.clone(),
                audience: audience.clone(),
                algorithm: config.algorithm,
                token_type: config.token_type,
                valid_from: config.valid_from,
                leeway: TimeDelta::seconds(i64::from(config.leeway_s)),
                lifetime_max: TimeDelta::seconds(i64::from(auth.lifetime_max_s)),
            },
            keys,
            mapping: Mapping::of(config),
            client: client(config)?,
        })
    }

    /// Accepts an access token.
    ///
    /// # Errors
    /// It is bad, or the key cannot be asked for.
    pub async fn accept(
        &self,
        token: &str,
        header: &Header,
        now: DateTime<Utc>,
    ) -> Result<Accepted, NotAccepted> {
        let verified = self.verify(token, header, Kind::Access, now).await?;
        Ok(Accepted {
            issuer: self.name.clone(),
            claims: self.mapping.read(&verified)?,
            expires_at: verified.expires_at,
            issued_at: verified.issued_at,
            token_id: verified.token_id,
        })
    }

    /// What the identity token of a sign-in says.
    ///
    /// # Errors
    /// It is bad, or the key cannot be asked for.
    pub async fn identify(
        &self,
        token: &str,
        nonce: &str,
        token_max_bytes: usize,
        now: DateTime<Utc>,
    ) -> Result<Claims, NotAccepted> {
        let client = self.client.as_ref().ok_or(TokenRefusal::Audience)?;
        let kind = Kind::Identity {
            client_id: &client.id,
            nonce,
        };
        let (header, _) = verifier::peek(token, token_max_bytes)?;
        let verified = self.verify(token, &header, kind, now).await?;
        Ok(self.mapping.read(&verified)?)
    }

    async fn verify(
        &self,
        token: &str,
        header: &Header,
        kind: Kind<'_>,
        now: DateTime<Utc>,
    ) -> Result<Verified, NotAccepted> {
        self.rules.check_header(header, kind)?;
        let id = header.kid.as_deref().ok_or(TokenRefusal::KeyId)?;
        let key = match &self.keys {
            Keys::Fixed { id: fixed, key } if fixed == id => key.clone(),
            Keys::Fixed { .. } => return Err(TokenRefusal::KeyId.into()),
            Keys::Remote(keys) => keys.key(id).await.map_err(|missing| match missing {
                NoKey::Unknown => TokenRefusal::KeyId.into(),
                NoKey::Unavailable => NotAccepted::Unavailable,
            })?,
        };
        Ok(self.rules.verify(token, &key, kind, now)?)
    }

    /// The keys that are fetched.
    #[must_use]
    pub const fn remote_keys(&self) -> Option<&Arc<RemoteKeys>> {
        match &self.keys {
            Keys::Remote(keys) => Some(keys),
            Keys::Fixed { .. } => None,
        }
    }

    /// Our client, by which people sign in.
    #[must_use]
    pub const fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// The claim `iss`.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.rules.issuer
    }

    /// The longest life of its tokens.
    #[must_use]
    pub fn lifetime_max(&self) -> TimeDelta {
        self.rules.lifetime_max + self.rules.leeway
    }
}

fn remote_keys(config: &IssuerConfig, parts: &IssuerParts<'_>) -> Result<Arc<RemoteKeys>, IssuerError> {
    let name = || config.name.clone();
    let at = if config.jwks_url.is_empty() {
        let description = format!("{}/{DESCRIPTION}", config.issuer.trim_end_matches('/'));
        Url::parse(&description).map(KeysAt::Discovery)
    } else {
        Url::parse(&config.jwks_url).map(KeysAt::Address)
    };
    let seconds = |count: u32| TimeDelta::seconds(i64::from(count));
    let fetcher = Fetcher::new(&config.allow_addresses);
    let source = KeySource {
        name: name(),
        issuer: config.issuer.clone(),
        at: at.ok().ok_or_else(|| IssuerError::Address(name()))?,
        algorithm: config.algorithm,
    };
    Ok(RemoteKeys::new(
        source,
        KeyParts {
            fetcher: fetcher.map_err(|error| IssuerError::Fetcher(name(), error))?,
            timing: KeyTiming {
                refresh: seconds(parts.auth.keys_refresh_s),
                cooldown: seconds(parts.auth.keys_cooldown_s),
                keep: seconds(parts.auth.keys_keep_s),
            },
            clock: Arc::clone(&parts.clock),
            home: parts.home.clone(),
            fetches: parts.fetches.clone(),
        },
    ))
}

fn client(config: &IssuerConfig) -> Result<Option<Client>, IssuerError> {
    if config.client_id.is_empty() {
        return Ok(None);
    }
    let secret = if config.client_secret_file == Path::new("") {
        None
    } else {
        let read = secret_source::file(&config.client_secret_file);
        Some(read.map_err(|reason| IssuerError::Secret(config.name.clone(), reason))?)
    };
    Ok(Some(Client {
        id: config.client_id.clone(),
        secret,
        scope: config.scope.clone(),
    }))
}

/// All issuers.
pub struct Issuers {
    all: Vec<Arc<Issuer>>,
    token_max_bytes: usize,
}

impl Issuers {
    /// These issuers; their claims `iss` differ.
    #[must_use]
    pub fn new(all: Vec<Issuer>, token_max_bytes: usize) -> Self {
        Self {
            all: all.into_iter().map(Arc::new).collect(),
            token_max_bytes,
        }
    }

    /// Accepts a token of any of them.
    ///
    /// # Errors
    /// It is bad, or its key cannot be asked for.
    pub async fn accept(&self, token: &str, now: DateTime<Utc>) -> Result<Accepted, NotAccepted> {
        let (header, said) = verifier::peek(token, self.token_max_bytes)?;
        let issuer = self.all.iter().find(|issuer| issuer.text() == said);
        issuer
            .ok_or(TokenRefusal::Issuer)?
            .accept(token, &header, now)
            .await
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Issuer>> {
        self.all.iter()
    }

    /// The one of a name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Arc<Issuer>> {
        self.all.iter().find(|issuer| issuer.name == name)
    }

    /// The longest token that is looked at, bytes.
    #[must_use]
    pub const fn token_max_bytes(&self) -> usize {
        self.token_max_bytes
    }

    /// The longest life of any token.
    #[must_use]
    pub fn lifetime_max(&self) -> TimeDelta {
        let lives = self.all.iter().map(|issuer| issuer.lifetime_max());
        lives.max().unwrap_or_default()
    }
}
