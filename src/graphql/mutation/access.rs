//! Taking access back, and giving it back.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use onedoor_domain::revocation::RevokedAccess;
use serde_json::{Value, json};
use uuid::Uuid;

use super::act::told;
use crate::error::AppError;
use crate::graphql::reach::{self, failed, request};
use crate::graphql::types::revocation::{AccessToRevoke, Revocation, RevocationReason};
use crate::graphql::user_error::{RestoreAccessUserError, RevokeAccessUserError};
use crate::service::revocations::{RestoreOrder, Revocations, RevokeOrder};

/// What takes access back.
#[derive(InputObject)]
pub struct RevokeAccessInput {
    /// Whose, or which.
    access: AccessToRevoke,
    /// Why, for the audit log.
    reason: RevocationReason,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
}

/// What gives access back.
#[derive(InputObject)]
pub struct RestoreAccessInput {
    /// The revocation to take back.
    revocation: ID,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
}

/// What came of `revokeAccess`.
#[derive(SimpleObject)]
pub struct RevokeAccessPayload {
    /// The revocation as it stands; null when it was not carried out.
    revocation: Option<Revocation>,
    /// Why it was not carried out; empty when it was.
    user_errors: Vec<RevokeAccessUserError>,
}

/// What came of `restoreAccess`.
#[derive(SimpleObject)]
pub struct RestoreAccessPayload {
    /// The revocation that was taken back; null when it was not.
    restored: Option<ID>,
    /// Why it was not carried out; empty when it was.
    user_errors: Vec<RestoreAccessUserError>,
}

/// Acts of the security administrator.
#[derive(Default)]
pub struct AccessMutations;

/// Acts of the security administrator.
#[Object]
impl AccessMutations {
    /// Take access back (撤销访问): of a person, one token, one session, or of all that an issuer made before an instant. On
    /// every replica nothing can be done by it a minute later, and what is open by then is closed.
    async fn revoke_access(
        &self,
        ctx: &Context<'_>,
        input: RevokeAccessInput,
    ) -> Result<RevokeAccessPayload> {
        let (access, reason) = (input.access.read(ctx)?, input.reason.into());
        let asked = json!({ "access": words(&access), "reason": reason });
        let order = RevokeOrder {
            fingerprint: fingerprint(ctx, "revokeAccess", &asked)?,
            access,
            reason,
            key: IdempotencyKey::from_uuid(input.idempotency_key),
        };
        let acted = ctx
            .data::<Arc<Revocations>>()?
            .revoke(&request(ctx)?.actor, order)
            .await;
        Ok(match acted.map_err(|error| failed(ctx, error))? {
            Ok(revocation) => RevokeAccessPayload {
                revocation: Some(Revocation::of(revocation)),
                user_errors: Vec::new(),
            },
            Err(rejections) => RevokeAccessPayload {
                revocation: None,
                user_errors: told(ctx, &rejections, RevokeAccessUserError::of)?,
            },
        })
    }

    /// Take a revocation back (恢复访问). Tokens that have not ended and sessions that still run are good again.
    async fn restore_access(
        &self,
        ctx: &Context<'_>,
        input: RestoreAccessInput,
    ) -> Result<RestoreAccessPayload> {
        let asked = json!({ "revocation": *input.revocation });
        let order = RestoreOrder {
            id: reach::id(ctx, &input.revocation)?,
            key: IdempotencyKey::from_uuid(input.idempotency_key),
            fingerprint: fingerprint(ctx, "restoreAccess", &asked)?,
        };
        let acted = ctx
            .data::<Arc<Revocations>>()?
            .restore(&request(ctx)?.actor, order)
            .await;
        Ok(match acted.map_err(|error| failed(ctx, error))? {
            Ok(()) => RestoreAccessPayload {
                restored: Some(input.revocation),
                user_errors: Vec::new(),
            },
            Err(rejections) => RestoreAccessPayload {
                restored: None,
                user_errors: told(ctx, &rejections, RestoreAccessUserError::of)?,
            },
        })
    }
}

/// What was asked for, as a fingerprint takes it.
fn words(access: &RevokedAccess) -> Value {
    match access {
        RevokedAccess::Subject(subject) => json!({ "subject": subject }),
        RevokedAccess::Token { issuer, token } => json!({ "issuer": issuer, "token": token }),
        RevokedAccess::Session(session) => json!({ "session": session.to_string() }),
        RevokedAccess::Issuer { issuer, before } => {
            json!({ "issuer": issuer, "before": before.timestamp_micros() })
        }
    }
}

fn fingerprint(ctx: &Context<'_>, name: &'static str, asked: &Value) -> Result<Fingerprint> {
    Fingerprint::of(name, asked)
        .map_err(AppError::internal)
        .map_err(|error| failed(ctx, error))
}
