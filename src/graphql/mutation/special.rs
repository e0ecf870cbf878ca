//! Special procedures, the one extension, and voiding: acts that change the course of a case.

use async_graphql::{Context, ID, InputObject, Object, Result};
use onedoor_domain::case::command::Command;
use serde_json::json;
use uuid::Uuid;

use super::act::{Asked, carry_out, check_texts, payloads};
use crate::graphql::user_error::{
    BeginSpecialProcedureUserError, EndSpecialProcedureUserError, ExtendCaseUserError, VoidCaseUserError,
};
use crate::service::progress::Expected;

/// What begins a special procedure of kind 2 (特别程序): hearing, survey, expert review; the clocks stand still.
#[derive(InputObject)]
pub struct BeginSpecialProcedureInput {
    /// The case.
    case: ID,
    /// Version of the case you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// Why, as the applicant is told, up to 2,000 characters.
    reason: String,
    /// Its limit, 1 to 250 working days; omitted: 30.
    working_days: Option<i32>,
}

/// What ends a special procedure.
#[derive(InputObject)]
pub struct EndSpecialProcedureInput {
    /// The case.
    case: ID,
    /// Version of the case you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
}

/// What extends the limits of a case, once (延长审批).
#[derive(InputObject)]
pub struct ExtendCaseInput {
    /// The case.
    case: ID,
    /// Version of the case you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// 1 to 10 working days; 1 to 15 where offices sign together.
    working_days: i32,
    /// Why, as the applicant is told, up to 2,000 characters.
    reason: String,
}

/// What voids a case (作废).
#[derive(InputObject)]
pub struct VoidCaseInput {
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
    /// What came of `beginSpecialProcedure`.
    BeginSpecialProcedurePayload { BeginSpecialProcedureUserError }
    /// What came of `endSpecialProcedure`.
    EndSpecialProcedurePayload { EndSpecialProcedureUserError }
    /// What came of `extendCase`.
    ExtendCasePayload { ExtendCaseUserError }
    /// What came of `voidCase`.
    VoidCasePayload { VoidCaseUserError }
}

/// Acts that change the course of a case.
#[derive(Default)]
pub struct SpecialMutations;

/// Acts that change the course of a case.
#[Object]
impl SpecialMutations {
    /// Begin a special procedure (特别程序) of kind 2: the legal clocks stand still until it ends or its limit passes.
    async fn begin_special_procedure(
        &self,
        ctx: &Context<'_>,
        input: BeginSpecialProcedureInput,
    ) -> Result<BeginSpecialProcedurePayload> {
        if let Err(fault) = check_texts(&[("reason", Some(input.reason.as_str()))]) {
            return BeginSpecialProcedurePayload::of(ctx, Err(vec![fault])).await;
        }
        let asked = json!({
            "case": *input.case, "expectedVersion": input.expected_version, "reason": input.reason,
            "workingDays": input.working_days,
        });
        let act = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "beginSpecialProcedure",
            input: asked,
        };
        let command = Command::BeginSpecialProcedure {
            reason: input.reason,
            limit_working_days: input.working_days.map(days),
        };
        let done = carry_out(ctx, act, Expected::Case(input.expected_version), command).await?;
        BeginSpecialProcedurePayload::of(ctx, done).await
    }

    /// End a special procedure: the clocks go on.
    async fn end_special_procedure(
        &self,
        ctx: &Context<'_>,
        input: EndSpecialProcedureInput,
    ) -> Result<EndSpecialProcedurePayload> {
        let asked = json!({ "case": *input.case, "expectedVersion": input.expected_version });
        let act = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "endSpecialProcedure",
            input: asked,
        };
        let expected = Expected::Case(input.expected_version);
        let done = carry_out(ctx, act, expected, Command::EndSpecialProcedure).await?;
        EndSpecialProcedurePayload::of(ctx, done).await
    }

    /// Extend the limits (延长审批), once and before the statutory limit passes; by an officer who may approve it.
    async fn extend_case(&self, ctx: &Context<'_>, input: ExtendCaseInput) -> Result<ExtendCasePayload> {
        if let Err(fault) = check_texts(&[("reason", Some(input.reason.as_str()))]) {
            return ExtendCasePayload::of(ctx, Err(vec![fault])).await;
        }
        let asked = json!({
            "case": *input.case, "expectedVersion": input.expected_version, "reason": input.reason,
            "workingDays": input.working_days,
        });
        let act = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "extendCase",
            input: asked,
        };
        let command = Command::Extend {
            working_days: days(input.working_days),
            reason: input.reason,
        };
        let done = carry_out(ctx, act, Expected::Case(input.expected_version), command).await?;
        ExtendCasePayload::of(ctx, done).await
    }

    /// Void a case (作废): by a supervisor who did not handle it, with a reason.
    async fn void_case(&self, ctx: &Context<'_>, input: VoidCaseInput) -> Result<VoidCasePayload> {
        if let Err(fault) = check_texts(&[("reason", Some(input.reason.as_str()))]) {
            return VoidCasePayload::of(ctx, Err(vec![fault])).await;
        }
        let asked = json!({
            "case": *input.case, "expectedVersion": input.expected_version, "reason": input.reason,
        });
        let act = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "voidCase",
            input: asked,
        };
        let command = Command::Void { reason: input.reason };
        let done = carry_out(ctx, act, Expected::Case(input.expected_version), command).await?;
        VoidCasePayload::of(ctx, done).await
    }
}

/// A number of days as the rules take it; one below zero is none, which they refuse.
fn days(given: i32) -> u32 {
    u32::try_from(given).unwrap_or(0)
}
