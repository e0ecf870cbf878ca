//! Grid service and management platform 网格化服务管理信息平台 (`grid-platform`): grid events as JSON, Standard Webhooks both ways.
//!
//! `POST api/grid-events`, `POST api/grid-events/{eventNo}/reopening`, `DELETE api/grid-events/{eventNo}` and
//! `GET api/grid-events/{eventNo}`. Requests are signed by Standard Webhooks 1.0; `idempotency-key` is what a repetition
//! is known by. Refusals are statuses of HTTP with `{error, note}`. Each change is reported to `webhook` in an envelope
//! `{type, timestamp, data}`, signed likewise.

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use aws_lc_rs::hmac::HMAC_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::city::book::{Application, Intake};
use crate::sandbox::city::course::Letter;
use crate::sandbox::city::desk::Desk;
use crate::sandbox::city::manners::{header, is_mac, is_recent, kept, mac};
use crate::sandbox::city::{Numbering, Persona};
use crate::sandbox::department::Call;
use crate::sandbox::modes::Target;
use crate::sandbox::store::Did;
use crate::sandbox::wire::{Answer, Decision, Event, EventKind};

/// The system's line in the table.
pub const PERSONA: Persona = Persona {
    name: "grid-platform",
    number,
    // it takes in and accepts; who resolves is chosen by the centre
    course: |_| &[EventKind::Received, EventKind::Accepted],
    routes,
    report: Some(report),
};

fn number(numbering: &Numbering) -> String {
    format!("WG-{}", numbering.digits())
}

fn routes(service: &mut ServiceConfig) {
    service
        .route("/api/grid-events", web::post().to(submit))
        .route("/api/grid-events/{number}", web::get().to(show))
        .route("/api/grid-events/{number}", web::delete().to(cancel))
        .route("/api/grid-events/{number}/reopening", web::post().to(reopen));
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reported {
    report_no: String,
    category: String,
    grid_code: String,
    summary: String,
    place: String,
    #[serde(default)]
    advice: bool,
    webhook: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reopening {
    report_no: String,
    #[serde(default)]
    advice: bool,
    webhook: Option<String>,
}

async fn submit(desk: Data<Desk>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let read = serde_json::from_slice::<Reported>(&body);
    let our_ref = read.as_ref().ok().map(|one| one.report_no.as_str());
    let call = match opened(&desk, &request, Target::Submit, our_ref, &body).await {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    let event = match read {
        Ok(event) => event,
        Err(error) => {
            return refused(
                &desk,
                &call,
                422,
                "malformed",
                &format!("line {}: {error}", error.line()),
            );
        }
    };
    if event.summary.is_empty() || event.place.is_empty() {
        return refused(&desk, &call, 422, "malformed", "事件描述与地点不能为空");
    }
    if event.grid_code.len() != 12 {
        return refused(&desk, &call, 422, "no-such-grid", "没有此网格");
    }
    let intake = Intake {
        our_ref: event.report_no,
        papers: Vec::new(),
        fields: kept([("category", event.category), ("division", event.grid_code)]),
        consulted: event.advice,
        callback_url: event.webhook,
    };
    let (application, did) = desk.take_in(&call, intake).await;
    told(&desk, &call, &application, did, 201).await
}

async fn reopen(desk: Data<Desk>, request: HttpRequest, number: Path<String>, body: Bytes) -> HttpResponse {
    let read = serde_json::from_slice::<Reopening>(&body);
    let our_ref = read.as_ref().ok().map(|one| one.report_no.as_str());
    let call = match opened(&desk, &request, Target::Submit, our_ref, &body).await {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    let reopening = match read {
        Ok(reopening) => reopening,
        Err(error) => {
            return refused(
                &desk,
                &call,
                422,
                "malformed",
                &format!("line {}: {error}", error.line()),
            );
        }
    };
    let intake = Intake {
        our_ref: reopening.report_no,
        consulted: reopening.advice,
        callback_url: reopening.webhook,
        ..Intake::default()
    };
    match desk.take_again(&call, &number, intake).await {
        Some((application, did)) => told(&desk, &call, &application, did, 200).await,
        None => refused(&desk, &call, 422, "no-such-event", "没有此事件"),
    }
}

async fn cancel(desk: Data<Desk>, request: HttpRequest, number: Path<String>, body: Bytes) -> HttpResponse {
    let our_ref = desk.book().by_number(&number).map(|one| one.our_ref.clone());
    let call = match opened(&desk, &request, Target::Submit, our_ref.as_deref(), &body).await {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    match desk.withdraw(&call, &number, None) {
        Some(application) => told(&desk, &call, &application, Did::Withdrew, 200).await,
        None => refused(&desk, &call, 422, "no-such-event", "没有此事件"),
    }
}

async fn show(desk: Data<Desk>, request: HttpRequest, number: Path<String>, body: Bytes) -> HttpResponse {
    let found = desk.book().by_number(&number).cloned();
    let our_ref = found.as_ref().map(|one| one.our_ref.as_str());
    let call = match opened(&desk, &request, Target::Query, our_ref, &body).await {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    match found {
        Some(application) => told(&desk, &call, &application, Did::Answered, 200).await,
        None => refused(&desk, &call, 404, "no-such-event", "没有此事件"),
    }
}

/// Lets a request in, or ends it.
async fn opened(
    desk: &Desk,
    request: &HttpRequest,
    on: Target,
    our_ref: Option<&str>,
    body: &[u8],
) -> Result<Call, HttpResponse> {
    let key = Some(header(request, "idempotency-key")).filter(|key| !key.is_empty());
    let call = desk.call(request, on, our_ref, key);
    if !is_signed(desk, request, body) {
        return Err(refused(desk, &call, 401, "signature", "签名无效"));
    }
    if !call.rule.mode.acts() {
        return Err(desk.without_effect(&call).await);
    }
    Ok(call)
}

/// The bytes of a `whsec_…` secret.
fn secret(desk: &Desk, what: &str) -> Option<Vec<u8>> {
    let text = desk.secret(what)?.expose();
    STANDARD.decode(text.strip_prefix("whsec_")?).ok()
}

fn is_signed(desk: &Desk, request: &HttpRequest, body: &[u8]) -> bool {
    let (id, time) = (
        header(request, "webhook-id"),
        header(request, "webhook-timestamp"),
    );
    let Some(secret) = secret(desk, "SIGNING_SECRET") else {
        return false;
    };
    let signed = [id.as_bytes(), b".", time.as_bytes(), b".", body];
    let mut tags = header(request, "webhook-signature")
        .split(' ')
        .filter_map(|tag| STANDARD.decode(tag.strip_prefix("v1,")?).ok());
    is_recent(&format!("{time}000"), desk.now()) && tags.any(|tag| is_mac(&secret, &signed, &tag))
}

async fn told(desk: &Desk, call: &Call, application: &Application, did: Did, status: u16) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let answer = HttpResponse::build(status).json(shown(application));
    desk.done(call, did, Some(&application.number), answer).await
}

fn refused(desk: &Desk, call: &Call, status: u16, error: &str, note: &str) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    desk.refused(
        call,
        HttpResponse::build(status).json(json!({ "error": error, "note": note })),
    )
}

fn shown(application: &Application) -> Value {
    match application.last_word() {
        Some(event) => said(event),
        None => json!({
            "eventNo": application.number, "reportNo": application.our_ref, "status": "registered", "seq": 0,
            "at": instant(application.received_at),
        }),
    }
}

fn said(event: &Event) -> Value {
    let status = match (event.kind, event.result, event.details.answer) {
        (EventKind::Received, ..) => "registered",
        (EventKind::Accepted, ..) => "accepted",
        (EventKind::SupplementRequested, ..) => "incomplete",
        (EventKind::SpecialBegun, ..) => "suspended",
        (EventKind::SpecialEnded, ..) => "resumed",
        (EventKind::Opinion, _, Some(Answer::Agree)) => "agreed",
        (EventKind::Opinion, _, Some(Answer::AgreeWithConditions)) => "agreed-with-conditions",
        (EventKind::Opinion, _, Some(Answer::Object)) => "objected",
        (EventKind::Decided, Some(Decision::Approved), _) => "resolved",
        (EventKind::Decided, Some(Decision::Denied), _) => "unfounded",
        (EventKind::Completed | EventKind::Delivered, ..) => "closed",
        (EventKind::Rejected, ..) => "returned",
        (EventKind::Note | EventKind::Opinion | EventKind::Decided, ..) => "progress",
    };
    json!({
        "eventNo": event.serial_no, "reportNo": event.our_ref, "status": status, "seq": event.seq,
        "note": event.opinion, "at": instant(event.occurred_at),
    })
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn report(desk: &Desk, application: &Application, event: &Event) -> Option<Letter> {
    let url = application.callback_url.clone()?;
    let envelope =
        json!({ "type": "grid.event.changed", "timestamp": instant(desk.now()), "data": said(event) });
    let body = serde_json::to_vec(&envelope).ok()?;
    let time = desk.now().timestamp().to_string();
    let signed = [event.event_id.as_bytes(), b".", time.as_bytes(), b".", &body];
    let tag = STANDARD.encode(mac(HMAC_SHA256, &secret(desk, "CALLBACK_SECRET")?, &signed));
    Some(Letter {
        url,
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("webhook-id", event.event_id.clone()),
            ("webhook-timestamp", time),
            ("webhook-signature", format!("v1,{tag}")),
        ],
        body,
    })
}
