//! The requests of DIGIT's services, member by member as their contracts write them.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::options::Options;
use super::{Module, Place};
use crate::upstream::adapter::{EncodeContext, EncodeError};
use crate::upstream::command::{DeliveryCommand, Operation};
use crate::upstream::view::{MaterialView, WithdrawalKind};
use crate::upstream::wire::WireRequest;

/// The longest comment of a workflow and of a complaint, characters.
const COMMENT_MAX: usize = 1_024;
/// The same of a licence.
const LICENCE_COMMENT_MAX: usize = 128;
/// Where our number and key stand in a record.
pub(super) const DETAIL: &str = "additionalDetail";
/// Our number of the case.
pub(super) const OUR_REFERENCE: &str = "ourRef";
/// The key of our last delivery.
pub(super) const OUR_KEY: &str = "ourKey";
/// Around our key at the end of a workflow's comment.
pub(super) const KEY_MARKS: (&str, &str) = (" [", "]");
/// How much their clock may be behind ours.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::hours(1);

const PGR: [&str; 3] = ["pgr-services", "v2", "request"];
const TL: [&str; 2] = ["tl-services", "v1"];
const WORKFLOW: [&str; 3] = ["egov-workflow-v2", "egov-wf", "process"];

/// What moves a record along.
pub(super) struct Change<'a> {
    action: &'a str,
    words: String,
}

impl<'a> Change<'a> {
    /// The action of an operation, and what is said with it.
    ///
    /// # Errors
    /// When the configuration has no action for the operation.
    pub(super) fn of(options: &'a Options, command: &DeliveryCommand) -> Result<Self, EncodeError> {
        let actions = &options.actions;
        let action = match command.operation {
            Operation::Submit => Some(actions.submit.as_str()),
            Operation::Transition => actions.transition.as_deref(),
            Operation::Supplement => actions.supplement.as_deref(),
            Operation::Withdraw => actions.withdraw.as_deref(),
            Operation::Notify => None,
        };
        Ok(Self {
            action: action.ok_or(EncodeError::Unsupported)?,
            words: words(command),
        })
    }

    /// The words up to a number of characters; `None` without any.
    fn comment(&self, length_max: usize) -> Option<String> {
        let cut: String = self.words.chars().take(length_max).collect();
        (!cut.trim().is_empty()).then_some(cut)
    }
}

fn words(command: &DeliveryCommand) -> String {
    let case = &command.case;
    match command.operation {
        Operation::Submit | Operation::Transition => case.handoff.note.clone().unwrap_or_default(),
        Operation::Supplement => {
            let Some(brought) = &case.supplement else {
                return String::new();
            };
            let named = |one: &MaterialView| format!("{} {}", one.code, one.name);
            let papers: Vec<String> = brought.materials.iter().map(named).collect();
            let note = brought.note.as_deref().unwrap_or_default();
            format!("{note} {}", papers.join(", ")).trim().to_owned()
        }
        Operation::Withdraw => {
            let kind = case.withdrawal.as_ref().map(|withdrawal| withdrawal.kind);
            match kind {
                Some(WithdrawalKind::Withdrawn) => "WITHDRAWN 申请人撤回",
                Some(WithdrawalKind::Voided) => "VOIDED 作废",
                Some(WithdrawalKind::Lapsed) => "LAPSED 逾期未补正",
                Some(WithdrawalKind::Recalled) => "RECALLED 移交方收回",
                None => "",
            }
            .to_owned()
        }
        Operation::Notify => String::new(),
    }
}

/// A new complaint.
pub(super) fn complaint(
    options: &Options,
    command: &DeliveryCommand,
    change: &Change<'_>,
    cx: &EncodeContext,
) -> Result<WireRequest, EncodeError> {
    let record = filled(options, command, record(options, command, code(options, command)?))?;
    let body = json!({
        "RequestInfo": request_info(options, "_create", &message(command), cx),
        "service": record,
        "workflow": workflow(change),
    });
    post(&PGR, "_create", &body)
}

/// A new application for a licence.
pub(super) fn licence(
    options: &Options,
    command: &DeliveryCommand,
    change: &Change<'_>,
    cx: &EncodeContext,
) -> Result<WireRequest, EncodeError> {
    let mut record = filled(options, command, record(options, command, code(options, command)?))?;
    moved(&mut record, change);
    let body = json!({
        "RequestInfo": request_info(options, "_create", &message(command), cx),
        "Licenses": [record],
    });
    post(&TL, "_create", &body)
}

/// A record as they hold it, moved along.
pub(super) fn update(
    options: &Options,
    command: &DeliveryCommand,
    held: &Map<String, Value>,
    change: &Change<'_>,
    cx: &EncodeContext,
) -> Result<WireRequest, EncodeError> {
    let mut record = held.clone();
    sign(options, command, &mut record)?;
    let info = request_info(options, "_update", &message(command), cx);
    if options.module == Module::Pgr {
        let body = json!({ "RequestInfo": info, "service": record, "workflow": workflow(change) });
        return post(&PGR, "_update", &body);
    }
    moved(&mut record, change);
    post(&TL, "_update", &json!({ "RequestInfo": info, "Licenses": [record] }))
}

/// One step of a bare workflow, the first one included.
pub(super) fn transition(
    options: &Options,
    command: &DeliveryCommand,
    change: &Change<'_>,
    cx: &EncodeContext,
) -> Result<WireRequest, EncodeError> {
    let (open, close) = KEY_MARKS;
    let mark = format!("{open}{}{close}", command.key);
    let room = COMMENT_MAX.saturating_sub(mark.chars().count());
    let words = change.comment(room).unwrap_or_default();
    let step = json!({
        "tenantId": options.tenant(&command.case.division.code),
        "businessService": options.business_service,
        "businessId": command.case.case_number,
        "moduleName": options.module_name,
        "action": change.action,
        "comment": format!("{words}{mark}").trim(),
        "documents": [],
        "assignes": [],
    });
    let body = json!({
        "RequestInfo": request_info(options, "_transition", &message(command), cx),
        "ProcessInstances": [step],
    });
    post(&WORKFLOW, "_transition", &body)
}

/// The question for one record: by their number where it is known, else for what was made since the case came.
pub(super) fn search(
    options: &Options,
    command: &DeliveryCommand,
    cx: &EncodeContext,
) -> Result<WireRequest, EncodeError> {
    let case = &command.case;
    let tenant = options.tenant(&case.division.code);
    let info = request_info(options, "_search", &message(command), cx);
    let asked = |path: &[&str]| -> Result<WireRequest, EncodeError> {
        let request = post(path, "_search", &json!({ "RequestInfo": info }))?;
        Ok(request.parameter("tenantId", tenant))
    };
    match (options.module, &command.external_id) {
        (Module::Workflow, _) => Ok(asked(&WORKFLOW)?
            .parameter("businessIds", &case.case_number)
            .parameter("history", "true")),
        (Module::Pgr, Some(number)) => Ok(asked(&PGR)?.parameter("serviceRequestId", number.as_str())),
        (Module::Tl, Some(number)) => Ok(asked(&TL)?.parameter("applicationNumber", number.as_str())),
        (Module::Pgr, None) => {
            let request = asked(&PGR)?
                .parameter("serviceCode", code(options, command)?)
                .parameter("sortOrder", "DESC");
            Ok(page(request, case.submitted_at - CLOCKS_DIFFER, 0, options))
        }
        (Module::Tl, None) => {
            let request = asked(&TL)?.parameter("businessService", &options.business_service);
            Ok(page(request, case.submitted_at - CLOCKS_DIFFER, 0, options))
        }
    }
}

/// The question for one page of all records of the last days.
pub(super) fn poll(options: &Options, place: Place, cx: &EncodeContext) -> Result<WireRequest, EncodeError> {
    let tenants = options.tenants();
    // a tenant that was taken out of the configuration begins the sweep anew
    let (tenant, offset) = match tenants.get(place.tenant) {
        Some(tenant) => (*tenant, place.offset),
        None => (tenants.first().copied().unwrap_or_default(), 0),
    };
    let message = format!("poll-{}", cx.now.timestamp_millis());
    let body = json!({ "RequestInfo": request_info(options, "_search", &message, cx) });
    let days = i64::try_from(options.search_days).unwrap_or(i64::MAX);
    let window = TimeDelta::try_days(days).unwrap_or(TimeDelta::MAX);
    let from = cx.now.checked_sub_signed(window).unwrap_or(cx.now);
    let request = if options.module == Module::Tl {
        post(&TL, "_search", &body)?
            .parameter("tenantId", tenant)
            .parameter("businessService", &options.business_service)
    } else {
        // in the order in which they were made, new ones come behind what was read
        post(&PGR, "_search", &body)?
            .parameter("tenantId", tenant)
            .parameter("sortOrder", "ASC")
    };
    Ok(page(request, from, offset, options))
}

fn page(request: WireRequest, from: DateTime<Utc>, offset: usize, options: &Options) -> WireRequest {
    // without an end: that would be by our clock, and what they made since by theirs would be missing
    request
        .parameter("fromDate", &from.timestamp_millis().to_string())
        .parameter("offset", &offset.to_string())
        .parameter("limit", &options.search_limit.to_string())
}

fn post(path: &[&str], operation: &str, body: &Value) -> Result<WireRequest, EncodeError> {
    let mut request = WireRequest::post(path);
    request.segments.push(operation.to_owned());
    Ok(request.json(body)?)
}

fn request_info(options: &Options, action: &str, message: &str, cx: &EncodeContext) -> Value {
    let (id, version) = &options.api;
    json!({
        "apiId": id,
        "ver": version,
        "ts": cx.now.timestamp_millis(),
        "action": action,
        "msgId": message,
    })
}

/// Every attempt is a message of its own.
fn message(command: &DeliveryCommand) -> String {
    format!("{}-{}", command.delivery, command.attempt)
}

fn code<'a>(options: &'a Options, command: &DeliveryCommand) -> Result<&'a str, EncodeError> {
    options
        .service_code(&command.case.item.code)
        .ok_or_else(|| EncodeError::Template {
            part: "service_codes".to_owned(),
            line: 0,
            reason: "it has no entry for the item of the case",
        })
}

fn workflow(change: &Change<'_>) -> Value {
    match change.comment(COMMENT_MAX) {
        Some(comments) => json!({ "action": change.action, "comments": comments }),
        None => json!({ "action": change.action }),
    }
}

fn moved(record: &mut Map<String, Value>, change: &Change<'_>) {
    record.insert("action".to_owned(), json!(change.action));
    match change.comment(LICENCE_COMMENT_MAX) {
        Some(comment) => record.insert("comment".to_owned(), json!(comment)),
        None => record.remove("comment"),
    };
}

/// A record with what every case has.
pub(super) fn record(options: &Options, command: &DeliveryCommand, code: &str) -> Map<String, Value> {
    let case = &command.case;
    let tenant = options.tenant(&case.division.code);
    let address = json!({
        "tenantId": tenant,
        "city": tenant,
        "locality": { "code": options.locality(&case.division.code), "name": case.division.name },
    });
    let mut person = json!({ "name": case.applicant.name, "type": "CITIZEN", "tenantId": tenant });
    if let (Some(phone), Value::Object(person)) = (&case.applicant.phone, &mut person) {
        person.insert("mobileNumber".to_owned(), json!(phone));
    }
    let record = if options.module == Module::Tl {
        if let (Some(home), Value::Object(person)) = (&case.applicant.address, &mut person) {
            person.insert("permanentAddress".to_owned(), json!(home));
        }
        json!({
            "tenantId": tenant,
            "businessService": options.business_service,
            "licenseType": "PERMANENT",
            "applicationType": "NEW",
            "tradeLicenseDetail": {
                "channel": "COUNTER",
                "owners": [person],
                "address": address,
                "tradeUnits": [{ "tradeType": code }],
            },
        })
    } else {
        json!({
            "tenantId": tenant,
            "serviceCode": code,
            "description": case.item.name_zh,
            "source": options.source,
            "citizen": person,
            "address": address,
        })
    };
    match record {
        Value::Object(record) => record,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

/// The same with what the configuration adds, and our number and key.
fn filled(
    options: &Options,
    command: &DeliveryCommand,
    mut record: Map<String, Value>,
) -> Result<Map<String, Value>, EncodeError> {
    let no_place = |part: &str| EncodeError::Template {
        part: part.to_owned(),
        line: 0,
        reason: "a path leads through something that is no object",
    };
    for (path, value) in &options.constants {
        place(&mut record, path, json!(value)).ok_or_else(|| no_place("constants"))?;
    }
    for (path, field) in &options.fields {
        let value = command.case.form.get(field).filter(|value| !value.is_null());
        if let Some(value) = value {
            place(&mut record, path, value.clone()).ok_or_else(|| no_place("fields"))?;
        }
    }
    sign(options, command, &mut record)?;
    Ok(record)
}

/// Puts our number and the key of this delivery where a search finds them.
fn sign(
    options: &Options,
    command: &DeliveryCommand,
    record: &mut Map<String, Value>,
) -> Result<(), EncodeError> {
    let no_place = || EncodeError::Template {
        part: DETAIL.to_owned(),
        line: 0,
        reason: "the record they hold has something there that is no object",
    };
    let holder = if options.module == Module::Tl {
        record
            .get_mut("tradeLicenseDetail")
            .and_then(Value::as_object_mut)
            .ok_or_else(no_place)?
    } else {
        record
    };
    let detail = holder.entry(DETAIL).or_insert(Value::Null);
    if detail.is_null() {
        *detail = json!({});
    }
    let detail = detail.as_object_mut().ok_or_else(no_place)?;
    detail.insert(OUR_REFERENCE.to_owned(), json!(command.case.case_number));
    detail.insert(OUR_KEY.to_owned(), json!(command.key));
    Ok(())
}

/// Puts a value at a path of members joined by dots, making what is missing; `None` when something else stands in the
/// way.
pub(super) fn place(record: &mut Map<String, Value>, path: &str, value: Value) -> Option<()> {
    let mut at = record;
    let (inwards, last) = path.rsplit_once('.').unwrap_or(("", path));
    for member in inwards.split('.').filter(|member| !member.is_empty()) {
        at = at.entry(member).or_insert_with(|| json!({})).as_object_mut()?;
    }
    at.insert(last.to_owned(), value);
    Some(())
}
