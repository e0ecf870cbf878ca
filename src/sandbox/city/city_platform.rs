//! Municipal unified information platform 市级统一综合信息平台 (`city-platform`): REST and JSON behind OAuth 2.0.
//!
//! | request | what it does |
//! |---|---|
//! | `POST oauth/token` | client credentials of `onedoor`, by HTTP Basic; a token holds ten minutes |
//! | `POST openapi/v1/affairs` | registers an affair; `requestId` is what a repetition is known by |
//! | `POST openapi/v1/affairs/{platformNo}/reassignment`, `…/supplement`, `…/revocation` | goes on with one |
//! | `GET openapi/v1/affairs?affairNo=`, `GET openapi/v1/affairs/{platformNo}` | asks for one, by the sender's number or its own |
//! | `GET openapi/v1/changes?cursor=&size=` | all changes since a cursor, for senders that are never called |
//!
//! Every answer is `{code, message, data}` with a code of 0 for success, under HTTP 200 also where it refuses; only what
//! comes without a token that holds is 401.

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use aws_lc_rs::hmac::HMAC_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::city::book::{Application, Intake};
use crate::sandbox::city::desk::Desk;
use crate::sandbox::city::manners::{beijing, credentials, header, is_mac, kept, mac};
use crate::sandbox::city::{Numbering, Persona};
use crate::sandbox::department::Call;
use crate::sandbox::modes::Target;
use crate::sandbox::store::Did;
use crate::sandbox::wire::{Answer, Decision, Event, EventKind};

/// The system's line in the table.
pub const PERSONA: Persona = Persona {
    name: "city-platform",
    number,
    course: |_| &[EventKind::Received, EventKind::Decided],
    routes,
    report: None,
};

const CLIENT: &str = "onedoor";
/// How long a token holds, seconds.
const TOKEN_S: i64 = 600;
/// The most changes of one page.
const PAGE_MAX: usize = 500;

fn number(numbering: &Numbering) -> String {
    format!("SZPT{}", numbering.digits())
}

fn routes(service: &mut ServiceConfig) {
    service
        .route("/oauth/token", web::post().to(token))
        .route("/openapi/v1/affairs", web::post().to(register))
        .route("/openapi/v1/affairs", web::get().to(find))
        .route("/openapi/v1/affairs/{number}", web::get().to(show))
        .route(
            "/openapi/v1/affairs/{number}/reassignment",
            web::post().to(reassign),
        )
        .route(
            "/openapi/v1/affairs/{number}/supplement",
            web::post().to(supplement),
        )
        .route("/openapi/v1/affairs/{number}/revocation", web::post().to(revoke))
        .route("/openapi/v1/changes", web::get().to(changes));
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Affair {
    request_id: String,
    affair_no: String,
    #[serde(default)]
    matter_code: String,
    #[serde(default)]
    region_code: String,
    #[serde(default)]
    files: Vec<File>,
    #[serde(default)]
    opinion_only: bool,
    #[serde(default)]
    to_unit: String,
    cause: Option<String>,
}

#[derive(Deserialize)]
struct File {
    code: String,
}

/// A token tells its end and proves it, so that nothing need be remembered.
async fn token(
    desk: Data<Desk>,
    request: HttpRequest,
    form: web::Form<Vec<(String, String)>>,
) -> HttpResponse {
    let call = desk.call(&request, Target::Query, None, None);
    let pair = STANDARD
        .decode(credentials(&request, "Basic"))
        .ok()
        .and_then(|pair| String::from_utf8(pair).ok())
        .unwrap_or_default();
    let (client, secret) = pair.split_once(':').unwrap_or_default();
    // RFC 6749: both are form-encoded before they are joined
    let plain = |text: &str| {
        percent_encoding::percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    let granted = form
        .iter()
        .any(|(name, value)| name == "grant_type" && value == "client_credentials");
    let known = plain(client) == CLIENT && desk.knows("CLIENT_SECRET", &plain(secret));
    let Some(secret) = desk.secret("CLIENT_SECRET").filter(|_| known && granted) else {
        let refusal = json!({ "error": if granted { "invalid_client" } else { "unsupported_grant_type" } });
        return desk.refused(&call, HttpResponse::Unauthorized().json(refusal));
    };
    let ends = desk.now().timestamp().saturating_add(TOKEN_S).to_string();
    let tag = mac(HMAC_SHA256, secret.expose().as_bytes(), &[ends.as_bytes()]);
    let answer = json!({
        "access_token": format!("{ends}.{}", hex::encode(tag)), "token_type": "Bearer", "expires_in": TOKEN_S,
    });
    desk.done(&call, Did::Answered, None, HttpResponse::Ok().json(answer))
        .await
}

fn holds(desk: &Desk, request: &HttpRequest) -> bool {
    let (ends, tag) = credentials(request, "Bearer").split_once('.').unwrap_or_default();
    let (Some(secret), Ok(tag)) = (desk.secret("CLIENT_SECRET"), hex::decode(tag)) else {
        return false;
    };
    let now = desk.now().timestamp();
    is_mac(secret.expose().as_bytes(), &[ends.as_bytes()], &tag)
        && ends.parse().is_ok_and(|ends: i64| now < ends)
}

async fn register(desk: Data<Desk>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let (call, affair) = match opened(&desk, &request, &body).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    let region =
        affair.region_code.len() == 12 && affair.region_code.bytes().all(|byte| byte.is_ascii_digit());
    if affair.affair_no.is_empty() || affair.matter_code.is_empty() || !region {
        return refused(&desk, &call, 40_001, "缺少办件编号、事项编码，或区划代码不是12位");
    }
    let intake = Intake {
        papers: affair.files.into_iter().map(|file| file.code).collect(),
        fields: kept([
            ("matter", affair.matter_code),
            ("division", affair.region_code),
            ("office", affair.to_unit),
        ]),
        our_ref: affair.affair_no,
        consulted: affair.opinion_only,
        callback_url: None,
    };
    let (application, did) = desk.take_in(&call, intake).await;
    told(&desk, &call, &application, did).await
}

async fn reassign(desk: Data<Desk>, request: HttpRequest, number: Path<String>, body: Bytes) -> HttpResponse {
    let (call, affair) = match opened(&desk, &request, &body).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    let intake = Intake {
        our_ref: affair.affair_no,
        fields: kept([("office", affair.to_unit)]),
        consulted: affair.opinion_only,
        ..Intake::default()
    };
    match desk.take_again(&call, &number, intake).await {
        Some((application, did)) => told(&desk, &call, &application, did).await,
        None => unknown(&desk, &call),
    }
}

async fn supplement(
    desk: Data<Desk>,
    request: HttpRequest,
    number: Path<String>,
    body: Bytes,
) -> HttpResponse {
    let (call, affair) = match opened(&desk, &request, &body).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    let papers = affair.files.into_iter().map(|file| file.code).collect();
    match desk.supplement(&call, &number, papers) {
        Some((application, did)) => told(&desk, &call, &application, did).await,
        None => unknown(&desk, &call),
    }
}

async fn revoke(desk: Data<Desk>, request: HttpRequest, number: Path<String>, body: Bytes) -> HttpResponse {
    let (call, affair) = match opened(&desk, &request, &body).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    match desk.withdraw(&call, &number, affair.cause) {
        Some(application) => told(&desk, &call, &application, Did::Withdrew).await,
        None => unknown(&desk, &call),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    affair_no: String,
}

async fn find(desk: Data<Desk>, request: HttpRequest, question: Query<Question>) -> HttpResponse {
    let call = desk.call(&request, Target::Query, Some(&question.affair_no), None);
    let found = desk.book().by_ref(&question.affair_no).cloned();
    answered(&desk, &request, &call, found).await
}

async fn show(desk: Data<Desk>, request: HttpRequest, number: Path<String>) -> HttpResponse {
    let found = desk.book().by_number(&number).cloned();
    let our_ref = found.as_ref().map(|one| one.our_ref.as_str());
    let call = desk.call(&request, Target::Query, our_ref, None);
    answered(&desk, &request, &call, found).await
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    cursor: usize,
    size: usize,
}

async fn changes(desk: Data<Desk>, request: HttpRequest, page: Query<Page>) -> HttpResponse {
    let call = desk.call(&request, Target::Query, None, None);
    if !holds(&desk, &request) {
        return desk.refused(&call, unauthenticated());
    }
    if !call.rule.mode.acts() {
        return desk.without_effect(&call).await;
    }
    let (events, more) = desk.book().events(page.cursor, page.size.min(PAGE_MAX));
    let next = page.cursor.saturating_add(events.len()).to_string();
    let records: Vec<Value> = events.iter().map(change).collect();
    let data = json!({ "records": records, "nextCursor": next, "hasMore": more });
    desk.done(&call, Did::Answered, None, success(&data)).await
}

/// Lets a request in that acts, or ends it.
async fn opened(desk: &Desk, request: &HttpRequest, body: &[u8]) -> Result<(Call, Affair), HttpResponse> {
    let affair = serde_json::from_slice::<Affair>(body);
    let known = affair.as_ref().ok();
    let call = desk.call(
        request,
        Target::Submit,
        known.map(|one| one.affair_no.as_str()),
        known.map(|one| one.request_id.as_str()),
    );
    if !holds(desk, request) {
        return Err(desk.refused(&call, unauthenticated()));
    }
    if !call.rule.mode.acts() {
        return Err(desk.without_effect(&call).await);
    }
    if !header(request, "content-type").starts_with("application/json") {
        return Err(refused(desk, &call, 40_001, "请以 application/json 提交"));
    }
    match affair {
        Ok(affair) => Ok((call, affair)),
        Err(error) => Err(refused(
            desk,
            &call,
            40_001,
            &format!("第{}行：{error}", error.line()),
        )),
    }
}

async fn told(desk: &Desk, call: &Call, application: &Application, did: Did) -> HttpResponse {
    let answer = success(&record(application));
    desk.done(call, did, Some(&application.number), answer).await
}

async fn answered(
    desk: &Desk,
    request: &HttpRequest,
    call: &Call,
    found: Option<Application>,
) -> HttpResponse {
    if !holds(desk, request) {
        return desk.refused(call, unauthenticated());
    }
    if !call.rule.mode.acts() {
        return desk.without_effect(call).await;
    }
    match found {
        Some(application) => told(desk, call, &application, Did::Answered).await,
        None => {
            let answer = HttpResponse::Ok().json(json!({ "code": 40_401, "message": "没有此办件" }));
            desk.done(call, Did::Answered, None, answer).await
        }
    }
}

fn record(application: &Application) -> Value {
    match application.last_word() {
        Some(event) => change(event),
        None => json!({
            "platformNo": application.number, "affairNo": application.our_ref, "stage": "REGISTERED", "revision": 0,
            "changedAt": beijing(application.received_at, "%Y-%m-%dT%H:%M:%S+08:00"),
        }),
    }
}

fn change(event: &Event) -> Value {
    let (stage, conclusion) = stage(event);
    json!({
        "platformNo": event.serial_no,
        "affairNo": event.our_ref,
        "stage": stage,
        "conclusion": conclusion,
        "revision": event.seq,
        "remark": event.opinion,
        "lacking": event.details.materials,
        "specialKind": event.details.special_kind,
        "specialDays": event.details.working_days,
        "changedAt": beijing(event.occurred_at, "%Y-%m-%dT%H:%M:%S+08:00"),
    })
}

fn stage(event: &Event) -> (&'static str, Option<&'static str>) {
    let concluded = event.result.map(|result| match result {
        Decision::Approved => "PERMIT",
        Decision::Denied => "DENY",
    });
    let opinion = event.details.answer.map(|answer| match answer {
        Answer::Agree => "AGREE",
        Answer::AgreeWithConditions => "CONDITIONS",
        Answer::Object => "OBJECT",
    });
    match event.kind {
        EventKind::Received => ("REGISTERED", None),
        EventKind::Accepted => ("ACCEPTED", None),
        EventKind::SupplementRequested => ("PENDING_SUPPLEMENT", None),
        EventKind::SpecialBegun => ("SPECIAL", None),
        EventKind::SpecialEnded => ("SPECIAL_ENDED", None),
        EventKind::Opinion => ("OPINION", opinion),
        EventKind::Decided => ("CONCLUDED", concluded),
        EventKind::Completed => ("FINISHED", None),
        EventKind::Delivered => ("RESULT_TAKEN", None),
        EventKind::Rejected => ("RETURNED", None),
        EventKind::Note => ("PROGRESS", None),
    }
}

fn success(data: &Value) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "code": 0, "message": "success", "data": data }))
}

fn refused(desk: &Desk, call: &Call, code: u32, message: &str) -> HttpResponse {
    desk.refused(
        call,
        HttpResponse::Ok().json(json!({ "code": code, "message": message })),
    )
}

fn unknown(desk: &Desk, call: &Call) -> HttpResponse {
    refused(desk, call, 40_001, "没有此平台编号")
}

fn unauthenticated() -> HttpResponse {
    HttpResponse::build(StatusCode::UNAUTHORIZED)
        .json(json!({ "code": 40_101, "message": "令牌无效或已过期" }))
}
