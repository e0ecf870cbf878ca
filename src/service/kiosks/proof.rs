//! Who a device is: its short token, and with each request a fresh proof that it holds the key (DPoP, RFC 9449).

use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use onedoor_domain::actor::Actor;
use onedoor_domain::digest::Digest;
use onedoor_domain::id::KioskId;
use onedoor_domain::kiosk::{Kiosk, KioskState};
use serde::Deserialize;
use url::Url;

use super::Kiosks;
use super::token::{actor, token_digest};
use crate::error::{AppError, ErrorCode};
use crate::secret::device_key::{DeviceKey, text_hash};
use crate::secret::kiosk_nonce::NonceUse;
use crate::service::identity::{Authenticated, Authenticator, Presented};
use crate::store::kiosk::Device;

/// The header `typ` of a proof.
const PROOF: &str = "dpop+jwt";
/// Longest id of a proof, bytes.
const JTI_MAX_BYTES: usize = 128;

/// What a proof says. `iat` is not read: the clocks of devices are wrong, the nonce is ours.
#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    ath: String,
    nonce: Option<String>,
}

/// The token of `DPoP <token>`; the scheme is case-insensitive. `None`: another scheme, or none.
#[must_use]
pub fn bound_token(authorization: &str) -> Option<&str> {
    match authorization.trim().split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("dpop") => Some(token.trim_start()),
        Some(_) | None => None,
    }
}

impl Kiosks {
    async fn caller(&self, presented: &Presented) -> Result<Authenticated, AppError> {
        let header = presented.authorization.as_ref().map(|it| it.expose().as_str());
        let Some(token) = header.and_then(bound_token) else {
            return Err(self.refuse("token"));
        };
        let now = self.cases.clock.now();
        let session = self.cases.store.kiosk_session(token_digest(token)).await?;
        let Some((device, expires_at)) = session.filter(|(_, ends)| *ends > now) else {
            return Err(self.refuse("token"));
        };
        if device.kiosk.state != KioskState::Active {
            return Err(self.refuse("ended"));
        }
        self.check_proof(presented, token, &device).await?;
        Ok(Authenticated {
            actor: Arc::new(self.actor_today(&device.kiosk)),
            expires_at: Some(expires_at),
            grounds: None,
        })
    }

    /// The nonce is looked at after the signature, so that only the device itself learns that it needs another; the id is
    /// remembered last, so that nobody else fills that memory.
    async fn check_proof(&self, presented: &Presented, token: &str, device: &Device) -> Result<(), AppError> {
        let (Some(proof), Some(key)) = (&presented.proof, &device.public_key) else {
            return Err(self.refuse("proof"));
        };
        let key = DeviceKey::from_json(key).map_err(AppError::internal)?;
        let claims: Claims = key
            .verify(proof.expose(), PROOF)
            .map_err(|error| self.refuse("proof").because(error))?;
        let fits = claims.htm == presented.method
            && claims.ath == text_hash(token)
            && self.is_here(&claims.htu, &presented.path)
            && (1..=JTI_MAX_BYTES).contains(&claims.jti.len());
        if !fits {
            return Err(self.refuse("proof"));
        }
        let now = self.cases.clock.now();
        let nonce = claims.nonce.unwrap_or_default();
        let Some(issued_at) = self.nonces.read(NonceUse::Proof, &nonce, now) else {
            self.refused.with_label_values(&["nonce"]).inc();
            return Err(AppError::of(ErrorCode::NonceRequired));
        };
        // with its nonce, an id is gone for good when the nonce is
        let used = Digest::of_parts(&[b"proof", nonce.as_bytes(), claims.jti.as_bytes()]);
        let ends = issued_at + self.nonces.life() + TimeDelta::seconds(1);
        let store = &self.cases.store;
        if store.use_kiosk_proof(device.kiosk.id, used, ends).await? {
            Ok(())
        } else {
            Err(self.refuse("replay"))
        }
    }

    /// Whether an address of a proof is that of the request: without query and fragment (RFC 9449 §4.3). The host counts
    /// where `server.public_url` says what it is.
    fn is_here(&self, htu: &str, path: &str) -> bool {
        let Ok(mut named) = Url::parse(htu) else {
            return false;
        };
        named.set_query(None);
        named.set_fragment(None);
        if self.public_url.is_empty() {
            named.path() == path
        } else {
            Url::parse(&format!("{}{path}", self.public_url)).is_ok_and(|here| here == named)
        }
    }

    /// The actor of a kiosk, at the organization that does its station's work today.
    fn actor_today(&self, kiosk: &Kiosk) -> Actor {
        let directory = self.cases.directory();
        let station = directory.organization(directory.living(kiosk.station));
        Actor {
            organization: station.map(|station| station.id),
            division: station.map(|station| station.division),
            ..actor(kiosk)
        }
    }

    async fn is_still_active(&self, caller: &Authenticated) -> bool {
        let Some(id) = caller.actor.subject.parse::<KioskId>().ok() else {
            return true;
        };
        let lifetime = TimeDelta::seconds(i64::from(self.settings.token_lifetime_s));
        let begun = caller.expires_at.map(|end| end - lifetime);
        match self.cases.store.device(id).await {
            Ok(Some(device)) => {
                // enrolled again since: what lasts belongs to the key of before
                device.kiosk.state == KioskState::Active && begun >= device.kiosk.enrolled_at
            }
            Ok(None) => false,
            // a database that is away ends nobody; the end of the token does, minutes later
            Err(error) => {
                tracing::warn!(error = %error, "a kiosk that is let in cannot be looked up");
                true
            }
        }
    }
}

impl Authenticator for Kiosks {
    fn authenticate<'a>(
        &'a self,
        presented: &'a Presented,
    ) -> BoxFuture<'a, Result<Authenticated, AppError>> {
        Box::pin(self.caller(presented))
    }

    fn still_admits<'a>(&'a self, caller: &'a Authenticated) -> BoxFuture<'a, bool> {
        Box::pin(self.is_still_active(caller))
    }
}
