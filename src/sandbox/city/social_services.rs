//! Social services administration 社会服务管理信息化 (`social-services`): JSON over HTTP Basic, civil affairs division codes.
//!
//! `POST rest/cases`, `POST rest/cases/{caseId}/again|papers|stop`, `GET rest/cases?outId=` and `GET rest/cases/{caseId}`.
//! It recognizes no repetition: whoever sends a case twice has two. It reports to `backUrl` without any signature; its
//! address is its proof.

use actix_web::web::{self, Bytes, Data, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::sandbox::city::book::{Application, Intake};
use crate::sandbox::city::course::Letter;
use crate::sandbox::city::desk::Desk;
use crate::sandbox::city::manners::{beijing, credentials, kept};
use crate::sandbox::city::{Numbering, Persona};
use crate::sandbox::department::Call;
use crate::sandbox::modes::Target;
use crate::sandbox::store::Did;
use crate::sandbox::wire::{Answer, Decision, Event, EventKind};

/// The system's line in the table.
pub const PERSONA: Persona = Persona {
    name: "social-services",
    number,
    course: |_| &[EventKind::Received, EventKind::Decided],
    routes,
    report: Some(report),
};

const USER: &str = "onedoor";
/// How instants are written.
const TIME: &str = "%Y-%m-%d %H:%M:%S";

fn number(numbering: &Numbering) -> String {
    format!("MZ-{}", numbering.digits())
}

fn routes(service: &mut ServiceConfig) {
    service
        .route("/rest/cases", web::post().to(submit))
        .route("/rest/cases", web::get().to(find))
        .route("/rest/cases/{number}", web::get().to(show))
        .route("/rest/cases/{number}/again", web::post().to(again))
        .route("/rest/cases/{number}/papers", web::post().to(papers))
        .route("/rest/cases/{number}/stop", web::post().to(stop));
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Submission {
    out_id: String,
    matter: String,
    area_code: String,
    person: Person,
    papers: Vec<String>,
    asks_opinion: bool,
    back_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    name: String,
    id_card: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Again {
    out_id: String,
    asks_opinion: bool,
    back_url: Option<String>,
}

#[derive(Deserialize)]
struct Papers {
    papers: Vec<String>,
}

#[derive(Deserialize)]
struct Stop {
    cause: Option<String>,
}

async fn submit(desk: Data<Desk>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let read = serde_json::from_slice::<Submission>(&body);
    let our_ref = read.as_ref().ok().map(|one| one.out_id.as_str());
    let call = match opened(&desk, &request, Target::Submit, our_ref).await {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    let submission = match read {
        Ok(submission) => submission,
        Err(error) => return malformed(&desk, &call, &error),
    };
    if submission.person.name.is_empty() || submission.person.id_card.is_empty() {
        return refused(&desk, &call, "INVALID", "缺少姓名或身份证号");
    }
    if submission.area_code.len() != 12 {
        return refused(&desk, &call, "AREA", "区划代码不是12位");
    }
    let intake = Intake {
        our_ref: submission.out_id,
        papers: submission.papers,
        fields: kept([("item", submission.matter), ("division", submission.area_code)]),
        consulted: submission.asks_opinion,
        callback_url: submission.back_url,
    };
    let (application, did) = desk.take_in(&call, intake).await;
    told(&desk, &call, &application, did).await
}

async fn again(desk: Data<Desk>, request: HttpRequest, number: Path<String>, body: Bytes) -> HttpResponse {
    let (call, again) = match acting::<Again>(&desk, &request, &number, &body).await {
        Ok(acting) => acting,
        Err(answer) => return answer,
    };
    let intake = Intake {
        our_ref: again.out_id,
        consulted: again.asks_opinion,
        callback_url: again.back_url,
        ..Intake::default()
    };
    match desk.take_again(&call, &number, intake).await {
        Some((application, did)) => told(&desk, &call, &application, did).await,
        None => unknown(&desk, &call),
    }
}

async fn papers(desk: Data<Desk>, request: HttpRequest, number: Path<String>, body: Bytes) -> HttpResponse {
    let (call, papers) = match acting::<Papers>(&desk, &request, &number, &body).await {
        Ok(acting) => acting,
        Err(answer) => return answer,
    };
    match desk.supplement(&call, &number, papers.papers) {
        Some((application, did)) => told(&desk, &call, &application, did).await,
        None => unknown(&desk, &call),
    }
}

async fn stop(desk: Data<Desk>, request: HttpRequest, number: Path<String>, body: Bytes) -> HttpResponse {
    let (call, stop) = match acting::<Stop>(&desk, &request, &number, &body).await {
        Ok(acting) => acting,
        Err(answer) => return answer,
    };
    match desk.withdraw(&call, &number, stop.cause) {
        Some(application) => told(&desk, &call, &application, Did::Withdrew).await,
        None => unknown(&desk, &call),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    out_id: String,
}

async fn find(desk: Data<Desk>, request: HttpRequest, question: Query<Question>) -> HttpResponse {
    let call = match opened(&desk, &request, Target::Query, Some(&question.out_id)).await {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    let found: Vec<Value> = desk
        .book()
        .by_ref(&question.out_id)
        .map(shown)
        .into_iter()
        .collect();
    let answer = HttpResponse::Ok().json(json!({ "success": true, "list": found }));
    desk.done(&call, Did::Answered, None, answer).await
}

async fn show(desk: Data<Desk>, request: HttpRequest, number: Path<String>) -> HttpResponse {
    let found = desk.book().by_number(&number).cloned();
    let our_ref = found.as_ref().map(|one| one.our_ref.as_str());
    let call = match opened(&desk, &request, Target::Query, our_ref).await {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    match found {
        Some(application) => told(&desk, &call, &application, Did::Answered).await,
        None => {
            let answer = HttpResponse::NotFound().json(json!({ "success": false, "reason": "UNKNOWN" }));
            desk.done(&call, Did::Answered, None, answer).await
        }
    }
}

/// Lets a request in, or ends it.
async fn opened(
    desk: &Desk,
    request: &HttpRequest,
    on: Target,
    our_ref: Option<&str>,
) -> Result<Call, HttpResponse> {
    let call = desk.call(request, on, our_ref, None);
    let pair = STANDARD
        .decode(credentials(request, "Basic"))
        .ok()
        .and_then(|pair| String::from_utf8(pair).ok())
        .unwrap_or_default();
    let (user, password) = pair.split_once(':').unwrap_or_default();
    if user != USER || !desk.knows("PASSWORD", password) {
        let refusal = json!({ "success": false, "reason": "LOGIN", "reasonText": "用户名或密码错误" });
        return Err(desk.refused(&call, HttpResponse::Unauthorized().json(refusal)));
    }
    if !call.rule.mode.acts() {
        return Err(desk.without_effect(&call).await);
    }
    Ok(call)
}

/// Lets a request in that goes on with a case, and reads it.
async fn acting<T: DeserializeOwned>(
    desk: &Desk,
    request: &HttpRequest,
    number: &str,
    body: &[u8],
) -> Result<(Call, T), HttpResponse> {
    let our_ref = desk.book().by_number(number).map(|one| one.our_ref.clone());
    let call = opened(desk, request, Target::Submit, our_ref.as_deref()).await?;
    match serde_json::from_slice(body) {
        Ok(read) => Ok((call, read)),
        Err(error) => Err(malformed(desk, &call, &error)),
    }
}

async fn told(desk: &Desk, call: &Call, application: &Application, did: Did) -> HttpResponse {
    let answer = HttpResponse::Ok().json(shown(application));
    desk.done(call, did, Some(&application.number), answer).await
}

fn refused(desk: &Desk, call: &Call, reason: &str, text: &str) -> HttpResponse {
    let refusal = json!({ "success": false, "reason": reason, "reasonText": text });
    desk.refused(call, HttpResponse::Ok().json(refusal))
}

fn malformed(desk: &Desk, call: &Call, error: &serde_json::Error) -> HttpResponse {
    refused(desk, call, "INVALID", &format!("第{}行：{error}", error.line()))
}

fn unknown(desk: &Desk, call: &Call) -> HttpResponse {
    refused(desk, call, "INVALID", "没有此编号")
}

fn shown(application: &Application) -> Value {
    match application.last_word() {
        Some(event) => said(event),
        None => json!({
            "success": true, "caseId": application.number, "outId": application.our_ref, "status": "REG", "times": 0,
            "at": beijing(application.received_at, TIME),
        }),
    }
}

fn said(event: &Event) -> Value {
    let decided = event.result.map(|result| match result {
        Decision::Approved => "Y",
        Decision::Denied => "N",
    });
    let opinion = event.details.answer.map(|answer| match answer {
        Answer::Agree => "Y",
        Answer::AgreeWithConditions => "C",
        Answer::Object => "N",
    });
    let (status, outcome) = match event.kind {
        EventKind::Received => ("REG", None),
        EventKind::Accepted => ("ACC", None),
        EventKind::SupplementRequested => ("SUP", None),
        EventKind::SpecialBegun => ("SPB", None),
        EventKind::SpecialEnded => ("SPE", None),
        EventKind::Opinion => ("OPN", opinion),
        EventKind::Decided => ("DEC", decided),
        EventKind::Completed => ("FIN", None),
        EventKind::Delivered => ("PAID", None),
        EventKind::Rejected => ("BACK", None),
        EventKind::Note => ("INFO", None),
    };
    json!({
        "success": true, "caseId": event.serial_no, "outId": event.our_ref, "status": status, "outcome": outcome,
        "times": event.seq, "comment": event.opinion, "wanted": event.details.materials,
        "at": beijing(event.occurred_at, TIME),
    })
}

fn report(_: &Desk, application: &Application, event: &Event) -> Option<Letter> {
    Some(Letter {
        url: application.callback_url.clone()?,
        headers: vec![("content-type", "application/json".to_owned())],
        body: serde_json::to_vec(&said(event)).ok()?,
    })
}
