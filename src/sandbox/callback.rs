//! Reports to the sender: signed by Standard Webhooks 1.0, repeated with growing pauses until 2xx, bounded.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, redirect, retry};

use crate::clock::SharedClock;
use crate::sandbox::wire::Event;
use crate::sandbox::{SandboxError, SandboxSettings, millis};

/// How often a report is tried: about five minutes with the pauses below.
const TRIES_MAX: u32 = 64;
/// The first pause, milliseconds; doubled each time.
const PAUSE_FIRST_MS: u64 = 200;
/// The longest pause, milliseconds.
const PAUSE_MAX_MS: u64 = 5_000;
/// Time of one try.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends reports.
#[derive(Clone)]
pub struct Reporter {
    client: Client,
    key: hmac::Key,
    clock: SharedClock,
}

/// What a sandbox does between two tries, and whether it goes on.
#[derive(Debug, Clone, Copy)]
pub struct Try {
    /// Number, from 0.
    pub number: u32,
}

impl Try {
    /// The pause before the next try; `None` after the last.
    #[must_use]
    pub fn pause(self) -> Option<Duration> {
        let doubled = PAUSE_FIRST_MS.saturating_mul(1_u64 << self.number.min(10));
        (self.number.saturating_add(1) < TRIES_MAX).then(|| millis(doubled.min(PAUSE_MAX_MS)))
    }
}

impl Reporter {
    /// A reporter with the secret of the settings.
    ///
    /// # Errors
    /// When the secret is malformed or the client cannot be built.
    pub fn new(settings: &SandboxSettings) -> Result<Self, SandboxError> {
        let secret = settings.callback_secret.expose();
        let secret = secret
            .strip_prefix("whsec_")
            .and_then(|text| STANDARD.decode(text).ok());
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret.ok_or(SandboxError::Secret)?);
        let client = Client::builder()
            .user_agent("county-hr-sandbox/1")
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .connect_timeout(millis(3_000))
            .timeout(TIMEOUT)
            .pool_idle_timeout(millis(1_000))
            .build()
            .map_err(SandboxError::Client)?;
        Ok(Self {
            client,
            key,
            clock: settings.clock.clone(),
        })
    }

    /// Sends a report once; the status, or `None` when no answer came.
    pub async fn report(&self, url: &str, event: &Event) -> Option<u16> {
        let body = serde_json::to_vec(event).ok()?;
        let time = self.clock.now().timestamp();
        let mut content = format!("{}.{time}.", event.event_id).into_bytes();
        content.extend_from_slice(&body);
        let signature = format!("v1,{}", STANDARD.encode(hmac::sign(&self.key, &content)));
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("webhook-id", event.event_id.clone()),
            ("webhook-timestamp", time.to_string()),
            ("webhook-signature", signature),
        ];
        self.post(url, &headers, body).await
    }

    /// Sends something once; the status, or `None` when no answer came.
    pub async fn post(&self, url: &str, headers: &[(&'static str, String)], body: Vec<u8>) -> Option<u16> {
        let request = headers
            .iter()
            .fold(self.client.post(url), |request, (name, value)| {
                request.header(*name, value)
            });
        match request.body(body).send().await {
            Ok(answer) => Some(answer.status().as_u16()),
            Err(error) => {
                tracing::debug!(error = %error.without_url(), "a report of the sandbox found no answer");
                None
            }
        }
    }
}
