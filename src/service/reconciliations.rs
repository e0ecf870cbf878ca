//! Comparisons with agencies' systems as people see them: what differs, and one asked for now.

use onedoor_domain::actor::Actor;
use onedoor_domain::audit::{AuditAction, AuditEntry};
use onedoor_domain::id::ReconciliationId;
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use onedoor_domain::page::{Page, PageRequest};
use onedoor_domain::policy::Act;
use onedoor_domain::reconciliation::{DifferenceEntry, Reconciliation, RunCause};
use serde_json::json;
use uuid::Uuid;

use super::cases::Cases;
use super::guard;
use super::reconcile::{Reconciling, planned};
use super::rejection::{Rejection, RejectionCode};
use crate::error::{AppError, ErrorCode};
pub use crate::store::reconciliation_list::{DIFFERENCES_BY_SEEN, DifferenceFilter, RUNS_BY_REQUESTED};
use crate::store::write_set::IdempotencyClaim;

/// The mutation by which a run is asked for.
const ACT: &str = "reconcileUpstream";

/// A request for a run.
#[derive(Debug, Clone)]
pub struct RunOrder {
    /// Name of the system.
    pub upstream: String,
    /// The caller's key: one run for each.
    pub key: IdempotencyKey,
    /// Hash of the canonical input.
    pub fingerprint: Fingerprint,
}

impl Reconciling {
    /// Asks for a comparison with a system, once by its key; a loop carries it out. While another one waits for the same
    /// system, that one is given.
    ///
    /// # Errors
    /// FORBIDDEN or UNAUTHENTICATED by the policy, STORE_UNAVAILABLE; the inner error is an expected answer.
    pub async fn request(
        &self,
        actor: &Actor,
        order: RunOrder,
    ) -> Result<Result<Reconciliation, Vec<Rejection>>, AppError> {
        guard::allow(actor, Act::Reconcile)?;
        let store = &self.cases.store;
        if let Some(earlier) = self.earlier(actor, &order).await? {
            return Ok(earlier);
        }
        let name = order.upstream.parse().ok();
        if name.and_then(|name| self.registry.get(&name)).is_none() {
            return Ok(Err(vec![unknown_upstream()]));
        }
        let subject = actor.subject.clone();
        let now = self.cases.clock.now();
        let run = planned(&order.upstream, RunCause::OnDemand, Some(subject.clone()), now);
        let claim = IdempotencyClaim {
            principal: subject,
            key: order.key,
            act: ACT,
            fingerprint: order.fingerprint,
        };
        let told = self.told(actor, &order.upstream);
        match store.request_reconciliation(&run, &claim, &told).await? {
            Some(id) => Ok(Ok(self.run(id).await?)),
            // the same request was stored beside this one
            None => self
                .earlier(actor, &order)
                .await?
                .ok_or_else(|| AppError::of(ErrorCode::Overloaded).retry_after_ms(500)),
        }
    }

    /// Keeps an operator's request from the command line; `None`: there is no such system.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn plan(&self, upstream: &str, operator: &str) -> Result<Option<Reconciliation>, AppError> {
        let name = upstream.parse().ok();
        if name.and_then(|name| self.registry.get(&name)).is_none() {
            return Ok(None);
        }
        let (key, now) = (IdempotencyKey::from_uuid(Uuid::now_v7()), self.cases.clock.now());
        let run = planned(upstream, RunCause::OnDemand, Some(operator.to_owned()), now);
        let asked = json!({ "upstream": upstream });
        let claim = IdempotencyClaim {
            principal: operator.to_owned(),
            key,
            act: ACT,
            fingerprint: Fingerprint::of(ACT, &asked).map_err(AppError::internal)?,
        };
        let told = self.told(&Actor::system(operator), upstream);
        match self
            .cases
            .store
            .request_reconciliation(&run, &claim, &told)
            .await?
        {
            Some(id) => Ok(Some(self.run(id).await?)),
            None => Err(AppError::internal("a fresh key was taken")),
        }
    }

    fn told(&self, actor: &Actor, upstream: &str) -> AuditEntry {
        let action = AuditAction::ReconciliationRequested;
        self.cases.services.audit_entry(actor, action).on(upstream)
    }

    async fn earlier(
        &self,
        actor: &Actor,
        order: &RunOrder,
    ) -> Result<Option<Result<Reconciliation, Vec<Rejection>>>, AppError> {
        let Some(record) = self.cases.store.look_up(&actor.subject, order.key).await? else {
            return Ok(None);
        };
        if record.act != ACT || record.fingerprint != order.fingerprint {
            return Ok(Some(Err(vec![Rejection::idempotency_mismatch()])));
        }
        let answer = record.answer.unwrap_or_default();
        let id: ReconciliationId = String::from_utf8(answer)
            .map_err(AppError::internal)?
            .parse()
            .map_err(AppError::internal)?;
        Ok(Some(Ok(self.run(id).await?)))
    }

    /// A run as it stands.
    ///
    /// # Errors
    /// NOT_FOUND, STORE_UNAVAILABLE.
    pub async fn run(&self, id: ReconciliationId) -> Result<Reconciliation, AppError> {
        let found = self.cases.store.reconciliation(id).await?;
        found.ok_or_else(|| AppError::of(ErrorCode::NotFound))
    }
}

impl Cases {
    /// A page of comparisons with agencies' systems, the last asked for first.
    ///
    /// # Errors
    /// FORBIDDEN or UNAUTHENTICATED by the policy, STORE_UNAVAILABLE.
    pub async fn list_reconciliations(
        &self,
        actor: &Actor,
        upstream: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<Reconciliation>, AppError> {
        let proof = self.may_read(actor, Act::ReadReconciliations)?;
        Ok(self.store.list_reconciliations(&proof, upstream, page).await?)
    }

    /// A page of differences on the cases that the actor may see them of; of an administrator without their numbers.
    ///
    /// # Errors
    /// As [`Cases::list_reconciliations`].
    pub async fn list_differences(
        &self,
        actor: &Actor,
        filter: &DifferenceFilter,
        page: &PageRequest,
    ) -> Result<Page<DifferenceEntry>, AppError> {
        let proof = self.may_read(actor, Act::ReadReconciliations)?;
        let mut found = self.store.list_differences(&proof, filter, page).await?;
        if proof.masked() {
            for edge in &mut found.edges {
                edge.node.difference.number = None;
            }
        }
        Ok(found)
    }

    /// How many differences the list has.
    ///
    /// # Errors
    /// As [`Cases::list_reconciliations`].
    pub async fn count_differences(&self, actor: &Actor, filter: &DifferenceFilter) -> Result<u64, AppError> {
        let proof = self.may_read(actor, Act::ReadReconciliations)?;
        Ok(self.store.count_differences(&proof, filter).await?)
    }
}

fn unknown_upstream() -> Rejection {
    Rejection::of(
        RejectionCode::InvalidField,
        &["upstream"],
        "未配置名为此的业务系统，请按 upstreams 所列名称填写。",
        "There is no system of that name; give a name as `upstreams` lists it.",
    )
}
