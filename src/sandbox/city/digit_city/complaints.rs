//! Complaints (`pgr-services`): one `service` at a time, moved along by the `workflow` beside it.
//!
//! `_create` with `APPLY` wants a known `serviceCode`, a source, an address and a citizen; `_update` wants `id` and
//! `serviceRequestId` back: `REOPEN` takes it up again, `CANCEL` stops, everything else is a comment.

use std::collections::BTreeMap;

use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::{Asked, Refused, Search, Service, audit, checked_tenant, locality, senders_number, text, with};
use crate::sandbox::city::book::{Application, Intake};
use crate::sandbox::city::desk::Desk;
use crate::sandbox::modes::Target;
use crate::sandbox::wire::{Decision, EventKind, State};

/// The kinds of complaints that are known.
pub const CODES: &[&str] = &[
    "WaterLogging",
    "StreetLightNotWorking",
    "GarbageNeedsTobeCleared",
    "Others",
];
/// The ways by which a complaint may have come.
const SOURCES: &[&str] = &["web", "mobile", "whatsapp", "ivr"];

const SERVICE: Service = Service {
    series: "PGR",
    our_ref: |asked| senders_number(asked.document.get("service")),
    number: |search: &Search| search.service_request_id.as_deref(),
    answer: |asked, desk, found| {
        let complaints: Vec<Value> = found.iter().map(written).collect();
        json!({ "responseInfo": asked.response_info(desk), "ServiceWrappers": complaints })
    },
};

/// Adds the service.
pub(super) fn routes(service: &mut ServiceConfig) {
    service
        .route("/pgr-services/v2/request/_create", web::post().to(create))
        .route("/pgr-services/v2/request/_update", web::post().to(update))
        .route("/pgr-services/v2/request/_search", web::post().to(search));
}

async fn create(desk: Data<Desk>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let asked = Asked::read(&body);
    let call = match SERVICE.opened(&desk, &request, Target::Submit, &asked).await {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    let (complaint, code) = match complete(&asked) {
        Ok(complete) => complete,
        Err(refused) => return desk.refused(&call, refused.answer()),
    };
    let intake = Intake {
        our_ref: call.our_ref.clone().unwrap_or_default(),
        fields: BTreeMap::from([
            ("series".to_owned(), SERVICE.series.to_owned()),
            ("code".to_owned(), code.to_owned()),
            (
                "division".to_owned(),
                locality(complaint.pointer("/address/locality/code")),
            ),
        ]),
        series: SERVICE.series,
        record: with(
            complaint.clone(),
            json!({ "id": uuid::Uuid::now_v7().to_string() }),
        ),
        ..Intake::default()
    };
    let taken = desk.take_in(&call, intake).await;
    SERVICE.answered(&desk, &call, &asked, taken).await
}

/// What a complaint needs before it is taken in; with it its kind.
fn complete(asked: &Asked) -> Result<(&Value, &str), Refused> {
    let complaint = asked.document.get("service").unwrap_or(&Value::Null);
    checked_tenant(text(complaint, "tenantId")?)?;
    let (code, source) = (text(complaint, "serviceCode")?, text(complaint, "source")?);
    if !CODES.contains(&code) {
        return Err(Refused::new(
            "INVALID_SERVICECODE",
            format!("The service code: {code} is not known"),
        ));
    }
    if !SOURCES.contains(&source) {
        return Err(Refused::new(
            "INVALID_SOURCE",
            format!("The source: {source} is not known"),
        ));
    }
    text(complaint.get("citizen").unwrap_or(&Value::Null), "name")?;
    if !complaint.get("address").is_some_and(Value::is_object) {
        return Err(Refused::new("INVALID_INPUT", "address must not be empty"));
    }
    match action(asked)? {
        "APPLY" => Ok((complaint, code)),
        action => Err(Refused::new(
            "INVALID_ACTION",
            format!("{action} creates no complaint"),
        )),
    }
}

fn action(asked: &Asked) -> Result<&str, Refused> {
    text(asked.document.get("workflow").unwrap_or(&Value::Null), "action")
}

async fn update(desk: Data<Desk>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let asked = Asked::read(&body);
    let call = match SERVICE.opened(&desk, &request, Target::Submit, &asked).await {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    match known(&desk, &asked) {
        Ok(known) => SERVICE.updated(&desk, &call, &asked, known).await,
        Err(refused) => desk.refused(&call, refused.answer()),
    }
}

/// A record that takes the place of the one that is held: both must be the same complaint.
fn known<'a>(desk: &Desk, asked: &'a Asked) -> Result<(&'a Value, &'a str, &'a str), Refused> {
    let record = asked.document.get("service").unwrap_or(&Value::Null);
    let (number, id) = (text(record, "serviceRequestId")?, text(record, "id")?);
    let is_held = desk.book().by_number(number).is_some_and(|one| {
        one.field("series") == SERVICE.series && one.record.get("id").and_then(Value::as_str) == Some(id)
    });
    if is_held {
        Ok((record, number, action(asked)?))
    } else {
        let message = "The record that you are trying to update does not exist in the system";
        Err(Refused::new("INVALID_UPDATE", message))
    }
}

async fn search(desk: Data<Desk>, request: HttpRequest, body: Bytes) -> HttpResponse {
    SERVICE.searched(&desk, &request, &body).await
}

fn written(application: &Application) -> Value {
    let status = status(application);
    let service = with(
        application.record.clone(),
        json!({
            "serviceRequestId": application.number,
            "applicationStatus": status,
            "auditDetails": audit(application),
        }),
    );
    json!({ "service": service, "workflow": { "action": last_action(status), "comments": application.opinion } })
}

/// The action that led to a state.
fn last_action(status: &str) -> &'static str {
    match status {
        "RESOLVED" => "RESOLVE",
        "REJECTED" => "REJECT",
        "CANCELLED" => "CANCEL",
        "PENDINGATLME" => "ASSIGN",
        _ => "APPLY",
    }
}

/// The state of the workflow `PGR`, or what was ordered.
fn status(application: &Application) -> &str {
    if application.state == State::Withdrawn {
        return "CANCELLED";
    }
    let last = application.last_word();
    if let Some(ordered) = last.and_then(|event| application.said_with(event, "status")) {
        return ordered;
    }
    match last.map(|event| event.kind) {
        None | Some(EventKind::Received) => "PENDINGFORASSIGNMENT",
        Some(EventKind::Decided | EventKind::Completed | EventKind::Delivered) => match application.result {
            Some(Decision::Denied) => "REJECTED",
            Some(Decision::Approved) | None => "RESOLVED",
        },
        Some(EventKind::Rejected) => "REJECTED",
        Some(
            EventKind::Accepted
            | EventKind::SupplementRequested
            | EventKind::SpecialBegun
            | EventKind::SpecialEnded
            | EventKind::Opinion
            | EventKind::Note,
        ) => "PENDINGATLME",
    }
}
