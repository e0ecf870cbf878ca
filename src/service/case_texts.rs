//! What is said to people about a case: the next step, refusals and their way out, in both languages.

use onedoor_domain::admission::Gate;
use onedoor_domain::case::available::{Act, NextStep};
use onedoor_domain::case::grid::GridStatus;
use onedoor_domain::case::refusal::{Refusal, Why};
use onedoor_domain::case::state::CaseStatus;

use crate::error::Language;

/// A text in both languages.
pub struct Words {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Words {
    pub(super) fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            zh: zh.into(),
            en: en.into(),
        }
    }

    /// The text in one language.
    #[must_use]
    pub fn in_language(self, language: Language) -> String {
        match language {
            Language::Zh => self.zh,
            Language::En => self.en,
        }
    }
}

/// The state of a case, in a word.
#[must_use]
pub const fn status_words(status: CaseStatus) -> (&'static str, &'static str) {
    match status {
        CaseStatus::Submitted => ("已收件", "submitted"),
        CaseStatus::AwaitingSupplement => ("待补正", "awaiting supplement"),
        CaseStatus::Accepted => ("已受理", "accepted"),
        CaseStatus::InReview => ("审查中", "in review"),
        CaseStatus::SpecialProcedure => ("特别程序中", "in a special procedure"),
        CaseStatus::Decided => ("已决定", "decided"),
        CaseStatus::Completed => ("已办结", "completed"),
        CaseStatus::Delivered => ("已送达", "delivered"),
        CaseStatus::NotAccepted => ("不予受理", "not accepted"),
        CaseStatus::Lapsed => ("逾期未补正，已终止", "lapsed"),
        CaseStatus::Withdrawn => ("已撤回", "withdrawn"),
        CaseStatus::Voided => ("已作废", "voided"),
    }
}

/// The state of a grid event, in a word of its own where it has one.
#[must_use]
pub const fn grid_words(status: CaseStatus) -> (&'static str, &'static str) {
    match GridStatus::of(status) {
        Some(GridStatus::Reported) => ("已上报", "reported"),
        Some(GridStatus::Assigned) => ("已派遣", "assigned"),
        Some(GridStatus::Handling) => ("处置中", "being handled"),
        Some(GridStatus::FedBack) => ("已反馈，待核查", "fed back, to be checked"),
        Some(GridStatus::Checked) => ("已核查", "checked"),
        None => status_words(status),
    }
}

/// What happens next, for the person who asks.
#[must_use]
pub const fn next_step_words(next: NextStep) -> (&'static str, &'static str) {
    match next {
        NextStep::Acknowledge => (
            "等待接收单位签收",
            "waits for the receiving office to sign for it",
        ),
        NextStep::Accept => ("等待受理", "waits to be accepted"),
        NextStep::HandOff => ("等待流转到下一环节", "waits to be handed to the next office"),
        NextStep::Decide => ("等待作出决定", "waits for the decision"),
        NextStep::Finish => (
            "会签、联审或后续手续办理中",
            "other offices work on it: countersignature, joint review or steps after the decision",
        ),
        NextStep::Check => ("等待网格核查", "waits for the reporting grid to check it"),
        NextStep::Deliver => ("等待领取结果", "the result waits to be handed over"),
        NextStep::Supplement => ("等待申请人补正材料", "waits for the applicant's supplement"),
        NextStep::SpecialProcedure => (
            "特别程序进行中，期限暂停计算",
            "a special procedure runs; the clocks stand still",
        ),
        NextStep::Nothing => ("已结束", "nothing more"),
    }
}

/// The name of an act, as the reader knows it.
#[must_use]
pub const fn act_words(act: Act) -> (&'static str, &'static str) {
    match act {
        Act::AcceptCase => ("受理", "acceptCase"),
        Act::HandOff => ("移交", "handOff"),
        Act::AcknowledgeHandoff => ("签收", "acknowledgeHandoff"),
        Act::RefuseHandoff => ("退单", "refuseHandoff"),
        Act::RecallHandoff => ("撤回移交", "recallHandoff"),
        Act::FinishHandoff => ("办结会办", "finishHandoff"),
        Act::DecideCase => ("决定", "decideCase"),
        Act::DeclineCase => ("不予受理", "declineCase"),
        Act::RequestSupplement => ("要求补正", "requestSupplement"),
        Act::SupplementCase => ("补正材料", "supplementCase"),
        Act::BeginSpecialProcedure => ("开始特别程序", "beginSpecialProcedure"),
        Act::EndSpecialProcedure => ("结束特别程序", "endSpecialProcedure"),
        Act::ExtendCase => ("延长期限", "extendCase"),
        Act::WithdrawCase => ("撤回申请", "withdrawCase"),
        Act::VoidCase => ("作废", "voidCase"),
        Act::DeliverResult => ("送达", "deliverResult"),
        Act::AppealCard => ("对牌申诉", "appealCard"),
        Act::CancelCard => ("撤销牌", "cancelCard"),
        Act::IssueCard => ("发牌", "issueCard"),
        Act::RemindHolder => ("催办", "remindHolder"),
        Act::IssueSupervisionOrder => ("督办", "issueSupervisionOrder"),
        Act::AnswerSupervisionOrder => ("答复督办", "answerSupervisionOrder"),
        Act::CheckGridEvent => ("核查", "checkGridEvent"),
        Act::ReopenCase => ("重新打开", "reopenCase"),
        Act::EvaluateCase => ("评价", "evaluateCase"),
        Act::AnswerEvaluation => ("答复评价", "answerEvaluation"),
        Act::EvaluateHandoff => ("双向评价", "evaluateHandoff"),
    }
}

/// A refusal with its way out.
#[expect(clippy::too_many_lines, reason = "a table of words, one line each")]
#[must_use]
pub fn refusal_words(refusal: &Refusal) -> Words {
    match refusal {
        Refusal::IllegalAct {
            status,
            possible,
            why,
        } => illegal_words(*status, possible, *why),
        Refusal::WrongOrganization => Words::new(
            "办件不在您单位的待办中，请联系当前办理单位。",
            "The case is not on your organization's desk; ask the office that holds it.",
        ),
        Refusal::StaleVersion { current } => Words::new(
            format!("办件已有变化（当前版本 {current}），请刷新后再操作。"),
            format!("The case has changed (it is at version {current}); look again, then repeat."),
        ),
        Refusal::UnknownHandoff => Words::new(
            "未找到该移交记录，请核对编号。",
            "There is no such handoff; check its id.",
        ),
        Refusal::ChooseOrganization => Words::new(
            "下一环节须指定承办单位，请在 to 中选择。",
            "The next step needs an organization; choose one in `to`.",
        ),
        Refusal::OrganizationIsFixed => Words::new(
            "下一环节的承办单位由流程确定，请勿填写 to。",
            "The route fixes the next organization; leave `to` out.",
        ),
        Refusal::ReceiverUnfit => Words::new(
            "该单位不能接收此类移交：交办只能向下，上报到上一级，退回给经手过的单位，不能移交给本单位或网外单位。",
            "That organization cannot receive this: an assignment goes down, an escalation to the level above, a return to who held the case; nothing to oneself or outside the network.",
        ),
        Refusal::NotAdmitted { gate } => not_admitted_words(gate),
        Refusal::ReasonMissing => Words::new("请说明理由。", "Give a reason."),
        Refusal::MaterialNotOnFile => Words::new(
            "所列材料不在本件材料中，请核对材料代码。",
            "A material named is not on file with this case; check its code.",
        ),
        Refusal::ReasonsRequired => Words::new(
            "不予受理、不予许可或查无实据须说明理由；不予受理、不予许可并须告知救济途径（行政许可法第三十八条）。",
            "Give reasons; a refusal or denial also names the legal remedy (Administrative Licensing Law, art. 38).",
        ),
        Refusal::FieldRequired { .. }
        | Refusal::DaysOutOfBounds { .. }
        | Refusal::UnknownMaterial { .. }
        | Refusal::MaterialsMissing { .. }
        | Refusal::NotOwable { .. }
        | Refusal::OwedOutsidePromise { .. }
        | Refusal::NotAnother
        | Refusal::ObjectionUnanswered => input_words(refusal),
        Refusal::OutcomeDoesNotFit => Words::new(
            "该决定类型不适用于此类办件。",
            "This outcome does not belong to this kind of case.",
        ),
        Refusal::UnknownCard => Words::new(
            "未找到该预警或黄红牌，请核对编号。",
            "There is no such card; check its id.",
        ),
        Refusal::UnknownOrder => Words::new(
            "未找到该督办单，请核对编号。",
            "There is no such supervision order; check its id.",
        ),
        Refusal::NotAHolder => Words::new(
            "该单位未经办此件，请选择经办单位。",
            "That organization has no part in the case; name one that holds or held it.",
        ),
        Refusal::LevelTooLow => Words::new(
            "须由上一级督办机构处理（市级由市级自行处理）。",
            "Only a supervisor of a level above may do this (at the city, the city's own).",
        ),
        Refusal::OutsideCalendar => Words::new(
            "期限超出工作日历范围，请联系管理员更新日历。",
            "The due date is outside the working-day calendar; ask the operator to extend it.",
        ),
    }
}

/// A refusal of what was put into an act.
fn input_words(refusal: &Refusal) -> Words {
    match refusal {
        Refusal::FieldRequired { field } => Words::new(
            format!("此情形须填写 {field}。"),
            format!("`{field}` is required here."),
        ),
        Refusal::DaysOutOfBounds { max } => Words::new(
            format!("工作日数须为 1 至 {max}。"),
            format!("Give 1 to {max} working days."),
        ),
        Refusal::UnknownMaterial { index } => Words::new(
            format!(
                "第 {} 项材料不属于此次应提交的材料，请核对后修改或删除。",
                index + 1
            ),
            format!(
                "Material no. {} is not one that belongs here; change or remove it.",
                index + 1
            ),
        ),
        Refusal::MaterialsMissing { materials } => Words::new(
            format!("尚缺材料：{}。请一并提交。", materials.join("、")),
            format!("Still missing: {}. Bring them together.", materials.join(", ")),
        ),
        Refusal::NotOwable { index } => Words::new(
            format!("第 {} 项不是可容缺的次要材料。", index + 1),
            format!(
                "Material no. {} is not a minor one that can be owed, or stands twice.",
                index + 1
            ),
        ),
        Refusal::OwedOutsidePromise { latest, .. } => Words::new(
            format!("容缺材料的补交日期须在今日至 {latest} 之间。"),
            format!("An owed material is due between today and {latest}."),
        ),
        Refusal::NotAnother => Words::new(
            "请填写本单位以外的有权单位。",
            "Name the competent organization, another than your own.",
        ),
        Refusal::ObjectionUnanswered => Words::new(
            "会签或联审提出了不同意见，请在 objections 中答复。",
            "An office objected; answer it in `objections`.",
        ),
        Refusal::IllegalAct { .. }
        | Refusal::WrongOrganization
        | Refusal::StaleVersion { .. }
        | Refusal::UnknownHandoff
        | Refusal::ChooseOrganization
        | Refusal::OrganizationIsFixed
        | Refusal::ReceiverUnfit
        | Refusal::NotAdmitted { .. }
        | Refusal::ReasonMissing
        | Refusal::MaterialNotOnFile
        | Refusal::ReasonsRequired
        | Refusal::OutcomeDoesNotFit
        | Refusal::UnknownCard
        | Refusal::UnknownOrder
        | Refusal::NotAHolder
        | Refusal::LevelTooLow
        | Refusal::OutsideCalendar => refusal_words(refusal),
    }
}

/// What the lists say, and where to turn.
fn not_admitted_words(gate: &Gate) -> Words {
    match gate {
        Gate::Forbidden { number, approver } => Words::new(
            format!("该事项列入负面清单（条目 {number}，{approver}批准），不得交村（社区）办理。"),
            format!(
                "The item stands on the negative list (entry {number}, approved by {approver}): it must not be given to the village level."
            ),
        ),
        Gate::Unlisted | Gate::NotGrassroots | Gate::Admitted { .. } => Words::new(
            "准入清单中没有该事项在当地的有效条目，须先经准入审批，再交村（社区）办理。",
            "No valid entry of the admission lists covers this item there; have it admitted before giving it to the village level.",
        ),
    }
}

fn illegal_words(status: CaseStatus, possible: &[Act], why: Why) -> Words {
    let (state_zh, state_en) = status_words(status);
    let (why_zh, why_en) = why_words(why);
    let list = |pick: fn((&'static str, &'static str)) -> &'static str, none: &str, comma: &str| {
        let names: Vec<_> = possible.iter().map(|act| pick(act_words(*act))).collect();
        if names.is_empty() {
            none.to_owned()
        } else {
            names.join(comma)
        }
    };
    let can_zh = list(|words| words.0, "无", "、");
    let can_en = list(|words| words.1, "nothing", ", ");
    Words::new(
        format!("当前状态为“{state_zh}”，{why_zh}。您现在可以：{can_zh}。"),
        format!("The case is {state_en}: {why_en}. What you can do now: {can_en}."),
    )
}

#[expect(clippy::too_many_lines, reason = "a table of words, one line each")]
fn why_words(why: Why) -> (String, String) {
    let fixed = match why {
        Why::Status => ("不能进行此操作", "this act is not possible in this state"),
        Why::HandoffOpen => ("有一次移交尚待签收", "a handoff still waits to be acknowledged"),
        Why::BesideOpen => (
            "会签或联审尚未完成",
            "a required countersignature or joint review is not done",
        ),
        Why::EndOfRoute => ("流程已到决定环节", "the route has reached its deciding step"),
        Why::NotAccepted => ("须先受理", "it must be accepted first"),
        Why::NotThisStep => ("尚未到该环节", "it has not reached the step this act belongs to"),
        Why::AlreadyAnswered => ("该事项已办理", "this was answered before"),
        Why::Bound => (
            "该环节由业务系统签收和办理",
            "an agency's own system answers for this handoff",
        ),
        Why::AskedBefore => (
            "本阶段已一次性告知补正，不得再次要求",
            "a supplement was asked for before in this phase, and is asked for once",
        ),
        Why::NotForLicense => (
            "行政许可受理后不得要求补正",
            "a licence takes no supplement after its acceptance",
        ),
        Why::NothingAsked => ("目前没有需要补交的材料", "nothing is asked of the applicant now"),
        Why::NotExtendable => (
            "期限已延长过一次或法定期限已过，不得延长",
            "the limits were extended before, or the statutory limit has passed",
        ),
        Why::StillOwed => (
            "容缺材料尚未补齐，不能准予",
            "materials are still owed, and a grant waits for them",
        ),
        Why::OwnWork => (
            "核查须由处置人以外的人员进行",
            "nobody judges their own work: another person than the resolver does this",
        ),
        Why::AlreadyEvaluated => (
            "该办件已评价过，每件只评价一次",
            "the case was evaluated before, and is evaluated once",
        ),
        Why::NotRectified => (
            "须先完成整改再回访",
            "what was wrong must be put right before the applicant is asked again",
        ),
        Why::TooLate { until } => {
            let day = onedoor_domain::sla::beijing_date(until);
            return (
                format!("已超过可办理的期限（{day} 零时截止）"),
                format!("the time for it ended at 00:00 of {day}, Beijing time"),
            );
        }
        Why::OpinionMissing => ("须填写会办意见 opinion", "an opinion is required"),
        Why::TextMissing => (
            "答复、附条件同意或不同意须写明文字 text",
            "an answer, conditions or an objection need words in `text`",
        ),
        Why::DeclineInstead => (
            "受理环节不退单，请用 declineCase 说明有权单位或理由",
            "into the accepting step nothing is refused: use declineCase to name the competent office or the reasons",
        ),
        Why::OfficerOnly => ("须由审批人员办理", "only an officer can do this"),
        Why::NotRequired => ("该意见非流程必需", "the route does not require this opinion"),
        Why::NobodyBefore => ("此前没有经手单位可退回", "nobody held the case before"),
        Why::TooEarly { not_before } => {
            let day = onedoor_domain::sla::beijing_date(not_before);
            return (
                format!("本环节须满规定时间，{day} 起方可办理"),
                format!("the step has a shortest time and may end from {day} on"),
            );
        }
    };
    (fixed.0.to_owned(), fixed.1.to_owned())
}
