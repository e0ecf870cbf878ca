//! Asks an address of the configuration for a small document: one request, bounded in time, size and reach.

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder};
use tokio::time::{Instant, timeout_at};
use url::Url;
use url::form_urlencoded::Serializer;

use crate::secret::Redacted;
use crate::upstream::egress::{AddressRange, EgressPolicy, EgressRefused, RangeError};
use crate::upstream::transport::plain_client;

/// The whole of one question, connecting included.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Connecting alone.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The largest document.
const DOCUMENT_MAX_BYTES: usize = 262_144;

/// Fetches documents of one system.
#[derive(Debug, Clone)]
pub struct Fetcher {
    client: Client,
    policy: EgressPolicy,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Fetched {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

/// Why a fetcher cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum FetcherError {
    /// An address of the allow-list.
    #[error("an address that may be reached is none")]
    Range(#[from] RangeError),
    /// TLS could not be set up.
    #[error("the HTTP client cannot be built")]
    Client(#[source] reqwest::Error),
}

/// Why there is no answer. Tells no address.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It leads where the gateway must not reach.
    #[error(transparent)]
    Refused(#[from] EgressRefused),
    /// It did not come in time.
    #[error("no answer in time")]
    Late,
    /// It is too large.
    #[error("the answer is too large")]
    TooLarge,
    /// It broke off, or never began.
    #[error("no answer")]
    Broken(#[source] reqwest::Error),
}

impl Fetcher {
    /// A fetcher that reaches public addresses, and these.
    ///
    /// # Errors
    /// An address is none, or TLS cannot be set up.
    pub fn new(allow_addresses: &[String]) -> Result<Self, FetcherError> {
        let ranges = allow_addresses
            .iter()
            .map(|range| range.parse::<AddressRange>())
            .collect::<Result<Vec<_>, _>>()?;
        let policy = EgressPolicy::new(&ranges);
        let client = plain_client(&policy)
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(FetcherError::Client)?;
        Ok(Self { client, policy })
    }

    /// Gets a JSON document.
    ///
    /// # Errors
    /// There is no whole answer.
    pub async fn get(&self, url: &Url) -> Result<Fetched, FetchError> {
        self.policy.check(url)?;
        let request = self.client.get(url.clone());
        self.ask(request.header(ACCEPT, "application/json")).await
    }

    /// Posts a form, with the header `Authorization` where one is given.
    ///
    /// # Errors
    /// There is no whole answer; what was asked for may have been done.
    pub async fn post_form(
        &self,
        url: &Url,
        fields: &[(&str, &str)],
        authorization: Option<&Redacted<String>>,
    ) -> Result<Fetched, FetchError> {
        self.policy.check(url)?;
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut request = self
            .client
            .post(url.clone())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        if let Some(authorization) = authorization
            && let Ok(mut value) = HeaderValue::from_str(authorization.expose())
        {
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        self.ask(request).await
    }

    async fn ask(&self, request: RequestBuilder) -> Result<Fetched, FetchError> {
        let deadline = Instant::now() + TIMEOUT;
        let broken = |error: reqwest::Error| FetchError::Broken(error.without_url());
        let sent = timeout_at(deadline, request.send()).await;
        let mut response = sent.ok().ok_or(FetchError::Late)?.map_err(broken)?;
        let mut body = Vec::new();
        loop {
            let piece = timeout_at(deadline, response.chunk()).await;
            let Some(piece) = piece.ok().ok_or(FetchError::Late)?.map_err(broken)? else {
                break;
            };
            if body.len().saturating_add(piece.len()) > DOCUMENT_MAX_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&piece);
        }
        Ok(Fetched {
            status: response.status().as_u16(),
            body,
        })
    }
}
