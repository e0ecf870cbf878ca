//! Trade licences (`tl-services`): one of `Licenses` at a time, moved along by the `action` in it.
//!
//! `_create` with `INITIATE` or `APPLY` wants a type of licence, a name, an owner and a known type of trade; `_update` wants
//! `id` and `applicationNumber` back: `CANCEL` stops, `FORWARD` brings papers, `REOPEN` takes it up again.

use std::collections::BTreeMap;

use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::{Asked, Refused, Search, Service, audit, checked_tenant, locality, senders_number, text, with};
use crate::sandbox::city::book::{Application, Intake};
use crate::sandbox::city::desk::Desk;
use crate::sandbox::modes::Target;
use crate::sandbox::wire::{Decision, EventKind, State};

/// The types of trade that are known.
pub const TRADES: &[&str] = &["GOODS.RETAIL.TST-1", "SERVICES.CATERING.TST-2"];

const SERVICE: Service = Service {
    series: "TL",
    our_ref: |asked| senders_number(licence(asked)?.get("tradeLicenseDetail")),
    number: |search: &Search| search.application_number.as_deref(),
    answer: |asked, desk, found| {
        let licences: Vec<Value> = found.iter().map(written).collect();
        json!({ "ResponseInfo": asked.response_info(desk), "Licenses": licences, "Count": found.len() })
    },
};

/// Adds the service.
pub(super) fn routes(service: &mut ServiceConfig) {
    service
        .route("/tl-services/v1/_create", web::post().to(create))
        .route("/tl-services/v1/_update", web::post().to(update))
        .route("/tl-services/v1/_search", web::post().to(search));
}

/// The licence of a request.
fn licence(asked: &Asked) -> Option<&Value> {
    asked.document.get("Licenses")?.get(0)
}

async fn create(desk: Data<Desk>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let asked = Asked::read(&body);
    let call = match SERVICE.opened(&desk, &request, Target::Submit, &asked).await {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    let (licence, trade) = match complete(&asked) {
        Ok(complete) => complete,
        Err(refused) => return desk.refused(&call, refused.answer()),
    };
    let intake = Intake {
        our_ref: call.our_ref.clone().unwrap_or_default(),
        fields: BTreeMap::from([
            ("series".to_owned(), SERVICE.series.to_owned()),
            ("code".to_owned(), trade.to_owned()),
            (
                "division".to_owned(),
                locality(licence.pointer("/tradeLicenseDetail/address/locality/code")),
            ),
        ]),
        series: SERVICE.series,
        record: with(licence.clone(), json!({ "id": uuid::Uuid::now_v7().to_string() })),
        ..Intake::default()
    };
    let taken = desk.take_in(&call, intake).await;
    SERVICE.answered(&desk, &call, &asked, taken).await
}

/// What a licence needs before it is taken in; with it the type of its trade.
fn complete(asked: &Asked) -> Result<(&Value, &str), Refused> {
    let licence =
        licence(asked).ok_or_else(|| Refused::new("INVALID_INPUT", "Licenses must not be empty"))?;
    checked_tenant(text(licence, "tenantId")?)?;
    for member in ["licenseType", "applicationType", "tradeName"] {
        text(licence, member)?;
    }
    let action = text(licence, "action")?;
    if !["INITIATE", "APPLY"].contains(&action) {
        return Err(Refused::new(
            "INVALID_ACTION",
            format!("{action} creates no licence"),
        ));
    }
    let detail = licence.get("tradeLicenseDetail").unwrap_or(&Value::Null);
    let owner = detail.pointer("/owners/0").unwrap_or(&Value::Null);
    text(owner, "name")?;
    let trade = text(
        detail.pointer("/tradeUnits/0").unwrap_or(&Value::Null),
        "tradeType",
    )?;
    if !TRADES.contains(&trade) {
        return Err(Refused::new(
            "INVALID TRADETYPE",
            format!("tradeType {trade} does not exist"),
        ));
    }
    Ok((licence, trade))
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

/// A record that takes the place of the one that is held: both must be the same licence.
fn known<'a>(desk: &Desk, asked: &'a Asked) -> Result<(&'a Value, &'a str, &'a str), Refused> {
    let record = licence(asked).ok_or_else(|| Refused::new("INVALID_INPUT", "Licenses must not be empty"))?;
    let (number, id) = (text(record, "applicationNumber")?, text(record, "id")?);
    let action = text(record, "action")?;
    let is_held = desk.book().by_number(number).is_some_and(|one| {
        one.field("series") == SERVICE.series && one.record.get("id").and_then(Value::as_str) == Some(id)
    });
    if is_held {
        Ok((record, number, action))
    } else {
        let message = "The licence to be updated is not in the database";
        Err(Refused::new("INVALID UPDATE", message))
    }
}

async fn search(desk: Data<Desk>, request: HttpRequest, body: Bytes) -> HttpResponse {
    SERVICE.searched(&desk, &request, &body).await
}

fn written(application: &Application) -> Value {
    let status = status(application);
    let number = (status == "APPROVED").then(|| format!("TL-{}", application.number));
    with(
        application.record.clone(),
        json!({
            "applicationNumber": application.number,
            "status": status,
            "comment": application.opinion,
            "licenseNumber": number,
            "applicationDate": application.received_at.timestamp_millis(),
            "auditDetails": audit(application),
        }),
    )
}

/// The state of the workflow `NewTL`, or what was ordered.
fn status(application: &Application) -> &str {
    if application.state == State::Withdrawn {
        return "CANCELLED";
    }
    let last = application.last_word();
    if let Some(ordered) = last.and_then(|event| application.said_with(event, "status")) {
        return ordered;
    }
    match last.map(|event| event.kind) {
        None | Some(EventKind::Received) => "APPLIED",
        Some(EventKind::Decided | EventKind::Completed | EventKind::Delivered) => match application.result {
            Some(Decision::Denied) => "REJECTED",
            Some(Decision::Approved) | None => "APPROVED",
        },
        Some(EventKind::SupplementRequested) => "CITIZENACTIONREQUIRED",
        Some(EventKind::Rejected) => "REJECTED",
        Some(
            EventKind::Accepted
            | EventKind::SpecialBegun
            | EventKind::SpecialEnded
            | EventKind::Opinion
            | EventKind::Note,
        ) => "FIELDINSPECTION",
    }
}
