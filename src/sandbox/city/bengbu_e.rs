//! Bengbu e-net 蚌埠e网 (`bengbu-e`): forms with the sender's key in them, answers in JSON, news for whoever asks.
//!
//! `POST e/apply`, `e/papers`, `e/stop` and `e/news`; each form carries `appkey`. It recognizes no repetition and can be
//! asked for no single ticket. Answers are `{ok, ticket, ref, state, …}`; `ok: false` comes with `why` and `words`.

use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::sandbox::city::book::{Application, Intake};
use crate::sandbox::city::desk::Desk;
use crate::sandbox::city::manners::{Fields, kept, listed};
use crate::sandbox::city::{Numbering, Persona};
use crate::sandbox::department::Call;
use crate::sandbox::modes::Target;
use crate::sandbox::store::Did;
use crate::sandbox::wire::{Answer, Decision, Event, EventKind};

/// The system's line in the table.
pub const PERSONA: Persona = Persona {
    name: "bengbu-e",
    number,
    course: |_| &[EventKind::Received, EventKind::Accepted, EventKind::Decided],
    routes,
    report: None,
};

/// The most news of one page.
const PAGE_MAX: usize = 500;

fn number(numbering: &Numbering) -> String {
    format!("E{}", numbering.digits())
}

fn routes(service: &mut ServiceConfig) {
    service
        .route("/e/apply", web::post().to(apply))
        .route("/e/papers", web::post().to(papers))
        .route("/e/stop", web::post().to(stop))
        .route("/e/news", web::post().to(news));
}

async fn apply(
    desk: Data<Desk>,
    request: HttpRequest,
    form: web::Form<Vec<(String, String)>>,
) -> HttpResponse {
    let fields = Fields(&form);
    let call = match opened(&desk, &request, Target::Submit, &fields).await {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    let missing = ["ref", "item", "area", "name"]
        .into_iter()
        .find(|name| fields.get(name).is_empty());
    if let Some(name) = missing {
        return refused(&desk, &call, "fields", &format!("请填写 {name}"));
    }
    let intake = Intake {
        our_ref: fields.get("ref").to_owned(),
        papers: listed(fields.get("files")),
        fields: kept([
            ("item", fields.get("item").to_owned()),
            ("division", fields.get("area").to_owned()),
        ]),
        consulted: fields.get("advice") == "1",
        callback_url: None,
    };
    let (application, did) = desk.take_in(&call, intake).await;
    told(&desk, &call, &application, did).await
}

async fn papers(
    desk: Data<Desk>,
    request: HttpRequest,
    form: web::Form<Vec<(String, String)>>,
) -> HttpResponse {
    let fields = Fields(&form);
    let call = match opened(&desk, &request, Target::Submit, &fields).await {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    match desk.supplement(&call, fields.get("ticket"), listed(fields.get("files"))) {
        Some((application, did)) => told(&desk, &call, &application, did).await,
        None => refused(&desk, &call, "fields", "没有此工单"),
    }
}

async fn stop(
    desk: Data<Desk>,
    request: HttpRequest,
    form: web::Form<Vec<(String, String)>>,
) -> HttpResponse {
    let fields = Fields(&form);
    let call = match opened(&desk, &request, Target::Submit, &fields).await {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    let cause = Some(fields.get("why").to_owned());
    match desk.withdraw(&call, fields.get("ticket"), cause) {
        Some(application) => told(&desk, &call, &application, Did::Withdrew).await,
        None => refused(&desk, &call, "fields", "没有此工单"),
    }
}

async fn news(
    desk: Data<Desk>,
    request: HttpRequest,
    form: web::Form<Vec<(String, String)>>,
) -> HttpResponse {
    let fields = Fields(&form);
    let call = match opened(&desk, &request, Target::Query, &fields).await {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    let since: usize = fields.get("since").parse().unwrap_or_default();
    let limit = fields.get("max").parse().unwrap_or(PAGE_MAX).min(PAGE_MAX);
    let (events, more) = desk.book().events(since, limit);
    let items: Vec<Value> = events.iter().map(said).collect();
    let next = since.saturating_add(events.len());
    let answer = HttpResponse::Ok().json(json!({ "ok": true, "items": items, "since": next, "more": more }));
    desk.done(&call, Did::Answered, None, answer).await
}

/// Lets a request in, or ends it.
async fn opened(
    desk: &Desk,
    request: &HttpRequest,
    on: Target,
    fields: &Fields<'_>,
) -> Result<Call, HttpResponse> {
    let our_ref = match fields.get("ref") {
        "" => desk
            .book()
            .by_number(fields.get("ticket"))
            .map(|one| one.our_ref.clone()),
        our_ref => Some(our_ref.to_owned()),
    };
    let call = desk.call(request, on, our_ref.as_deref(), None);
    if !desk.knows("APPKEY", fields.get("appkey")) {
        return Err(refused(desk, &call, "appkey", "appkey 无效"));
    }
    if !call.rule.mode.acts() {
        return Err(desk.without_effect(&call).await);
    }
    Ok(call)
}

async fn told(desk: &Desk, call: &Call, application: &Application, did: Did) -> HttpResponse {
    let answer = match application.last_word() {
        Some(event) => said(event),
        None => json!({
            "ok": true, "ticket": application.number, "ref": application.our_ref, "state": "new", "ver": 0,
            "time": application.received_at.timestamp_millis(),
        }),
    };
    desk.done(
        call,
        did,
        Some(&application.number),
        HttpResponse::Ok().json(answer),
    )
    .await
}

fn refused(desk: &Desk, call: &Call, why: &str, words: &str) -> HttpResponse {
    desk.refused(
        call,
        HttpResponse::Ok().json(json!({ "ok": false, "why": why, "words": words })),
    )
}

fn said(event: &Event) -> Value {
    let state = match (event.kind, event.result, event.details.answer) {
        (EventKind::Received, ..) => "new",
        (EventKind::Accepted, ..) => "open",
        (EventKind::SupplementRequested, ..) => "lack",
        (EventKind::SpecialBegun, ..) => "wait",
        (EventKind::SpecialEnded, ..) => "goon",
        (EventKind::Opinion, _, Some(Answer::Agree)) => "agree",
        (EventKind::Opinion, _, Some(Answer::AgreeWithConditions)) => "agreeif",
        (EventKind::Opinion, _, Some(Answer::Object)) => "object",
        (EventKind::Decided, Some(Decision::Approved), _) => "yes",
        (EventKind::Decided, Some(Decision::Denied), _) => "no",
        (EventKind::Completed, ..) => "done",
        (EventKind::Delivered, ..) => "taken",
        (EventKind::Rejected, ..) => "back",
        (EventKind::Note | EventKind::Opinion | EventKind::Decided, ..) => "info",
    };
    json!({
        "ok": true, "ticket": event.serial_no, "ref": event.our_ref, "state": state, "ver": event.seq,
        "note": event.opinion, "lack": event.details.materials, "time": event.occurred_at.timestamp_millis(),
    })
}
