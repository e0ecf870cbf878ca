//! `syncKiosk`: what a kiosk collected while it was offline, with a result for each.

use async_graphql::{
    Context, Enum, InputObject, InputType, Object, Result, SimpleObject, Value as ConstValue,
};
use chrono::{DateTime, Utc};
use onedoor_domain::id::DraftId;
use onedoor_domain::idempotency::IdempotencyKey;
use onedoor_domain::kiosk::DeviceTime;
use onedoor_domain::policy::Act;
use serde_json::Value;
use uuid::Uuid;

use super::act::{answered, told};
use super::intake::{SubmitCaseInput, SubmitWarning, application};
use crate::graphql::reach::{failed, request};
use crate::graphql::types::case::Case;
use crate::graphql::types::kiosk::kiosks;
use crate::graphql::types::receipt::Receipt;
use crate::graphql::types::scalars::Json;
use crate::graphql::user_error::SyncKioskUserError;
use crate::service::guard;
use crate::service::intake::Application;
use crate::service::kiosks::batch::{Batch, Item, ItemOutcome};
use crate::service::rejection::{Rejection, RejectionCode};

/// Marker with which the executing crate replaces uploaded files; no input may bring it.
const UPLOAD_MARKER: &str = "#__graphql_file__";

/// A batch of a kiosk.
#[derive(InputObject)]
pub struct SyncKioskInput {
    /// The device's clock as it sends, right or wrong: the age of each item is told by its difference to `capturedAt`.
    device_time: DateTime<Utc>,
    /// A random UUID of the device's last start.
    boot: Option<Uuid>,
    /// Seconds since that start as it sends. With the same `boot` on an item they go before its clock.
    uptime_seconds: Option<i32>,
    /// What was collected, in order; at most 200.
    items: Vec<KioskItemInput>,
}

/// One application that a kiosk took in while it was offline. Exactly one of `input` and `sealedInput` is given.
#[derive(InputObject)]
pub struct KioskItemInput {
    /// The application's key, the same as inside: repeat it only to repeat the same application, here or by `submitCase`.
    idempotency_key: Uuid,
    /// 临时编号: what was printed for the applicant; up to 40 capital letters, digits and hyphens, never given twice.
    provisional_number: String,
    /// When it was taken in, by the device's clock.
    captured_at: DateTime<Utc>,
    /// The `boot` of then.
    boot: Option<Uuid>,
    /// Seconds since that start.
    uptime_seconds: Option<i32>,
    /// The application: a `SubmitCaseInput` as JSON. It is read item by item, so that a faulty one stops no other.
    input: Option<Json>,
    /// The same, sealed to the gateway's key as a compact JWE (docs/kiosk.md), so that the device holds nothing readable.
    sealed_input: Option<String>,
}

/// What came of an item.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum KioskItemOutcome {
    /// It is a case; also when it was sent before: then the answer of then is given, byte for byte.
    Accepted,
    /// Its key stood before in this batch; the answer is that one's.
    Duplicate,
    /// It is no case and never will be as it is: `userErrors` says why and what to do.
    Refused,
    /// It could not be stored now: keep it, and send it again after `retryAfterMs`.
    Retry,
}

/// What came of one item of a batch, in the order of the items.
#[derive(SimpleObject)]
pub struct KioskItemResult {
    /// Key of the item.
    idempotency_key: Uuid,
    /// 临时编号 of the item.
    provisional_number: String,
    /// What came of it.
    outcome: KioskItemOutcome,
    /// The case.
    case: Option<Case>,
    /// The receipt (收件回执); it tells when the application was captured and when it arrived, which is when it counts.
    receipt: Option<Receipt>,
    /// 查询码: with the tracking code it opens this one case. Print it for the applicant and keep it nowhere.
    tracking_secret: Option<String>,
    /// What is doubtful, but did not stand against it.
    warnings: Vec<SubmitWarning>,
    /// Why it was refused; empty when it was not.
    user_errors: Vec<SyncKioskUserError>,
    /// With RETRY: after how many milliseconds.
    retry_after_ms: Option<i32>,
}

/// What came of `syncKiosk`.
#[derive(SimpleObject)]
pub struct SyncKioskPayload {
    /// One result for each item; empty when the batch itself cannot be.
    results: Vec<KioskItemResult>,
    /// What is wrong with the batch itself; empty when it was looked at.
    user_errors: Vec<SyncKioskUserError>,
}

/// The batches of kiosks.
#[derive(Default)]
pub struct SyncMutations;

/// The batches of kiosks.
#[Object]
impl SyncMutations {
    /// Hand in what a kiosk collected while it was offline. Each item ends by itself; when the answer is lost, send the
    /// whole batch again and get the same results.
    async fn sync_kiosk(&self, ctx: &Context<'_>, input: SyncKioskInput) -> Result<SyncKioskPayload> {
        let (kiosks, actor) = (kiosks(ctx)?, &request(ctx)?.actor);
        guard::allow(actor, Act::SyncKiosk).map_err(|error| failed(ctx, error))?;
        let items_max = kiosks.settings().batch_items_max;
        if input.items.len() > usize::from(items_max) {
            return Ok(SyncKioskPayload {
                results: Vec::new(),
                user_errors: told(ctx, &[too_many(items_max)], SyncKioskUserError::of)?,
            });
        }
        let named: Vec<_> = input
            .items
            .iter()
            .map(|item| (item.idempotency_key, item.provisional_number.clone()))
            .collect();
        let sent = device_time(input.device_time, input.boot, input.uptime_seconds);
        let mut items = Vec::with_capacity(input.items.len());
        for item in input.items {
            items.push(read(ctx, item).await?);
        }
        let batch = Batch { sent, items };
        let outcomes = Box::pin(kiosks.sync(actor, batch)).await;
        let outcomes = outcomes.map_err(|error| failed(ctx, error))?;
        let mut results = Vec::with_capacity(outcomes.len());
        for ((key, number), outcome) in named.into_iter().zip(outcomes) {
            results.push(KioskItemResult::of(ctx, key, number, outcome).await?);
        }
        Ok(SyncKioskPayload {
            results,
            user_errors: Vec::new(),
        })
    }
}

impl KioskItemResult {
    async fn of(ctx: &Context<'_>, key: Uuid, number: String, outcome: ItemOutcome) -> Result<Self> {
        let mut result = Self {
            idempotency_key: key,
            provisional_number: number,
            outcome: KioskItemOutcome::Refused,
            case: None,
            receipt: None,
            tracking_secret: None,
            warnings: Vec::new(),
            user_errors: Vec::new(),
            retry_after_ms: None,
        };
        let (outcome, answer) = match outcome {
            ItemOutcome::Accepted(answer) => (KioskItemOutcome::Accepted, answer),
            ItemOutcome::Duplicate(answer) => (KioskItemOutcome::Duplicate, answer),
            ItemOutcome::Refused(rejections) => {
                result.user_errors = told(ctx, &rejections, SyncKioskUserError::of)?;
                return Ok(result);
            }
            ItemOutcome::Retry { after_ms } => {
                result.outcome = KioskItemOutcome::Retry;
                result.retry_after_ms = Some(i32::try_from(after_ms).unwrap_or(i32::MAX));
                return Ok(result);
            }
        };
        let (case, receipt) = answered(ctx, &answer).await?;
        result.outcome = outcome;
        result.case = Some(case);
        result.receipt = receipt;
        result.warnings = SubmitWarning::all(ctx, &answer.warnings);
        result.tracking_secret = answer.secret;
        Ok(result)
    }
}

/// Reads one item; what is wrong with it stays its own.
async fn read(ctx: &Context<'_>, item: KioskItemInput) -> Result<Item> {
    let captured = device_time(item.captured_at, item.boot, item.uptime_seconds);
    let plain = match (item.input, item.sealed_input) {
        (Some(Json(input)), None) => Ok(input),
        (None, Some(sealed)) => kiosks(ctx)?.open(&request(ctx)?.actor, &sealed),
        (Some(_), Some(_)) | (None, None) => Err(malformed()),
    };
    let application = match plain {
        Ok(plain) => parse(ctx, plain).await?,
        Err(rejection) => Err(rejection),
    };
    Ok(Item {
        key: IdempotencyKey::from_uuid(item.idempotency_key),
        number: item.provisional_number,
        captured,
        application: application.map(Box::new),
    })
}

/// What a document would have been coerced to, had it stood in one. The cause of a fault would quote it.
///
/// # Errors
/// What keeps the whole batch from being read, such as a database that is away; the inner error is the item's own.
async fn parse(ctx: &Context<'_>, plain: Value) -> Result<std::result::Result<Application, Rejection>> {
    if carries_marker(&plain) {
        return Ok(Err(malformed()));
    }
    let value = ConstValue::from_json(plain).ok();
    let input = value.and_then(|value| SubmitCaseInput::parse(Some(value)).ok());
    let named = |input: &SubmitCaseInput| {
        let draft = input.draft.as_deref();
        draft.is_none_or(|id| id.parse::<DraftId>().is_ok())
    };
    match input.filter(named) {
        Some(input) => application(ctx, input).await,
        None => Ok(Err(malformed())),
    }
}

fn carries_marker(value: &Value) -> bool {
    match value {
        Value::String(text) => text.starts_with(UPLOAD_MARKER),
        Value::Array(items) => items.iter().any(carries_marker),
        Value::Object(members) => members.values().any(carries_marker),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn device_time(at: DateTime<Utc>, boot: Option<Uuid>, uptime_s: Option<i32>) -> DeviceTime {
    let uptime_s = uptime_s.and_then(|seconds| u32::try_from(seconds).ok());
    DeviceTime {
        at,
        uptime: boot.zip(uptime_s),
    }
}

fn malformed() -> Rejection {
    Rejection::of(
        RejectionCode::InvalidField,
        &["input"],
        "须给出 input 或 sealedInput 之一，内容为 SubmitCaseInput 的 JSON。",
        "Give either input or sealedInput, holding a SubmitCaseInput as JSON.",
    )
}

fn too_many(items_max: u16) -> Rejection {
    Rejection::of(
        RejectionCode::InvalidField,
        &["items"],
        format!("一批最多 {items_max} 件，请分批上传。"),
        format!("A batch has at most {items_max} items; send it in parts."),
    )
}
