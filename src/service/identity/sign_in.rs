//! Signing in by an issuer: authorization code with PKCE (RFC 7636, RFC 9700, OpenID Connect Core 1.0).
//!
//! A sign-in hangs on one secret in the browser's cookie. State, nonce and verifier follow from it by hashing, so that the
//! database holds nothing by which somebody else could finish it, and a callback without that cookie finishes nothing.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use url::Url;
use url::form_urlencoded::byte_serialize;

use super::claims::Claims;
use super::issuer::{Client, Issuer, Issuers, NotAccepted};
use super::keys::NoKey;
use super::revoked::{Revoked, Standing};
use super::sessions::{Held, Sessions, fresh_secret, secret_named, sha256};
use super::verifier::TokenRefusal;
use crate::error::{AppError, ErrorCode};
use crate::secret::Redacted;
use crate::service::Services;
use crate::store::session::{self, BegunSignIn, SecretHash};
use crate::upstream::fetch::{FetchError, Fetched};

/// A sign-in must be finished within this time.
const FINISHED_WITHIN: TimeDelta = TimeDelta::minutes(10);
/// The path that issuers send browsers back to.
pub const CALLBACK: &str = "/session/callback";
/// Longest path to go to after a sign-in.
const TARGET_MAX_BYTES: usize = 512;
/// Longest code or state.
const PARAMETER_MAX_BYTES: usize = 2_048;

/// Signs people in.
pub struct SignIn {
    cx: Services,
    issuers: Arc<Issuers>,
    sessions: Arc<Sessions>,
    revoked: Arc<Revoked>,
}

/// A sign-in that begins.
#[derive(Debug)]
pub struct Begun {
    /// What the browser keeps until it comes back.
    pub secret: Redacted<String>,
    /// Where it goes now.
    pub location: Url,
}

/// How a browser comes back.
#[derive(Debug, Default, Deserialize)]
pub struct Returned {
    /// The state it was sent away with.
    #[serde(default)]
    pub state: String,
    /// What becomes tokens.
    pub code: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// Who sends it back (RFC 9207).
    pub iss: Option<String>,
}

/// A sign-in that is finished.
#[derive(Debug)]
pub struct Finished {
    /// The secret of the session.
    pub secret: Redacted<String>,
    /// Local path to go to.
    pub target: String,
}

/// Why a sign-in was not finished, for the log.
#[derive(Debug, thiserror::Error)]
enum Unfinished {
    #[error("the browser has begun no sign-in, or another one")]
    NotBegun,
    #[error("the sign-in is over or was finished before")]
    Over,
    #[error("another issuer sends the browser back")]
    OtherIssuer,
    #[error("the issuer gives no code")]
    NoCode,
    #[error("the issuer refuses the code with status {0}")]
    CodeRefused(u16),
    #[error("the issuer's answer holds no identity token")]
    NoToken(#[source] serde_json::Error),
    #[error(transparent)]
    Token(#[from] TokenRefusal),
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

impl SignIn {
    /// Signs in by those of these issuers at which we have a client.
    #[must_use]
    pub const fn new(
        cx: Services,
        issuers: Arc<Issuers>,
        sessions: Arc<Sessions>,
        revoked: Arc<Revoked>,
    ) -> Self {
        Self {
            cx,
            issuers,
            sessions,
            revoked,
        }
    }

    /// The sessions that it begins.
    #[must_use]
    pub const fn sessions(&self) -> &Arc<Sessions> {
        &self.sessions
    }

    /// Name of the cookie of a sign-in that was begun.
    #[must_use]
    pub fn cookie_name(&self) -> &'static str {
        if self.sessions.is_secure() {
            "__Host-onedoor-sign-in"
        } else {
            "onedoor-sign-in"
        }
    }

    /// The secret of a sign-in in a header `Cookie`.
    #[must_use]
    pub fn secret_in(&self, cookies: &str) -> Option<Redacted<String>> {
        secret_named(cookies, self.cookie_name())
    }

    /// Whom a secret belongs to, if the session still holds.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn held(&self, secret: Option<&Redacted<String>>) -> Result<Option<Held>, AppError> {
        let Some(secret) = secret else { return Ok(None) };
        let held = self.sessions.held(secret).await?;
        Ok(held.filter(|held| self.revoked.standing(&held.caller) == Standing::Admitted))
    }

    /// Begins a sign-in by an issuer, the first when none is named, that ends at a local path.
    ///
    /// # Errors
    /// NOT_FOUND: nobody signs in by that issuer; BAD_USER_INPUT: the path is not local; UPSTREAM_UNAVAILABLE,
    /// STORE_UNAVAILABLE.
    pub async fn begin(&self, issuer: Option<&str>, to: &str) -> Result<Begun, AppError> {
        let (issuer, client) = self
            .client(issuer)
            .ok_or_else(|| AppError::of(ErrorCode::NotFound))?;
        let target = local(to).ok_or_else(|| {
            AppError::of(ErrorCode::BadUserInput).detail(
                "参数 to 须为本站路径，如 /board。",
                "The parameter `to` must be a path of this site, such as /board.",
            )
        })?;
        let endpoints = match issuer.remote_keys() {
            Some(keys) => keys.endpoints().await.map_err(unavailable)?,
            None => return Err(AppError::of(ErrorCode::NotFound)),
        };
        let secret = fresh_secret()?;
        let begun = BegunSignIn {
            issuer: issuer.name.clone(),
            target,
            expires_at: self.cx.clock.now() + FINISHED_WITHIN,
        };
        session::begin(&self.cx.database, row_key(&secret), &begun).await?;
        let challenge = URL_SAFE_NO_PAD.encode(sha256(derived(&secret, "verifier").expose().as_bytes()));
        let mut location = endpoints.authorization;
        location
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &client.id)
            .append_pair("redirect_uri", &self.redirect_uri()?)
            .append_pair("scope", &client.scope)
            .append_pair("state", derived(&secret, "state").expose())
            .append_pair("nonce", derived(&secret, "nonce").expose())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(Begun { secret, location })
    }

    /// Finishes a sign-in that this browser has begun. The session that it held before ends.
    ///
    /// # Errors
    /// UNAUTHENTICATED: it was not begun here, or the issuer vouches for nobody we know; UPSTREAM_UNAVAILABLE,
    /// STORE_UNAVAILABLE.
    pub async fn finish(
        &self,
        secret: Option<&Redacted<String>>,
        returned: &Returned,
        earlier: Option<&Redacted<String>>,
    ) -> Result<Finished, AppError> {
        let secret = secret.ok_or_else(|| refused(Unfinished::NotBegun))?;
        let expected = derived(secret, "state");
        // A page that sends browsers here with a state of its own must not use up what they have begun.
        if !bool::from(expected.expose().as_bytes().ct_eq(returned.state.as_bytes())) {
            return Err(refused(Unfinished::NotBegun));
        }
        let begun = session::take(&self.cx.database, row_key(secret)).await?;
        let begun = begun.filter(|begun| self.cx.clock.now() < begun.expires_at);
        let begun = begun.ok_or_else(|| refused(Unfinished::Over))?;
        let known = self.client(Some(&begun.issuer));
        let (issuer, client) = known.ok_or_else(|| refused(Unfinished::Over))?;
        if returned.iss.as_deref().is_some_and(|said| said != issuer.text()) {
            return Err(refused(Unfinished::OtherIssuer));
        }
        let code = match (&returned.error, &returned.code) {
            (None, Some(code)) if code.len() <= PARAMETER_MAX_BYTES => code,
            (_, _) => return Err(refused(Unfinished::NoCode)),
        };
        let claims = self.exchange(issuer, client, code, secret).await?;
        let actor = claims.clone().actor(&self.cx.directories.current());
        actor.map_err(|refusal| refused(refusal.into()))?;
        Ok(Finished {
            secret: self.sessions.begin(&issuer.name, claims, earlier).await?,
            target: begun.target,
        })
    }

    /// The issuer and our client there.
    fn client(&self, name: Option<&str>) -> Option<(&Arc<Issuer>, &Client)> {
        self.issuers
            .iter()
            .filter(|issuer| name.is_none_or(|name| issuer.name == name))
            .find_map(|issuer| Some((issuer, issuer.client()?)))
    }

    async fn exchange(
        &self,
        issuer: &Issuer,
        client: &Client,
        code: &str,
        secret: &Redacted<String>,
    ) -> Result<Claims, AppError> {
        let keys = issuer.remote_keys().ok_or_else(|| refused(Unfinished::Over))?;
        let endpoint = keys.endpoints().await.map_err(unavailable)?.token;
        let (redirect_uri, verifier) = (self.redirect_uri()?, derived(secret, "verifier"));
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &redirect_uri),
            ("code_verifier", verifier.expose()),
        ];
        let authorization = client.secret.as_ref().map(|secret| basic(&client.id, secret));
        if authorization.is_none() {
            form.push(("client_id", &client.id));
        }
        let asked = keys
            .fetcher()
            .post_form(&endpoint, &form, authorization.as_ref())
            .await;
        let tokens = tokens_of(asked)?;
        let nonce = derived(secret, "nonce");
        let now = self.cx.clock.now();
        let identified = issuer
            .identify(
                &tokens.id_token,
                nonce.expose(),
                self.issuers.token_max_bytes(),
                now,
            )
            .await;
        identified.map_err(|reason| match reason {
            NotAccepted::Refused(refusal) => refused(refusal.into()),
            NotAccepted::Unavailable => AppError::of(ErrorCode::UpstreamUnavailable).because(reason),
        })
    }

    fn redirect_uri(&self) -> Result<String, AppError> {
        let base = self.sessions.public_url();
        let base = base.ok_or_else(|| AppError::of(ErrorCode::Overloaded))?;
        Ok(format!("{}{CALLBACK}", base.as_str().trim_end_matches('/')))
    }
}

fn tokens_of(asked: Result<Fetched, FetchError>) -> Result<Tokens, AppError> {
    let answer = asked.map_err(|error| AppError::of(ErrorCode::UpstreamUnavailable).because(error))?;
    match answer.status {
        200 => serde_json::from_slice(&answer.body).map_err(|error| refused(Unfinished::NoToken(error))),
        status if status >= 500 => {
            Err(AppError::of(ErrorCode::UpstreamUnavailable).because(Unfinished::CodeRefused(status)))
        }
        status => Err(refused(Unfinished::CodeRefused(status))),
    }
}

fn refused(reason: Unfinished) -> AppError {
    AppError::of(ErrorCode::Unauthenticated)
        .detail(
            "登录未完成，请重新登录。",
            "The sign-in was not completed; begin it again.",
        )
        .because(reason)
}

fn unavailable(missing: NoKey) -> AppError {
    let error = AppError::of(ErrorCode::UpstreamUnavailable);
    match missing {
        NoKey::Unavailable => error.because("the issuer cannot be asked"),
        NoKey::Unknown => error.because("the issuer does not say where people sign in"),
    }
}

/// A value that only whoever holds the secret can know.
fn derived(secret: &Redacted<String>, what: &str) -> Redacted<String> {
    let text = format!("{what}.{}", secret.expose());
    Redacted::new(URL_SAFE_NO_PAD.encode(sha256(text.as_bytes())))
}

fn row_key(secret: &Redacted<String>) -> SecretHash {
    sha256(derived(secret, "row").expose().as_bytes())
}

/// Client id and secret as the header carries them, each encoded first (RFC 6749 §2.3.1).
fn basic(id: &str, secret: &Redacted<String>) -> Redacted<String> {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(id), encoded(secret.expose()));
    Redacted::new(format!("Basic {}", STANDARD.encode(pair)))
}

/// A path of this site, as it stands in a link; `None`: it leads elsewhere.
fn local(to: &str) -> Option<String> {
    let plain = to.len() <= TARGET_MAX_BYTES
        && to.starts_with('/')
        && !to.contains('\\')
        && !to
            .chars()
            .any(|letter| letter.is_control() || letter.is_whitespace());
    let base = Url::parse("http://here.invalid/").ok()?;
    let read = base.join(to).ok().filter(|_| plain)?;
    let stays = read.origin() == base.origin() && !read.path().starts_with("//");
    stays.then(|| match read.query() {
        Some(query) => format!("{}?{query}", read.path()),
        None => read.path().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_gone_to() {
        for (to, expected) in [
            ("/", Some("/")),
            ("/board?desk=1#x", Some("/board?desk=1")),
            ("/a/../board", Some("/board")),
            ("/中文", Some("/%E4%B8%AD%E6%96%87")),
            ("", None),
            ("board", None),
            ("//evil.example/", None),
            ("/\\evil.example/", None),
            ("/a/..//evil.example", None),
            ("/.//evil.example", None),
            ("\\\\evil.example", None),
            ("https://evil.example/", None),
            ("javascript:alert(1)", None),
            ("/a\r\nset-cookie: a=b", None),
            ("/\t/evil.example", None),
        ] {
            assert_eq!(local(to).as_deref(), expected, "{to:?}");
        }
        assert_eq!(local(&format!("/{}", "a".repeat(512))), None);
    }

    #[test]
    fn what_leaves_the_browser_tells_nothing_of_its_secret() {
        let secret = Redacted::new("abc".to_owned());
        let all: Vec<String> = ["state", "nonce", "verifier", "row"]
            .iter()
            .map(|what| derived(&secret, what).into_exposed())
            .collect();
        for (at, one) in all.iter().enumerate() {
            assert_eq!(one.len(), 43);
            assert!(!all.iter().skip(at + 1).any(|other| other == one));
        }
    }

    #[test]
    fn client_credentials_are_encoded_before_they_are_joined() {
        let header = basic("one:door", &Redacted::new("s e+c".to_owned())).into_exposed();
        let text = STANDARD
            .decode(header.strip_prefix("Basic ").expect("basic"))
            .expect("base64");
        assert_eq!(text, b"one%3Adoor:s+e%2Bc");
    }
}
