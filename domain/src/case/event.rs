//! What happened to a case: the lines of its ledger.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::command::By;
use super::grid::CheckResult;
use super::news_version::NewsVersion;
use super::state::{Channel, Outcome, Owed};
use super::succession::{Heir, Redirected};
use crate::card::{Card, SupervisionOrder};
use crate::clock::{CaseClock, ClockState};
use crate::delivery::{DeliveryKind, DeliveryResolution};
use crate::evaluation::{EvaluationAnswer, Grade};
use crate::handoff::{HandedMaterial, Handoff, Opinion, RefusalReason};
use crate::id::{
    CalendarVersionId, CardId, CaseId, ClockId, DeliveryId, DivisionId, HandoffId, ItemVersionId,
    OrganizationId, SupervisionOrderId,
};
use crate::item::CaseKind;
use crate::tracking::TrackingCode;

/// A fact about a case. Holds no personal data: texts lie sealed beside it, bound by a salted commitment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Event {
    /// The papers were taken in.
    Submitted(Box<Submitted>),
    /// A handoff was offered, with all its fields; its reason or question lies sealed beside.
    HandoffOffered {
        /// The handoff as offered.
        handoff: Box<Handoff>,
    },
    /// The bytes of a handoff left for an upstream system.
    HandoffSent {
        /// Which one.
        handoff: HandoffId,
    },
    /// 签收.
    HandoffAcknowledged {
        /// Which one.
        handoff: HandoffId,
    },
    /// A handoff ended.
    HandoffDone {
        /// Which one.
        handoff: HandoffId,
        /// What a beside-handoff ended with.
        opinion: Option<Opinion>,
    },
    /// 退单: the receiver will not take the case; its reason lies sealed beside.
    HandoffRefused {
        /// Which one.
        handoff: HandoffId,
        /// Why, of the list; an upstream's rejection has its own words only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<RefusalReason>,
    },
    /// The sender took it back before anybody signed for it.
    HandoffRecalled {
        /// Which one.
        handoff: HandoffId,
    },
    /// Nobody signed for it in time: it stays open, on the supervisor's list.
    HandoffExpired {
        /// Which one.
        handoff: HandoffId,
    },
    /// An officer of the owner did without the opinion it asked for; the reason lies sealed beside.
    HandoffWaived {
        /// Which one.
        handoff: HandoffId,
    },
    /// A clock started.
    ClockStarted {
        /// The clock as started.
        clock: Box<CaseClock>,
    },
    /// A clock was paused, resumed or moved.
    ClockMoved {
        /// Which one.
        clock: ClockId,
        /// Running or paused.
        state: ClockState,
        /// New due date; `None` while paused.
        #[serde(with = "chrono::serde::ts_microseconds_option", default)]
        due_at: Option<DateTime<Utc>>,
        /// Whether that date is provisional.
        provisional: bool,
        /// All stretches that do not count.
        pauses: Vec<crate::clock::Pause>,
    },
    /// A clock ended.
    ClockStopped {
        /// Which one.
        clock: ClockId,
    },
    /// 受理.
    Accepted,
    /// 视为受理: nobody answered in time (行政许可法 art. 32).
    DeemedAccepted {
        /// From when the legal clocks run: the offer into the accepting step, or the corrected papers.
        #[serde(with = "chrono::serde::ts_microseconds")]
        since: DateTime<Utc>,
    },
    /// 容缺: minor materials are brought later.
    MaterialsOwed {
        /// Which, until when.
        owed: Vec<Owed>,
    },
    /// What was owed did not come in time: a denial for that reason is proposed.
    OwedMissed {
        /// Codes of the materials.
        materials: Vec<String>,
    },
    /// Materials came after the submission: by a supplement, or from a route step. They lie sealed beside.
    MaterialsBrought {
        /// Codes of the materials.
        materials: Vec<String>,
        /// The route step that produced them; `None`: the applicant brought them.
        step: Option<usize>,
    },
    /// 不予受理, or to the competent office; reasons and remedy lie sealed beside.
    Declined {
        /// On what ground.
        ground: Ground,
        /// The competent office of the network, which is offered the case next; `None`: the case ends.
        to: Option<OrganizationId>,
    },
    /// 补正告知; the words lie sealed beside.
    SupplementRequested {
        /// Whether it was asked before acceptance.
        before_acceptance: bool,
        /// Codes of the materials asked for.
        materials: Vec<String>,
    },
    /// 补正: what was asked for has come; the case goes on where it stood.
    Supplemented,
    /// The supplement did not come in time.
    Lapsed,
    /// 延长审批; the reason lies sealed beside.
    Extended {
        /// By how many working days.
        working_days: u32,
    },
    /// A clock got more time.
    ClockExtended {
        /// Which one.
        clock: ClockId,
        /// Working days added to it in all.
        working_days: u32,
        /// New due date.
        #[serde(with = "chrono::serde::ts_microseconds")]
        due_at: DateTime<Utc>,
        /// Whether that date is provisional.
        provisional: bool,
    },
    /// 撤回, by the applicant.
    Withdrawn,
    /// 作废, by a supervisor; the reason lies sealed beside.
    Voided,
    /// The review began.
    ReviewBegun,
    /// A special procedure of kind 2 began.
    SpecialProcedureBegun {
        /// The route step it is.
        step: usize,
    },
    /// It ended.
    SpecialProcedureEnded,
    /// 决定; reasons and remedy lie sealed beside.
    Decided {
        /// What was decided.
        outcome: Outcome,
    },
    /// 办结.
    Completed,
    /// The result was handed over.
    Delivered,
    /// The case reached its end as delivered: completed and handed over.
    Closed,
    /// 核查: a grid event was checked; what was found lies sealed beside.
    GridChecked {
        /// What the check found.
        result: CheckResult,
    },
    /// A completed grid event was opened again; the reason lies sealed beside.
    Reopened,
    /// 评价 by the applicant; the comment lies sealed beside.
    Evaluated {
        /// The grade.
        grade: Grade,
        /// Whose decision was graded.
        decider: OrganizationId,
    },
    /// The decider did something about a negative grade; the note lies sealed beside.
    EvaluationAnswered {
        /// What it did.
        answer: EvaluationAnswer,
    },
    /// 双向评价: one organization of a closed handoff graded the other; the comment lies sealed beside.
    HandoffEvaluated {
        /// Which handoff.
        handoff: HandoffId,
        /// Who gave the grade.
        by: OrganizationId,
        /// Whose part was graded.
        of: OrganizationId,
        /// The grade.
        grade: Grade,
    },
    /// A clock came to a rung, or a supervisor raised a card by hand; the reason of the latter lies sealed beside.
    CardRaised {
        /// The card as raised.
        card: Box<Card>,
    },
    /// 申诉 against a card; the reason lies sealed beside.
    CardAppealed {
        /// Which one.
        card: CardId,
    },
    /// 撤销 of a card by the level above; the ladder of its clock begins anew. The reason lies sealed beside.
    CardCancelled {
        /// Which one.
        card: CardId,
    },
    /// 催办; the text lies sealed beside.
    HolderReminded {
        /// Who was reminded.
        to: OrganizationId,
    },
    /// 督办; what is demanded lies sealed beside.
    SupervisionOrdered {
        /// The order as issued.
        order: Box<SupervisionOrder>,
    },
    /// The answer to a supervision order; its text lies sealed beside.
    SupervisionAnswered {
        /// Which order.
        order: SupervisionOrderId,
    },
    /// Another calendar came into force and gives another date.
    ClockRecomputed {
        /// Which clock.
        clock: ClockId,
        /// New due date.
        #[serde(with = "chrono::serde::ts_microseconds")]
        due_at: DateTime<Utc>,
        /// Whether that date is provisional still.
        provisional: bool,
        /// The calendar it was computed by.
        calendar: CalendarVersionId,
    },
    /// 承接: organizations of the case were succeeded, and its open work went to their successors.
    WorkTakenOver {
        /// Who took over from whom.
        heirs: Vec<Heir>,
        /// Deliveries that had not left and go elsewhere now.
        redirected: Vec<Redirected>,
    },
    /// An upstream system gave its number.
    NumberGiven {
        /// Name of the system.
        upstream: String,
        /// Its number.
        number: String,
    },
    /// An upstream system proposed something under a newer version of its own: older proposals act no more.
    VersionHeard {
        /// Name of the system.
        upstream: String,
        /// Its number for the case.
        number: String,
        /// Its version.
        version: NewsVersion,
    },
    /// An upstream system took in what came after its handoff: papers, or that it is to stop.
    UpstreamTold {
        /// Name of the system.
        upstream: String,
        /// The handoff that was followed.
        handoff: HandoffId,
        /// What it was told.
        of: DeliveryKind,
    },
    /// A person said what becomes of a delivery that did not go on by itself; the note lies sealed beside.
    DeliveryResolved {
        /// Which delivery.
        delivery: DeliveryId,
        /// The handoff it carries, or follows.
        handoff: HandoffId,
        /// Name of the system.
        upstream: String,
        /// What was said.
        resolution: DeliveryResolution,
    },
    /// An upstream system said something that could not become an act, or changes nothing: kept and shown.
    NewsKept {
        /// Name of the system.
        upstream: String,
        /// The handoff it spoke of.
        handoff: HandoffId,
        /// What it said: `RECEIVED`, `REJECTED`, `ACCEPTED`, `SUPPLEMENT_REQUESTED`, `SPECIAL_BEGUN`, `SPECIAL_ENDED`,
        /// `DECIDED`, `OPINION`, `COMPLETED`, `DELIVERED`, `NOTE`.
        said: String,
        /// Whether it came too late, too early or out of order.
        out_of_order: bool,
        /// Whether it is a grant that is repeated when the papers come that the applicant owes (容缺).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        waits_for_papers: bool,
    },
}

/// On what ground an application is declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Ground {
    /// Another office is competent, and is named (首问).
    NotCompetent,
    /// 不予受理, with reasons and remedy.
    Refused,
}

/// The first line of a ledger: everything a case starts with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// Key.
    pub case: CaseId,
    /// Tracking code.
    pub tracking: TrackingCode,
    /// Pinned item version.
    pub item: ItemVersionId,
    /// Code of the item.
    pub item_code: String,
    /// Application or grid event.
    pub kind: CaseKind,
    /// Division.
    pub division: DivisionId,
    /// Code of the division on this day.
    pub division_code: String,
    /// Name of the division on this day.
    pub division_name: String,
    /// Organizations of the route.
    pub route: Vec<Option<OrganizationId>>,
    /// Organization that took it in.
    pub first_contact: OrganizationId,
    /// Channel.
    pub channel: Channel,
    /// Subject of the applicant's own account.
    pub applicant_subject: Option<String>,
    /// Salted commitment to applicant, form and materials, hex.
    pub papers: String,
    /// Salted commitments to each material handed in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub materials: Vec<HandedMaterial>,
    /// What a kiosk tells of an application that it took in while offline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline: Option<OfflineCapture>,
}

/// An application that a kiosk took in while offline. The legal clocks run from its arrival here all the same: that is
/// when an office could first act on it (行政许可法 art. 32).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflineCapture {
    /// When, by our clock.
    #[serde(with = "chrono::serde::ts_microseconds")]
    pub captured_at: DateTime<Utc>,
    /// The number printed for the applicant.
    pub provisional_number: String,
}

impl Event {
    /// The event's type as it stands in the ledger, for columns and lists.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Submitted(_) => "SUBMITTED",
            Self::HandoffOffered { .. } => "HANDOFF_OFFERED",
            Self::HandoffSent { .. } => "HANDOFF_SENT",
            Self::HandoffAcknowledged { .. } => "HANDOFF_ACKNOWLEDGED",
            Self::HandoffDone { .. } => "HANDOFF_DONE",
            Self::HandoffRefused { .. } => "HANDOFF_REFUSED",
            Self::HandoffRecalled { .. } => "HANDOFF_RECALLED",
            Self::HandoffExpired { .. } => "HANDOFF_EXPIRED",
            Self::HandoffWaived { .. } => "HANDOFF_WAIVED",
            Self::ClockStarted { .. } => "CLOCK_STARTED",
            Self::ClockMoved { .. } => "CLOCK_MOVED",
            Self::ClockStopped { .. } => "CLOCK_STOPPED",
            Self::Accepted => "ACCEPTED",
            Self::DeemedAccepted { .. } => "DEEMED_ACCEPTED",
            Self::MaterialsOwed { .. } => "MATERIALS_OWED",
            Self::OwedMissed { .. } => "OWED_MISSED",
            Self::MaterialsBrought { .. } => "MATERIALS_BROUGHT",
            Self::Declined { .. } => "DECLINED",
            Self::SupplementRequested { .. } => "SUPPLEMENT_REQUESTED",
            Self::Supplemented => "SUPPLEMENTED",
            Self::Lapsed => "LAPSED",
            Self::Extended { .. } => "EXTENDED",
            Self::ClockExtended { .. } => "CLOCK_EXTENDED",
            Self::Withdrawn => "WITHDRAWN",
            Self::Voided => "VOIDED",
            Self::ReviewBegun => "REVIEW_BEGUN",
            Self::SpecialProcedureBegun { .. } => "SPECIAL_PROCEDURE_BEGUN",
            Self::SpecialProcedureEnded => "SPECIAL_PROCEDURE_ENDED",
            Self::Decided { .. } => "DECIDED",
            Self::Completed => "COMPLETED",
            Self::Delivered => "DELIVERED",
            Self::Closed => "CLOSED",
            Self::CardRaised { .. } => "CARD_RAISED",
            Self::CardAppealed { .. } => "CARD_APPEALED",
            Self::CardCancelled { .. } => "CARD_CANCELLED",
            Self::HolderReminded { .. } => "HOLDER_REMINDED",
            Self::SupervisionOrdered { .. } => "SUPERVISION_ORDERED",
            Self::SupervisionAnswered { .. } => "SUPERVISION_ANSWERED",
            Self::ClockRecomputed { .. } => "CLOCK_RECOMPUTED",
            Self::GridChecked { .. } => "GRID_CHECKED",
            Self::Reopened => "REOPENED",
            Self::Evaluated { .. } => "EVALUATED",
            Self::EvaluationAnswered { .. } => "EVALUATION_ANSWERED",
            Self::HandoffEvaluated { .. } => "HANDOFF_EVALUATED",
            Self::WorkTakenOver { .. } => "WORK_TAKEN_OVER",
            Self::NumberGiven { .. } => "NUMBER_GIVEN",
            Self::VersionHeard { .. } => "VERSION_HEARD",
            Self::UpstreamTold { .. } => "UPSTREAM_TOLD",
            Self::DeliveryResolved { .. } => "DELIVERY_RESOLVED",
            Self::NewsKept { .. } => "NEWS_KEPT",
        }
    }
}

/// An event as a decision makes it, before the store seals it into the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// What happened.
    pub event: Event,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: By,
    /// Texts that may hold personal data: sealed beside the event, bound by a commitment.
    pub private: Option<Value>,
}
