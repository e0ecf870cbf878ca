//! One HTTP client per upstream: bounded in time, size and reach; follows nothing and retries nothing.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Client, ClientBuilder, Identity, Request, Response, redirect, retry};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::secret::Redacted;
use crate::upstream::auth::mac::Signed;
use crate::upstream::config::UpstreamConfig;
use crate::upstream::egress::{EgressPolicy, EgressRefused, GuardedResolver};
use crate::upstream::exchange_file::Message;
use crate::upstream::outcome::{Ambiguity, Exchange, NotSentReason};
use crate::upstream::wire::{Method, WireAnswer, WireRequest};

/// Idle connections are closed sooner than usual servers do it (Node 5 s, actix 5 s, nginx and Tomcat longer):
/// a request on a connection that the other side just closed ends as AMBIGUOUS.
const POOL_IDLE: Duration = Duration::from_secs(3);
/// The most headers of an answer.
const HEADERS_MAX: usize = 64;
/// The longest header value kept, bytes.
const HEADER_VALUE_MAX: usize = 2_048;
/// The longest delay an upstream can ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The client of one upstream.
#[derive(Debug)]
pub struct Transport {
    client: Client,
    base: Url,
    policy: EgressPolicy,
    response_max_bytes: usize,
}

/// What TLS goes by beside what the machine trusts.
#[derive(Debug, Default)]
pub struct Trust {
    /// Our certificate with its chain and its key, PEM; `None` shows none.
    pub identity: Option<Redacted<String>>,
    /// The only authorities to believe, PEM; `None`: those of the machine.
    pub authority: Option<Redacted<String>>,
}

/// Why a client cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The base address is one the gateway must not reach.
    #[error("the address is not public and not in allow_addresses 该地址不在允许范围内")]
    AddressRefused,
    /// Our certificate or its key is none.
    #[error("certificate and key are not PEM, or do not belong together 证书或私钥无效")]
    Identity(#[source] reqwest::Error),
    /// The authorities are none.
    #[error("authority is not PEM 根证书无效")]
    Authority(#[source] reqwest::Error),
    /// TLS could not be set up.
    #[error("the HTTP client cannot be built")]
    Client(#[source] reqwest::Error),
}

/// How a request ended on the wire.
#[derive(Debug)]
pub struct Transfer {
    /// How far it came.
    pub exchange: Exchange,
    /// The answer, when it is whole.
    pub answer: Option<WireAnswer>,
    /// Bytes of the answer's body that were read, after decompression.
    pub bytes: u64,
}

/// A request that cannot be put into bytes. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a header or the address of the request cannot be written")]
pub struct Unwritable;

impl Transport {
    /// Builds the client of an upstream.
    ///
    /// # Errors
    /// When the base address is refused, or TLS cannot be set up.
    pub fn new(config: &UpstreamConfig, trust: &Trust) -> Result<Self, TransportError> {
        Self::to(&config.base_url, config, trust)
    }

    /// Builds a client towards another address of the upstream, its token endpoint, under the same rules and limits.
    ///
    /// # Errors
    /// When the address is refused, or TLS cannot be set up.
    pub fn to(base: &Url, config: &UpstreamConfig, trust: &Trust) -> Result<Self, TransportError> {
        let policy = EgressPolicy::new(&config.allow_addresses);
        policy
            .check(base)
            .map_err(|EgressRefused| TransportError::AddressRefused)?;
        let mut builder = plain_client(&policy);
        if let Some(identity) = &trust.identity {
            let identity =
                Identity::from_pem(identity.expose().as_bytes()).map_err(TransportError::Identity)?;
            builder = builder.identity(identity);
        }
        if let Some(authority) = &trust.authority {
            let authorities = Certificate::from_pem_bundle(authority.expose().as_bytes())
                .map_err(TransportError::Authority)?;
            builder = builder.tls_certs_only(authorities);
        }
        let client = builder
            .connect_timeout(config.connect_timeout)
            .build()
            .map_err(TransportError::Client)?;
        let response_max_bytes = usize::try_from(config.response_max_bytes).unwrap_or(usize::MAX);
        Ok(Self {
            client,
            base: base.clone(),
            policy,
            response_max_bytes,
        })
    }

    /// Puts a request into bytes, with the driver's own headers.
    ///
    /// # Errors
    /// When a header holds bytes no header can.
    pub fn write(&self, request: WireRequest, own: &[(&str, &str)]) -> Result<Request, Unwritable> {
        written(&self.base, request, own)
    }

    /// A written request as a message.
    #[must_use]
    pub fn message(request: &Request) -> Message {
        let url = request.url();
        let target = url.query().map_or_else(
            || url.path().to_owned(),
            |query| format!("{}?{query}", url.path()),
        );
        Message {
            line: format!("{} {target} HTTP/1.1", request.method()),
            headers: request
                .headers()
                .iter()
                .map(|(name, value)| {
                    (
                        name.as_str().to_owned(),
                        String::from_utf8_lossy(value.as_bytes()).into_owned(),
                    )
                })
                .collect(),
            body: request
                .body()
                .and_then(reqwest::Body::as_bytes)
                .unwrap_or_default()
                .to_vec(),
        }
    }

    /// What a signature of a request is over: what goes over the wire.
    #[must_use]
    pub fn signed(request: &Request) -> Signed<'_> {
        Signed {
            method: request.method().as_str(),
            path: request.url().path(),
            query: request.url().query().unwrap_or_default(),
            body: request
                .body()
                .and_then(reqwest::Body::as_bytes)
                .unwrap_or_default(),
        }
    }

    /// Puts headers into a written request, in the place of those of the same names.
    ///
    /// # Errors
    /// When a header holds bytes no header can.
    pub fn put(request: &mut Request, own: &[(&str, &str)]) -> Result<(), Unwritable> {
        for (name, value) in own {
            let name = HeaderName::from_bytes(name.as_bytes()).ok().ok_or(Unwritable)?;
            let mut value = HeaderValue::from_str(value).ok().ok_or(Unwritable)?;
            value.set_sensitive(name == reqwest::header::AUTHORIZATION);
            request.headers_mut().insert(name, value);
        }
        Ok(())
    }

    /// Sends a request once and reads the answer until the deadline, the cap or the end.
    pub async fn exchange(&self, request: Request, deadline: Instant, now: DateTime<Utc>) -> Transfer {
        if self.policy.check(request.url()).is_err() {
            return Transfer::nothing(Exchange::AddressRefused);
        }
        match timeout_at(deadline, self.client.execute(request)).await {
            // Connecting has its own, much shorter limit: here the request is on its way.
            Err(_) => Transfer::nothing(Exchange::Lost(Ambiguity::Timeout)),
            Ok(Err(error)) => Transfer::nothing(fault_of(&error)),
            Ok(Ok(response)) => self.read(response, deadline, now).await,
        }
    }

    async fn read(&self, mut response: Response, deadline: Instant, now: DateTime<Utc>) -> Transfer {
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers().get(RETRY_AFTER), now);
        let headers = plain_headers(response.headers());
        let mut body = Vec::new();
        let announced = response
            .headers()
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let cut = if announced.is_some_and(|length: usize| length > self.response_max_bytes) {
            Some(Ambiguity::TooLong)
        } else {
            loop {
                match timeout_at(deadline, response.chunk()).await {
                    Err(_) => break Some(Ambiguity::Timeout),
                    Ok(Err(_)) => break Some(Ambiguity::Truncated),
                    Ok(Ok(None)) => break None,
                    Ok(Ok(Some(chunk))) => {
                        if body.len().saturating_add(chunk.len()) > self.response_max_bytes {
                            break Some(Ambiguity::TooLong);
                        }
                        body.extend_from_slice(&chunk);
                    }
                }
            }
        };
        let bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
        match cut {
            Some(fault) => Transfer {
                exchange: Exchange::Partial {
                    status,
                    retry_after,
                    fault,
                },
                answer: None,
                bytes,
            },
            None => Transfer {
                exchange: Exchange::Whole { status, retry_after },
                answer: Some(WireAnswer {
                    status,
                    headers,
                    retry_after,
                    body,
                }),
                bytes,
            },
        }
    }
}

/// The manners of every client: it follows nothing, retries nothing, asks no proxy and reaches what its policy permits.
pub(super) fn plain_client(policy: &EgressPolicy) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("onedoor/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .referer(false)
        .http1_only()
        .http1_max_headers(HEADERS_MAX)
        .pool_idle_timeout(POOL_IDLE)
        .dns_resolver(GuardedResolver::system(policy.clone()))
}

/// A request below a base address, with the driver's own headers.
///
/// # Errors
/// When a header holds bytes no header can.
pub fn written(base: &Url, request: WireRequest, own: &[(&str, &str)]) -> Result<Request, Unwritable> {
    let mut url = base.clone();
    url.path_segments_mut()
        .ok()
        .ok_or(Unwritable)?
        .pop_if_empty()
        .extend(&request.segments);
    if !request.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&request.query);
    }
    let mut headers = HeaderMap::new();
    let adapters = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    // The driver's own come last, so that no adapter can replace them.
    for (name, value) in adapters.chain(own.iter().copied()) {
        let name = HeaderName::from_bytes(name.as_bytes()).ok().ok_or(Unwritable)?;
        let mut value = HeaderValue::from_str(value).ok().ok_or(Unwritable)?;
        value.set_sensitive(name == reqwest::header::AUTHORIZATION);
        headers.insert(name, value);
    }
    let mut written = Request::new(method(request.method), url);
    *written.headers_mut() = headers;
    *written.body_mut() = request.body.map(Into::into);
    Ok(written)
}

impl Transfer {
    const fn nothing(exchange: Exchange) -> Self {
        Self {
            exchange,
            answer: None,
            bytes: 0,
        }
    }
}

/// Before the connection stood nothing can have left; after that anything may have.
fn fault_of(error: &reqwest::Error) -> Exchange {
    if has_cause::<EgressRefused>(error) {
        Exchange::AddressRefused
    } else if error.is_dns() {
        Exchange::NotSent(NotSentReason::NoAddress)
    } else if error.is_connect() {
        Exchange::NotSent(NotSentReason::NoConnection)
    } else if error.is_timeout() {
        Exchange::Lost(Ambiguity::Timeout)
    } else {
        Exchange::Lost(Ambiguity::ConnectionLost)
    }
}

fn has_cause<E: std::error::Error + 'static>(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<E>() {
            return true;
        }
        cause = inner.source();
    }
    false
}

const fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

fn plain_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut plain = BTreeMap::new();
    for (name, value) in headers {
        let text = value.to_str().ok().filter(|text| text.len() <= HEADER_VALUE_MAX);
        if let Some(text) = text {
            plain
                .entry(name.as_str().to_owned())
                .or_insert_with(|| text.to_owned());
        }
    }
    plain
}

fn retry_after(value: Option<&HeaderValue>, now: DateTime<Utc>) -> Option<Duration> {
    delay_of(value?.to_str().ok()?.trim(), now)
}

/// A Retry-After: seconds or an HTTP date, at most a day; `None` when unreadable.
pub(super) fn delay_of(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let delay = if let Ok(seconds) = text.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let until = DateTime::parse_from_rfc2822(text).ok()?;
        (until.with_timezone(&Utc) - now)
            .to_std()
            .unwrap_or(Duration::ZERO)
    };
    Some(delay.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms_and_bounded() {
        let now = DateTime::parse_from_rfc3339("2026-11-23T08:00:00Z")
            .expect("instant")
            .to_utc();
        let read = |text| retry_after(Some(&HeaderValue::from_static(text)), now);
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            read("Mon, 23 Nov 2026 08:02:00 GMT"),
            Some(Duration::from_secs(120))
        );
        assert_eq!(read("Mon, 23 Nov 2026 07:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("99999999999"), Some(RETRY_AFTER_MAX));
        assert_eq!(read("soon"), None);
        assert_eq!(retry_after(None, now), None);
    }
}
