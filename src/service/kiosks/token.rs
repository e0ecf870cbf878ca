//! Short tokens for a signed challenge and a counter that goes on; and the heartbeat.

use chrono::{DateTime, TimeDelta, Utc};
use onedoor_domain::actor::{Actor, ActorKind};
use onedoor_domain::audit::AuditAction;
use onedoor_domain::digest::Digest;
use onedoor_domain::id::KioskId;
use onedoor_domain::kiosk::{Kiosk, KioskState, Presented};
use onedoor_domain::policy::Act;
use rand::RngCore as _;
use serde::{Deserialize, Serialize};

use super::Kiosks;
use crate::error::{AppError, ErrorCode};
use crate::secret::Redacted;
use crate::secret::device_key::DeviceKey;
use crate::secret::kiosk_nonce::NonceUse;
use crate::service::guard;
use crate::store::kiosk::Beat;
use crate::store::kiosk_token::{TokenOrder, TokenVerdict};

/// The header `typ` of a device's signature over its counter.
const TOKEN_REQUEST: &str = "kiosk-token+jwt";
/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;
/// Longest version of a program, characters.
const VERSION_MAX: usize = 40;

/// What a device sends for a token.
#[derive(Debug, Deserialize)]
pub struct TokenRequest {
    device: String,
    proof: String,
}

/// What the device signs.
#[derive(Deserialize)]
struct Signed {
    device: String,
    nonce: String,
    counter: u32,
}

/// A token.
#[derive(Debug)]
pub struct Token {
    /// The token: for this one answer.
    pub token: Redacted<String>,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
}

/// What a heartbeat says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BeatRequest {
    app_version: String,
    queue_length: u32,
    device_time: DateTime<Utc>,
}

/// What is answered to it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BeatAnswer {
    server_time: DateTime<Utc>,
    state: KioskState,
    clock_ahead_seconds: i64,
}

impl Kiosks {
    /// Gives a token to whoever holds the key of an active kiosk and knows its counter.
    ///
    /// # Errors
    /// UNAUTHENTICATED for an unknown device or a wrong signature, NONCE_REQUIRED for a challenge that is not fresh,
    /// FORBIDDEN for the right key of a kiosk that may not act, STORE_UNAVAILABLE.
    pub async fn token(&self, request: &TokenRequest) -> Result<Token, AppError> {
        let now = self.cases.clock.now();
        let id: Option<KioskId> = request.device.parse().ok();
        let device = match id {
            Some(id) => self.cases.store.device(id).await?,
            None => None,
        };
        let known = device.and_then(|device| Some((device.kiosk, device.public_key?)));
        let (kiosk, key) = known.ok_or_else(|| self.refuse("signature"))?;
        let key = DeviceKey::from_json(&key).map_err(AppError::internal)?;
        let signed: Signed = key
            .verify(&request.proof, TOKEN_REQUEST)
            .map_err(|error| self.refuse("signature").because(error))?;
        if signed.device != request.device {
            return Err(self.refuse("signature"));
        }
        let Some(issued_at) = self.nonces.read(NonceUse::Challenge, &signed.nonce, now) else {
            self.refused.with_label_values(&["challenge"]).inc();
            return Err(AppError::of(ErrorCode::NonceRequired));
        };
        let mut bytes = [0; TOKEN_BYTES];
        rand::rng().fill_bytes(&mut bytes);
        let token = hex::encode(bytes);
        let order = TokenOrder {
            kiosk: kiosk.id,
            presented: Presented {
                counter: signed.counter,
                challenge: Digest::of_parts(&[b"challenge", signed.nonce.as_bytes()]),
                issued_at,
            },
            challenge_ends: issued_at + self.nonces.life(),
            token: token_digest(&token),
            expires_at: now + TimeDelta::seconds(i64::from(self.settings.token_lifetime_s)),
            suspicion: self
                .cases
                .services
                .audit_entry(&actor(&kiosk), AuditAction::KioskSuspended)
                .on(kiosk.id)
                .because("CLONE_SUSPECTED"),
        };
        let expires_at = order.expires_at;
        match self.cases.store.grant_kiosk_token(order).await? {
            TokenVerdict::Granted => Ok(Token {
                token: Redacted::new(token),
                expires_at,
            }),
            TokenVerdict::Spent => {
                self.refused.with_label_values(&["challenge"]).inc();
                Err(AppError::of(ErrorCode::NonceRequired))
            }
            TokenVerdict::Cloned => {
                self.refused.with_label_values(&["counter"]).inc();
                tracing::warn!(
                    kiosk.id = %kiosk.id,
                    "two devices use the key of a kiosk; it is suspended until it is enrolled again"
                );
                Err(self.ended())
            }
            TokenVerdict::Ended => Err(self.ended()),
        }
    }

    /// Keeps a heartbeat.
    ///
    /// # Errors
    /// FORBIDDEN or UNAUTHENTICATED by the policy, NOT_FOUND for a kiosk of a demonstration that has only a bearer token,
    /// STORE_UNAVAILABLE.
    pub async fn beat(&self, actor: &Actor, request: BeatRequest) -> Result<BeatAnswer, AppError> {
        guard::allow(actor, Act::SyncKiosk)?;
        let now = self.cases.clock.now();
        let id: Option<KioskId> = actor.subject.parse().ok();
        let id = id.ok_or_else(|| AppError::of(ErrorCode::NotFound))?;
        let printable = |letter: char| !onedoor_domain::text::unprintable(letter);
        let version = request.app_version.chars().filter(|letter| printable(*letter));
        let ahead = (request.device_time - now).num_seconds();
        let beat = Beat {
            app_version: version.take(VERSION_MAX).collect(),
            queue_length: request.queue_length,
            clock_ahead_s: ahead,
        };
        self.cases.store.keep_beat(id, beat, now).await?;
        Ok(BeatAnswer {
            server_time: now,
            // whoever is in another state was not let in
            state: KioskState::Active,
            clock_ahead_seconds: ahead,
        })
    }
}

/// What is stored of a token. 256 random bits need no slow hash.
pub(super) fn token_digest(token: &str) -> Digest {
    Digest::of_parts(&[b"kiosk token", token.as_bytes()])
}

/// A kiosk as an actor, at its station as it was enrolled.
pub(super) fn actor(kiosk: &Kiosk) -> Actor {
    Actor {
        kind: ActorKind::Kiosk,
        subject: kiosk.id.to_string(),
        organization: Some(kiosk.station),
        division: None,
        approver: false,
    }
}
