//! The closed enums of cases, handoffs and clocks as GraphQL shows them.

use async_graphql::Enum;
use onedoor_domain::actor::ActorKind as DomainActorKind;
use onedoor_domain::case::available::{Act, NextStep};
use onedoor_domain::case::state as domain;
use onedoor_domain::clock as domain_clock;
use onedoor_domain::handoff as domain_handoff;
use onedoor_domain::receipt::kind::ReceiptKind as DomainReceiptKind;
use onedoor_domain::route::HandoffKind as DomainHandoffKind;

/// State of a case (办件状态).
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::CaseStatus")]
pub enum CaseStatus {
    /// 收件: papers taken in; the acceptance clock runs.
    Submitted,
    /// 补正: waits for the applicant's supplement.
    AwaitingSupplement,
    /// 受理: the legal clocks run.
    Accepted,
    /// 审查.
    InReview,
    /// 特别程序: the clocks stand still.
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

/// Through what an application came in (办理形式).
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::Channel")]
pub enum Channel {
    /// 窗口: at a window.
    Window,
    /// 自助终端: at a self-service terminal.
    Kiosk,
    /// 网上: the applicant's own device.
    Online,
}

/// What was decided.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::Outcome")]
pub enum Decision {
    /// 准予.
    Granted,
    /// 不予许可.
    Denied,
    /// A grid event was resolved.
    Resolved,
    /// A grid event had no ground.
    Unfounded,
}

/// State of a handoff (移交).
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain_handoff::HandoffState")]
pub enum HandoffState {
    /// Offered: the sender still answers for the case.
    Offered,
    /// On its way to an upstream system, whose answer is not known.
    Sent,
    /// 签收: the receiver answers for the case.
    Acknowledged,
    /// Over, by what came after it.
    Done,
    /// 退单, with a reason.
    Refused,
    /// Taken back by the sender.
    Recalled,
    /// Not acknowledged in time; still open.
    Expired,
    /// A required opinion an officer did without, with a reason.
    Waived,
}

/// Kind of a handoff.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "DomainHandoffKind")]
pub enum HandoffKind {
    /// 流转: along the route.
    Route,
    /// 交办: from a higher level down.
    Assign,
    /// 转办: to the agency that is competent.
    Transfer,
    /// 退回: to the previous holder.
    Return,
    /// 上报: to the level above.
    Escalate,
    /// 会签: each signs in turn.
    Countersign,
    /// 联审: in parallel.
    JointReview,
    /// An opinion is asked for.
    Consult,
    /// 送达: the result is to be handed over.
    Delivery,
}

/// What a beside-handoff ended with.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain_handoff::Opinion")]
pub enum Opinion {
    /// 同意.
    Agree,
    /// 有条件同意.
    AgreeWithConditions,
    /// 不同意: binds nobody; the decision answers it.
    Object,
}

/// Why a handoff is refused (退单).
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain_handoff::RefusalReason")]
pub enum RefusalReason {
    /// 不属于本单位职责.
    NotOurDuty,
    /// 不属于本辖区.
    NotOurArea,
    /// 移交材料不全.
    PapersMissing,
    /// 材料与清单不符.
    PapersDiffer,
    /// 重复移交.
    Duplicate,
    /// 其他, as the text says.
    Other,
}

/// What a clock measures.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain_clock::ClockKind")]
pub enum ClockKind {
    /// 受理期限: accept or refuse, 5 working days.
    Acceptance,
    /// 法定时限, from acceptance to decision.
    Statutory,
    /// 承诺时限, from acceptance to decision.
    Promise,
    /// The limit of one route step.
    Step,
    /// A handoff is to be acknowledged within a working day.
    HandoffAck,
    /// The limit of a special procedure.
    Special,
    /// The result is to be handed over within 10 working days.
    Delivery,
    /// 核实: whoever gave a negative evaluation is to be contacted within a working day.
    Contact,
    /// 整改: what a negative evaluation complains of is to be put right within 15 working days.
    Rectify,
    /// 补正期限: bring what is missing, 30 working days.
    Supplement,
    /// 容缺: bring what is owed by the day agreed.
    Owed,
    /// 督办: the limit of a supervision order, as ordered.
    Supervision,
}

/// Whether a clock runs.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain_clock::ClockState")]
pub enum ClockState {
    /// It runs.
    Running,
    /// It stands still; there is no due date.
    Paused,
    /// It has ended.
    Stopped,
}

/// Kind of a receipt (回执).
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "DomainReceiptKind")]
pub enum ReceiptKind {
    /// 收件回执.
    Receipt,
    /// 受理通知书.
    Acceptance,
    /// 补正告知书.
    Supplement,
    /// 不予受理通知书.
    Refusal,
    /// 特别程序告知书.
    SpecialProcedure,
    /// 延期告知书.
    Extension,
    /// 办理决定书.
    Decision,
    /// 送达回证.
    Delivery,
    /// 物料流转凭证.
    TransferSlip,
}

/// An act that is possible now; the names are those of the mutations.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "Act")]
pub enum CaseAction {
    /// `acceptCase`.
    AcceptCase,
    /// `handOff`.
    HandOff,
    /// `acknowledgeHandoff`.
    AcknowledgeHandoff,
    /// `refuseHandoff`.
    RefuseHandoff,
    /// `recallHandoff`.
    RecallHandoff,
    /// `finishHandoff`.
    FinishHandoff,
    /// `decideCase`.
    DecideCase,
    /// `declineCase`.
    DeclineCase,
    /// `requestSupplement`.
    RequestSupplement,
    /// `supplementCase`.
    SupplementCase,
    /// `beginSpecialProcedure`.
    BeginSpecialProcedure,
    /// `endSpecialProcedure`.
    EndSpecialProcedure,
    /// `extendCase`; with the claim `approver`.
    ExtendCase,
    /// `withdrawCase`.
    WithdrawCase,
    /// `voidCase`.
    VoidCase,
    /// `deliverResult`.
    DeliverResult,
    /// `appealCard`.
    AppealCard,
    /// `cancelCard`.
    CancelCard,
    /// `issueCard`.
    IssueCard,
    /// `remindHolder`.
    RemindHolder,
    /// `issueSupervisionOrder`.
    IssueSupervisionOrder,
    /// `answerSupervisionOrder`.
    AnswerSupervisionOrder,
    /// `checkGridEvent`.
    CheckGridEvent,
    /// `reopenCase`.
    ReopenCase,
    /// `evaluateCase`.
    EvaluateCase,
    /// `answerEvaluation`.
    AnswerEvaluation,
    /// `evaluateHandoff`, of any closed handoff that your organization sent or received.
    EvaluateHandoff,
}

/// What happens next with a case, whoever has to do it.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "NextStep")]
pub enum NextStepKind {
    /// The receiver has to acknowledge.
    Acknowledge,
    /// To be accepted or refused.
    Accept,
    /// To be handed to the next step.
    HandOff,
    /// To be decided.
    Decide,
    /// Steps after the decision are under way.
    Finish,
    /// What was fed back on a grid event is to be checked.
    Check,
    /// The result is to be handed over.
    Deliver,
    /// The applicant has to bring what is missing.
    Supplement,
    /// A special procedure runs.
    SpecialProcedure,
    /// Nothing more.
    Nothing,
}

/// Kind of actor.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "DomainActorKind")]
pub enum ActorKind {
    /// No token.
    Anonymous,
    /// A resident.
    Citizen,
    /// A self-service terminal.
    Kiosk,
    /// A clerk at a window.
    Clerk,
    /// An officer, who may decide.
    Officer,
    /// A supervisor of a division (督办).
    Supervisor,
    /// An auditor.
    Auditor,
    /// The system administrator (系统管理员).
    SystemAdmin,
    /// The security administrator (安全保密管理员).
    SecurityAdmin,
    /// The audit administrator (安全审计员).
    AuditAdmin,
    /// An upstream system.
    Upstream,
    /// The gateway itself.
    System,
}
