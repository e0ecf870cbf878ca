//! Kiosks (自助终端): enrolled and revoked by their administrator.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use onedoor_domain::id::{KioskId, OrganizationId};
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use serde_json::{Value, json};
use uuid::Uuid;

use super::act::told;
use crate::error::AppError;
use crate::graphql::query::cases::optional;
use crate::graphql::reach::{self, failed, request};
use crate::graphql::types::kiosk::{Kiosk, kiosks};
use crate::graphql::user_error::{EnrollKioskUserError, RevokeKioskUserError};
use crate::service::kiosks::enrolment::{InviteOrder, RevokeOrder};

/// What asks for an enrolment code.
#[derive(InputObject)]
pub struct EnrollKioskInput {
    /// The kiosk to be enrolled again, with a new key; omitted: a new one.
    kiosk: Option<ID>,
    /// The organization at whose station it stands; may be omitted when it is enrolled again.
    station: Option<ID>,
    /// What people call it, up to 50 characters; may be omitted when it is enrolled again.
    name: Option<String>,
    /// A fresh UUID for this request; repeat it only to repeat the same request.
    idempotency_key: Uuid,
}

/// What came of `enrollKiosk`.
#[derive(SimpleObject)]
pub struct EnrollKioskPayload {
    /// The kiosk; null when no code was given out.
    kiosk: Option<Kiosk>,
    /// 注册码, to be typed in on the device once. Shown in this answer only.
    enrolment_code: Option<String>,
    /// Until when the code works.
    code_expires_at: Option<DateTime<Utc>>,
    /// Why no code was given out; empty when one was.
    user_errors: Vec<EnrollKioskUserError>,
}

/// What ends a kiosk.
#[derive(InputObject)]
pub struct RevokeKioskInput {
    /// The kiosk.
    kiosk: ID,
    /// A fresh UUID for this request; repeat it only to repeat the same request.
    idempotency_key: Uuid,
}

/// What came of `revokeKiosk`.
#[derive(SimpleObject)]
pub struct RevokeKioskPayload {
    /// The kiosk as it stands now; null when there is none.
    kiosk: Option<Kiosk>,
    /// Why it was not revoked; empty when it was.
    user_errors: Vec<RevokeKioskUserError>,
}

/// Kiosks.
#[derive(Default)]
pub struct KioskMutations;

/// Kiosks.
#[Object]
impl KioskMutations {
    /// Give out a one-time enrolment code (注册码) for a kiosk at a station. The device makes its own key; until the code is
    /// used, a key of before works on.
    async fn enroll_kiosk(&self, ctx: &Context<'_>, input: EnrollKioskInput) -> Result<EnrollKioskPayload> {
        let asked = json!({
            "kiosk": input.kiosk.as_deref(), "station": input.station.as_deref(), "name": input.name,
        });
        let order = InviteOrder {
            kiosk: optional::<KioskId>(ctx, input.kiosk.as_ref())?,
            station: optional::<OrganizationId>(ctx, input.station.as_ref())?,
            name: input.name,
            key: IdempotencyKey::from_uuid(input.idempotency_key),
            fingerprint: fingerprint(ctx, "enrollKiosk", &asked)?,
            correlation: request(ctx)?.correlation_id.to_string(),
        };
        let kiosks = kiosks(ctx)?;
        let invited = kiosks.invite(&request(ctx)?.actor, order).await;
        match invited.map_err(|error| failed(ctx, error))? {
            Ok(invited) => Ok(EnrollKioskPayload {
                kiosk: Some(Kiosk::of(invited.kiosk, kiosks)),
                enrolment_code: Some(invited.code.into_exposed()),
                code_expires_at: Some(invited.expires_at),
                user_errors: Vec::new(),
            }),
            Err(rejections) => Ok(EnrollKioskPayload {
                kiosk: None,
                enrolment_code: None,
                code_expires_at: None,
                user_errors: told(ctx, &rejections, EnrollKioskUserError::of)?,
            }),
        }
    }

    /// End a kiosk (注销) for good: its tokens and its open sockets end at every replica.
    async fn revoke_kiosk(&self, ctx: &Context<'_>, input: RevokeKioskInput) -> Result<RevokeKioskPayload> {
        let order = RevokeOrder {
            kiosk: reach::id::<KioskId>(ctx, &input.kiosk)?,
            key: IdempotencyKey::from_uuid(input.idempotency_key),
            fingerprint: fingerprint(ctx, "revokeKiosk", &json!({ "kiosk": *input.kiosk }))?,
            correlation: request(ctx)?.correlation_id.to_string(),
        };
        let kiosks = kiosks(ctx)?;
        let revoked = kiosks.revoke(&request(ctx)?.actor, order).await;
        match revoked.map_err(|error| failed(ctx, error))? {
            Ok(kiosk) => Ok(RevokeKioskPayload {
                kiosk: Some(Kiosk::of(kiosk, kiosks)),
                user_errors: Vec::new(),
            }),
            Err(rejections) => Ok(RevokeKioskPayload {
                kiosk: None,
                user_errors: told(ctx, &rejections, RevokeKioskUserError::of)?,
            }),
        }
    }
}

fn fingerprint(ctx: &Context<'_>, act: &str, asked: &Value) -> Result<Fingerprint> {
    Fingerprint::of(act, asked)
        .map_err(AppError::internal)
        .map_err(|error| failed(ctx, error))
}
