//! What people do about deliveries that do not go on by themselves: send again, or say what the system has.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use onedoor_domain::delivery::DeliveryResolution as Resolution;
use onedoor_domain::id::DeliveryId;
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use serde_json::{Value, json};
use uuid::Uuid;

use super::act::{check_texts, told};
use crate::error::AppError;
use crate::graphql::reach::{self, cases, failed, language, request, services};
use crate::graphql::types::case::Case;
use crate::graphql::types::delivery::{Delivery, DeliveryResolution};
use crate::graphql::user_error::{RedeliverUserError, ResolveUncertainDeliveryUserError};
use crate::service::answer::Answer;
use crate::service::cases::Done;
use crate::service::delivery_acts::{DeliveryOrder, may_see_cases};

/// What has a delivery sent again.
#[derive(InputObject)]
pub struct RedeliverInput {
    /// The delivery.
    delivery: ID,
    /// Version of the delivery you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// Why, for the timeline, up to 2,000 characters.
    note: Option<String>,
}

/// What says what became of a delivery whose answer was lost, or which a person carried out.
#[derive(InputObject)]
pub struct ResolveUncertainDeliveryInput {
    /// The delivery.
    delivery: ID,
    /// Version of the delivery you have seen.
    expected_version: i32,
    /// A fresh UUID for this act; repeat it only to repeat the same act.
    idempotency_key: Uuid,
    /// What the system has.
    resolution: DeliveryResolution,
    /// The system's number for the case; required with TAKEN of a case whose number there is not known.
    number: Option<String>,
    /// How it was learnt, for the timeline, up to 2,000 characters.
    note: Option<String>,
}

/// Payload types of acts on a delivery.
macro_rules! payloads {
    ($($(#[$doc:meta])* $payload:ident { $error:ident })*) => {
        $(
            $(#[$doc])*
            #[derive(SimpleObject)]
            pub struct $payload {
                /// The delivery after the act; null when it was not carried out.
                delivery: Option<Delivery>,
                /// The case after the act; null when it was not carried out, and for administrators, who see no cases.
                case: Option<Case>,
                /// Why it was not carried out; empty when it was.
                user_errors: Vec<$error>,
            }

            impl $payload {
                async fn of(ctx: &Context<'_>, done: Done) -> Result<Self> {
                    match done {
                        Ok(answer) => {
                            let (delivery, case) = shown(ctx, answer).await?;
                            Ok(Self { delivery, case, user_errors: Vec::new() })
                        }
                        Err(rejections) => Ok(Self {
                            delivery: None,
                            case: None,
                            user_errors: told(ctx, &rejections, $error::of)?,
                        }),
                    }
                }
            }
        )*
    };
}

payloads! {
    /// What came of `redeliver`.
    RedeliverPayload { RedeliverUserError }
    /// What came of `resolveUncertainDelivery`.
    ResolveUncertainDeliveryPayload { ResolveUncertainDeliveryUserError }
}

/// Acts on deliveries.
#[derive(Default)]
pub struct DeliveryMutations;

/// Acts on deliveries.
#[Object]
impl DeliveryMutations {
    /// Have a delivery sent again that was given up (DEAD), or one that is held (HELD) at once. It is sent once however
    /// often the button is pressed, under the same key as before; who did it stands in the timeline.
    async fn redeliver(&self, ctx: &Context<'_>, input: RedeliverInput) -> Result<RedeliverPayload> {
        if let Err(fault) = check_texts(&[("note", input.note.as_deref())]) {
            return RedeliverPayload::of(ctx, Err(vec![fault])).await;
        }
        let asked = json!({
            "delivery": *input.delivery, "expectedVersion": input.expected_version, "note": input.note,
        });
        let order = DeliveryOrder {
            delivery: reach::id::<DeliveryId>(ctx, &input.delivery)?,
            expected: input.expected_version,
            key: IdempotencyKey::from_uuid(input.idempotency_key),
            fingerprint: fingerprint(ctx, "redeliver", &asked)?,
            resolution: Resolution::SentAgain,
            number: None,
            note: input.note,
        };
        RedeliverPayload::of(ctx, carried_out(ctx, order).await?).await
    }

    /// Say what became of a delivery whose answer was lost (UNCERTAIN), or that a person had to carry out (TO_BE_TOLD): the
    /// system has it; it does not, send it again; or it is given up. News (NOTIFY) that is HELD or DEAD can be given up too.
    /// Who said so stands in the timeline.
    async fn resolve_uncertain_delivery(
        &self,
        ctx: &Context<'_>,
        input: ResolveUncertainDeliveryInput,
    ) -> Result<ResolveUncertainDeliveryPayload> {
        let texts = [
            ("note", input.note.as_deref()),
            ("number", input.number.as_deref()),
        ];
        if let Err(fault) = check_texts(&texts) {
            return ResolveUncertainDeliveryPayload::of(ctx, Err(vec![fault])).await;
        }
        let resolution = Resolution::from(input.resolution);
        let asked = json!({
            "delivery": *input.delivery, "expectedVersion": input.expected_version, "resolution": resolution,
            "number": input.number, "note": input.note,
        });
        let order = DeliveryOrder {
            delivery: reach::id::<DeliveryId>(ctx, &input.delivery)?,
            expected: input.expected_version,
            key: IdempotencyKey::from_uuid(input.idempotency_key),
            fingerprint: fingerprint(ctx, "resolveUncertainDelivery", &asked)?,
            resolution,
            number: input.number,
            note: input.note,
        };
        ResolveUncertainDeliveryPayload::of(ctx, carried_out(ctx, order).await?).await
    }
}

fn fingerprint(ctx: &Context<'_>, name: &'static str, asked: &Value) -> Result<Fingerprint> {
    Fingerprint::of(name, asked)
        .map_err(AppError::internal)
        .map_err(|error| failed(ctx, error))
}

async fn carried_out(ctx: &Context<'_>, order: DeliveryOrder) -> Result<Done> {
    let acting = cases(ctx)?.act_on_delivery(&request(ctx)?.actor, order);
    Box::pin(acting).await.map_err(|error| failed(ctx, error))
}

async fn shown(ctx: &Context<'_>, answer: Answer) -> Result<(Option<Delivery>, Option<Case>)> {
    let actor = &request(ctx)?.actor;
    let case = if may_see_cases(actor) {
        let view = cases(ctx)?.view_of_answer(&answer, actor).await;
        Some(Case::of(view.map_err(|error| failed(ctx, error))?))
    } else {
        None
    };
    let now = services(ctx)?.clock.now();
    let delivery = answer
        .delivery
        .map(|entry| Delivery::of(entry, actor, language(ctx), now));
    Ok((delivery, case))
}
