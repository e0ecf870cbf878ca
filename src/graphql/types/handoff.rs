//! A handoff (移交) as GraphQL shows it.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use onedoor_domain::handoff::Handoff as DomainHandoff;
use onedoor_domain::id::HandoffId;
use onedoor_domain::policy::fields;

use super::case::{Case, organization};
use super::case_enums::{HandoffKind, HandoffState, Opinion, RefusalReason};
use super::delivery::Delivery;
use super::evaluation::HandoffEvaluation;
use super::organization::Organization;
use super::upstream_status::UpstreamStatus;
use crate::graphql::reach::{cases, failed, live, request, services};
use crate::service::reading::CaseView;

/// A handoff (移交): one hand gives the case to another.
#[derive(Clone)]
pub struct Handoff {
    view: Arc<CaseView>,
    handoff: DomainHandoff,
}

impl Handoff {
    pub(crate) fn of(view: &Arc<CaseView>, handoff: &DomainHandoff) -> Self {
        Self {
            view: Arc::clone(view),
            handoff: handoff.clone(),
        }
    }
}

impl Handoff {
    async fn read_evaluations(&self, ctx: &Context<'_>) -> Result<Vec<HandoffEvaluation>> {
        if !fields::sees("Handoff", "evaluations", self.view.sight) {
            return Ok(Vec::new());
        }
        let of_this =
            |given: &onedoor_domain::evaluation::HandoffEvaluation| given.handoff == self.handoff.id;
        if !self.view.case.handoff_evaluations.iter().any(of_this) {
            return Ok(Vec::new());
        }
        let (cases, request) = (cases(ctx)?, request(ctx)?);
        let ledger = request.loaders.ledger(cases, &self.view).await;
        let ledger = ledger.map_err(|error| failed(ctx, error))?;
        let seen = cases.evaluations_between(&request.actor, &self.view, self.handoff.id, &ledger);
        Ok(seen.into_iter().map(HandoffEvaluation::from).collect())
    }
}

/// A material (材料) that went along with a handoff.
#[derive(SimpleObject)]
pub struct HandedMaterial {
    /// Its code in the service item.
    material: String,
    /// Salted SHA-256 commitment to what was handed in for it, hex; null: it came after the submission, and the line of
    /// the timeline that tells so attests it.
    hash: Option<String>,
}

/// A handoff (移交): one hand gives the case to another.
#[Object]
impl Handoff {
    /// Opaque key.
    async fn id(&self) -> ID {
        ID(self.handoff.id.to_string())
    }

    /// Position among the handoffs of the case, from 1.
    async fn seq(&self) -> i32 {
        self.handoff.seq
    }

    /// Version that an act on the handoff must name as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.handoff.version
    }

    /// The case.
    async fn case(&self) -> Case {
        Case {
            view: Arc::clone(&self.view),
        }
    }

    /// Kind.
    async fn kind(&self) -> HandoffKind {
        self.handoff.kind.into()
    }

    /// State.
    async fn state(&self) -> HandoffState {
        self.handoff.state.into()
    }

    /// Whether the receiver becomes the owner; otherwise it works beside the owner.
    async fn owning(&self) -> bool {
        self.handoff.owning
    }

    /// Whether the owner cannot go on before it is done.
    async fn required(&self) -> bool {
        self.handoff.required
    }

    /// Index of the route step it leads into; null for hand-made ones.
    async fn step(&self) -> Option<i32> {
        self.handoff.step.and_then(|step| i32::try_from(step).ok())
    }

    /// Sender; null for the first, which comes from the applicant.
    async fn from(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        organization(ctx, self.handoff.from).await
    }

    /// Receiver.
    async fn to(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        organization(ctx, Some(self.handoff.to)).await
    }

    /// Upstream system that acts for the receiver; null when people do.
    async fn upstream(&self) -> Option<&str> {
        self.handoff.upstream.as_deref()
    }

    /// What was, or is to be, delivered of it to its upstream system, in order: the handoff itself, papers that came
    /// later, a withdrawal, news. Empty for whom deliveries are not, and where people receive.
    async fn deliveries(&self, ctx: &Context<'_>) -> Option<Result<Vec<Delivery>>> {
        if self.handoff.upstream.is_none() {
            return Some(Ok(Vec::new()));
        }
        Some(deliveries(ctx, self.handoff.id).await)
    }

    /// How the case stands at the receiver's own system now (业务系统办理状态), asked there; null when people act for the
    /// receiver, when the system has no number of the case yet, or cannot be asked. Fails alone.
    async fn upstream_status(&self, ctx: &Context<'_>) -> Option<Result<UpstreamStatus>> {
        self.ask_upstream(ctx).await.transpose()
    }

    /// What was handed over (移交材料): each material by the commitment that the ledger attests.
    async fn materials(&self) -> Vec<HandedMaterial> {
        let shown = |handed: &onedoor_domain::handoff::HandedMaterial| HandedMaterial {
            material: handed.material.clone(),
            hash: handed.hash.clone(),
        };
        self.handoff.materials.iter().map(shown).collect()
    }

    /// Why the receiver refused it (退单), of the closed list; null when it did not, or an agency's system did. The words
    /// stand in the timeline.
    async fn refusal_reason(&self) -> Option<RefusalReason> {
        self.handoff.refused_for.map(RefusalReason::from)
    }

    /// Number of the admission (准入) by which a village-level organization could be given it; null where none is needed.
    async fn admission(&self) -> Option<&str> {
        self.handoff.admission.as_deref()
    }

    /// Who offered it: the opaque subject of a person, or a part of the gateway; null for those outside the offices.
    async fn offered_by(&self) -> Option<&str> {
        let seen = fields::sees("Handoff", "offeredBy", self.view.sight);
        seen.then_some(self.handoff.offered_by.as_str())
    }

    /// Who signed for it: an opaque subject; null for those outside the offices.
    async fn acknowledged_by(&self) -> Option<&str> {
        let seen = fields::sees("Handoff", "acknowledgedBy", self.view.sight);
        self.handoff.acknowledged_by.as_deref().filter(|_| seen)
    }

    /// Number of paper originals handed over.
    async fn originals(&self) -> i32 {
        i32::try_from(self.handoff.originals).unwrap_or(i32::MAX)
    }

    /// Number of the transfer slip (物料流转凭证).
    async fn slip(&self) -> Option<&str> {
        self.handoff.slip.as_deref()
    }

    /// When it was offered.
    async fn offered_at(&self) -> DateTime<Utc> {
        self.handoff.offered_at
    }

    /// When the bytes left for the upstream system.
    async fn sent_at(&self) -> Option<DateTime<Utc>> {
        self.handoff.sent_at
    }

    /// When it was acknowledged (签收).
    async fn acknowledged_at(&self) -> Option<DateTime<Utc>> {
        self.handoff.acknowledged_at
    }

    /// When it ended.
    async fn closed_at(&self) -> Option<DateTime<Utc>> {
        self.handoff.closed_at
    }

    /// When the work in it is due: its acknowledgement first, then what is done in it.
    async fn due_at(&self) -> Option<DateTime<Utc>> {
        self.view.case.handoff_due(&self.handoff)
    }

    /// Whether that time has passed.
    async fn is_overdue(&self) -> bool {
        self.view
            .case
            .handoff_due(&self.handoff)
            .is_some_and(|due| self.view.at >= due)
    }

    /// What a beside-handoff ended with.
    async fn opinion(&self) -> Option<Opinion> {
        self.handoff.opinion.map(Opinion::from)
    }

    /// 双向评价: what sender and receiver thought of each other's part, once it had ended; for these two and supervision,
    /// empty for everybody else.
    async fn evaluations(&self, ctx: &Context<'_>) -> Option<Result<Vec<HandoffEvaluation>>> {
        Some(self.read_evaluations(ctx).await)
    }
}

async fn deliveries(ctx: &Context<'_>, handoff: HandoffId) -> Result<Vec<Delivery>> {
    let (asking, now) = (request(ctx)?, services(ctx)?.clock.now());
    let found = asking
        .loaders
        .deliveries(cases(ctx)?, &asking.actor, handoff)
        .await
        .map_err(|error| failed(ctx, error))?;
    let shown = |entry| Delivery::of(entry, &asking.actor, asking.language, now);
    Ok(found.into_iter().map(shown).collect())
}

impl Handoff {
    async fn ask_upstream(&self, ctx: &Context<'_>) -> Result<Option<UpstreamStatus>> {
        let Some(upstream) = self.handoff.upstream.as_deref() else {
            return Ok(None);
        };
        let asked = live(ctx)?.of_handoff(&self.view, &self.handoff).await;
        let answer = asked.map_err(|error| failed(ctx, error))?;
        Ok(answer.map(|answer| UpstreamStatus::of(upstream, &answer)))
    }
}
