//! Acts on grid events: the check that closes the loop, and opening it again.

use async_graphql::{Context, ID, InputObject, Object, Result};
use onedoor_domain::case::command::Command;
use serde_json::json;
use uuid::Uuid;

use super::act::{Asked, carry_out, check_texts, payloads};
use crate::graphql::types::grid::CheckResult;
use crate::graphql::user_error::{CheckGridEventUserError, ReopenCaseUserError};
use crate::service::progress::Expected;

/// What checks a grid event (核查).
#[derive(InputObject)]
pub struct CheckGridEventInput {
    /// The case.
    case: ID,
    /// Version of the case you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// What the check found.
    result: CheckResult,
    /// What was seen, up to 2,000 characters; required when the check fails.
    text: Option<String>,
}

/// What opens a completed grid event again.
#[derive(InputObject)]
pub struct ReopenCaseInput {
    /// The case.
    case: ID,
    /// Version of the case you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// Why, up to 2,000 characters.
    reason: String,
}

payloads! {
    /// What came of `checkGridEvent`.
    CheckGridEventPayload { CheckGridEventUserError }
    /// What came of `reopenCase`.
    ReopenCasePayload { ReopenCaseUserError }
}

/// Acts on grid events.
#[derive(Default)]
pub struct GridMutations;

/// Acts on grid events.
#[Object]
impl GridMutations {
    /// Check what was fed back on a grid event (核查), by the reporting grid or a supervisor, never by whoever resolved
    /// it. PASS completes the event; FAIL gives it back to its resolver, and the clocks run on.
    async fn check_grid_event(
        &self,
        ctx: &Context<'_>,
        input: CheckGridEventInput,
    ) -> Result<CheckGridEventPayload> {
        if let Err(fault) = check_texts(&[("text", input.text.as_deref())]) {
            return CheckGridEventPayload::of(ctx, Err(vec![fault])).await;
        }
        let result = onedoor_domain::case::grid::CheckResult::from(input.result);
        let act = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "checkGridEvent",
            input: json!({
                "case": *input.case, "expectedVersion": input.expected_version, "result": result, "text": input.text,
            }),
        };
        let command = Command::CheckGridEvent {
            result,
            text: input.text,
        };
        let done = carry_out(ctx, act, Expected::Case(input.expected_version), command).await?;
        CheckGridEventPayload::of(ctx, done).await
    }

    /// Open a completed grid event again, within 30 days of its completion: its resolver has it again.
    async fn reopen_case(&self, ctx: &Context<'_>, input: ReopenCaseInput) -> Result<ReopenCasePayload> {
        if let Err(fault) = check_texts(&[("reason", Some(input.reason.as_str()))]) {
            return ReopenCasePayload::of(ctx, Err(vec![fault])).await;
        }
        let act = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "reopenCase",
            input: json!({
                "case": *input.case, "expectedVersion": input.expected_version, "reason": input.reason,
            }),
        };
        let command = Command::Reopen { reason: input.reason };
        let done = carry_out(ctx, act, Expected::Case(input.expected_version), command).await?;
        ReopenCasePayload::of(ctx, done).await
    }
}
