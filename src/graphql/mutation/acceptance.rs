//! Acts before acceptance that do not accept: declining, and asking for what is missing.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use onedoor_domain::case::command::{Command, Competent};
use onedoor_domain::case::event::Ground;
use onedoor_domain::id::OrganizationId;
use serde_json::json;
use uuid::Uuid;

use super::act::{Asked, carry_out, check_texts, payloads};
use crate::graphql::reach::{self, cases};
use crate::graphql::user_error::{DeclineCaseUserError, RequestSupplementUserError};
use crate::service::progress::Expected;
use crate::service::rejection::{Rejection, RejectionCode};

/// On what ground an application is declined.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "Ground")]
pub enum DeclineGround {
    /// 不属于本单位职权: another office is competent, and is named.
    NotCompetent,
    /// 不予受理, with reasons and remedy.
    Refused,
}

/// What declines an application (不予受理).
#[derive(InputObject)]
pub struct DeclineCaseInput {
    /// The case.
    case: ID,
    /// Version of the case you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// On what ground.
    ground: DeclineGround,
    /// With NOT_COMPETENT: the competent organization of this network; the case is offered to it.
    competent: Option<ID>,
    /// With NOT_COMPETENT, instead: the name of the competent office outside, up to 2,000 characters; the case ends.
    competent_name: Option<String>,
    /// Reasons, up to 2,000 characters; required with REFUSED.
    reasons: Option<String>,
    /// Legal remedy (复议、诉讼), up to 2,000 characters; required with REFUSED.
    remedy: Option<String>,
}

/// What asks the applicant for everything that is missing (补正告知).
#[derive(InputObject)]
pub struct RequestSupplementInput {
    /// The case.
    case: ID,
    /// Version of the case you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// Codes of all materials that are missing or wrong.
    #[graphql(default)]
    materials: Vec<String>,
    /// What is wrong, up to 2,000 characters; required when no material is named.
    text: Option<String>,
}

payloads! {
    /// What came of `declineCase`.
    DeclineCasePayload { DeclineCaseUserError }
    /// What came of `requestSupplement`.
    RequestSupplementPayload { RequestSupplementUserError }
}

/// Acts before acceptance that do not accept.
#[derive(Default)]
pub struct AcceptanceMutations;

/// Acts before acceptance that do not accept.
#[Object]
impl AcceptanceMutations {
    /// Decline an application (不予受理): to the competent office, or with reasons and remedy.
    async fn decline_case(&self, ctx: &Context<'_>, input: DeclineCaseInput) -> Result<DeclineCasePayload> {
        let texts = [
            ("competentName", input.competent_name.as_deref()),
            ("reasons", input.reasons.as_deref()),
            ("remedy", input.remedy.as_deref()),
        ];
        if let Err(fault) = check_texts(&texts) {
            return DeclineCasePayload::of(ctx, Err(vec![fault])).await;
        }
        let ground = Ground::from(input.ground);
        let asked = json!({
            "case": *input.case, "expectedVersion": input.expected_version, "ground": ground,
            "competent": input.competent.as_deref(), "competentName": input.competent_name,
            "reasons": input.reasons, "remedy": input.remedy,
        });
        let competent = match (&input.competent, input.competent_name) {
            (None, None) => None,
            (None, Some(name)) => Some(Competent::Outside(name)),
            (Some(id), None) => match cases(ctx)?.competent(reach::id::<OrganizationId>(ctx, id)?) {
                Some(competent) => Some(competent),
                None => return DeclineCasePayload::of(ctx, Err(vec![one_competent()])).await,
            },
            (Some(_), Some(_)) => return DeclineCasePayload::of(ctx, Err(vec![one_competent()])).await,
        };
        let act = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "declineCase",
            input: asked,
        };
        let command = Command::Decline {
            ground,
            competent,
            reasons: input.reasons,
            remedy: input.remedy,
        };
        let done = carry_out(ctx, act, Expected::Case(input.expected_version), command).await?;
        DeclineCasePayload::of(ctx, done).await
    }

    /// Ask the applicant for everything that is missing (补正告知), once before acceptance and once after.
    async fn request_supplement(
        &self,
        ctx: &Context<'_>,
        input: RequestSupplementInput,
    ) -> Result<RequestSupplementPayload> {
        if let Err(fault) = check_texts(&[("text", input.text.as_deref())]) {
            return RequestSupplementPayload::of(ctx, Err(vec![fault])).await;
        }
        let asked = json!({
            "case": *input.case, "expectedVersion": input.expected_version, "materials": input.materials,
            "text": input.text,
        });
        let act = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "requestSupplement",
            input: asked,
        };
        let command = Command::RequestSupplement {
            materials: input.materials,
            text: input.text,
        };
        let done = carry_out(ctx, act, Expected::Case(input.expected_version), command).await?;
        RequestSupplementPayload::of(ctx, done).await
    }
}

fn one_competent() -> Rejection {
    Rejection::of(
        RejectionCode::InvalidField,
        &["competent"],
        "请选择一个已登记的有权单位，或在 competentName 中填写其名称，二者择一。",
        "Name one organization of the network in `competent`, or an office outside in `competentName`, not both.",
    )
}
