//! Handing a case from one hand to another: input and payload of each act.

use async_graphql::{Context, ID, InputObject, Object, Result};
use onedoor_domain::case::command::{Command, HandOff};
use onedoor_domain::id::{HandoffId, OrganizationId};
use serde_json::json;
use uuid::Uuid;

use super::act::{Asked, carry_out, check_texts, fits, payloads};
use super::intake::{MaterialEntryInput, materials};
use crate::graphql::reach;
use crate::graphql::types::case_enums::{HandoffKind, Opinion, RefusalReason};
use crate::graphql::user_error::{
    AcknowledgeHandoffUserError, FinishHandoffUserError, HandOffUserError, RecallHandoffUserError,
    RefuseHandoffUserError,
};
use crate::service::progress::Expected;
use crate::service::rejection::{Rejection, RejectionCode};

/// Most paper originals that go along with one handoff.
const ORIGINALS_MAX: u32 = 999;
/// Longest number of a transfer slip, characters.
const SLIP_MAX: usize = 64;
/// Most materials that a handoff names; no item has as many.
const MATERIALS_MAX: usize = 100;

/// What hands a case over (移交): along its route, to another hand, back, or beside the owner.
#[derive(InputObject)]
pub struct HandOffInput {
    /// The case.
    case: ID,
    /// Version of the case you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// ROUTE goes to the next step of the route, or offers again what was turned down. ASSIGN (down) and TRANSFER hand
    /// over the step with its rights. RETURN goes back to who held it, and the route is walked again from there.
    /// ESCALATE (to the level above), CONSULT, COUNTERSIGN (in turn) and JOINT_REVIEW (in parallel) are answered to you
    /// with `finishHandoff` while you keep the case. DELIVERY is offered by the gateway alone.
    #[graphql(default_with = "HandoffKind::Route")]
    kind: HandoffKind,
    /// The receiving organization. With ROUTE only where the route leaves the choice; with RETURN only to name another
    /// than the last holder; required otherwise.
    to: Option<ID>,
    /// Why, or what is asked, up to 2,000 characters; required unless the kind is ROUTE.
    reason: Option<String>,
    /// Codes of the materials on file that are handed over; left out: all of them.
    handed_materials: Option<Vec<String>>,
    /// Number of paper originals handed over, 0 to 999; a transfer slip is issued for them.
    #[graphql(default = 0)]
    originals: i32,
    /// Number of the transfer slip (物料流转凭证), up to 64 characters. Where the next office is outside the network and
    /// has no system, the number of the paper sent to it; required there.
    slip: Option<String>,
    /// What the step that is left has to bring (`producedBy` of the item's materials); with ROUTE only.
    #[graphql(default)]
    materials: Vec<MaterialEntryInput>,
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

/// What sends a handoff back unsigned (退单).
#[derive(InputObject)]
pub struct RefuseHandoffInput {
    /// The case.
    case: ID,
    /// The handoff.
    handoff: ID,
    /// Version of the handoff you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// Why, of the closed list.
    reason: RefusalReason,
    /// Why, in words, up to 2,000 characters.
    text: String,
}

/// What takes back a handoff that nobody signed for.
#[derive(InputObject)]
pub struct RecallHandoffInput {
    /// The case.
    case: ID,
    /// The handoff.
    handoff: ID,
    /// Version of the handoff you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
}

/// What ends a handoff beside the owner, or a step after the decision.
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
    /// The opinion, where one is asked for: countersignature, joint review, consultation.
    opinion: Option<Opinion>,
    /// Its text, up to 2,000 characters; required with conditions, with an objection, and as the answer to an escalation.
    text: Option<String>,
    /// Instead of an opinion: the reason for which an officer of the owner does without one that the route requires, up to
    /// 2,000 characters.
    waive: Option<String>,
}

payloads! {
    /// What came of `handOff`.
    HandOffPayload { HandOffUserError }
    /// What came of `acknowledgeHandoff`.
    AcknowledgeHandoffPayload { AcknowledgeHandoffUserError }
    /// What came of `refuseHandoff`.
    RefuseHandoffPayload { RefuseHandoffUserError }
    /// What came of `recallHandoff`.
    RecallHandoffPayload { RecallHandoffUserError }
    /// What came of `finishHandoff`.
    FinishHandoffPayload { FinishHandoffUserError }
}

/// Acts on handoffs.
#[derive(Default)]
pub struct HandMutations;

/// Acts on handoffs.
#[Object]
impl HandMutations {
    /// Hand a case over (移交): along its route, to another hand, back, or beside the owner. The sender answers for it
    /// until the receiver signs. To the village level beside the route only what the admission lists (准入) admit.
    async fn hand_off(&self, ctx: &Context<'_>, input: HandOffInput) -> Result<HandOffPayload> {
        let mut input = input;
        let brought = match materials(ctx, std::mem::take(&mut input.materials)).await? {
            Ok(brought) => brought,
            Err(rejection) => return HandOffPayload::of(ctx, Err(vec![rejection])).await,
        };
        let kind = onedoor_domain::route::HandoffKind::from(input.kind);
        let asked = json!({
            "case": *input.case, "expectedVersion": input.expected_version, "kind": kind, "to": input.to.as_deref(),
            "reason": input.reason, "handedMaterials": input.handed_materials, "originals": input.originals,
            "slip": input.slip, "materials": brought,
        });
        let originals = match checked(&input) {
            Ok(originals) => originals,
            Err(fault) => return HandOffPayload::of(ctx, Err(vec![fault])).await,
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
        let command = Command::HandOff(HandOff {
            kind,
            to,
            reason: input.reason,
            handed: input.handed_materials,
            originals,
            slip: input.slip,
            materials: brought,
        });
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

    /// Send a handoff back before signing for it (退单). The sender answers for the case as before. Into the accepting step
    /// nothing is refused: `declineCase` names the competent office or the reasons.
    async fn refuse_handoff(
        &self,
        ctx: &Context<'_>,
        input: RefuseHandoffInput,
    ) -> Result<RefuseHandoffPayload> {
        let handoff = reach::id::<HandoffId>(ctx, &input.handoff)?;
        if let Err(fault) = check_texts(&[("text", Some(&input.text))]) {
            return RefuseHandoffPayload::of(ctx, Err(vec![fault])).await;
        }
        let reason = onedoor_domain::handoff::RefusalReason::from(input.reason);
        let asked = json!({
            "case": *input.case, "handoff": *input.handoff, "expectedVersion": input.expected_version,
            "reason": reason, "text": input.text,
        });
        let act = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "refuseHandoff",
            input: asked,
        };
        let expected = Expected::Handoff(handoff, input.expected_version);
        let command = Command::Refuse {
            handoff,
            reason,
            text: input.text,
        };
        let done = carry_out(ctx, act, expected, command).await?;
        RefuseHandoffPayload::of(ctx, done).await
    }

    /// Take back a handoff that nobody signed for. A delivery of which nothing left is cancelled with it; where the bytes
    /// may have left, what the agency's system answers later is kept in the timeline and changes nothing.
    async fn recall_handoff(
        &self,
        ctx: &Context<'_>,
        input: RecallHandoffInput,
    ) -> Result<RecallHandoffPayload> {
        let handoff = reach::id::<HandoffId>(ctx, &input.handoff)?;
        let asked = json!({
            "case": *input.case, "handoff": *input.handoff, "expectedVersion": input.expected_version,
        });
        let act = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "recallHandoff",
            input: asked,
        };
        let expected = Expected::Handoff(handoff, input.expected_version);
        let done = carry_out(ctx, act, expected, Command::Recall { handoff }).await?;
        RecallHandoffPayload::of(ctx, done).await
    }

    /// End a countersignature, a joint review, a consultation or an escalation with its answer, or a step after the
    /// decision. With `waive`, an officer of the owner does without an opinion that the route requires.
    async fn finish_handoff(
        &self,
        ctx: &Context<'_>,
        input: FinishHandoffInput,
    ) -> Result<FinishHandoffPayload> {
        let handoff = reach::id::<HandoffId>(ctx, &input.handoff)?;
        let texts = [("text", input.text.as_deref()), ("waive", input.waive.as_deref())];
        let one = input.waive.is_none() || input.opinion.is_none() && input.text.is_none();
        if let Err(fault) = check_texts(&texts).and_then(|()| one.then_some(()).ok_or_else(both_given)) {
            return FinishHandoffPayload::of(ctx, Err(vec![fault])).await;
        }
        let opinion = input.opinion.map(onedoor_domain::handoff::Opinion::from);
        let asked = json!({
            "case": *input.case, "handoff": *input.handoff, "expectedVersion": input.expected_version,
            "opinion": opinion, "text": input.text, "waive": input.waive,
        });
        let act = Asked {
            case: &input.case,
            key: input.idempotency_key,
            name: "finishHandoff",
            input: asked,
        };
        let expected = Expected::Handoff(handoff, input.expected_version);
        let command = match input.waive {
            Some(reason) => Command::Waive { handoff, reason },
            None => Command::Finish {
                handoff,
                opinion,
                text: input.text,
            },
        };
        let done = carry_out(ctx, act, expected, command).await?;
        FinishHandoffPayload::of(ctx, done).await
    }
}

fn both_given() -> Rejection {
    Rejection::of(
        RejectionCode::InvalidField,
        &["waive"],
        "免予会办时不填写意见，请只填写 waive。",
        "To do without an opinion give `waive` alone.",
    )
}

/// The number of originals, when the input is within its bounds.
fn checked(input: &HandOffInput) -> std::result::Result<u32, Rejection> {
    check_texts(&[("reason", input.reason.as_deref())])?;
    let listed = input.handed_materials.as_ref().map_or(0, Vec::len);
    if listed > MATERIALS_MAX {
        return Err(Rejection::of(
            RejectionCode::InvalidField,
            &["handedMaterials"],
            "所列材料过多。",
            "Too many materials are named.",
        ));
    }
    u32::try_from(input.originals)
        .ok()
        .filter(|originals| *originals <= ORIGINALS_MAX && fits(input.slip.as_deref(), SLIP_MAX))
        .ok_or_else(|| {
            Rejection::of(
                RejectionCode::InvalidField,
                &["originals"],
                "原件份数须为 0 至 999，凭证编号不超过 64 字。",
                "Give 0 to 999 originals and a slip number of at most 64 characters.",
            )
        })
}
