//! Enrolment: the administrator gives a code out, the device uses it once and gives its key; and its end.

use chrono::{DateTime, TimeDelta, Utc};
use onedoor_domain::actor::Actor;
use onedoor_domain::audit::AuditAction;
use onedoor_domain::id::{KioskId, OrganizationId};
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use onedoor_domain::kiosk::{EnrolmentCode, Kiosk, KioskState};
use onedoor_domain::policy::Act;
use rand::RngCore as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::Kiosks;
use super::token::actor;
use crate::error::{AppError, ErrorCode};
use crate::secret::Redacted;
use crate::secret::device_key::DeviceKey;
use crate::secret::kiosk_nonce::NonceUse;
use crate::service::guard;
use crate::service::rejection::{Rejection, RejectionCode};
use crate::store::kiosk::Invitation;
use crate::store::write_set::IdempotencyClaim;

/// The header `typ` of a device's signature over its code.
const ENROLMENT: &str = "kiosk-enroll+jwt";
/// Longest name of a kiosk, characters.
const NAME_MAX: usize = 50;
const INVITE: &str = "enrollKiosk";
const REVOKE: &str = "revokeKiosk";

/// An enrolment code that the administrator asks for.
#[derive(Debug, Clone)]
pub struct InviteOrder {
    /// The kiosk to be enrolled again; `None`: a new one.
    pub kiosk: Option<KioskId>,
    /// Where it stands; may be left out for one that is there.
    pub station: Option<OrganizationId>,
    /// What people call it; may be left out for one that is there.
    pub name: Option<String>,
    /// The caller's key.
    pub key: IdempotencyKey,
    /// Hash of the canonical input.
    pub fingerprint: Fingerprint,
    /// The number of the request.
    pub correlation: String,
}

/// A code that was given out.
#[derive(Debug, Clone)]
pub struct Invited {
    /// The kiosk as it is now.
    pub kiosk: Kiosk,
    /// The code.
    pub code: Redacted<String>,
    /// Until when it works.
    pub expires_at: DateTime<Utc>,
}

/// A kiosk that the administrator ends.
#[derive(Debug, Clone)]
pub struct RevokeOrder {
    /// Which.
    pub kiosk: KioskId,
    /// The caller's key.
    pub key: IdempotencyKey,
    /// Hash of the canonical input.
    pub fingerprint: Fingerprint,
    /// The number of the request.
    pub correlation: String,
}

/// What a device sends to be enrolled.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrolRequest {
    code: Redacted<String>,
    public_key: Value,
    proof: String,
}

/// What it is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Enrolled {
    /// Its id: the subject of all it does.
    pub device: KioskId,
    /// What people call it.
    pub name: String,
    /// Code of its station.
    pub station: Option<String>,
}

/// What the device signs.
#[derive(Deserialize)]
struct Signed {
    code: Redacted<String>,
    nonce: String,
}

/// What is kept of a code under the administrator's key, sealed.
#[derive(Serialize, Deserialize)]
struct Kept {
    kiosk: KioskId,
    code: String,
    #[serde(with = "chrono::serde::ts_microseconds")]
    expires_at: DateTime<Utc>,
}

impl Kiosks {
    /// Gives an enrolment code out, once by the caller's key.
    ///
    /// # Errors
    /// FORBIDDEN or UNAUTHENTICATED by the policy, STORE_UNAVAILABLE; the inner error is an expected answer.
    pub async fn invite(
        &self,
        actor: &Actor,
        order: InviteOrder,
    ) -> Result<Result<Invited, Vec<Rejection>>, AppError> {
        guard::allow(actor, Act::ManageKiosks)?;
        if let Some(earlier) = self.invited_earlier(actor, &order).await? {
            return Ok(earlier);
        }
        let known = match order.kiosk {
            Some(id) => match self.cases.store.device(id).await?.map(|device| device.kiosk) {
                Some(kiosk) if kiosk.state != KioskState::Revoked => Some(kiosk),
                Some(_) | None => return Ok(Err(vec![unknown_kiosk()])),
            },
            None => None,
        };
        let (station, name) = match self.place(&order, known.as_ref()) {
            Ok(placed) => placed,
            Err(fault) => return Ok(Err(vec![*fault])),
        };
        let code = EnrolmentCode::from_random(random(), random());
        let entry = self
            .cases
            .services
            .audit_entry(actor, AuditAction::KioskInvited)
            .of_request(&order.correlation);
        let kept = Kept {
            kiosk: order.kiosk.unwrap_or_else(|| KioskId::from_uuid(Uuid::now_v7())),
            code: code.reveal(),
            expires_at: entry.at + TimeDelta::hours(i64::from(self.settings.enrolment_code_hours)),
        };
        let invitation = Invitation {
            kiosk: kept.kiosk,
            name,
            station,
            code: code.digest(),
            expires_at: kept.expires_at,
        };
        let claim = claim(actor, INVITE, order.key, order.fingerprint);
        let answer = serde_json::to_vec(&kept).map_err(AppError::internal)?;
        let entry = entry.on(kept.kiosk);
        let store = &self.cases.store;
        if store.invite_kiosk(invitation, &claim, &answer, &entry).await? {
            return Ok(Ok(self.invited(kept).await?));
        }
        // the same request was stored beside this one, or the kiosk was revoked meanwhile
        let earlier = self.invited_earlier(actor, &order).await?;
        Ok(earlier.unwrap_or_else(|| Err(vec![unknown_kiosk()])))
    }

    /// Ends a kiosk for good; one that is ended already stays so.
    ///
    /// # Errors
    /// As [`Self::invite`].
    pub async fn revoke(
        &self,
        actor: &Actor,
        order: RevokeOrder,
    ) -> Result<Result<Kiosk, Vec<Rejection>>, AppError> {
        guard::allow(actor, Act::ManageKiosks)?;
        let store = &self.cases.store;
        if store.device(order.kiosk).await?.is_none() {
            return Ok(Err(vec![unknown_kiosk()]));
        }
        let entry = self
            .cases
            .services
            .audit_entry(actor, AuditAction::KioskRevoked)
            .on(order.kiosk)
            .of_request(&order.correlation);
        let claim = claim(actor, REVOKE, order.key, order.fingerprint);
        if !store.revoke_kiosk(order.kiosk, &claim, &entry).await? {
            let earlier = store.look_up(&actor.subject, order.key).await?;
            if earlier.is_some_and(|earlier| earlier.fingerprint != order.fingerprint) {
                return Ok(Err(vec![Rejection::idempotency_mismatch()]));
            }
        }
        Ok(Ok(self.existing(order.kiosk).await?))
    }

    /// Uses a code up. A used, an expired and a wrong code answer alike.
    ///
    /// # Errors
    /// UNAUTHENTICATED, NONCE_REQUIRED for a challenge that is not fresh, STORE_UNAVAILABLE.
    pub async fn enroll(&self, request: &EnrolRequest) -> Result<Enrolled, AppError> {
        let now = self.cases.clock.now();
        let key = DeviceKey::from_jwk(&request.public_key).map_err(|error| {
            AppError::of(ErrorCode::BadRequest)
                .detail(
                    "publicKey 须为 Ed25519 或 P-256 公钥（JWK）。",
                    "publicKey must be a public JWK of Ed25519 or P-256.",
                )
                .because(error)
        })?;
        let signed: Signed = key
            .verify(&request.proof, ENROLMENT)
            .map_err(|error| self.refuse("signature").because(error))?;
        if signed.code != request.code {
            return Err(self.refuse("signature"));
        }
        if self
            .nonces
            .read(NonceUse::Challenge, &signed.nonce, now)
            .is_none()
        {
            self.refused.with_label_values(&["challenge"]).inc();
            return Err(AppError::of(ErrorCode::NonceRequired));
        }
        let code: Option<EnrolmentCode> = request.code.expose().parse().ok();
        let Some(code) = code.map(|code| code.digest()) else {
            return Err(self.wrong_code());
        };
        let store = &self.cases.store;
        let Some(kiosk) = store.kiosk_by_code(code).await? else {
            return Err(self.wrong_code());
        };
        let entry = self
            .cases
            .services
            .audit_entry(&actor(&kiosk), AuditAction::KioskEnrolled)
            .on(kiosk.id);
        let public = (key.to_json(), key.thumbprint());
        if !store.enroll_kiosk(kiosk.id, code, public, &entry).await? {
            return Err(self.wrong_code());
        }
        let directory = self.cases.directory();
        let station = directory.organization(kiosk.station);
        Ok(Enrolled {
            device: kiosk.id,
            name: kiosk.name,
            station: station.map(|station| station.code.clone()),
        })
    }

    fn wrong_code(&self) -> AppError {
        self.refuse("code").detail(
            "注册码无效、已使用或已过期，请向管理员索取新的注册码。",
            "The enrolment code is wrong, used or expired; ask the administrator for a new one.",
        )
    }

    async fn invited_earlier(
        &self,
        actor: &Actor,
        order: &InviteOrder,
    ) -> Result<Option<Result<Invited, Vec<Rejection>>>, AppError> {
        let Some(record) = self.cases.store.look_up(&actor.subject, order.key).await? else {
            return Ok(None);
        };
        if record.act != INVITE || record.fingerprint != order.fingerprint {
            return Ok(Some(Err(vec![Rejection::idempotency_mismatch()])));
        }
        let kept = serde_json::from_slice(&record.answer.unwrap_or_default()).map_err(AppError::internal)?;
        Ok(Some(Ok(self.invited(kept).await?)))
    }

    async fn invited(&self, kept: Kept) -> Result<Invited, AppError> {
        Ok(Invited {
            kiosk: self.existing(kept.kiosk).await?,
            code: Redacted::new(kept.code),
            expires_at: kept.expires_at,
        })
    }

    async fn existing(&self, id: KioskId) -> Result<Kiosk, AppError> {
        let found = self.cases.store.device(id).await?;
        found
            .map(|device| device.kiosk)
            .ok_or_else(|| AppError::of(ErrorCode::NotFound))
    }

    fn place(
        &self,
        order: &InviteOrder,
        known: Option<&Kiosk>,
    ) -> Result<(OrganizationId, String), Box<Rejection>> {
        let directory = self.cases.directory();
        let station = order.station.or(known.map(|kiosk| kiosk.station));
        let station = station
            .and_then(|station| directory.organization(directory.living(station)))
            .ok_or_else(|| {
                invalid(
                    "station",
                    "请填写终端所在站点的单位编号。",
                    "Give the organization at whose station the kiosk stands.",
                )
            })?;
        let name = order.name.as_deref().or(known.map(|kiosk| kiosk.name.as_str()));
        let name = name.map(str::trim).filter(|name| {
            let length = name.chars().count();
            (1..=NAME_MAX).contains(&length) && !name.chars().any(onedoor_domain::text::unprintable)
        });
        let name = name.ok_or_else(|| {
            invalid(
                "name",
                "名称须为 1 至 50 个字，不得含控制字符。",
                "A name has 1 to 50 characters and no control characters.",
            )
        })?;
        Ok((station.id, name.to_owned()))
    }
}

fn claim(
    actor: &Actor,
    act: &'static str,
    key: IdempotencyKey,
    fingerprint: Fingerprint,
) -> IdempotencyClaim {
    IdempotencyClaim {
        principal: actor.subject.clone(),
        key,
        act,
        fingerprint,
    }
}

fn random() -> [u8; 8] {
    let mut bytes = [0; 8];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

fn invalid(field: &str, zh: &str, en: &str) -> Box<Rejection> {
    Box::new(Rejection::of(RejectionCode::InvalidField, &[field], zh, en))
}

fn unknown_kiosk() -> Rejection {
    Rejection::of(
        RejectionCode::UnknownKiosk,
        &["kiosk"],
        "没有此终端，或已注销；请新建终端。",
        "There is no such kiosk, or it is revoked; enrol a new one.",
    )
}
