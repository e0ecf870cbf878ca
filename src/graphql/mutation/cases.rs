//! Acts on a case: input and payload of each, and the one way they are carried out.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use onedoor_domain::case::command::Command;
use onedoor_domain::id::{CaseId, HandoffId, OrganizationId};
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::AppError;
use crate::graphql::reach::{self, cases, failed, language, request};
use crate::graphql::types::case::Case;
use crate::graphql::types::case_enums::{Decision, Opinion};
use crate::graphql::types::receipt::Receipt;
use crate::graphql::user_error::{
    AcceptCaseUserError, AcknowledgeHandoffUserError, DecideCaseUserError, DeliverResultUserError,
    FinishHandoffUserError, HandOffUserError,
};
use crate::service::cases::Done;
use crate::service::progress::{Expected, Order};
use crate::service::rejection::{Rejection, RejectionCode};

/// Longest text of reasons, remedy, opinion or note, characters.
const TEXT_MAX: usize = 2_000;

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
}

/// What hands a case to the next step of its route (流转).
#[derive(InputObject)]
pub struct HandOffInput {
    /// The case.
    case: ID,
    /// Version of the case you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// The receiving organization; only where the route leaves the choice.
    to: Option<ID>,
    /// Number of paper originals handed over, 0 to 999; a transfer slip is issued for them.
    #[graphql(default = 0)]
    originals: i32,
    /// Number of the transfer slip (物料流转凭证), up to 64 characters.
    slip: Option<String>,
}

/// What signs for a case (签收).
#[derive(InputObject)]
pub struct AcknowledgeHandoffInput {
    /// The case.
    case: ID,
    /// The handoff.
    handoff: ID,
    /// Version of the handoff you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
}

/// What ends a countersignature, a joint review, or a step after the decision.
#[derive(InputObject)]
pub struct FinishHandoffInput {
    /// The case.
    case: ID,
    /// The handoff.
    handoff: ID,
    /// Version of the handoff you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// The opinion, where one is asked for.
    opinion: Option<Opinion>,
    /// Its text, up to 2,000 characters.
    text: Option<String>,
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
}

macro_rules! payloads {
    ($($(#[$doc:meta])* $payload:ident { $error:ident })*) => {
        $(
            $(#[$doc])*
            #[derive(SimpleObject)]
            pub struct $payload {
                /// The case after the act; null when it was not carried out.
                case: Option<Case>,
                /// The receipt (回执) the act brought, the last when several.
                receipt: Option<Receipt>,
                /// Why it was not carried out; empty when it was.
                user_errors: Vec<$error>,
            }

            impl $payload {
                async fn of(ctx: &Context<'_>, done: Done) -> Result<Self> {
                    match done {
                        Ok(answer) => {
                            let (case, receipt) = answered(ctx, &answer).await?;
                            Ok(Self { case: Some(case), receipt, user_errors: Vec::new() })
                        }
                        Err(rejections) => {
                            let errors: std::result::Result<Vec<_>, _> =
                                rejections.iter().map(|rejection| $error::of(rejection, language(ctx))).collect();
                            let user_errors = errors.map_err(|error| failed(ctx, error))?;
                            Ok(Self { case: None, receipt: None, user_errors })
                        }
                    }
                }
            }
        )*
    };
}

payloads! {
    /// What came of `acceptCase`.
    AcceptCasePayload { AcceptCaseUserError }
    /// What came of `handOff`.
    HandOffPayload { HandOffUserError }
    /// What came of `acknowledgeHandoff`.
    AcknowledgeHandoffPayload { AcknowledgeHandoffUserError }
    /// What came of `finishHandoff`.
    FinishHandoffPayload { FinishHandoffUserError }
    /// What came of `decideCase`.
    DecideCasePayload { DecideCaseUserError }
    /// What came of `deliverResult`.
    DeliverResultPayload { DeliverResultUserError }
}

/// The case and the last receipt of an answer.
pub(super) async fn answered(
    ctx: &Context<'_>,
    answer: &crate::service::answer::Answer,
) -> Result<(Case, Option<Receipt>)> {
    let cases = cases(ctx)?;
    let view = cases.view_of_answer(answer, &request(ctx)?.actor);
    let brought = cases
        .receipts_of_answer(&view, answer)
        .await
        .map_err(|error| failed(ctx, error))?;
    let sight = view.sight;
    Ok((
        Case::of(view),
        brought
            .into_iter()
            .next_back()
            .map(|signed| Receipt::of(signed, sight)),
    ))
}

/// Acts on a case.
#[derive(Default)]
pub struct CaseMutations;

/// Acts on a case.
#[Object]
impl CaseMutations {
    /// Accept an application (受理): the promised and statutory limits start.
    async fn accept_case(&self, ctx: &Context<'_>, input: AcceptCaseInput) -> Result<AcceptCasePayload> {
        let asked = json!({ "case": *input.case, "expectedVersion": input.expected_version, "advance": input.advance });
        let act = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "acceptCase",
            input: asked,
        };
        let command = Command::Accept {
            advance: input.advance,
        };
        let done = carry_out(ctx, act, Expected::Case(input.expected_version), command).await?;
        AcceptCasePayload::of(ctx, done).await
    }

    /// Hand a case to the next step of its route (流转). The sender answers for it until the receiver signs.
    async fn hand_off(&self, ctx: &Context<'_>, input: HandOffInput) -> Result<HandOffPayload> {
        let asked = json!({
            "case": *input.case, "expectedVersion": input.expected_version, "to": input.to.as_deref(),
            "originals": input.originals, "slip": input.slip,
        });
        let originals = u32::try_from(input.originals)
            .ok()
            .filter(|originals| *originals <= 999);
        let (Some(originals), true) = (originals, fits(input.slip.as_deref(), 64)) else {
            let fault = Rejection::of(
                RejectionCode::InvalidField,
                &["originals"],
                "原件份数须为 0 至 999，凭证编号不超过 64 字。",
                "Give 0 to 999 originals and a slip number of at most 64 characters.",
            );
            return HandOffPayload::of(ctx, Err(vec![fault])).await;
        };
        let to = match &input.to {
            Some(to) => Some(reach::id::<OrganizationId>(ctx, to)?),
            None => None,
        };
        let act = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "handOff",
            input: asked,
        };
        let command = Command::HandOff {
            to,
            originals,
            slip: input.slip,
        };
        let done = carry_out(ctx, act, Expected::Case(input.expected_version), command).await?;
        HandOffPayload::of(ctx, done).await
    }

    /// Sign for a case (签收): from now on the receiver answers for it.
    async fn acknowledge_handoff(
        &self,
        ctx: &Context<'_>,
        input: AcknowledgeHandoffInput,
    ) -> Result<AcknowledgeHandoffPayload> {
        let handoff = reach::id::<HandoffId>(ctx, &input.handoff)?;
        let asked = json!({
            "case": *input.case, "handoff": *input.handoff, "expectedVersion": input.expected_version,
        });
        let act = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "acknowledgeHandoff",
            input: asked,
        };
        let expected = Expected::Handoff(handoff, input.expected_version);
        let done = carry_out(ctx, act, expected, Command::Acknowledge { handoff }).await?;
        AcknowledgeHandoffPayload::of(ctx, done).await
    }

    /// End a countersignature, a joint review, or a step after the decision.
    async fn finish_handoff(
        &self,
        ctx: &Context<'_>,
        input: FinishHandoffInput,
    ) -> Result<FinishHandoffPayload> {
        let handoff = reach::id::<HandoffId>(ctx, &input.handoff)?;
        if let Err(fault) = check_texts(&[("text", input.text.as_deref())]) {
            return FinishHandoffPayload::of(ctx, Err(vec![fault])).await;
        }
        let opinion = input.opinion.map(onedoor_domain::handoff::Opinion::from);
        let asked = json!({
            "case": *input.case, "handoff": *input.handoff, "expectedVersion": input.expected_version,
            "opinion": opinion, "text": input.text,
        });
        let act = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "finishHandoff",
            input: asked,
        };
        let expected = Expected::Handoff(handoff, input.expected_version);
        let command = Command::Finish {
            handoff,
            opinion,
            text: input.text,
        };
        let done = carry_out(ctx, act, expected, command).await?;
        FinishHandoffPayload::of(ctx, done).await
    }

    /// Decide a case (决定). Completion follows by itself.
    async fn decide_case(&self, ctx: &Context<'_>, input: DecideCaseInput) -> Result<DecideCasePayload> {
        let texts = [
            ("reasons", input.reasons.as_deref()),
            ("remedy", input.remedy.as_deref()),
        ];
        if let Err(fault) = check_texts(&texts) {
            return DecideCasePayload::of(ctx, Err(vec![fault])).await;
        }
        let outcome = onedoor_domain::case::state::Outcome::from(input.decision);
        let asked = json!({
            "case": *input.case, "expectedVersion": input.expected_version, "decision": outcome,
            "reasons": input.reasons, "remedy": input.remedy,
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
        let asked =
            json!({ "case": *input.case, "expectedVersion": input.expected_version, "note": input.note });
        let act = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "deliverResult",
            input: asked,
        };
        let command = Command::Deliver { note: input.note };
        let done = carry_out(ctx, act, Expected::Case(input.expected_version), command).await?;
        DeliverResultPayload::of(ctx, done).await
    }
}

/// What was asked, for the idempotency record.
struct Asked<'a> {
    case: &'a ID,
    key: Uuid,
    name: &'static str,
    input: Value,
}

async fn carry_out(
    ctx: &Context<'_>,
    asked: Asked<'_>,
    expected: Expected,
    command: Command,
) -> Result<Done> {
    let fingerprint = Fingerprint::of(asked.name, &asked.input)
        .map_err(AppError::internal)
        .map_err(|error| failed(ctx, error))?;
    let order = Order {
        case: reach::id::<CaseId>(ctx, asked.case)?,
        expected,
        key: IdempotencyKey::from_uuid(asked.key),
        fingerprint,
        command,
    };
    cases(ctx)?
        .act(&request(ctx)?.actor, order)
        .await
        .map_err(|error| failed(ctx, error))
}

fn fits(text: Option<&str>, max: usize) -> bool {
    text.is_none_or(|text| {
        text.chars().count() <= max && !text.chars().any(onedoor_domain::text::unprintable)
    })
}

fn check_texts(texts: &[(&str, Option<&str>)]) -> std::result::Result<(), Rejection> {
    match texts.iter().find(|(_, text)| !fits(*text, TEXT_MAX)) {
        None => Ok(()),
        Some((field, _)) => Err(Rejection::of(
            RejectionCode::InvalidField,
            &[*field],
            "文字不超过 2000 字，且不得含控制字符。",
            "Use at most 2,000 characters and no control characters.",
        )),
    }
}
