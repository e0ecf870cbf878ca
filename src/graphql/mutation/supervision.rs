//! Supervision (督办): reminders, orders and their answers, cards by hand, appeals and cancellations.

use async_graphql::{Context, ID, InputObject, Object, Result};
use onedoor_domain::card::CardCause;
use onedoor_domain::case::command::Command;
use onedoor_domain::id::{CardId, DivisionId, OrganizationId, SupervisionOrderId};
use onedoor_domain::limit::{Limit, LimitUnit};
use serde_json::json;
use uuid::Uuid;

use super::act::{Asked, carry_out, fits, payloads};
use crate::error::{AppError, ErrorCode};
use crate::graphql::reach::{self, failed, request};
use crate::graphql::types::card::CardReason;
use crate::graphql::types::service_item::LimitInput;
use crate::graphql::user_error::{
    AnswerSupervisionOrderUserError, AppealCardUserError, CancelCardUserError, IssueCardUserError,
    IssueSupervisionOrderUserError, RemindHolderUserError,
};
use crate::service::progress::Expected;
use crate::service::rejection::{Rejection, RejectionCode};

/// Longest text of a reminder, order, answer or reason, characters.
const TEXT_MAX: usize = 2_000;
/// Longest limit of a supervision order, units.
const LIMIT_MAX: u32 = 365;

/// What reminds whoever has to act now (催办).
#[derive(InputObject)]
pub struct RemindHolderInput {
    /// The case.
    case: ID,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// What is said, up to 2,000 characters.
    text: Option<String>,
}

/// What orders an organization to act (督办).
#[derive(InputObject)]
pub struct IssueSupervisionOrderInput {
    /// The case.
    case: ID,
    /// Version of the case you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// Who has to act and answer: an organization that has a part in the case; without it, whoever has to act now.
    to: Option<ID>,
    /// Within what time, as ordered; 1 to 365 units, on the spot without a number.
    limit: LimitInput,
    /// What is demanded, 1 to 2,000 characters.
    text: String,
}

/// What answers a supervision order.
#[derive(InputObject)]
pub struct AnswerSupervisionOrderInput {
    /// The case.
    case: ID,
    /// Version of the case you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// The order.
    order: ID,
    /// What was done, 1 to 2,000 characters.
    text: String,
}

/// What raises a card by hand.
#[derive(InputObject)]
pub struct IssueCardInput {
    /// The case.
    case: ID,
    /// Version of the case you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// Whose card it is: an organization that has or had a part in the case, below your level.
    to: ID,
    /// For what.
    reason: CardReason,
    /// What happened, 1 to 2,000 characters.
    text: String,
}

/// What objects to a card (申诉).
#[derive(InputObject)]
pub struct AppealCardInput {
    /// The case.
    case: ID,
    /// Version of the case you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// The card.
    card: ID,
    /// Why, 1 to 2,000 characters.
    reason: String,
}

/// What cancels a card (撤销).
#[derive(InputObject)]
pub struct CancelCardInput {
    /// The case.
    case: ID,
    /// Version of the case you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// The card.
    card: ID,
    /// Why, 1 to 2,000 characters.
    reason: String,
}

payloads! {
    /// What came of `remindHolder`.
    RemindHolderPayload { RemindHolderUserError }
    /// What came of `issueSupervisionOrder`.
    IssueSupervisionOrderPayload { IssueSupervisionOrderUserError }
    /// What came of `answerSupervisionOrder`.
    AnswerSupervisionOrderPayload { AnswerSupervisionOrderUserError }
    /// What came of `issueCard`.
    IssueCardPayload { IssueCardUserError }
    /// What came of `appealCard`.
    AppealCardPayload { AppealCardUserError }
    /// What came of `cancelCard`.
    CancelCardPayload { CancelCardUserError }
}

/// Supervision (督办).
#[derive(Default)]
pub struct SupervisionMutations;

/// Supervision (督办).
#[Object]
impl SupervisionMutations {
    /// Remind whoever has to act now (催办). Changes no clock; it stands in the timeline.
    async fn remind_holder(
        &self,
        ctx: &Context<'_>,
        input: RemindHolderInput,
    ) -> Result<RemindHolderPayload> {
        if !fits(input.text.as_deref(), TEXT_MAX) {
            return RemindHolderPayload::of(ctx, Err(vec![wrong_text("text")])).await;
        }
        let asked = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "remindHolder",
            input: json!({ "case": *input.case, "text": input.text }),
        };
        let command = Command::RemindHolder { text: input.text };
        let done = carry_out(ctx, asked, Expected::Any, command).await?;
        RemindHolderPayload::of(ctx, done).await
    }

    /// Order an organization to act within a limit and to answer (督办单); a clock of its own runs.
    async fn issue_supervision_order(
        &self,
        ctx: &Context<'_>,
        input: IssueSupervisionOrderInput,
    ) -> Result<IssueSupervisionOrderPayload> {
        let sensible = |limit: &Limit| match limit.unit {
            LimitUnit::OnTheSpot => limit.value == 0,
            LimitUnit::WorkingDay | LimitUnit::CalendarDay | LimitUnit::Month | LimitUnit::Hour => {
                (1..=LIMIT_MAX).contains(&limit.value)
            }
        };
        let Some(limit) = input.limit.limit().filter(sensible) else {
            return IssueSupervisionOrderPayload::of(ctx, Err(vec![wrong_limit()])).await;
        };
        if !says_something(&input.text) {
            return IssueSupervisionOrderPayload::of(ctx, Err(vec![wrong_text("text")])).await;
        }
        let to = match &input.to {
            Some(to) => Some(reach::id::<OrganizationId>(ctx, to)?),
            None => None,
        };
        let asked = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "issueSupervisionOrder",
            input: json!({
                "case": *input.case, "expectedVersion": input.expected_version, "to": input.to.as_deref(),
                "limit": limit, "text": input.text,
            }),
        };
        let command = Command::OrderSupervision {
            to,
            limit,
            by: request(ctx)?.actor.division,
            text: input.text,
        };
        let done = carry_out(ctx, asked, Expected::Case(input.expected_version), command).await?;
        IssueSupervisionOrderPayload::of(ctx, done).await
    }

    /// Answer a supervision order addressed to your organization; its clock ends.
    async fn answer_supervision_order(
        &self,
        ctx: &Context<'_>,
        input: AnswerSupervisionOrderInput,
    ) -> Result<AnswerSupervisionOrderPayload> {
        if !says_something(&input.text) {
            return AnswerSupervisionOrderPayload::of(ctx, Err(vec![wrong_text("text")])).await;
        }
        let asked = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "answerSupervisionOrder",
            input: json!({
                "case": *input.case, "expectedVersion": input.expected_version, "order": *input.order,
                "text": input.text,
            }),
        };
        let command = Command::AnswerSupervision {
            order: reach::id::<SupervisionOrderId>(ctx, &input.order)?,
            text: input.text,
        };
        let done = carry_out(ctx, asked, Expected::Case(input.expected_version), command).await?;
        AnswerSupervisionOrderPayload::of(ctx, done).await
    }

    /// Raise a card by hand (黄牌), for refusing a complete application or for giving no reason. Also on closed cases.
    async fn issue_card(&self, ctx: &Context<'_>, input: IssueCardInput) -> Result<IssueCardPayload> {
        if !says_something(&input.text) {
            return IssueCardPayload::of(ctx, Err(vec![wrong_text("text")])).await;
        }
        let asked = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "issueCard",
            input: json!({
                "case": *input.case, "expectedVersion": input.expected_version, "to": *input.to,
                "reason": CardCause::from(input.reason), "text": input.text,
            }),
        };
        let command = Command::IssueCard {
            cause: input.reason.into(),
            to: reach::id::<OrganizationId>(ctx, &input.to)?,
            by: own_division(ctx)?,
            text: input.text,
        };
        let done = carry_out(ctx, asked, Expected::Case(input.expected_version), command).await?;
        IssueCardPayload::of(ctx, done).await
    }

    /// Object to a card of your organization (申诉). It stands until the level above has judged.
    async fn appeal_card(&self, ctx: &Context<'_>, input: AppealCardInput) -> Result<AppealCardPayload> {
        if !says_something(&input.reason) {
            return AppealCardPayload::of(ctx, Err(vec![wrong_text("reason")])).await;
        }
        let asked = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "appealCard",
            input: json!({
                "case": *input.case, "expectedVersion": input.expected_version, "card": *input.card,
                "reason": input.reason,
            }),
        };
        let command = Command::AppealCard {
            card: reach::id::<CardId>(ctx, &input.card)?,
            reason: input.reason,
        };
        let done = carry_out(ctx, asked, Expected::Case(input.expected_version), command).await?;
        AppealCardPayload::of(ctx, done).await
    }

    /// Cancel a card (撤销), from the level above it. If its clock stays late, the ladder begins anew three working days
    /// later.
    async fn cancel_card(&self, ctx: &Context<'_>, input: CancelCardInput) -> Result<CancelCardPayload> {
        if !says_something(&input.reason) {
            return CancelCardPayload::of(ctx, Err(vec![wrong_text("reason")])).await;
        }
        let asked = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "cancelCard",
            input: json!({
                "case": *input.case, "expectedVersion": input.expected_version, "card": *input.card,
                "reason": input.reason,
            }),
        };
        let command = Command::CancelCard {
            card: reach::id::<CardId>(ctx, &input.card)?,
            by: own_division(ctx)?,
            reason: input.reason,
        };
        let done = carry_out(ctx, asked, Expected::Case(input.expected_version), command).await?;
        CancelCardPayload::of(ctx, done).await
    }
}

/// The division a supervisor oversees; nobody else has one to judge from.
fn own_division(ctx: &Context<'_>) -> Result<DivisionId> {
    let actor = &request(ctx)?.actor;
    if actor.kind == onedoor_domain::actor::ActorKind::Anonymous {
        return Err(failed(ctx, AppError::of(ErrorCode::Unauthenticated)));
    }
    actor
        .division
        .ok_or_else(|| failed(ctx, AppError::of(ErrorCode::Forbidden)))
}

fn says_something(text: &str) -> bool {
    !text.trim().is_empty() && fits(Some(text), TEXT_MAX)
}

fn wrong_text(field: &str) -> Rejection {
    Rejection::of(
        RejectionCode::InvalidField,
        &[field],
        "请填写文字，不超过 2000 字，且不得含控制字符。",
        "Write something, at most 2,000 characters and no control characters.",
    )
}

fn wrong_limit() -> Rejection {
    Rejection::of(
        RejectionCode::InvalidField,
        &["limit"],
        "期限须为 1 至 365。",
        "Give a limit of 1 to 365 units.",
    )
}
