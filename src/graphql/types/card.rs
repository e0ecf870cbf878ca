//! Cards (预警、黄牌、红牌) and supervision orders (督办单) as GraphQL shows them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result};
use chrono::{DateTime, Utc};
use onedoor_domain::card as domain;

use super::case::{Case, organization};
use super::case_enums::ClockKind;
use super::division::{Division, Level};
use super::organization::Organization;
use crate::service::reading::CaseView;

/// The rungs of the ladder of cards, from below.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::Rung")]
pub enum CardRung {
    /// 预警: little time is left.
    #[graphql(name = "WARNING")]
    Warning,
    /// 黄牌: the limit has passed.
    #[graphql(name = "YELLOW")]
    Yellow,
    /// 红牌, one level above the holder.
    #[graphql(name = "RED_1")]
    Red1,
    /// 红牌, two levels above.
    #[graphql(name = "RED_2")]
    Red2,
    /// 红牌, three levels above.
    #[graphql(name = "RED_3")]
    Red3,
}

/// On whose list a card lies.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::CardDesk")]
pub enum CardDesk {
    /// On the holder's.
    Holder,
    /// On the supervisor's: nobody has signed for the handoff yet.
    Supervisor,
    /// On that of the upstream system's operator: not delivered, or not answered, in an outage.
    UpstreamOperator,
}

/// Whether a card stands.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::CardState")]
pub enum CardState {
    /// It stands.
    Raised,
    /// 申诉: its holder has objected; it stands until the level above has judged.
    Appealed,
    /// 撤销, by the level above.
    Cancelled,
}

/// Why a card was raised.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardCause {
    /// A clock came to a rung.
    Clock,
    /// By hand: a complete application was refused.
    CompleteRefused,
    /// By hand: no reason was given.
    NoReason,
}

/// For what a supervisor raises a card by hand.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardReason {
    /// A complete application was refused.
    CompleteRefused,
    /// No reason was given.
    NoReason,
}

impl From<CardReason> for domain::CardCause {
    fn from(reason: CardReason) -> Self {
        match reason {
            CardReason::CompleteRefused => Self::CompleteRefused,
            CardReason::NoReason => Self::NoReason,
        }
    }
}

/// A card (预警、黄牌、红牌): a late clock made visible, level by level.
pub struct Card {
    view: Arc<CaseView>,
    card: domain::Card,
}

impl Card {
    pub(crate) fn all(view: &Arc<CaseView>) -> Vec<Self> {
        let cards = view.case.cards.iter();
        cards.map(|card| Self::of(view, card.clone())).collect()
    }

    pub(crate) fn of(view: &Arc<CaseView>, card: domain::Card) -> Self {
        Self {
            view: Arc::clone(view),
            card,
        }
    }
}

/// A card (预警、黄牌、红牌): a late clock made visible, level by level.
#[Object]
impl Card {
    /// Opaque key; `appealCard` and `cancelCard` name it.
    async fn id(&self) -> ID {
        ID(self.card.id.to_string())
    }

    /// The case.
    async fn case(&self) -> Case {
        Case {
            view: Arc::clone(&self.view),
        }
    }

    /// Rung of the ladder.
    async fn rung(&self) -> CardRung {
        self.card.rung.into()
    }

    /// Why it was raised.
    async fn cause(&self) -> CardCause {
        match self.card.cause {
            domain::CardCause::Clock { .. } => CardCause::Clock,
            domain::CardCause::CompleteRefused => CardCause::CompleteRefused,
            domain::CardCause::NoReason => CardCause::NoReason,
        }
    }

    /// What the clock measures that raised it; null when a supervisor did.
    async fn clock(&self) -> Option<ClockKind> {
        match self.card.cause {
            domain::CardCause::Clock { kind, .. } => Some(kind.into()),
            domain::CardCause::CompleteRefused | domain::CardCause::NoReason => None,
        }
    }

    /// How often the ladder of that clock had begun anew, by a later due date or a cancelled card; null by hand.
    async fn epoch(&self) -> Option<i32> {
        match self.card.cause {
            domain::CardCause::Clock { epoch, .. } => i32::try_from(epoch).ok(),
            domain::CardCause::CompleteRefused | domain::CardCause::NoReason => None,
        }
    }

    /// Whose lateness it is.
    async fn holder(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        organization(ctx, self.card.holder).await
    }

    /// On whose list it lies.
    async fn desk(&self) -> CardDesk {
        self.card.desk.into()
    }

    /// Whether what the holder should have had was not delivered to its system, or not answered, in an outage.
    async fn undelivered(&self) -> bool {
        self.card.desk == domain::CardDesk::UpstreamOperator
    }

    /// The division (区划) to whose level it is raised.
    async fn division(&self, ctx: &Context<'_>) -> Option<Result<Division>> {
        Division::find(ctx, self.card.division?).await.transpose()
    }

    /// That level.
    async fn level(&self) -> Option<Level> {
        self.card.level.map(Level::from)
    }

    /// Whether it stands.
    async fn state(&self) -> CardState {
        self.card.state.into()
    }

    /// Whether it says something of the present: not cancelled, and its clock runs on towards the same date.
    async fn is_current(&self) -> bool {
        self.view.case.is_current(&self.card)
    }

    /// When the clock came to the rung; after downtime earlier than `raisedAt`.
    async fn due_at(&self) -> DateTime<Utc> {
        self.card.due_at
    }

    /// When it was raised.
    async fn raised_at(&self) -> DateTime<Utc> {
        self.card.raised_at
    }

    /// When its holder objected.
    async fn appealed_at(&self) -> Option<DateTime<Utc>> {
        self.card.appealed_at
    }

    /// When it was cancelled.
    async fn cancelled_at(&self) -> Option<DateTime<Utc>> {
        self.card.cancelled_at
    }
}

/// A supervision order (督办单): issued by hand, with a limit and an answer. What is demanded and answered stands in the
/// timeline.
pub struct SupervisionOrder {
    view: Arc<CaseView>,
    order: domain::SupervisionOrder,
}

impl SupervisionOrder {
    pub(crate) fn all(view: &Arc<CaseView>) -> Vec<Self> {
        let of = |order: &domain::SupervisionOrder| Self {
            view: Arc::clone(view),
            order: order.clone(),
        };
        view.case.orders.iter().map(of).collect()
    }
}

/// A supervision order (督办单): issued by hand, with a limit and an answer. What is demanded and answered stands in the
/// timeline.
#[Object]
impl SupervisionOrder {
    /// Opaque key; `answerSupervisionOrder` names it.
    async fn id(&self) -> ID {
        ID(self.order.id.to_string())
    }

    /// The division (区划) whose supervisor ordered it.
    async fn division(&self, ctx: &Context<'_>) -> Option<Result<Division>> {
        Division::find(ctx, self.order.division?).await.transpose()
    }

    /// Who has to act and answer.
    async fn to(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        organization(ctx, Some(self.order.to)).await
    }

    /// When it was issued.
    async fn issued_at(&self) -> DateTime<Utc> {
        self.order.issued_at
    }

    /// First instant at which the answer is late.
    async fn due_at(&self) -> Option<DateTime<Utc>> {
        self.view.case.clock(self.order.clock)?.due_at
    }

    /// When it was answered; null while it is open.
    async fn answered_at(&self) -> Option<DateTime<Utc>> {
        self.order.answered_at
    }
}
