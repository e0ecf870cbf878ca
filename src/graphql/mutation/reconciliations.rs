//! Asking for a comparison with an agency's system (对账).

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use serde_json::json;
use uuid::Uuid;

use super::act::told;
use crate::error::AppError;
use crate::graphql::reach::{failed, request};
use crate::graphql::types::reconciliation::Reconciliation;
use crate::graphql::user_error::ReconcileUpstreamUserError;
use crate::service::reconcile::Reconciling;
use crate::service::reconciliations::RunOrder;

/// What asks for a comparison.
#[derive(InputObject)]
pub struct ReconcileUpstreamInput {
    /// Name of the system, as `upstreams` lists it.
    upstream: String,
    /// A fresh UUID for this request; repeat it only to repeat the same request.
    idempotency_key: Uuid,
}

/// What came of `reconcileUpstream`.
#[derive(SimpleObject)]
pub struct ReconcileUpstreamPayload {
    /// The comparison, as it stands now; null when it was not asked for.
    run: Option<Reconciliation>,
    /// Why it was not asked for; empty when it was.
    user_errors: Vec<ReconcileUpstreamUserError>,
}

/// Comparisons with agencies' systems.
#[derive(Default)]
pub struct ReconciliationMutations;

/// Comparisons with agencies' systems.
#[Object]
impl ReconciliationMutations {
    /// Compare all open cases with an agency's system now (对账), as it is done every night. It begins in a moment, asks
    /// the system at its own pace and changes no case; while another one waits for the same system, that one is given.
    async fn reconcile_upstream(
        &self,
        ctx: &Context<'_>,
        input: ReconcileUpstreamInput,
    ) -> Result<ReconcileUpstreamPayload> {
        let asked = json!({ "upstream": input.upstream });
        let fingerprint = Fingerprint::of("reconcileUpstream", &asked)
            .map_err(AppError::internal)
            .map_err(|error| failed(ctx, error))?;
        let order = RunOrder {
            upstream: input.upstream,
            key: IdempotencyKey::from_uuid(input.idempotency_key),
            fingerprint,
        };
        let reconciling = ctx.data::<Arc<Reconciling>>()?;
        let requested = reconciling.request(&request(ctx)?.actor, order).await;
        match requested.map_err(|error| failed(ctx, error))? {
            Ok(run) => Ok(ReconcileUpstreamPayload {
                run: Some(Reconciliation::of(run)),
                user_errors: Vec::new(),
            }),
            Err(rejections) => Ok(ReconcileUpstreamPayload {
                run: None,
                user_errors: told(ctx, &rejections, ReconcileUpstreamUserError::of)?,
            }),
        }
    }
}
