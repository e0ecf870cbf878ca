//! What all acts on a case share: the payload's shape, the checks of texts, and the one way they are carried out.

use async_graphql::{Context, ID, Result};
use onedoor_domain::case::command::Command;
use onedoor_domain::id::CaseId;
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use serde_json::Value;
use uuid::Uuid;

use crate::error::{AppError, Language};
use crate::graphql::reach::{self, cases, failed, language, request};
use crate::graphql::types::case::Case;
use crate::graphql::types::receipt::Receipt;
use crate::service::cases::Done;
use crate::service::progress::{Expected, Order};
use crate::service::rejection::{Rejection, RejectionCode};

/// Longest text of reasons, remedy, opinion or note, characters.
const TEXT_MAX: usize = 2_000;

/// Payload types of acts on a case: `DocComment Payload { UserError }`.
macro_rules! payloads {
    ($($(#[$doc:meta])* $payload:ident { $error:ident })*) => {
        $(
            $(#[$doc])*
            #[derive(async_graphql::SimpleObject)]
            pub struct $payload {
                /// The case after the act; null when it was not carried out.
                case: Option<$crate::graphql::types::case::Case>,
                /// The receipt (回执) the act brought, the last when several.
                receipt: Option<$crate::graphql::types::receipt::Receipt>,
                /// Why it was not carried out; empty when it was.
                user_errors: Vec<$error>,
            }

            impl $payload {
                async fn of(ctx: &async_graphql::Context<'_>, done: $crate::service::cases::Done) -> async_graphql::Result<Self> {
                    match done {
                        Ok(answer) => {
                            let (case, receipt) = $crate::graphql::mutation::act::answered(ctx, &answer).await?;
                            Ok(Self { case: Some(case), receipt, user_errors: Vec::new() })
                        }
                        Err(rejections) => {
                            let user_errors = $crate::graphql::mutation::act::told(ctx, &rejections, $error::of)?;
                            Ok(Self { case: None, receipt: None, user_errors })
                        }
                    }
                }
            }
        )*
    };
}

pub(super) use payloads;

/// The expected answers of one mutation, in the language of the request.
pub(super) fn told<E>(
    ctx: &Context<'_>,
    rejections: &[Rejection],
    of: impl Fn(&Rejection, Language) -> std::result::Result<E, AppError>,
) -> Result<Vec<E>> {
    rejections
        .iter()
        .map(|rejection| of(rejection, language(ctx)).map_err(|error| failed(ctx, error)))
        .collect()
}

/// The case and the last receipt of an answer.
pub(super) async fn answered(
    ctx: &Context<'_>,
    answer: &crate::service::answer::Answer,
) -> Result<(Case, Option<Receipt>)> {
    let cases = cases(ctx)?;
    let view = cases
        .view_of_answer(answer, &request(ctx)?.actor)
        .await
        .map_err(|error| failed(ctx, error))?;
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

/// What was asked, for the idempotency record.
pub(super) struct Asked<'a> {
    /// The case acted on.
    pub(super) case: &'a ID,
    /// The act's idempotency key.
    pub(super) key: Uuid,
    /// Name of the mutation.
    pub(super) name: &'static str,
    /// All of the input but the key.
    pub(super) input: Value,
}

/// Carries an act out, once by its key.
pub(super) async fn carry_out(
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
        credential: None,
    };
    let acting = cases(ctx)?.act(&request(ctx)?.actor, order);
    Box::pin(acting).await.map_err(|error| failed(ctx, error))
}

/// Whether a text is short enough and printable.
pub(super) fn fits(text: Option<&str>, max: usize) -> bool {
    text.is_none_or(|text| {
        text.chars().count() <= max && !text.chars().any(onedoor_domain::text::unprintable)
    })
}

/// Refuses texts that are too long or unprintable, naming the field.
pub(super) fn check_texts(texts: &[(&str, Option<&str>)]) -> std::result::Result<(), Rejection> {
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
