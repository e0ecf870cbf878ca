//! Sends one request with everything that proves who sends it, and once more with a new token when an old one was refused.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Request;
use tokio::time::Instant;

use super::Driver;
use super::tap::Seen;
use crate::telemetry::traces::{self, TRACEPARENT};
use crate::upstream::auth::Proof;
use crate::upstream::auth::token::NoToken;
use crate::upstream::outcome::{Exchange, HeldReason};
use crate::upstream::transport::{Transfer, Transport};
use crate::upstream::wire::WireRequest;

/// Why a request was not sent.
pub(super) enum Unproven {
    /// Somebody must look.
    Held(HeldReason),
    /// There is no token now.
    Later(Option<Duration>),
}

impl From<NoToken> for Unproven {
    fn from(why: NoToken) -> Self {
        match why {
            NoToken::Later(after) => Self::Later(after),
            NoToken::Held(reason) => Self::Held(reason),
        }
    }
}

impl Driver {
    /// Proves and sends a request; `key` names what it is about, on every attempt the same.
    pub(super) async fn prove_and_send(
        &self,
        key: &str,
        mut request: WireRequest,
        now: DateTime<Utc>,
        begun: Instant,
    ) -> Result<Transfer, Unproven> {
        let deadline = begun + self.config.timeout;
        let authorization = &self.credentials.authorization;
        // half of the time is the upstream's own
        let proof = authorization
            .proof(now, Instant::now() + (deadline - Instant::now()) / 2)
            .await?;
        if let Some(secret) = &self.credentials.body {
            secret
                .put_into(&mut request)
                .map_err(|error| self.unwritable(&error))?;
        }
        // signatures are over the body as it leaves
        let again = match &proof {
            Proof::Token(_) => Some(request.clone()),
            Proof::None | Proof::Bearer(_) | Proof::Header(_) => None,
        };
        let written = self.written(key, request, &proof)?;
        fail::fail_point!("driver.before_send");
        let transfer = self.exchange(written, deadline, now).await;
        fail::fail_point!("driver.after_send");
        let (Some(again), true) = (again, was_refused(transfer.exchange)) else {
            return Ok(transfer);
        };
        // a 401 says that nothing was done: sending again is safe
        match authorization.renewed(&proof, now, deadline).await? {
            // signed anew: whoever saw the number used once and the instant of the first takes neither a second time
            Some(renewed) => {
                let written = self.written(key, again, &renewed)?;
                Ok(self.exchange(written, deadline, now).await)
            }
            None => Ok(transfer),
        }
    }

    /// A request in bytes, with everything that proves who sends it; each signature is of this instant.
    fn written(&self, key: &str, request: WireRequest, proof: &Proof) -> Result<Request, Unproven> {
        let now = self.clock.now();
        let body = request.body.as_deref().unwrap_or_default();
        let mut own = vec![("idempotency-key", key.to_owned())];
        own.extend(traces::traceparent().map(|traceparent| (TRACEPARENT, traceparent)));
        own.extend(self.credentials.webhook_headers(key, now, body));
        own.extend(proof.header().map(|value| ("authorization", value)));
        let own: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut written = self
            .transport
            .write(request, &own)
            .map_err(|error| self.unwritable(&error))?;
        if let Some(mac) = &self.credentials.mac {
            let headers = mac.headers(Transport::signed(&written), key, now);
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(name, value)| (&**name, &**value)).collect();
            Transport::put(&mut written, &headers).map_err(|error| self.unwritable(&error))?;
        }
        Ok(written)
    }

    /// Sends what is written; whoever records sees both sides of it.
    async fn exchange(&self, written: Request, deadline: Instant, now: DateTime<Utc>) -> Transfer {
        let Some(tap) = &self.tap else {
            return self.transport.exchange(written, deadline, now).await;
        };
        let request = Transport::message(&written);
        let transfer = self.transport.exchange(written, deadline, now).await;
        tap.note(Seen {
            request,
            exchange: transfer.exchange,
            answer: transfer.answer.clone(),
        });
        transfer
    }

    /// Gets what a request would prove itself with, and tells of it without showing it.
    ///
    /// # Errors
    /// When the token endpoint gives no token.
    pub async fn authorize(&self) -> Result<Proof, NoToken> {
        let deadline = Instant::now() + self.config.timeout;
        self.credentials
            .authorization
            .proof(self.clock.now(), deadline)
            .await
    }

    fn unwritable(&self, error: &dyn std::error::Error) -> Unproven {
        tracing::warn!(upstream.id = %self.config.name, error = %error, "a request cannot be written");
        Unproven::Held(HeldReason::NotEncodable)
    }
}

const fn was_refused(exchange: Exchange) -> bool {
    match exchange {
        Exchange::Whole { status, .. } | Exchange::Partial { status, .. } => status == 401,
        Exchange::NotSent(_) | Exchange::AddressRefused | Exchange::Lost(_) => false,
    }
}
