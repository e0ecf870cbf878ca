//! Evaluating a case (好差评), and answering a bad grade.

use async_graphql::{Context, ID, InputObject, Object, Result};
use onedoor_domain::case::command::Command;
use onedoor_domain::id::HandoffId;
use onedoor_domain::policy::Act;
use serde_json::json;
use uuid::Uuid;

use super::act::{Asked, carry_out, check_texts, payloads};
use super::applicant::{CredentialInput, Reached};
use crate::graphql::reach;
use crate::graphql::types::evaluation::{EvaluationAnswer, Grade};
use crate::graphql::user_error::{
    AnswerEvaluationUserError, EvaluateCaseUserError, EvaluateHandoffUserError,
};
use crate::service::progress::Expected;

/// What grades a case (评价): voluntary, once, from the decision on.
#[derive(InputObject)]
pub struct EvaluateCaseInput {
    /// The case; by the applicant's own account.
    case: Option<ID>,
    /// Instead: code and secret of the case.
    credential: Option<CredentialInput>,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// The grade.
    grade: Grade,
    /// What the applicant says to it, up to 2,000 characters; kept sealed.
    comment: Option<String>,
}

/// What grades the other organization of a closed handoff (双向评价): voluntary, once in each direction.
#[derive(InputObject)]
pub struct EvaluateHandoffInput {
    /// The case.
    case: ID,
    /// The handoff, which has ended.
    handoff: ID,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// The grade of the other organization's part in it.
    grade: Grade,
    /// In words, up to 2,000 characters; kept sealed, read by both organizations and supervision alone.
    comment: Option<String>,
}

/// What records how a negative evaluation was answered.
#[derive(InputObject)]
pub struct AnswerEvaluationInput {
    /// The case.
    case: ID,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// What was done; each once.
    answer: EvaluationAnswer,
    /// In words, up to 2,000 characters; kept sealed.
    text: Option<String>,
}

payloads! {
    /// What came of `evaluateCase`.
    EvaluateCasePayload { EvaluateCaseUserError }
    /// What came of `evaluateHandoff`.
    EvaluateHandoffPayload { EvaluateHandoffUserError }
    /// What came of `answerEvaluation`.
    AnswerEvaluationPayload { AnswerEvaluationUserError }
}

/// Evaluating, and answering.
#[derive(Default)]
pub struct EvaluationMutations;

/// Evaluating, and answering.
#[Object]
impl EvaluationMutations {
    /// Grade a decided case (评价), also a closed one: by the applicant's account, or by code and secret. A negative
    /// grade is answered by whoever decided: contact within 1 working day, rectification within 15.
    async fn evaluate_case(
        &self,
        ctx: &Context<'_>,
        input: EvaluateCaseInput,
    ) -> Result<EvaluateCasePayload> {
        if let Err(fault) = check_texts(&[("comment", input.comment.as_deref())]) {
            return EvaluateCasePayload::of(ctx, Err(vec![fault])).await;
        }
        let grade = onedoor_domain::evaluation::Grade::from(input.grade);
        let reached = Reached {
            act: Act::EvaluateCase,
            name: "evaluateCase",
            key: input.idempotency_key,
            expected: Expected::Any,
            input: json!({ "grade": grade, "comment": input.comment }),
        };
        let command = Command::Evaluate {
            grade,
            comment: input.comment,
        };
        let done = reached
            .carry_out(ctx, input.case, input.credential, command)
            .await?;
        EvaluateCasePayload::of(ctx, done).await
    }

    /// Grade the other organization of a closed handoff (双向评价): the sender the receiver's work, the receiver what it was
    /// handed; the case may be closed. Both and supervision see it, nobody else, and no clock follows from it.
    async fn evaluate_handoff(
        &self,
        ctx: &Context<'_>,
        input: EvaluateHandoffInput,
    ) -> Result<EvaluateHandoffPayload> {
        if let Err(fault) = check_texts(&[("comment", input.comment.as_deref())]) {
            return EvaluateHandoffPayload::of(ctx, Err(vec![fault])).await;
        }
        let handoff = reach::id::<HandoffId>(ctx, &input.handoff)?;
        let grade = onedoor_domain::evaluation::Grade::from(input.grade);
        let act = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "evaluateHandoff",
            input: json!({
                "case": *input.case, "handoff": *input.handoff, "grade": grade, "comment": input.comment,
            }),
        };
        let command = Command::EvaluateHandoff {
            handoff,
            grade,
            comment: input.comment,
        };
        let done = carry_out(ctx, act, Expected::Any, command).await?;
        EvaluateHandoffPayload::of(ctx, done).await
    }

    /// Record what was done about a negative evaluation, by the organization that decided; the case may be closed.
    async fn answer_evaluation(
        &self,
        ctx: &Context<'_>,
        input: AnswerEvaluationInput,
    ) -> Result<AnswerEvaluationPayload> {
        if let Err(fault) = check_texts(&[("text", input.text.as_deref())]) {
            return AnswerEvaluationPayload::of(ctx, Err(vec![fault])).await;
        }
        let answer = onedoor_domain::evaluation::EvaluationAnswer::from(input.answer);
        let act = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "answerEvaluation",
            input: json!({ "case": *input.case, "answer": answer, "text": input.text }),
        };
        let command = Command::AnswerEvaluation {
            answer,
            text: input.text,
        };
        let done = carry_out(ctx, act, Expected::Any, command).await?;
        AnswerEvaluationPayload::of(ctx, done).await
    }
}
