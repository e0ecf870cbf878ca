//! One line of a case's timeline as GraphQL shows it.

use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, Utc};
use onedoor_domain::case::command::OnBehalfOf;
use onedoor_domain::case::event::Event;
use onedoor_domain::id::HandoffId;

use super::card::CardRung;
use super::case::organization;
use super::case_enums::{ActorKind, RefusalReason};
use super::organization::Organization;
use crate::service::reading::TimelineEntry;

/// Something that happened to a case: one line of its ledger.
pub struct TimelineEvent {
    entry: TimelineEntry,
}

impl TimelineEvent {
    pub(crate) const fn of(entry: TimelineEntry) -> Self {
        Self { entry }
    }

    fn text_of(&self, name: &str) -> Option<&str> {
        self.entry.texts.as_ref()?.get(name)?.as_str()
    }
}

/// Something that happened to a case: one line of its ledger.
#[Object]
impl TimelineEvent {
    /// Number of the line in the ledger of the case, from 1.
    async fn seq(&self) -> i32 {
        i32::try_from(self.entry.stored.seq).unwrap_or(i32::MAX)
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.entry.stored.at
    }

    /// What happened, for example `SUBMITTED`, `HANDOFF_ACKNOWLEDGED`, `DECIDED`.
    async fn event(&self) -> &str {
        self.entry.stored.event.name()
    }

    /// Kind of actor who did it.
    async fn actor_kind(&self) -> ActorKind {
        self.entry.stored.by.kind.into()
    }

    /// Organization acted for; null for applicants, upstream systems and the gateway.
    async fn organization(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        organization(ctx, self.entry.stored.by.organization).await
    }

    /// Why a handoff was refused (退单), of the closed list.
    async fn refusal_reason(&self) -> Option<RefusalReason> {
        if let Event::HandoffRefused { reason, .. } = &self.entry.stored.event {
            reason.map(RefusalReason::from)
        } else {
            None
        }
    }

    /// Name of the upstream system, when one did it.
    async fn upstream(&self) -> Option<&str> {
        let upstream = self.entry.stored.by.kind == onedoor_domain::actor::ActorKind::Upstream;
        upstream.then_some(self.entry.stored.by.subject.as_str())
    }

    /// Whether an agent did it for the applicant (全程代办), with an authorization on file.
    async fn for_applicant(&self) -> bool {
        self.entry.stored.by.on_behalf_of == Some(OnBehalfOf::Applicant)
    }

    /// The organization in whose name another acted here, because it cannot: outside the network, or bound to a system.
    async fn on_behalf_of(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        match self.entry.stored.by.on_behalf_of {
            Some(OnBehalfOf::Organization(owner)) => organization(ctx, Some(owner)).await,
            Some(OnBehalfOf::Applicant) | None => None,
        }
    }

    /// Codes of the materials it is about: asked for, brought, owed, missed.
    async fn materials(&self) -> Vec<&str> {
        materials_of(&self.entry.stored.event)
    }

    /// The handoff it is about.
    async fn handoff_id(&self) -> Option<ID> {
        handoff_of(&self.entry.stored.event).map(|id| ID(id.to_string()))
    }

    /// The card it is about.
    async fn card_id(&self) -> Option<ID> {
        let event = &self.entry.stored.event;
        if let Event::CardRaised { card } = event {
            return Some(ID(card.id.to_string()));
        }
        if let Event::CardAppealed { card } | Event::CardCancelled { card } = event {
            return Some(ID(card.to_string()));
        }
        None
    }

    /// Rung of the card that was raised.
    async fn card_rung(&self) -> Option<CardRung> {
        let Event::CardRaised { card } = &self.entry.stored.event else {
            return None;
        };
        Some(card.rung.into())
    }

    /// The supervision order it is about.
    async fn supervision_order_id(&self) -> Option<ID> {
        let event = &self.entry.stored.event;
        if let Event::SupervisionOrdered { order } = event {
            return Some(ID(order.id.to_string()));
        }
        if let Event::SupervisionAnswered { order } = event {
            return Some(ID(order.to_string()));
        }
        None
    }

    /// Reasons, opinion or note; null when there is none or the viewer may not read it. Text from an upstream system
    /// is text: show it as such.
    async fn text(&self) -> Option<&str> {
        ["reasons", "reason", "text", "note"]
            .into_iter()
            .find_map(|name| self.text_of(name))
    }

    /// The legal remedy (复议、诉讼) told with a denial.
    async fn remedy(&self) -> Option<&str> {
        self.text_of("remedy")
    }

    /// SHA-256 of the line, hex: what receipts attest.
    async fn hash(&self) -> String {
        self.entry.stored.hash.to_string()
    }
}

fn materials_of(event: &Event) -> Vec<&str> {
    if let Event::SupplementRequested { materials, .. }
    | Event::MaterialsBrought { materials, .. }
    | Event::OwedMissed { materials } = event
    {
        materials.iter().map(String::as_str).collect()
    } else if let Event::MaterialsOwed { owed } = event {
        owed.iter().map(|owed| owed.material.as_str()).collect()
    } else {
        Vec::new()
    }
}

/// The handoff that an event is about.
pub(super) const fn handoff_of(event: &Event) -> Option<HandoffId> {
    match event {
        Event::HandoffOffered { handoff } => Some(handoff.id),
        Event::HandoffSent { handoff }
        | Event::HandoffAcknowledged { handoff }
        | Event::HandoffDone { handoff, .. }
        | Event::HandoffRefused { handoff, .. }
        | Event::HandoffRecalled { handoff }
        | Event::HandoffExpired { handoff }
        | Event::HandoffWaived { handoff }
        | Event::UpstreamTold { handoff, .. }
        | Event::DeliveryResolved { handoff, .. }
        | Event::HandoffEvaluated { handoff, .. }
        | Event::NewsKept { handoff, .. } => Some(*handoff),
        Event::ClockStarted { clock } => clock.handoff,
        Event::Submitted(_)
        | Event::ClockMoved { .. }
        | Event::ClockStopped { .. }
        | Event::Accepted
        | Event::DeemedAccepted { .. }
        | Event::MaterialsOwed { .. }
        | Event::OwedMissed { .. }
        | Event::MaterialsBrought { .. }
        | Event::Declined { .. }
        | Event::SupplementRequested { .. }
        | Event::Supplemented
        | Event::Lapsed
        | Event::Extended { .. }
        | Event::ClockExtended { .. }
        | Event::Withdrawn
        | Event::Voided
        | Event::ReviewBegun
        | Event::SpecialProcedureBegun { .. }
        | Event::SpecialProcedureEnded
        | Event::Decided { .. }
        | Event::Completed
        | Event::Delivered
        | Event::Closed
        | Event::CardRaised { .. }
        | Event::CardAppealed { .. }
        | Event::CardCancelled { .. }
        | Event::HolderReminded { .. }
        | Event::SupervisionOrdered { .. }
        | Event::SupervisionAnswered { .. }
        | Event::ClockRecomputed { .. }
        | Event::GridChecked { .. }
        | Event::Reopened
        | Event::Evaluated { .. }
        | Event::EvaluationAnswered { .. }
        | Event::WorkTakenOver { .. }
        | Event::NumberGiven { .. }
        | Event::VersionHeard { .. } => None,
    }
}
