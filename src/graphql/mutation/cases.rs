//! Acts on a case: input and payload of each.

use async_graphql::{Context, ID, InputObject, Object, Result};
use onedoor_domain::case::agent::Authorization;
use onedoor_domain::case::command::{Command, OwedPaper};
use serde_json::json;
use uuid::Uuid;

use super::act::{Asked, carry_out, check_texts, payloads};
use super::applicant::AuthorizationInput;
use crate::graphql::types::case_enums::Decision;
use crate::graphql::types::scalars::Date;
use crate::graphql::user_error::{AcceptCaseUserError, DecideCaseUserError, DeliverResultUserError};
use crate::service::progress::Expected;

/// What accepts an application (受理).
#[derive(InputObject)]
pub struct AcceptCaseInput {
    /// The case.
    case: ID,
    /// Version of the case you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// Also hand the case to the next step of its route.
    #[graphql(default = false)]
    advance: bool,
    /// 容缺受理: minor materials that are brought later; a grant waits for them.
    #[graphql(default)]
    owed: Vec<OwedMaterialInput>,
}

/// A minor material that is owed (容缺).
#[derive(InputObject)]
pub struct OwedMaterialInput {
    /// Code of the item's material.
    material: String,
    /// Last day on which it can be brought, at the latest the promised date.
    due: Date,
}

/// What decides a case (决定).
#[derive(InputObject)]
pub struct DecideCaseInput {
    /// The case.
    case: ID,
    /// Version of the case you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// What is decided.
    decision: Decision,
    /// Reasons, up to 2,000 characters; required with a denial.
    reasons: Option<String>,
    /// Legal remedy (复议、诉讼), up to 2,000 characters; required with a denial.
    remedy: Option<String>,
    /// The answer to objections of offices that worked beside, up to 2,000 characters; required when there is one.
    objections: Option<String>,
}

/// What records that the result was handed over (送达).
#[derive(InputObject)]
pub struct DeliverResultInput {
    /// The case.
    case: ID,
    /// Version of the case you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// How and to whom, up to 2,000 characters.
    note: Option<String>,
    /// By what an agent collects the result for the applicant (代领).
    authorization: Option<AuthorizationInput>,
}

payloads! {
    /// What came of `acceptCase`.
    AcceptCasePayload { AcceptCaseUserError }
    /// What came of `decideCase`.
    DecideCasePayload { DecideCaseUserError }
    /// What came of `deliverResult`.
    DeliverResultPayload { DeliverResultUserError }
}

/// Acts on a case.
#[derive(Default)]
pub struct CaseMutations;

/// Acts on a case.
#[Object]
impl CaseMutations {
    /// Accept an application (受理): the promised and statutory limits start.
    async fn accept_case(&self, ctx: &Context<'_>, input: AcceptCaseInput) -> Result<AcceptCasePayload> {
        let owed: Vec<OwedPaper> = input
            .owed
            .into_iter()
            .map(|owed| OwedPaper {
                material: owed.material,
                due: owed.due.0,
            })
            .collect();
        let listed: Vec<_> = owed.iter().map(|owed| json!([owed.material, owed.due])).collect();
        let asked = json!({
            "case": *input.case, "expectedVersion": input.expected_version, "advance": input.advance, "owed": listed,
        });
        let act = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "acceptCase",
            input: asked,
        };
        let command = Command::Accept {
            advance: input.advance,
            owed,
        };
        let done = carry_out(ctx, act, Expected::Case(input.expected_version), command).await?;
        AcceptCasePayload::of(ctx, done).await
    }

    /// Decide a case (决定). Completion follows by itself.
    async fn decide_case(&self, ctx: &Context<'_>, input: DecideCaseInput) -> Result<DecideCasePayload> {
        let texts = [
            ("reasons", input.reasons.as_deref()),
            ("remedy", input.remedy.as_deref()),
            ("objections", input.objections.as_deref()),
        ];
        if let Err(fault) = check_texts(&texts) {
            return DecideCasePayload::of(ctx, Err(vec![fault])).await;
        }
        let outcome = onedoor_domain::case::state::Outcome::from(input.decision);
        let asked = json!({
            "case": *input.case, "expectedVersion": input.expected_version, "decision": outcome,
            "reasons": input.reasons, "remedy": input.remedy, "objections": input.objections,
        });
        let act = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "decideCase",
            input: asked,
        };
        let command = Command::Decide {
            outcome,
            reasons: input.reasons,
            remedy: input.remedy,
            objections: input.objections,
        };
        let done = carry_out(ctx, act, Expected::Case(input.expected_version), command).await?;
        DecideCasePayload::of(ctx, done).await
    }

    /// Record that the result was handed over to the applicant (送达).
    async fn deliver_result(
        &self,
        ctx: &Context<'_>,
        input: DeliverResultInput,
    ) -> Result<DeliverResultPayload> {
        if let Err(fault) = check_texts(&[("note", input.note.as_deref())]) {
            return DeliverResultPayload::of(ctx, Err(vec![fault])).await;
        }
        let authorization = input.authorization.map(Authorization::from);
        let asked = json!({
            "case": *input.case, "expectedVersion": input.expected_version, "note": input.note,
            "authorization": authorization,
        });
        let act = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "deliverResult",
            input: asked,
        };
        let command = Command::Deliver {
            note: input.note,
            authorization,
        };
        let done = carry_out(ctx, act, Expected::Case(input.expected_version), command).await?;
        DeliverResultPayload::of(ctx, done).await
    }
}
