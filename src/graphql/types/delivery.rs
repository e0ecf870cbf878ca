//! A delivery to an upstream system as GraphQL shows it; never its content.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};
use onedoor_domain::actor::Actor;
use onedoor_domain::delivery::{
    AttemptEntry, DeliveryEntry, DeliveryKind as DomainDeliveryKind, DeliveryState as DomainDeliveryState,
};
use onedoor_domain::id::DeliveryId;

use crate::error::Language;
use crate::graphql::reach::{cases, failed, language, request};
use crate::service::delivery_acts::{DeliveryCount, may_resolve, version_of};
use crate::service::delivery_texts::state_words;
use crate::service::upstreams::Upstreams;

/// State of a delivery.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "DomainDeliveryState")]
pub enum DeliveryState {
    /// Waits for its next attempt.
    Pending,
    /// Being sent.
    Sending,
    /// Waits until somebody repairs a configuration; nothing is lost.
    Held,
    /// The upstream system took it over.
    Delivered,
    /// The upstream system said no; the reason is in the case's timeline.
    Rejected,
    /// It may have been carried out; a person resolves it.
    Uncertain,
    /// Given up after too many attempts.
    Dead,
    /// No longer wanted.
    Cancelled,
    /// The system has no way to be told this: a person tells it, and says so with `resolveUncertainDelivery`.
    ToBeTold,
}

/// What a delivery asks of its system.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "DomainDeliveryKind")]
pub enum DeliveryOperation {
    /// Take over a case it has no number for yet.
    Submit,
    /// Take over again a case it has a number for.
    Transition,
    /// Take in papers that came after it was handed the case (补正、容缺后补).
    Supplement,
    /// Stop: the case was withdrawn, voided, has lapsed, or was taken back.
    Withdraw,
}

/// What a person can do about a delivery.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryAction {
    /// `redeliver`: send it again.
    Redeliver,
    /// `resolveUncertainDelivery`: say what the system has.
    ResolveUncertainDelivery,
}

/// What a person says of an uncertain delivery.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryResolution {
    /// The system has it, or has been told by a person. Of a case it took over give its `number`.
    Taken,
    /// The system does not have it: it is sent again.
    NotTaken,
    /// It is given up: a handoff nobody signed for is taken back.
    GivenUp,
}

impl From<DeliveryResolution> for onedoor_domain::delivery::DeliveryResolution {
    fn from(said: DeliveryResolution) -> Self {
        match said {
            DeliveryResolution::Taken => Self::Taken,
            DeliveryResolution::NotTaken => Self::NotTaken,
            DeliveryResolution::GivenUp => Self::GivenUp,
        }
    }
}

/// How many deliveries have not reached their system and are in one state.
#[derive(SimpleObject)]
pub struct UndeliveredCount {
    /// State.
    state: DeliveryState,
    /// How many.
    count: i32,
    /// When the oldest of them was asked for.
    oldest_at: DateTime<Utc>,
}

impl UndeliveredCount {
    pub(crate) fn of(counted: DeliveryCount) -> Self {
        Self {
            state: counted.state.into(),
            count: i32::try_from(counted.count).unwrap_or(i32::MAX),
            oldest_at: counted.oldest,
        }
    }
}

/// A delivery to the upstream system that acts for the receiver of a handoff: the handoff itself, or what came after it.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Delivery {
    /// Opaque key.
    id: ID,
    /// The case.
    case_id: ID,
    /// 受理编号 of the case.
    tracking_code: String,
    /// The handoff it carries, or follows.
    handoff_id: ID,
    /// Name of the upstream system.
    upstream: String,
    /// What the system is asked to do.
    operation: DeliveryOperation,
    /// Version that an act on the delivery must name as `expectedVersion`.
    version: i32,
    /// State.
    state: DeliveryState,
    /// How it stands, why, and what to do about it, in a sentence.
    state_text: String,
    /// What the viewer can do about it now.
    available_actions: Vec<DeliveryAction>,
    /// Why it waits or ended, as a code.
    reason: Option<String>,
    /// Attempts so far.
    attempts: i32,
    /// When it is tried next, at the earliest; null when it is not tried again by itself.
    next_attempt_at: Option<DateTime<Utc>>,
    /// When it was asked for.
    created_at: DateTime<Utc>,
    /// When it changed last.
    changed_at: DateTime<Utc>,
    #[graphql(skip)]
    key: DeliveryId,
}

/// One attempt of a delivery.
#[derive(SimpleObject)]
pub struct DeliveryAttempt {
    /// Number, from 1.
    number: i32,
    /// When it began.
    started_at: DateTime<Utc>,
    /// When its outcome was known; null while it is under way, and when nobody knows what came of it.
    finished_at: Option<DateTime<Utc>>,
    /// What came of it, as a code.
    outcome: Option<String>,
    /// What the system's answer says of itself for later proof, for example the number of the exchange; null when it says
    /// nothing.
    evidence: Option<String>,
}

impl DeliveryAttempt {
    fn of(entry: AttemptEntry) -> Self {
        Self {
            number: i32::try_from(entry.number).unwrap_or(i32::MAX),
            started_at: entry.started_at,
            finished_at: entry.finished_at,
            outcome: entry.outcome,
            evidence: entry.evidence,
        }
    }
}

/// What the configuration says of the system, and what was tried.
#[ComplexObject]
impl Delivery {
    /// The last attempts, in order; at most 20.
    async fn last_attempts(&self, ctx: &Context<'_>) -> Option<Result<Vec<DeliveryAttempt>>> {
        Some(self.read_attempts(ctx).await)
    }

    /// What people call the system; null when it is not configured here any more.
    async fn upstream_title<'a>(&self, ctx: &Context<'a>) -> Option<&'a str> {
        let (zh, en) = systems(ctx)?.titles(&self.upstream)?;
        Some(match language(ctx) {
            Language::Zh => zh,
            Language::En => en,
        })
    }

    /// Whom to call when the system stands still; null when it is not configured here any more.
    async fn operator_contact<'a>(&self, ctx: &Context<'a>) -> Option<&'a str> {
        systems(ctx)?.operator_contact(&self.upstream)
    }
}

fn systems<'a>(ctx: &Context<'a>) -> Option<&'a Upstreams> {
    ctx.data_opt::<Arc<Upstreams>>().map(AsRef::as_ref)
}

impl Delivery {
    async fn read_attempts(&self, ctx: &Context<'_>) -> Result<Vec<DeliveryAttempt>> {
        let asking = request(ctx)?;
        let found = asking
            .loaders
            .attempts(cases(ctx)?, &asking.actor, self.key)
            .await
            .map_err(|error| failed(ctx, error))?;
        Ok(found.into_iter().map(DeliveryAttempt::of).collect())
    }

    pub(crate) fn of(entry: DeliveryEntry, actor: &Actor, language: Language) -> Self {
        let mut available_actions = Vec::new();
        if may_resolve(actor) && entry.state.can_be_redelivered() {
            available_actions.push(DeliveryAction::Redeliver);
        }
        if may_resolve(actor) && entry.state.can_be_resolved() {
            available_actions.push(DeliveryAction::ResolveUncertainDelivery);
        }
        let next_attempt_at = entry.state.is_claimable().then_some(entry.next_attempt_at);
        let (version, state_text) = (version_of(&entry), state_words(&entry).in_language(language));
        Self {
            key: entry.id,
            id: ID(entry.id.to_string()),
            case_id: ID(entry.case.to_string()),
            tracking_code: entry.tracking.to_string(),
            handoff_id: ID(entry.handoff.to_string()),
            upstream: entry.upstream,
            operation: entry.operation.into(),
            version,
            state: entry.state.into(),
            state_text,
            available_actions,
            reason: entry.reason,
            attempts: i32::try_from(entry.attempts).unwrap_or(i32::MAX),
            next_attempt_at,
            created_at: entry.created_at,
            changed_at: entry.changed_at,
        }
    }
}
