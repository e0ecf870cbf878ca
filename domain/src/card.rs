//! Cards (预警、黄牌、红牌) and supervision orders (督办单): how a late clock is made visible, level by level.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::clock::ClockKind;
use crate::division::Level;
use crate::id::{CardId, ClockId, DivisionId, OrganizationId, SupervisionOrderId};

/// The rungs of the ladder (DOMAIN §3), from below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Rung {
    /// 预警: little time is left.
    #[serde(rename = "WARNING")]
    Warning,
    /// 黄牌: the limit has passed.
    #[serde(rename = "YELLOW")]
    Yellow,
    /// 红牌, one level above the holder.
    #[serde(rename = "RED_1")]
    Red1,
    /// 红牌, two levels above.
    #[serde(rename = "RED_2")]
    Red2,
    /// 红牌, three levels above: from the village that is the city.
    #[serde(rename = "RED_3")]
    Red3,
}

impl Rung {
    /// The red rungs, from below.
    pub const REDS: [Self; 3] = [Self::Red1, Self::Red2, Self::Red3];

    /// How many levels above the holder its card lies.
    #[must_use]
    pub const fn levels_up(self) -> usize {
        match self {
            Self::Warning | Self::Yellow => 0,
            Self::Red1 => 1,
            Self::Red2 => 2,
            Self::Red3 => 3,
        }
    }
}

/// Why a card was raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CardCause {
    /// A clock came to a rung.
    Clock {
        /// Which one.
        clock: ClockId,
        /// What it measures.
        kind: ClockKind,
        /// How often the ladder of this clock began anew before: with a later due date, or a cancelled card.
        epoch: u32,
    },
    /// By hand: a complete application was refused.
    CompleteRefused,
    /// By hand: no reason was given.
    NoReason,
}

/// On whose list a card lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CardDesk {
    /// On the holder's.
    Holder,
    /// On the supervisor's: nobody has signed for the handoff yet.
    Supervisor,
    /// On that of the upstream system's operator: it was not delivered, or not answered, in an outage.
    UpstreamOperator,
}

/// Whether a card stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CardState {
    /// It stands.
    Raised,
    /// Its holder has objected; it stands until the level above has judged.
    Appealed,
    /// 撤销, by the level above.
    Cancelled,
}

/// A card. Reasons of an appeal and of a cancellation lie sealed with their events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Key.
    pub id: CardId,
    /// Why.
    pub cause: CardCause,
    /// How high.
    pub rung: Rung,
    /// Whose lateness it is; `None` only when nobody holds the case.
    pub holder: Option<OrganizationId>,
    /// On whose list it lies.
    pub desk: CardDesk,
    /// The division to whose level it is raised.
    pub division: Option<DivisionId>,
    /// That level.
    pub level: Option<Level>,
    /// When the clock came to the rung: after downtime, before `raised_at`.
    #[serde(with = "chrono::serde::ts_microseconds")]
    pub due_at: DateTime<Utc>,
    /// When it was raised.
    #[serde(with = "chrono::serde::ts_microseconds")]
    pub raised_at: DateTime<Utc>,
    /// Whether it stands.
    pub state: CardState,
    /// When its holder objected.
    #[serde(with = "chrono::serde::ts_microseconds_option", default)]
    pub appealed_at: Option<DateTime<Utc>>,
    /// When it was cancelled.
    #[serde(with = "chrono::serde::ts_microseconds_option", default)]
    pub cancelled_at: Option<DateTime<Utc>>,
}

impl Card {
    /// Whether this is the card of a clock, rung and epoch: there is never a second one.
    #[must_use]
    pub fn is_of(&self, of_clock: ClockId, of_rung: Rung, of_epoch: u32) -> bool {
        self.rung == of_rung
            && matches!(self.cause, CardCause::Clock { clock, epoch, .. } if clock == of_clock && epoch == of_epoch)
    }
}

/// A supervision order (督办单): issued by hand, with a limit and an answer. Its texts lie sealed with its events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupervisionOrder {
    /// Key.
    pub id: SupervisionOrderId,
    /// The clock of its limit.
    pub clock: ClockId,
    /// The division whose supervisor ordered it.
    pub division: Option<DivisionId>,
    /// Who has to act and answer.
    pub to: OrganizationId,
    /// When it was issued.
    #[serde(with = "chrono::serde::ts_microseconds")]
    pub issued_at: DateTime<Utc>,
    /// When it was answered.
    #[serde(with = "chrono::serde::ts_microseconds_option", default)]
    pub answered_at: Option<DateTime<Utc>>,
}

/// A place in the chain of divisions above an organization, its own first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The division.
    pub division: DivisionId,
    /// Its level.
    pub level: Level,
}
