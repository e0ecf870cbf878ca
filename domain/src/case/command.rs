//! What can be asked of a case, and in which circumstances.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::agent::Authorization;
use super::event::{Ground, OfflineCapture};
use super::grid::CheckResult;
use super::news_version::NewsVersion;
use super::state::{Channel, Outcome};
use crate::actor::{Actor, ActorKind};
use crate::admission::Gate;
use crate::calendar::WorkCalendar;
use crate::card::{CardCause, Place};
use crate::delivery::{DeliveryKind, DeliveryResolution};
use crate::directory::Rank;
use crate::evaluation::{EvaluationAnswer, Grade};
use crate::handoff::{HandedMaterial, Opinion, RefusalReason};
use crate::id::{CardId, CaseId, DeliveryId, DivisionId, HandoffId, OrganizationId, SupervisionOrderId};
use crate::item::ItemVersion;
use crate::limit::Limit;
use crate::material::MaterialEntry;
use crate::route::{HandoffKind, Step};
use crate::tracking::TrackingCode;

/// Who did something, as it stands in the ledger: kind, opaque subject and organization, no name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// Kind of actor.
    pub kind: ActorKind,
    /// Subject of the token, name of the upstream system, or part of the gateway.
    pub subject: String,
    /// The organization acted for.
    pub organization: Option<OrganizationId>,
    /// In whose name, when it is another's: then the event names both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<OnBehalfOf>,
}

/// In whose name somebody acts who is not that one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OnBehalfOf {
    /// 全程代办: for the applicant, with an authorization on file.
    Applicant,
    /// For an owner that cannot act here: EXTERNAL, or bound to an upstream system.
    Organization(OrganizationId),
}

impl From<&Actor> for By {
    fn from(actor: &Actor) -> Self {
        Self {
            kind: actor.kind,
            subject: actor.subject.clone(),
            organization: actor.organization,
            on_behalf_of: None,
        }
    }
}

/// The circumstances of a decision: everything it needs besides the state and the command.
pub struct Context<'a> {
    /// The instant of the act.
    pub now: DateTime<Utc>,
    /// Version of the item the case pins.
    pub item: &'a ItemVersion,
    /// The working-day calendar in force.
    pub calendar: &'a WorkCalendar,
    /// Who acts.
    pub by: By,
    /// Source of fresh time-ordered ids.
    pub ids: &'a mut dyn FnMut() -> Uuid,
    /// The upstream system an organization is bound to.
    pub upstream_of: &'a dyn Fn(OrganizationId) -> Option<String>,
    /// The division of an organization and those above it up to the city, from below.
    pub places: &'a dyn Fn(OrganizationId) -> Vec<Place>,
    /// The organization that does the work of another today; of one that lives, itself.
    pub living: &'a dyn Fn(OrganizationId) -> OrganizationId,
    /// Whether an organization is one of those that a CHOSEN step leaves to choose from, for the case's division.
    pub may_be_chosen: &'a dyn Fn(&Step, DivisionId, OrganizationId) -> bool,
    /// How the second organization stands to the first; `None`: it is not there, or no longer.
    pub rank: &'a dyn Fn(OrganizationId, OrganizationId) -> Option<Rank>,
    /// What the admission lists say of giving this item to an organization by hand.
    pub admission: &'a dyn Fn(OrganizationId) -> Gate,
}

/// A new case, its papers already checked.
#[derive(Debug, Clone)]
pub struct Submit {
    /// Key of the new case.
    pub id: CaseId,
    /// Its tracking code.
    pub tracking: TrackingCode,
    /// Division it belongs to.
    pub division: DivisionId,
    /// Code of the division today.
    pub division_code: String,
    /// Name of the division today.
    pub division_name: String,
    /// Organization of each route step; `None` where it is chosen later, or for an unused intake.
    pub route: Vec<Option<OrganizationId>>,
    /// Organization that takes the papers in.
    pub first_contact: OrganizationId,
    /// Through what it came in.
    pub channel: Channel,
    /// Subject of the applicant's own account.
    pub applicant_subject: Option<String>,
    /// Salted commitment to applicant, form and materials (hex), for the ledger.
    pub papers: String,
    /// 全程代办: by what the agent acts for the applicant; `None`: the applicant is there.
    pub authorization: Option<Authorization>,
    /// Salted commitments to each material handed in.
    pub materials: Vec<HandedMaterial>,
    /// What a kiosk tells of an application that it took in while offline.
    pub offline: Option<OfflineCapture>,
}

/// A minor material that is owed (容缺).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwedPaper {
    /// Code of the item's material.
    pub material: String,
    /// Last day on which it can be brought, Beijing time.
    pub due: NaiveDate,
}

/// The office that is competent where the accepting one is not (首问).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Competent {
    /// One of the network: the case is offered to it.
    Inside(OrganizationId),
    /// One outside, by name: the applicant is sent there.
    Outside(String),
}

/// A handoff asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOff {
    /// Its kind.
    pub kind: HandoffKind,
    /// The receiver; along the route only where the step leaves the choice, on a return only another than the last
    /// holder.
    pub to: Option<OrganizationId>,
    /// Why, or what is asked; required unless it goes along the route.
    pub reason: Option<String>,
    /// Codes of the materials handed over; `None`: all on file.
    pub handed: Option<Vec<String>>,
    /// Number of paper originals handed over.
    pub originals: u32,
    /// Number of the transfer slip; for an EXTERNAL step the number of the paper sent.
    pub slip: Option<String>,
    /// What the step that is left has produced.
    pub materials: Vec<MaterialEntry>,
}

impl HandOff {
    /// 流转: to the next step of the route, with everything on file and no paper.
    #[must_use]
    pub const fn along_the_route() -> Self {
        Self {
            kind: HandoffKind::Route,
            to: None,
            reason: None,
            handed: None,
            originals: 0,
            slip: None,
            materials: Vec::new(),
        }
    }
}

/// An act on an existing case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// 受理.
    Accept {
        /// Also hand the case to the next step.
        advance: bool,
        /// 容缺受理: minor materials that are brought later.
        owed: Vec<OwedPaper>,
    },
    /// 不予受理, or to the competent office.
    Decline {
        /// On what ground.
        ground: Ground,
        /// The competent office; required with [`Ground::NotCompetent`].
        competent: Option<Competent>,
        /// Reasons; required with [`Ground::Refused`].
        reasons: Option<String>,
        /// Remedy: review and suit; required with [`Ground::Refused`].
        remedy: Option<String>,
    },
    /// 补正告知: once per phase, everything that is missing.
    RequestSupplement {
        /// Codes of the materials asked for.
        materials: Vec<String>,
        /// What is wrong, in words.
        text: Option<String>,
    },
    /// 补正, or what is owed is brought.
    Supplement {
        /// What is brought.
        materials: Vec<MaterialEntry>,
        /// Remark of the person who brings it.
        note: Option<String>,
        /// By what an agent acts for the applicant.
        authorization: Option<Authorization>,
    },
    /// 特别程序 of kind 2: the clocks stand still.
    BeginSpecialProcedure {
        /// Why, as the applicant is told.
        reason: String,
        /// Its limit; `None`: 30 working days.
        limit_working_days: Option<u32>,
    },
    /// The special procedure is over.
    EndSpecialProcedure,
    /// 延长审批, special procedure of kind 1: once.
    Extend {
        /// By how many working days.
        working_days: u32,
        /// Why, as the applicant is told.
        reason: String,
    },
    /// 撤回, by the applicant.
    Withdraw {
        /// Why, if they say.
        reason: Option<String>,
        /// By what an agent acts for the applicant.
        authorization: Option<Authorization>,
    },
    /// 作废, by a supervisor.
    Void {
        /// Why.
        reason: String,
    },
    /// 移交: along the route, to another hand in the same step, back, or beside the owner.
    HandOff(HandOff),
    /// 退单: the receiver will not take it.
    Refuse {
        /// Which handoff.
        handoff: HandoffId,
        /// Why, of the list.
        reason: RefusalReason,
        /// Why, in words.
        text: String,
    },
    /// The sender takes back what nobody signed for.
    Recall {
        /// Which handoff.
        handoff: HandoffId,
    },
    /// An officer of the owner does without an opinion that the route requires.
    Waive {
        /// Which handoff.
        handoff: HandoffId,
        /// Why.
        reason: String,
    },
    /// 签收.
    Acknowledge {
        /// Which handoff.
        handoff: HandoffId,
    },
    /// A beside-handoff or a step after the decision is done.
    Finish {
        /// Which handoff.
        handoff: HandoffId,
        /// Opinion, where the step asks for one.
        opinion: Option<Opinion>,
        /// Text of the opinion.
        text: Option<String>,
    },
    /// 决定.
    Decide {
        /// What is decided.
        outcome: Outcome,
        /// Reasons; required when the answer is no.
        reasons: Option<String>,
        /// Remedy: review and suit; required when the answer is no.
        remedy: Option<String>,
        /// The answer to objections of offices that worked beside; required when there is one.
        objections: Option<String>,
    },
    /// 送达.
    Deliver {
        /// How and to whom the result was handed over.
        note: Option<String>,
        /// By what an agent collects the result for the applicant.
        authorization: Option<Authorization>,
    },
    /// 核查 of a grid event.
    CheckGridEvent {
        /// What the check found.
        result: CheckResult,
        /// In words; required when the check fails.
        text: Option<String>,
    },
    /// Open a completed grid event again.
    Reopen {
        /// Why.
        reason: String,
    },
    /// 评价 by the applicant.
    Evaluate {
        /// The grade.
        grade: Grade,
        /// What they say to it.
        comment: Option<String>,
    },
    /// What the decider did about a negative grade.
    AnswerEvaluation {
        /// What it did.
        answer: EvaluationAnswer,
        /// In words.
        text: Option<String>,
    },
    /// 双向评价 between the organizations of a closed handoff.
    EvaluateHandoff {
        /// Which handoff.
        handoff: HandoffId,
        /// The grade.
        grade: Grade,
        /// What is said to it.
        comment: Option<String>,
    },
    /// Let the clocks of the case speak; of the gateway itself, and idempotent: nothing to say, no events.
    Tick,
    /// 申诉 against a card.
    AppealCard {
        /// Which card.
        card: CardId,
        /// Why.
        reason: String,
    },
    /// 撤销 of a card, by the level above.
    CancelCard {
        /// Which card.
        card: CardId,
        /// Division of the supervisor.
        by: DivisionId,
        /// Why.
        reason: String,
    },
    /// A card by hand.
    IssueCard {
        /// For what; never [`CardCause::Clock`].
        cause: CardCause,
        /// Whose card it is.
        to: OrganizationId,
        /// Division of the supervisor.
        by: DivisionId,
        /// What happened.
        text: String,
    },
    /// 催办.
    RemindHolder {
        /// What is said.
        text: Option<String>,
    },
    /// 督办.
    OrderSupervision {
        /// Who has to act; `None`: whoever has to act now.
        to: Option<OrganizationId>,
        /// Within what time.
        limit: Limit,
        /// Division of the supervisor.
        by: Option<DivisionId>,
        /// What is demanded.
        text: String,
    },
    /// The answer to a supervision order.
    AnswerSupervision {
        /// Which order.
        order: SupervisionOrderId,
        /// What was done.
        text: String,
    },
    /// Another calendar is in force: compute the open due dates again.
    Recompute,
    /// The open work goes to the organizations that do it now (承接). Changes nothing when all of them live.
    TakeOver {
        /// Handoffs whose delivery has surely not left for an upstream system.
        unsent: Vec<HandoffId>,
    },
    /// What an upstream system says of a handoff it was given.
    Upstream(UpstreamNews),
    /// What a person says of a delivery that does not go on by itself.
    ResolveDelivery(DeliveryResolved),
}

/// What a person says of a delivery: what its system has, or that it is sent again or given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryResolved {
    /// The delivery.
    pub delivery: DeliveryId,
    /// What it asks of its system.
    pub kind: DeliveryKind,
    /// Name of the system.
    pub upstream: String,
    /// The handoff it carries, or follows.
    pub handoff: HandoffId,
    /// What is said.
    pub resolution: DeliveryResolution,
    /// The system's number for the case; required where it took over a case whose number is not known.
    pub number: Option<String>,
    /// How it was learnt, in words.
    pub note: Option<String>,
}

/// News from an upstream system: a proposal, never an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamNews {
    /// Name of the upstream system.
    pub upstream: String,
    /// The handoff it speaks of.
    pub handoff: HandoffId,
    /// Its number for the case.
    pub number: Option<String>,
    /// Its own version or sequence of the case under that number; `None`: it keeps none, or the news is our driver's.
    pub version: Option<NewsVersion>,
    /// What it says.
    pub said: Said,
}

/// What an upstream system can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The bytes are leaving; its answer is not known yet. (Said by the driver.)
    Sent,
    /// It has taken the case over: 签收.
    Received,
    /// It will not take the case.
    Rejected {
        /// Its reason, as text.
        reason: String,
    },
    /// It has decided.
    Decided {
        /// What it decided.
        outcome: Outcome,
        /// Its reasons, as text.
        reasons: Option<String>,
    },
    /// It has accepted the application: 受理.
    Accepted,
    /// It asks the applicant for what is missing: 补正告知.
    SupplementRequested {
        /// Codes of the materials; a code that the item does not have is asked for in words.
        materials: Vec<String>,
        /// What is wrong, as text.
        text: String,
    },
    /// It has begun a special procedure: 特别程序.
    SpecialBegun {
        /// Its kind by GB/T 39046-2020 (`1` 延长审批, `2` 其他) or the system's own word; `None`: it does not say.
        kind: Option<String>,
        /// Its limit; `None`: 30 working days.
        working_days: Option<u32>,
        /// Why, as text.
        text: String,
    },
    /// The special procedure is over.
    SpecialEnded {
        /// What came of it, as text.
        text: String,
    },
    /// It answers a question beside the owner: 会签, 联审, 征求意见, 上报.
    Opinion {
        /// Its opinion.
        opinion: Opinion,
        /// Its words.
        text: String,
    },
    /// Its part is done.
    Completed,
    /// The applicant has collected the result: 领取登记.
    Delivered,
    /// It took in what came after the handoff: papers, or that it is to stop.
    Told {
        /// What it was told.
        of: DeliveryKind,
    },
    /// It would not hear of what came after the handoff.
    ToldInVain {
        /// What it was told.
        of: DeliveryKind,
        /// Its reason, as text.
        reason: String,
    },
    /// Something that changes nothing here.
    Note {
        /// Its word for it.
        text: String,
    },
}
