//! Tokens of OAuth 2 client credentials: one request for many callers, renewed before they expire.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::secret::Redacted;
use crate::upstream::config::auth::{CredentialsIn, OauthConfig};
use crate::upstream::name::UpstreamName;
use crate::upstream::outcome::{Exchange, HeldReason};
use crate::upstream::transport::Transport;
use crate::upstream::wire::{WireAnswer, WireRequest};

/// How long a token is taken to live whose endpoint does not say.
const LIFETIME_DEFAULT_S: i64 = 300;
/// A token is renewed this long before it expires, or after three quarters of a shorter life.
const MARGIN_S: i64 = 60;
/// After a failure the endpoint is left alone this long: whoever waited for it gets the same answer.
const COOL_DOWN: Duration = Duration::from_secs(1);
/// The longest token, bytes; it must fit into a header.
const TOKEN_BYTES_MAX: usize = 8_000;

/// A token and where it came from.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token.
    pub text: Redacted<String>,
    /// Where it came from.
    pub origin: Origin,
    /// When it is replaced, somewhat before it expires.
    pub renew_at: DateTime<Utc>,
    generation: u64,
}

/// Where a token came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// An earlier request: it may have been revoked meanwhile.
    Cache,
    /// Asked for just now.
    Endpoint,
}

/// Why there is no token. Nothing was sent to the upstream itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoToken {
    /// Not now: the endpoint is out of reach or busy.
    Later(Option<Duration>),
    /// Somebody must look.
    Held(HeldReason),
}

/// Gets tokens and keeps the last one.
pub struct TokenSource {
    upstream: UpstreamName,
    config: OauthConfig,
    secret: Redacted<String>,
    transport: Transport,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Kept>,
    failed: Option<(Instant, NoToken)>,
    generation: u64,
}

struct Kept {
    text: Redacted<String>,
    renew_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<i64>,
}

impl TokenSource {
    /// A source that has no token yet; `transport` leads to the token endpoint.
    #[must_use]
    pub fn new(
        upstream: UpstreamName,
        config: OauthConfig,
        secret: Redacted<String>,
        transport: Transport,
    ) -> Self {
        Self {
            upstream,
            config,
            secret,
            transport,
            state: Mutex::default(),
        }
    }

    /// A token that is good for a while. While one caller asks, the others wait for its answer.
    ///
    /// # Errors
    /// When the endpoint gives none before the deadline.
    pub async fn token(&self, now: DateTime<Utc>, deadline: Instant) -> Result<Token, NoToken> {
        let Ok(mut state) = timeout_at(deadline, self.state.lock()).await else {
            return Err(NoToken::Later(None));
        };
        if let Some(kept) = state.token.as_ref().filter(|kept| now < kept.renew_at) {
            return Ok(Token {
                text: kept.text.clone(),
                origin: Origin::Cache,
                renew_at: kept.renew_at,
                generation: state.generation,
            });
        }
        if let Some((at, why)) = state.failed
            && at.elapsed() < COOL_DOWN
        {
            return Err(why);
        }
        match self.ask(now, deadline).await {
            Ok(kept) => {
                state.generation = state.generation.wrapping_add(1);
                state.failed = None;
                let kept = state.token.insert(kept);
                let (text, renew_at) = (kept.text.clone(), kept.renew_at);
                Ok(Token {
                    text,
                    origin: Origin::Endpoint,
                    renew_at,
                    generation: state.generation,
                })
            }
            Err(why) => {
                state.failed = Some((Instant::now(), why));
                Err(why)
            }
        }
    }

    /// The upstream did not accept a token: it is forgotten, unless a newer one took its place. While another caller
    /// asks for one until the deadline, it has gone already or goes then.
    pub async fn refuse(&self, token: &Token, deadline: Instant) {
        let Ok(mut state) = timeout_at(deadline, self.state.lock()).await else {
            return;
        };
        if state.generation == token.generation {
            state.token = None;
        }
    }

    async fn ask(&self, now: DateTime<Utc>, deadline: Instant) -> Result<Kept, NoToken> {
        let (request, authorization) = self.request();
        let own: Vec<(&str, &str)> = authorization
            .iter()
            .map(|value| ("authorization", value.as_str()))
            .collect();
        let request = self
            .transport
            .write(request, &own)
            .ok()
            .ok_or(NoToken::Held(HeldReason::NotEncodable))?;
        let transfer = self.transport.exchange(request, deadline, now).await;
        let status = match transfer.exchange {
            Exchange::Whole { status, .. } | Exchange::Partial { status, .. } => Some(status),
            Exchange::NotSent(_) | Exchange::AddressRefused | Exchange::Lost(_) => None,
        };
        granted(transfer.exchange, transfer.answer.as_ref(), now).inspect_err(|why| {
            tracing::warn!(
                upstream.id = %self.upstream, http.status = status, reason = why.as_str(),
                "the token endpoint of an upstream gave no token"
            );
        })
    }

    /// The request, and the header that carries our secret when it is wanted there.
    fn request(&self) -> (WireRequest, Option<String>) {
        let (id, secret) = (self.config.client_id.as_str(), self.secret.expose().as_str());
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        let optional = [("scope", &self.config.scope), ("audience", &self.config.audience)];
        for (name, value) in optional {
            if let Some(value) = value {
                form.append_pair(name, value);
            }
        }
        let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let authorization = match self.config.credentials_in {
            CredentialsIn::Header => {
                let pair = STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)));
                Some(format!("Basic {pair}"))
            }
            CredentialsIn::Body => {
                form.append_pair("client_id", id)
                    .append_pair("client_secret", secret);
                None
            }
        };
        let mut request = WireRequest::post(&[])
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json");
        request.body = Some(form.finish().into_bytes());
        (request, authorization)
    }
}

fn granted(exchange: Exchange, answer: Option<&WireAnswer>, now: DateTime<Utc>) -> Result<Kept, NoToken> {
    match exchange {
        Exchange::NotSent(_) | Exchange::Lost(_) => return Err(NoToken::Later(None)),
        Exchange::AddressRefused => return Err(NoToken::Held(HeldReason::AddressRefused)),
        Exchange::Whole { status, retry_after }
        | Exchange::Partial {
            status, retry_after, ..
        } => match status {
            200 | 201 => {}
            408 | 429 | 500..=599 => return Err(NoToken::Later(retry_after)),
            300..=399 => return Err(NoToken::Held(HeldReason::Redirected)),
            404 => return Err(NoToken::Held(HeldReason::NotFound)),
            _ => return Err(NoToken::Held(HeldReason::Unauthenticated)),
        },
    }
    let Some(answer) = answer else {
        return Err(NoToken::Later(None));
    };
    let unreadable = NoToken::Held(HeldReason::Configuration);
    let granted: Granted = answer
        .text()
        .ok()
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or(unreadable)?;
    let is_bearer = granted
        .token_type
        .as_deref()
        .is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    let text = granted.access_token;
    let fits =
        !text.is_empty() && text.len() <= TOKEN_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_bearer || !fits {
        return Err(unreadable);
    }
    let lifetime = granted.expires_in.unwrap_or(LIFETIME_DEFAULT_S).clamp(0, 86_400);
    let good_for = (lifetime - MARGIN_S).max(lifetime * 3 / 4);
    Ok(Kept {
        text: Redacted::new(text),
        renew_at: now + TimeDelta::seconds(good_for),
    })
}

impl NoToken {
    /// The reason as it stands in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Later(_) => "NO_TOKEN",
            Self::Held(reason) => reason.as_str(),
        }
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TokenSource")
            .field("upstream", &self.upstream)
            .finish_non_exhaustive()
    }
}
