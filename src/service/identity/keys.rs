//! The keys of an issuer that publishes them (RFC 7517): fetched in time, kept while it is down, never asked for too often.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use prometheus::IntCounterVec;
use serde::Deserialize;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::clock::SharedClock;
use crate::config::auth::TokenAlgorithm;
use crate::upstream::fetch::{FetchError, Fetcher};

/// Keys of one issuer that are looked at; the rest is left.
const KEYS_MAX: usize = 100;
/// Longest id of a key.
const KEY_ID_MAX_BYTES: usize = 256;
/// Bytes of the shortest RSA modulus: 2048 bits.
const MODULUS_MIN_BYTES: usize = 256;
/// And of the longest, because a check takes the longer the longer it is: 8192 bits.
const MODULUS_MAX_BYTES: usize = 1_024;

/// When an issuer is asked.
#[derive(Debug, Clone, Copy)]
pub struct KeyTiming {
    /// Keys older than this are fetched again in the background.
    pub refresh: TimeDelta,
    /// It is asked at most once in this time.
    pub cooldown: TimeDelta,
    /// Keys verify for so long after they were last read.
    pub keep: TimeDelta,
}

/// Where the keys are.
#[derive(Debug, Clone)]
pub enum KeysAt {
    /// At this address.
    Address(Url),
    /// Where the issuer's own description says (OpenID Connect Discovery 1.0).
    Discovery(Url),
}

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoKey {
    /// The issuer has no such key, or had none a moment ago.
    Unknown,
    /// The issuer could not be asked, and what is known is too old.
    Unavailable,
}

/// Where people sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Where the browser goes.
    pub authorization: Url,
    /// Where a code becomes tokens.
    pub token: Url,
}

/// The keys of one issuer.
pub struct RemoteKeys {
    source: KeySource,
    fetcher: Fetcher,
    timing: KeyTiming,
    clock: SharedClock,
    /// Where connections to the issuer are at home.
    home: Handle,
    fetches: IntCounterVec,
    state: RwLock<State>,
    asking: tokio::sync::Mutex<()>,
}

/// What is asked for, and of whom.
#[derive(Debug, Clone)]
pub struct KeySource {
    /// Our name for the issuer.
    pub name: String,
    /// Its claim `iss`.
    pub issuer: String,
    /// Where the keys are.
    pub at: KeysAt,
    /// The algorithm of its keys; others are passed over.
    pub algorithm: TokenAlgorithm,
}

/// What everything that is fetched shares.
pub struct KeyParts {
    /// How it is fetched.
    pub fetcher: Fetcher,
    /// When.
    pub timing: KeyTiming,
    /// The time.
    pub clock: SharedClock,
    /// Where connections are at home.
    pub home: Handle,
    /// Counts fetches by issuer and outcome.
    pub fetches: IntCounterVec,
}

#[derive(Default)]
struct State {
    known: Option<Arc<Known>>,
    asked_at: Option<DateTime<Utc>>,
}

struct Known {
    keys: BTreeMap<String, DecodingKey>,
    endpoints: Option<Endpoints>,
    read_at: DateTime<Utc>,
}

/// Why keys were not read.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("the issuer cannot be asked")]
    Fetch(#[from] FetchError),
    #[error("the issuer answers {0}")]
    Status(u16),
    #[error("the issuer's answer is not JSON")]
    Json(#[from] serde_json::Error),
    #[error("the issuer's answer is not a set of keys")]
    NoKeySet,
    #[error("the description is another issuer's")]
    OtherIssuer,
    #[error("the description names an address that is none, or less safe than the issuer's own")]
    Address,
}

/// The description of an issuer.
#[derive(Deserialize)]
struct Description {
    issuer: String,
    jwks_uri: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
}

impl RemoteKeys {
    /// Keys that nobody has asked for yet.
    #[must_use]
    pub fn new(source: KeySource, parts: KeyParts) -> Arc<Self> {
        Arc::new(Self {
            source,
            fetcher: parts.fetcher,
            timing: parts.timing,
            clock: parts.clock,
            home: parts.home,
            fetches: parts.fetches,
            state: RwLock::default(),
            asking: tokio::sync::Mutex::default(),
        })
    }

    /// The key of an id. An id that is not known makes the issuer asked, if it was not asked a moment ago.
    ///
    /// # Errors
    /// There is none.
    pub async fn key(self: &Arc<Self>, id: &str) -> Result<DecodingKey, NoKey> {
        let known = self.fresh();
        if let Some(key) = known.as_ref().and_then(|known| known.keys.get(id)) {
            return Ok(key.clone());
        }
        self.ask().await;
        let known = self.fresh().ok_or(NoKey::Unavailable)?;
        known.keys.get(id).cloned().ok_or(NoKey::Unknown)
    }

    /// Where people sign in.
    ///
    /// # Errors
    /// The issuer could not be asked, or does not say it.
    pub async fn endpoints(self: &Arc<Self>) -> Result<Endpoints, NoKey> {
        if self.fresh().is_none() {
            self.ask().await;
        }
        let known = self.fresh().ok_or(NoKey::Unavailable)?;
        known.endpoints.clone().ok_or(NoKey::Unknown)
    }

    /// How it is asked, for what else it is asked.
    #[must_use]
    pub const fn fetcher(&self) -> &Fetcher {
        &self.fetcher
    }

    /// Fetches keys that are old, or were never read.
    pub async fn keep_up(self: &Arc<Self>) {
        let now = self.clock.now();
        let due = self
            .known()
            .is_none_or(|known| now - known.read_at >= self.timing.refresh);
        if due {
            self.ask().await;
        }
    }

    fn known(&self) -> Option<Arc<Known>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.known.clone()
    }

    /// What is known, unless the issuer has been silent for too long.
    fn fresh(&self) -> Option<Arc<Known>> {
        let now = self.clock.now();
        self.known()
            .filter(|known| now - known.read_at <= self.timing.keep)
    }

    /// Asks the issuer, once for all who wait, and not within the cool-down of the last question. In a task of its own:
    /// who asked may go away.
    async fn ask(self: &Arc<Self>) {
        if !self.may_ask() {
            // another's question may still be under way
            drop(self.asking.lock().await);
            return;
        }
        let this = Arc::clone(self);
        let asking = async move {
            let _turn = this.asking.lock().await;
            if !this.may_ask() {
                return;
            }
            this.write(|state, now| state.asked_at = Some(now));
            let outcome = match this.read().await {
                Ok(known) => {
                    this.write(|state, _| state.known = Some(Arc::new(known)));
                    "read"
                }
                Err(error) => {
                    tracing::warn!(
                        issuer.name = this.source.name,
                        error.cause = %crate::telemetry::chain(&error),
                        "the keys of an issuer cannot be read, those known go on verifying for a time"
                    );
                    "failed"
                }
            };
            let labels = [this.source.name.as_str(), outcome];
            this.fetches.with_label_values(&labels).inc();
        };
        // whether the task was cut by a stop does not matter here
        drop(TaskTracker::new().spawn_on(asking, &self.home).await);
    }

    fn may_ask(&self) -> bool {
        let now = self.clock.now();
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        // a clock that was set back must not make it wait
        state
            .asked_at
            .is_none_or(|asked| now < asked || now - asked >= self.timing.cooldown)
    }

    fn write(&self, change: impl FnOnce(&mut State, DateTime<Utc>)) {
        let now = self.clock.now();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut state, now);
    }

    async fn read(&self) -> Result<Known, AskError> {
        let read_at = self.clock.now();
        let (keys_at, endpoints) = match &self.source.at {
            KeysAt::Address(url) => (url.clone(), None),
            KeysAt::Discovery(url) => self.describe(url).await?,
        };
        let keys = read_keys(&self.get(&keys_at).await?, self.source.algorithm)?;
        if keys.is_empty() {
            tracing::warn!(
                issuer.name = self.source.name,
                "an issuer publishes no key of its algorithm, its tokens are refused"
            );
        }
        Ok(Known {
            keys,
            endpoints,
            read_at,
        })
    }

    async fn describe(&self, url: &Url) -> Result<(Url, Option<Endpoints>), AskError> {
        let said: Description = serde_json::from_slice(&self.get(url).await?)?;
        if said.issuer != self.source.issuer {
            return Err(AskError::OtherIssuer);
        }
        let address = |text: &str| {
            let read = Url::parse(text).ok();
            let safe = read.filter(|read| read.scheme() == "https" || read.scheme() == url.scheme());
            safe.ok_or(AskError::Address)
        };
        let endpoints = match (said.authorization_endpoint, said.token_endpoint) {
            (Some(authorization), Some(token)) => Some(Endpoints {
                authorization: address(&authorization)?,
                token: address(&token)?,
            }),
            (_, _) => None,
        };
        Ok((address(&said.jwks_uri)?, endpoints))
    }

    async fn get(&self, url: &Url) -> Result<Vec<u8>, AskError> {
        let answer = self.fetcher.get(url).await?;
        if answer.status == 200 {
            Ok(answer.body)
        } else {
            Err(AskError::Status(answer.status))
        }
    }
}

/// The keys of a set that verify signatures of an algorithm, by id. What is for something else, unreadable or without id
/// is passed over; of an id that stands twice neither is taken.
fn read_keys(body: &[u8], algorithm: TokenAlgorithm) -> Result<BTreeMap<String, DecodingKey>, AskError> {
    let set: Value = serde_json::from_slice(body)?;
    let listed = set
        .get("keys")
        .and_then(Value::as_array)
        .ok_or(AskError::NoKeySet)?;
    let mut seen = BTreeSet::new();
    let mut keys = BTreeMap::new();
    for one in listed.iter().take(KEYS_MAX) {
        let Some(id) = one.get("kid").and_then(Value::as_str) else {
            continue;
        };
        if !seen.insert(id.to_owned()) {
            keys.remove(id);
            continue;
        }
        let key = Jwk::deserialize(one).ok();
        let key = key.filter(|key| verifies(key, algorithm));
        if let Some(key) = key.and_then(|key| DecodingKey::from_jwk(&key).ok())
            && (1..=KEY_ID_MAX_BYTES).contains(&id.len())
        {
            keys.insert(id.to_owned(), key);
        }
    }
    Ok(keys)
}

fn verifies(key: &Jwk, algorithm: TokenAlgorithm) -> bool {
    let common = &key.common;
    let for_signatures = match &common.public_key_use {
        None | Some(PublicKeyUse::Signature) => true,
        Some(PublicKeyUse::Encryption | PublicKeyUse::Other(_)) => false,
    };
    let may_verify = common
        .key_operations
        .as_ref()
        .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    let (named, fits) = match (algorithm, &key.algorithm) {
        (TokenAlgorithm::EdDSA, AlgorithmParameters::OctetKeyPair(pair)) => {
            (KeyAlgorithm::EdDSA, pair.curve == EllipticCurve::Ed25519)
        }
        (TokenAlgorithm::ES256, AlgorithmParameters::EllipticCurve(point)) => {
            (KeyAlgorithm::ES256, point.curve == EllipticCurve::P256)
        }
        (TokenAlgorithm::RS256, AlgorithmParameters::RSA(rsa)) => {
            // base64url writes 3 bytes as 4 letters
            let bytes = rsa.n.len() * 3 / 4;
            (
                KeyAlgorithm::RS256,
                (MODULUS_MIN_BYTES..=MODULUS_MAX_BYTES).contains(&bytes),
            )
        }
        (TokenAlgorithm::EdDSA | TokenAlgorithm::ES256 | TokenAlgorithm::RS256, _) => return false,
    };
    for_signatures && may_verify && fits && common.key_algorithm.is_none_or(|said| said == named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_keys_that_verify_the_pinned_algorithm_are_taken() {
        crate::service::identity::verifier::install_crypto();
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let key = |id: &str, more: Value| {
            let mut key = json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "x": x });
            for (name, value) in more.as_object().expect("an object") {
                key[name] = value.clone();
            }
            key
        };
        let set = json!({ "keys": [
            key("plain", json!({})),
            key("signs", json!({ "use": "sig", "alg": "EdDSA", "key_ops": ["verify"] })),
            key("encrypts", json!({ "use": "enc" })),
            key("derives", json!({ "key_ops": ["deriveKey"] })),
            key("other-algorithm", json!({ "alg": "ES256" })),
            key("other-curve", json!({ "crv": "X25519" })),
            key("twice", json!({})),
            key("twice", json!({ "use": "enc" })),
            key("", json!({})),
            { "kty": "OKP", "crv": "Ed25519", "x": x },
            { "kty": "oct", "kid": "shared", "k": x, "alg": "HS256" },
            { "kty": "EC", "crv": "P-256", "kid": "point", "x": x, "y": x },
            { "kty": "RSA", "kid": "rsa", "n": "AQAB", "e": "AQAB" },
            { "kty": "new", "kid": "unheard-of" },
            "not a key",
        ] });
        let keys = read_keys(set.to_string().as_bytes(), TokenAlgorithm::EdDSA).expect("a set");
        assert_eq!(keys.keys().collect::<Vec<_>>(), ["plain", "signs"]);
        let rsa = read_keys(set.to_string().as_bytes(), TokenAlgorithm::RS256).expect("a set");
        assert!(rsa.is_empty(), "a modulus of 24 bits is none");
        assert!(read_keys(b"{}", TokenAlgorithm::EdDSA).is_err());
        assert!(read_keys(b"<html>", TokenAlgorithm::EdDSA).is_err());
    }
}
