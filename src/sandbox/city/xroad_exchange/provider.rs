//! The provider behind the security server: the case service of the medical security bureau, REST and JSON.
//!
//! `POST api/applications`, `POST api/applications/{serial_no}/transfers|supplements|withdrawal`,
//! `GET api/applications?our_ref=` and, as nobody is called back, `GET api/events?after=&limit=`. Bearer token and
//! `Idempotency-Key`; refusals are `{error: {code, message}}`.

use std::collections::BTreeMap;

use actix_web::http::Method;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::sandbox::city::book::{Application, Intake};
use crate::sandbox::city::desk::Desk;
use crate::sandbox::department::{Call, refuse};
use crate::sandbox::modes::Target;
use crate::sandbox::store::Did;
use crate::sandbox::wire::{
    Events, List, Listed, Material, Submission, Supplement, Taken, Transfer, Withdrawal,
};

/// The most events of one page.
const EVENTS_MAX: usize = 1_000;

/// Answers what came through, as if nothing lay between.
pub(super) async fn answer(desk: &Desk, request: &HttpRequest, path: &[String], body: &[u8]) -> HttpResponse {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let on = if request.method() == Method::GET {
        Target::Query
    } else {
        Target::Submit
    };
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let call = desk.call(request, on, header("x-road-issue"), header("idempotency-key"));
    let token = header(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    if !desk.knows("TOKEN", token.unwrap_or_default()) {
        return desk.refused(&call, refuse(401, "UNAUTHENTICATED", "令牌无效"));
    }
    if !call.rule.mode.acts() {
        return desk.without_effect(&call).await;
    }
    match (request.method().as_str(), path.as_slice()) {
        ("POST", ["api", "applications"]) => submit(desk, &call, body).await,
        ("POST", ["api", "applications", number, "transfers"]) => transfer(desk, &call, number, body).await,
        ("POST", ["api", "applications", number, "supplements"]) => {
            supplement(desk, &call, number, body).await
        }
        ("POST", ["api", "applications", number, "withdrawal"]) => withdraw(desk, &call, number, body).await,
        ("GET", ["api", "applications"]) => find(desk, &call, request.query_string()).await,
        ("GET", ["api", "events"]) => events(desk, &call, request.query_string()).await,
        _ => desk.refused(&call, refuse(404, "UNKNOWN_PATH", "没有此服务")),
    }
}

async fn submit(desk: &Desk, call: &Call, body: &[u8]) -> HttpResponse {
    let submission: Submission = match read(body) {
        Ok(submission) => submission,
        Err(message) => return desk.refused(call, refuse(422, "MALFORMED", &message)),
    };
    if submission.our_ref.trim().is_empty() || submission.applicant.id_number.trim().is_empty() {
        return desk.refused(call, refuse(422, "MALFORMED", "缺少来文编号或证件号码"));
    }
    let kept = [
        ("item", submission.item.code),
        ("division", submission.division.code),
        ("from", submission.from.code),
    ];
    let intake = Intake {
        our_ref: submission.our_ref,
        papers: codes(submission.materials),
        fields: kept
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        consulted: submission.handoff.asks_for_opinion(),
        ..Intake::default()
    };
    let (application, did) = desk.take_in(call, intake).await;
    taken(
        desk,
        call,
        &application,
        did,
        HttpResponse::Accepted().json(Taken::from(&application)),
    )
    .await
}

async fn transfer(desk: &Desk, call: &Call, number: &str, body: &[u8]) -> HttpResponse {
    let transfer: Transfer = match read(body) {
        Ok(transfer) => transfer,
        Err(message) => return desk.refused(call, refuse(422, "MALFORMED", &message)),
    };
    let intake = Intake {
        our_ref: transfer.our_ref,
        fields: BTreeMap::from([("from".to_owned(), transfer.from.code)]),
        consulted: transfer.handoff.asks_for_opinion(),
        ..Intake::default()
    };
    match desk.take_again(call, number, intake).await {
        Some((application, did)) => {
            let answer = HttpResponse::Accepted().json(Taken::from(&application));
            taken(desk, call, &application, did, answer).await
        }
        None => unknown(desk, call),
    }
}

async fn supplement(desk: &Desk, call: &Call, number: &str, body: &[u8]) -> HttpResponse {
    let supplement: Supplement = match read(body) {
        Ok(supplement) => supplement,
        Err(message) => return desk.refused(call, refuse(422, "MALFORMED", &message)),
    };
    match desk.supplement(call, number, codes(supplement.materials)) {
        Some((application, did)) => {
            let answer = HttpResponse::Ok().json(Taken::from(&application));
            taken(desk, call, &application, did, answer).await
        }
        None => unknown(desk, call),
    }
}

async fn withdraw(desk: &Desk, call: &Call, number: &str, body: &[u8]) -> HttpResponse {
    let cause = read::<Withdrawal>(body).ok().and_then(|one| one.cause);
    match desk.withdraw(call, number, cause) {
        Some(application) => {
            let answer = HttpResponse::Ok().json(Taken::from(&application));
            taken(desk, call, &application, Did::Withdrew, answer).await
        }
        None => unknown(desk, call),
    }
}

async fn taken(
    desk: &Desk,
    call: &Call,
    application: &Application,
    did: Did,
    answer: HttpResponse,
) -> HttpResponse {
    desk.done(call, did, Some(&application.number), answer).await
}

#[derive(Deserialize)]
struct Question {
    our_ref: String,
}

async fn find(desk: &Desk, call: &Call, query: &str) -> HttpResponse {
    let Some(question) = asked::<Question>(query) else {
        return desk.refused(call, refuse(422, "MALFORMED", "缺少来文编号"));
    };
    let found = desk.book().by_ref(&question.our_ref).map(listed);
    let number = found.as_ref().map(|one| one.serial_no.clone());
    let applications = found.into_iter().collect();
    let answer = HttpResponse::Ok().json(List { applications });
    desk.done(call, Did::Answered, number.as_deref(), answer).await
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    after: usize,
    limit: usize,
}

async fn events(desk: &Desk, call: &Call, query: &str) -> HttpResponse {
    let Some(page) = asked::<Page>(query) else {
        return desk.refused(call, refuse(422, "MALFORMED", "缺少条数"));
    };
    let (events, more) = desk.book().events(page.after, page.limit.min(EVENTS_MAX));
    let last = page.after.saturating_add(events.len()).to_string();
    let answer = HttpResponse::Ok().json(Events { events, last, more });
    desk.done(call, Did::Answered, None, answer).await
}

fn unknown(desk: &Desk, call: &Call) -> HttpResponse {
    desk.refused(call, refuse(422, "UNKNOWN_SERIAL_NO", "没有此流水号"))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| format!("第{}行：{error}", error.line()))
}

fn asked<T: DeserializeOwned>(query: &str) -> Option<T> {
    actix_web::web::Query::<T>::from_query(query)
        .ok()
        .map(actix_web::web::Query::into_inner)
}

fn codes(materials: Vec<Material>) -> Vec<String> {
    materials.into_iter().map(|one| one.code).collect()
}

impl From<&Application> for Taken {
    fn from(application: &Application) -> Self {
        Self {
            serial_no: application.number.clone(),
            state: application.state,
        }
    }
}

fn listed(application: &Application) -> Listed {
    Listed {
        serial_no: application.number.clone(),
        our_ref: application.our_ref.clone(),
        state: application.state,
        seq: application.version,
        result: application.result,
        opinion: application.opinion.clone(),
        details: application
            .last_word()
            .map(|event| event.details.clone())
            .unwrap_or_default(),
        updated_at: application.updated_at,
    }
}
