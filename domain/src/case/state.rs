//! The state of a case: its row, its handoffs and its clocks, as one value.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::grid::GridLoop;
use super::news_version::NewsVersion;
use crate::card::{Card, SupervisionOrder};
use crate::clock::{CaseClock, ClockKind, ClockState};
use crate::evaluation::{Evaluation, HandoffEvaluation};
use crate::handoff::{HandedMaterial, Handoff, HandoffState};
use crate::id::{CaseId, ClockId, DivisionId, HandoffId, ItemVersionId, OrganizationId};
use crate::item::CaseKind;
use crate::route::HandoffKind;
use crate::tracking::TrackingCode;

/// The state of a case (DOMAIN §2). A draft is a thing of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CaseStatus {
    /// 收件: papers taken in, the acceptance clock runs.
    Submitted,
    /// 补正: waits for the applicant's supplement.
    AwaitingSupplement,
    /// 受理: the legal clocks run.
    Accepted,
    /// 审查.
    InReview,
    /// 特别程序 of kind 2: the clocks stand still.
    SpecialProcedure,
    /// 决定.
    Decided,
    /// 办结.
    Completed,
    /// 送达.
    Delivered,
    /// 不予受理.
    NotAccepted,
    /// The supplement did not come in time.
    Lapsed,
    /// 撤回, by the applicant.
    Withdrawn,
    /// Voided by a supervisor.
    Voided,
}

impl CaseStatus {
    /// Whether nothing more can happen to an ordinary case.
    #[must_use]
    pub const fn is_closed(self, kind: CaseKind) -> bool {
        match self {
            Self::Delivered | Self::NotAccepted | Self::Lapsed | Self::Withdrawn | Self::Voided => true,
            Self::Completed => matches!(kind, CaseKind::Grid),
            Self::Submitted
            | Self::AwaitingSupplement
            | Self::Accepted
            | Self::InReview
            | Self::SpecialProcedure
            | Self::Decided => false,
        }
    }
}

/// Through what the application came in (办理形式).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Channel {
    /// 1 窗口: a person at a window.
    Window,
    /// A self-service terminal; exported as 9 其他.
    Kiosk,
    /// 2 电脑 or 3 移动: the applicant's own device.
    Online,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// 准予.
    Granted,
    /// 不予许可.
    Denied,
    /// A grid event was resolved.
    Resolved,
    /// A grid event had no ground.
    Unfounded,
}

impl Outcome {
    /// Whether this outcome belongs to cases of this kind.
    #[must_use]
    pub const fn fits(self, kind: CaseKind) -> bool {
        match self {
            Self::Granted | Self::Denied => matches!(kind, CaseKind::Case),
            Self::Resolved | Self::Unfounded => matches!(kind, CaseKind::Grid),
        }
    }

    /// The same answer in the words of a kind of case: yes is granted or resolved, no is denied or unfounded.
    #[must_use]
    pub const fn in_words_of(self, kind: CaseKind) -> Self {
        match (self, kind) {
            (Self::Granted | Self::Resolved, CaseKind::Case) => Self::Granted,
            (Self::Granted | Self::Resolved, CaseKind::Grid) => Self::Resolved,
            (Self::Denied | Self::Unfounded, CaseKind::Case) => Self::Denied,
            (Self::Denied | Self::Unfounded, CaseKind::Grid) => Self::Unfounded,
        }
    }
}

/// The number a case has in an upstream system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalNumber {
    /// Name of the upstream system.
    pub upstream: String,
    /// Its number for the case.
    pub number: String,
    /// The newest version of its own under which the system proposed something; older proposals act no more. `None`: it
    /// told no version yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<NewsVersion>,
}

/// A minor material that is owed (容缺).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// Code of the item's material.
    pub material: String,
    /// Last day on which it can be brought, Beijing time.
    pub due: NaiveDate,
    /// The OWED clock of that day.
    pub clock: ClockId,
    /// When it was brought.
    #[serde(with = "chrono::serde::ts_microseconds_option", default)]
    pub brought_at: Option<DateTime<Utc>>,
    /// Whether the day passed without it, and a denial was proposed.
    #[serde(default)]
    pub missed: bool,
}

/// A supplement that was asked for (补正); at most one before acceptance and one after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supplement {
    /// Whether it was asked before acceptance.
    pub before_acceptance: bool,
    /// Codes of the materials asked for; empty when words alone say what is wrong.
    pub materials: Vec<String>,
    /// When it was brought; `None`: it is still awaited, or lapsed.
    #[serde(with = "chrono::serde::ts_microseconds_option", default)]
    pub brought_at: Option<DateTime<Utc>>,
}

/// A grant by an upstream system that waits for owed papers (容缺).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingGrant {
    /// Name of the upstream system.
    pub upstream: String,
    /// The handoff by which it holds the case.
    pub handoff: HandoffId,
}

/// A case with its handoffs and clocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Key.
    pub id: CaseId,
    /// Version that acts on the case must name; moves with every act on the case and every change of owner.
    pub version: i32,
    /// Number that people use.
    pub tracking: TrackingCode,
    /// Pinned version of the item.
    pub item: ItemVersionId,
    /// Code of the item, for lists.
    pub item_code: String,
    /// Application or grid event.
    pub kind: CaseKind,
    /// State.
    pub status: CaseStatus,
    /// Division the case belongs to.
    pub division: DivisionId,
    /// Code of the division on the day of submission.
    pub division_code: String,
    /// Name of the division on the day of submission.
    pub division_name: String,
    /// Organization of each route step; `None` where it is chosen when handed off, or is the unused intake.
    pub route: Vec<Option<OrganizationId>>,
    /// Index of the route step the case stands in.
    pub step: usize,
    /// The organization that keeps the case in its list until it closes (首问负责).
    pub first_contact: OrganizationId,
    /// Who took it in: subject of the token.
    pub submitted_by: String,
    /// Subject of the applicant's own account, when they applied by themselves.
    pub applicant_subject: Option<String>,
    /// Through what it came in.
    pub channel: Channel,
    /// Organization that answers for the case now; `None` once it is closed.
    pub owner: Option<OrganizationId>,
    /// When it was submitted.
    #[serde(with = "chrono::serde::ts_microseconds")]
    pub submitted_at: DateTime<Utc>,
    /// When it was accepted.
    #[serde(with = "chrono::serde::ts_microseconds_option", default)]
    pub accepted_at: Option<DateTime<Utc>>,
    /// When it was decided.
    #[serde(with = "chrono::serde::ts_microseconds_option", default)]
    pub decided_at: Option<DateTime<Utc>>,
    /// What was decided; the reasons are sealed with the event.
    pub outcome: Option<Outcome>,
    /// When it was completed.
    #[serde(with = "chrono::serde::ts_microseconds_option", default)]
    pub completed_at: Option<DateTime<Utc>>,
    /// When the result was handed over.
    #[serde(with = "chrono::serde::ts_microseconds_option", default)]
    pub delivered_at: Option<DateTime<Utc>>,
    /// How often the case went back and forth: owning handoffs that were refused, and those by hand that brought it
    /// back to an organization that had held it.
    #[serde(default)]
    pub back_and_forth: u32,
    /// Materials on file, by commitment; a handoff says which of them went along.
    #[serde(default)]
    pub materials: Vec<HandedMaterial>,
    /// Numbers in upstream systems.
    pub external_numbers: Vec<ExternalNumber>,
    /// Supplements asked for, in order.
    #[serde(default)]
    pub supplements: Vec<Supplement>,
    /// Minor materials owed since acceptance.
    #[serde(default)]
    pub owed: Vec<Owed>,
    /// Codes of the materials that came after the submission.
    #[serde(default)]
    pub brought: Vec<String>,
    /// Working days by which the legal limits were extended; only once.
    #[serde(default)]
    pub extended_by: Option<u32>,
    /// Who decided: subject of the token, or name of the upstream system.
    #[serde(default)]
    pub decided_by: Option<String>,
    /// A grant by an upstream system that is repeated when the papers come that are owed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_grant: Option<WaitingGrant>,
    /// How often a grid event went round its loop.
    #[serde(default)]
    pub grid: GridLoop,
    /// 好差评: what the applicant thinks of it.
    #[serde(default)]
    pub evaluation: Option<Evaluation>,
    /// 双向评价: what the organizations of closed handoffs think of each other, in the order they said so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handoff_evaluations: Vec<HandoffEvaluation>,
    /// Handoffs by `seq`.
    pub handoffs: Vec<Handoff>,
    /// Clocks in the order they were started.
    pub clocks: Vec<CaseClock>,
    /// Cards in the order they were raised.
    #[serde(default)]
    pub cards: Vec<Card>,
    /// Supervision orders in the order they were issued.
    #[serde(default)]
    pub orders: Vec<SupervisionOrder>,
}

impl Case {
    /// A handoff of this case.
    #[must_use]
    pub fn handoff(&self, id: HandoffId) -> Option<&Handoff> {
        self.handoffs.iter().find(|handoff| handoff.id == id)
    }

    /// The owning handoff that is offered and not yet answered; at most one.
    #[must_use]
    pub fn open_owning(&self) -> Option<&Handoff> {
        self.handoffs
            .iter()
            .find(|handoff| handoff.owning && handoff.state.awaits_answer())
    }

    /// The handoff by which the present owner holds the case.
    #[must_use]
    pub fn holding(&self) -> Option<&Handoff> {
        self.handoffs
            .iter()
            .rev()
            .find(|handoff| handoff.owning && handoff.state == HandoffState::Acknowledged)
    }

    /// The handoff by which the case entered the step it stands in: 交办 and 转办 stay in the step.
    #[must_use]
    pub fn entered(&self) -> Option<&Handoff> {
        let holding = self.holding()?;
        let mut entered = holding;
        for earlier in self.handoffs.iter().rev().filter(|earlier| {
            earlier.owning && earlier.acknowledged_at.is_some() && earlier.seq < holding.seq
        }) {
            // an office that gets the step from itself, or from nobody, begins it anew (a grid event opened again)
            let handed_on = entered.from.is_some_and(|from| from != entered.to);
            if !entered.keeps_step() || !handed_on || entered.step != earlier.step {
                break;
            }
            entered = earlier;
        }
        Some(entered)
    }

    /// The route step the owner holds; `None` before the first step of a route that has no intake, and once closed.
    #[must_use]
    pub fn stands(&self) -> Option<usize> {
        self.holding().and_then(|holding| holding.step)
    }

    /// The owning handoffs by which organizations held the case before, the latest of each organization and step
    /// last.
    pub fn held_before(&self) -> impl DoubleEndedIterator<Item = &Handoff> {
        self.handoffs.iter().filter(|handoff| {
            handoff.owning && handoff.state == HandoffState::Done && handoff.acknowledged_at.is_some()
        })
    }

    /// Beside-handoffs the route requires that are open; one that was refused is offered again before the case goes on.
    pub fn open_required(&self) -> impl Iterator<Item = &Handoff> {
        self.handoffs
            .iter()
            .filter(|handoff| handoff.required && handoff.state.is_open())
    }

    /// Whether an organization is the owner or the addressee of the open owning handoff.
    #[must_use]
    pub fn is_at(&self, organization: OrganizationId) -> bool {
        self.owner == Some(organization) || self.open_owning().is_some_and(|open| open.to == organization)
    }

    /// Whether an organization ever held or was handed the case.
    #[must_use]
    pub fn ever_at(&self, organization: OrganizationId) -> bool {
        self.first_contact == organization
            || self
                .handoffs
                .iter()
                .any(|handoff| handoff.to == organization || handoff.from == Some(organization))
    }

    /// When the work of an open handoff is due: first its acknowledgement, then what is done in it.
    #[must_use]
    pub fn handoff_due(&self, handoff: &Handoff) -> Option<DateTime<Utc>> {
        let running = |kind: ClockKind| {
            move |clock: &&CaseClock| clock.kind == kind && clock.state == ClockState::Running
        };
        let due = if handoff.state.awaits_answer() {
            self.clocks
                .iter()
                .filter(running(ClockKind::HandoffAck))
                .find(|clock| clock.handoff == Some(handoff.id))
        } else if handoff.kind == HandoffKind::Delivery {
            self.clocks.iter().find(running(ClockKind::Delivery))
        } else if handoff.state == HandoffState::Acknowledged {
            self.clocks.iter().find(|clock| {
                clock.state == ClockState::Running
                    && clock.step == handoff.step
                    && matches!(
                        clock.kind,
                        ClockKind::Acceptance | ClockKind::Step | ClockKind::Special
                    )
            })
        } else {
            None
        };
        due.and_then(|clock| clock.due_at)
    }

    /// The clock that matters most to the applicant now: a supplement asked of them, else promise, else acceptance,
    /// else delivery.
    #[must_use]
    pub fn leading_clock(&self) -> Option<&CaseClock> {
        [
            ClockKind::Supplement,
            ClockKind::Promise,
            ClockKind::Acceptance,
            ClockKind::Delivery,
        ]
        .into_iter()
        .find_map(|kind| {
            self.clocks
                .iter()
                .find(|clock| clock.kind == kind && clock.state != ClockState::Stopped)
        })
    }

    /// Whose decision it is: the last owner before it.
    #[must_use]
    pub fn decider(&self) -> Option<OrganizationId> {
        let decided = self.decided_at?;
        let held = |handoff: &&Handoff| {
            handoff.owning && handoff.acknowledged_at.is_some_and(|taken| taken <= decided)
        };
        self.handoffs.iter().rev().find(held).map(|handoff| handoff.to)
    }

    /// Number of the case in an upstream system.
    #[must_use]
    pub fn external_number(&self, upstream: &str) -> Option<&str> {
        self.external_numbers
            .iter()
            .find(|external| external.upstream == upstream)
            .map(|external| external.number.as_str())
    }

    /// Owed materials that have not come yet.
    pub fn outstanding(&self) -> impl Iterator<Item = &Owed> {
        self.owed.iter().filter(|owed| owed.brought_at.is_none())
    }

    /// Whether an application can still be taken back: open, and not decided.
    #[must_use]
    pub const fn is_undecided(&self) -> bool {
        matches!(
            self.status,
            CaseStatus::Submitted
                | CaseStatus::AwaitingSupplement
                | CaseStatus::Accepted
                | CaseStatus::InReview
                | CaseStatus::SpecialProcedure
        )
    }

    /// The last handoff to an upstream system that no longer awaits its answer.
    #[must_use]
    pub fn last_answered_by(&self, upstream: &str) -> Option<&Handoff> {
        self.handoffs
            .iter()
            .rev()
            .find(|handoff| handoff.upstream.as_deref() == Some(upstream) && !handoff.state.awaits_answer())
    }

    /// Whether nothing more can happen.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.status.is_closed(self.kind)
    }
}
