//! A case (办件) as GraphQL shows it.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use onedoor_domain::applicant::PartyKind;
use onedoor_domain::case::available::NextStep as DomainNextStep;
use onedoor_domain::id::OrganizationId;
use onedoor_domain::page::PageArgs;

use super::access::{self, AccessRecord};
use super::card::{Card, CardRung, SupervisionOrder};
use super::case_enums::{CaseAction, CaseStatus, Channel, Decision, HandoffKind};
use super::case_parts::{ExternalNumber, NextStep, OwedMaterial, Supplement};
use super::clock::Clock;
use super::division::Division;
use super::document::Document;
use super::evaluation::Evaluation;
use super::grid::GridLoop;
use super::handoff::Handoff;
use super::handoff_event::HandoffEvent;
use super::organization::Organization;
use super::receipt::Receipt;
use super::scalars::Date;
use super::service_item::{CaseKind, ServiceItem};
use super::timeline::TimelineEvent;
use crate::error::Language;
use crate::graphql::paging::Connected;
use crate::graphql::reach::{cases, failed, language, request};
use crate::service::case_texts::{grid_words, next_step_words, status_words};
use crate::service::reading::{CaseView, TimelineEntry};

/// A case (办件): one application through its whole life.
#[derive(Clone)]
pub struct Case {
    pub(crate) view: Arc<CaseView>,
}

impl Case {
    pub(crate) fn of(view: CaseView) -> Self {
        Self { view: Arc::new(view) }
    }
}

/// The applicant (申请人); personal data is masked.
#[derive(SimpleObject)]
pub struct Applicant {
    /// Person or organization.
    kind: ApplicantType,
    /// Name, masked.
    name: String,
    /// Identity number, masked.
    id_number: Option<String>,
    /// Mobile number, masked.
    phone: Option<String>,
}

/// What an applicant is.
#[derive(async_graphql::Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "PartyKind")]
pub enum ApplicantType {
    /// 自然人.
    Person,
    /// 法人和其他组织.
    Organization,
}

/// A case (办件): one application through its whole life.
#[Object]
impl Case {
    /// Opaque key.
    pub async fn id(&self) -> ID {
        ID(self.view.case.id.to_string())
    }

    /// 受理编号: the number people use, in groups.
    async fn tracking_code(&self) -> String {
        self.view.case.tracking.to_string()
    }

    /// Version that an act on the case must name as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.view.case.version
    }

    /// State.
    async fn status(&self) -> CaseStatus {
        self.view.case.status.into()
    }

    /// The state in words, in the language of the request; a grid event's in words of its own.
    async fn status_text(&self, ctx: &Context<'_>) -> &'static str {
        let (status, kind) = (self.view.case.status, self.view.case.kind);
        let (zh, en) = match kind {
            onedoor_domain::item::CaseKind::Grid => grid_words(status),
            onedoor_domain::item::CaseKind::Case => status_words(status),
        };
        match language(ctx) {
            Language::Zh => zh,
            Language::En => en,
        }
    }

    /// The closed loop of a grid event (网格事件闭环); null for applications.
    async fn grid(&self) -> Option<GridLoop> {
        let grid = self.view.case.kind == onedoor_domain::item::CaseKind::Grid;
        grid.then(|| GridLoop::of(&self.view.case))
    }

    /// The evaluation (好差评); null while there is none.
    async fn evaluation(&self) -> Option<Evaluation> {
        self.view.case.evaluation.as_ref().map(Evaluation::of)
    }

    /// Application or grid event.
    async fn kind(&self) -> CaseKind {
        self.view.case.kind.into()
    }

    /// Through what it came in (办理形式).
    async fn channel(&self) -> Channel {
        self.view.case.channel.into()
    }

    /// The service item (事项) in the version the case pins.
    async fn service_item(&self, ctx: &Context<'_>) -> Option<Result<ServiceItem>> {
        ServiceItem::find(ctx, self.view.case.item).await.transpose()
    }

    /// The division (区划) it belongs to, as it is now; null when it no longer exists.
    async fn division(&self, ctx: &Context<'_>) -> Option<Result<Division>> {
        Division::find(ctx, self.view.case.division).await.transpose()
    }

    /// Code of the division on the day of submission.
    async fn division_code(&self) -> &str {
        &self.view.case.division_code
    }

    /// Name of the division on the day of submission.
    async fn division_name(&self) -> &str {
        &self.view.case.division_name
    }

    /// The applicant (申请人), masked; null once the personal data was erased (已依法删除).
    async fn applicant(&self, ctx: &Context<'_>) -> Option<Result<Applicant>> {
        self.find_applicant(ctx).await.transpose()
    }

    /// The organization that answers for the case now; null once it is closed.
    async fn owner(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        organization(ctx, self.view.case.owner).await
    }

    /// 首问: the organization that keeps the case in its list until it closes.
    async fn first_contact(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        organization(ctx, Some(self.view.case.first_contact)).await
    }

    /// How often the case went back and forth: refused (退单) while it changed hands, and returned or passed to an
    /// organization that had held it.
    async fn back_and_forth(&self) -> i32 {
        i32::try_from(self.view.case.back_and_forth).unwrap_or(i32::MAX)
    }

    /// When it was submitted.
    async fn submitted_at(&self) -> DateTime<Utc> {
        self.view.case.submitted_at
    }

    /// When it was accepted (受理).
    async fn accepted_at(&self) -> Option<DateTime<Utc>> {
        self.view.case.accepted_at
    }

    /// When it was decided.
    async fn decided_at(&self) -> Option<DateTime<Utc>> {
        self.view.case.decided_at
    }

    /// What was decided.
    async fn decision(&self) -> Option<Decision> {
        self.view.case.outcome.map(Decision::from)
    }

    /// When it was completed (办结).
    async fn completed_at(&self) -> Option<DateTime<Utc>> {
        self.view.case.completed_at
    }

    /// When the result was handed over (送达).
    async fn delivered_at(&self) -> Option<DateTime<Utc>> {
        self.view.case.delivered_at
    }

    /// Due date that matters most to the applicant now: promise, else acceptance, else delivery. First instant that
    /// is late; null while the clocks stand still.
    async fn due_at(&self) -> Option<DateTime<Utc>> {
        self.view.case.leading_clock().and_then(|clock| clock.due_at)
    }

    /// Whether any clock of the case has run out.
    async fn is_overdue(&self) -> bool {
        self.view
            .case
            .clocks
            .iter()
            .any(|clock| clock.is_overdue(self.view.at))
    }

    /// All clocks (时限), in the order they started.
    async fn clocks(&self) -> Vec<Clock> {
        self.view
            .case
            .clocks
            .iter()
            .map(|clock| Clock::of(clock, self.view.at))
            .collect()
    }

    /// Cards (预警、黄牌、红牌), in the order they were raised.
    async fn cards(&self) -> Vec<Card> {
        Card::all(&self.view)
    }

    /// The highest card that says something of the present; null: none does.
    async fn card(&self) -> Option<CardRung> {
        self.view.case.highest_card().map(CardRung::from)
    }

    /// Supervision orders (督办单), in the order they were issued.
    async fn supervision_orders(&self) -> Vec<SupervisionOrder> {
        SupervisionOrder::all(&self.view)
    }

    /// All handoffs (移交), in order: whose hands the case was in, and since when.
    async fn handoffs(&self) -> Vec<Handoff> {
        self.view
            .case
            .handoffs
            .iter()
            .map(|handoff| Handoff::of(&self.view, handoff))
            .collect()
    }

    /// Everything that happened, line by line of the ledger.
    async fn timeline(&self, ctx: &Context<'_>) -> Option<Result<Vec<TimelineEvent>>> {
        Some(self.read_timeline(ctx).await)
    }

    /// What happened between the hands (移交记录), in order, each event a type of its own.
    async fn handoff_timeline(&self, ctx: &Context<'_>) -> Option<Result<Vec<HandoffEvent>>> {
        Some(self.read_handoff_timeline(ctx).await)
    }

    /// Receipts (回执), in order.
    async fn receipts(&self, ctx: &Context<'_>) -> Option<Result<Vec<Receipt>>> {
        Some(self.read_receipts(ctx).await)
    }

    /// Documents (附件) that belong to the case: to the applicant and to offices that hold it; an office that handed it on
    /// sees those that were there while it had it. Null: none are for you. `createDownloadTicket` downloads one.
    async fn documents(&self, ctx: &Context<'_>) -> Option<Result<Vec<Document>>> {
        Document::of_case(ctx, &self.view).await.transpose()
    }

    /// Numbers of the case in upstream systems.
    async fn external_numbers(&self) -> Vec<ExternalNumber> {
        let shown = |external: &onedoor_domain::case::state::ExternalNumber| ExternalNumber {
            upstream: external.upstream.clone(),
            number: external.number.clone(),
        };
        self.view.case.external_numbers.iter().map(shown).collect()
    }

    /// Supplements asked for (补正), in order: at most one before acceptance and one after.
    async fn supplements(&self) -> Vec<Supplement> {
        let shown = |asked: &onedoor_domain::case::state::Supplement| Supplement {
            before_acceptance: asked.before_acceptance,
            materials: asked.materials.clone(),
            brought_at: asked.brought_at,
        };
        self.view.case.supplements.iter().map(shown).collect()
    }

    /// Minor materials owed since acceptance (容缺); a grant waits for them.
    async fn owed_materials(&self) -> Vec<OwedMaterial> {
        let shown = |owed: &onedoor_domain::case::state::Owed| OwedMaterial {
            material: owed.material.clone(),
            due: Date(owed.due),
            brought_at: owed.brought_at,
            missed: owed.missed,
        };
        self.view.case.owed.iter().map(shown).collect()
    }

    /// Working days by which the limits were extended (延长审批); null: they were not.
    async fn extended_by_working_days(&self) -> Option<i32> {
        self.view
            .case
            .extended_by
            .and_then(|days| i32::try_from(days).ok())
    }

    /// Who looked at personal data of the case (查阅记录), the last first: for the applicant, by account or by code and
    /// secret, for supervisors and auditors; null for everybody else, and in the answer to an act by code and secret.
    async fn access_records(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<Connected<AccessRecord>>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
        };
        access::of_case(ctx, &self.view, &args).await.transpose()
    }

    /// What the viewer can do with the case now.
    async fn available_actions(&self, ctx: &Context<'_>) -> Option<Result<Vec<CaseAction>>> {
        Some(self.find_actions(ctx).await)
    }

    /// The kinds of handoff that the viewer could offer with `handOff` now.
    async fn available_handoff_kinds(&self, ctx: &Context<'_>) -> Option<Result<Vec<HandoffKind>>> {
        Some(self.find_handoff_kinds(ctx).await)
    }

    /// What happens next: what, where, by when.
    async fn next_step(&self, ctx: &Context<'_>) -> Option<Result<NextStep>> {
        Some(self.find_next_step(ctx).await)
    }
}

impl Case {
    async fn find_applicant(&self, ctx: &Context<'_>) -> Result<Option<Applicant>> {
        let found = request(ctx)?
            .loaders
            .applicant(cases(ctx)?, &self.view)
            .await
            .map_err(|error| failed(ctx, error))?;
        Ok(found.map(|masked| Applicant {
            kind: masked.kind.into(),
            name: masked.name,
            id_number: masked.id_number,
            phone: masked.phone,
        }))
    }

    async fn read_timeline(&self, ctx: &Context<'_>) -> Result<Vec<TimelineEvent>> {
        let entries = self.entries(ctx).await?;
        Ok(entries.into_iter().map(TimelineEvent::of).collect())
    }

    async fn read_handoff_timeline(&self, ctx: &Context<'_>) -> Result<Vec<HandoffEvent>> {
        let entries = self.entries(ctx).await?.into_iter();
        Ok(entries
            .filter_map(|entry| HandoffEvent::of(&self.view, entry))
            .collect())
    }

    async fn entries(&self, ctx: &Context<'_>) -> Result<Vec<TimelineEntry>> {
        let entries = request(ctx)?.loaders.timeline(cases(ctx)?, &self.view).await;
        entries.map_err(|error| failed(ctx, error))
    }

    async fn read_receipts(&self, ctx: &Context<'_>) -> Result<Vec<Receipt>> {
        let receipts = request(ctx)?
            .loaders
            .receipts(cases(ctx)?, &self.view)
            .await
            .map_err(|error| failed(ctx, error))?;
        Ok(receipts
            .into_iter()
            .map(|signed| Receipt::of(signed, self.view.sight))
            .collect())
    }

    async fn find_actions(&self, ctx: &Context<'_>) -> Result<Vec<CaseAction>> {
        let actor = &request(ctx)?.actor;
        let acts = cases(ctx)?
            .available(actor, &self.view)
            .await
            .map_err(|error| failed(ctx, error))?;
        Ok(acts.into_iter().map(CaseAction::from).collect())
    }

    async fn find_handoff_kinds(&self, ctx: &Context<'_>) -> Result<Vec<HandoffKind>> {
        let actor = &request(ctx)?.actor;
        let kinds = cases(ctx)?
            .handoff_kinds(actor, &self.view)
            .await
            .map_err(|error| failed(ctx, error))?;
        Ok(kinds.into_iter().map(HandoffKind::from).collect())
    }

    async fn find_next_step(&self, ctx: &Context<'_>) -> Result<NextStep> {
        let next = cases(ctx)?
            .next_step(&self.view)
            .await
            .map_err(|error| failed(ctx, error))?;
        let (zh, en) = next_step_words(next);
        let text = match language(ctx) {
            Language::Zh => zh,
            Language::En => en,
        };
        Ok(NextStep {
            kind: next.into(),
            text: text.to_owned(),
            organization: organization(ctx, self.in_whose_hands(next)).await.transpose()?,
            due_at: self.due_next(next),
        })
    }

    /// By when what happens next is due: the handoff it lies in, else the clock that matters most.
    fn due_next(&self, next: DomainNextStep) -> Option<DateTime<Utc>> {
        let case = &self.view.case;
        let handoff = match next {
            DomainNextStep::Acknowledge => case.open_owning(),
            DomainNextStep::Check | DomainNextStep::Finish | DomainNextStep::Deliver => case
                .handoffs
                .iter()
                .rev()
                .find(|handoff| !handoff.owning && handoff.state.is_open()),
            DomainNextStep::Accept
            | DomainNextStep::HandOff
            | DomainNextStep::Decide
            | DomainNextStep::SpecialProcedure => case.holding(),
            DomainNextStep::Supplement | DomainNextStep::Nothing => None,
        };
        handoff
            .and_then(|handoff| case.handoff_due(handoff))
            .or_else(|| case.leading_clock().and_then(|clock| clock.due_at))
    }

    /// Who has to do what happens next.
    fn in_whose_hands(&self, next: DomainNextStep) -> Option<OrganizationId> {
        let case = &self.view.case;
        let beside = || {
            case.handoffs
                .iter()
                .rev()
                .find(|handoff| !handoff.owning && handoff.state.is_open())
        };
        match next {
            DomainNextStep::Acknowledge => case.open_owning().map(|handoff| handoff.to),
            DomainNextStep::Deliver | DomainNextStep::Check | DomainNextStep::Finish => {
                beside().map(|handoff| handoff.to).or(case.owner)
            }
            DomainNextStep::Supplement | DomainNextStep::Nothing => None,
            DomainNextStep::Accept
            | DomainNextStep::HandOff
            | DomainNextStep::Decide
            | DomainNextStep::SpecialProcedure => case.owner,
        }
    }
}

/// An organization by key; null when the key is.
pub(crate) async fn organization(
    ctx: &Context<'_>,
    id: Option<OrganizationId>,
) -> Option<Result<Organization>> {
    Organization::find(ctx, id?).await.transpose()
}
