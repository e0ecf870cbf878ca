//! The department's HTTP server: the exchange itself, and the handles to watch and steer it.

use std::io;
use std::net::TcpListener;

use actix_web::dev::Server;
use actix_web::rt::net::TcpStream;
use actix_web::web::{Bytes, Data, Json, Path, PayloadConfig, Query};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::sandbox::answers::ConnectionSocket;
use crate::sandbox::city;
use crate::sandbox::course;
use crate::sandbox::department::{Department, refuse};
use crate::sandbox::modes::{Mode, Rule, Target};
use crate::sandbox::store::{Asked, Did, Noticed};
use crate::sandbox::wire::{
    Decision, Details, EventKind, Events, List, Listed, Notice, Submission, Supplement, Taken, Transfer,
    Withdrawal,
};

/// The largest application, bytes.
const BODY_MAX_BYTES: usize = 4_000_000;

/// Runs the server on a listener that is already bound.
///
/// # Errors
/// When the listener cannot be used.
pub fn run(department: Department, listener: TcpListener) -> io::Result<Server> {
    let desks = city::desks(&department);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::new(department.clone()))
            .app_data(PayloadConfig::new(BODY_MAX_BYTES))
            .route("/api/applications", web::post().to(submit))
            .route("/api/applications", web::get().to(query))
            .route(
                "/api/applications/{serial_no}/transfers",
                web::post().to(transfer),
            )
            .route(
                "/api/applications/{serial_no}/withdrawal",
                web::post().to(withdraw),
            )
            .route(
                "/api/applications/{serial_no}/supplements",
                web::post().to(supplement),
            )
            .route("/api/applications/{serial_no}/notices", web::post().to(notice))
            .route("/api/events", web::get().to(events))
            .route("/journal", web::get().to(journal))
            .route("/applications", web::get().to(applications))
            .route("/control", web::get().to(rules))
            .route("/control", web::put().to(control))
            .route("/control/decide", web::post().to(decide))
            .route("/control/say", web::post().to(say))
            .configure(|service| city::mount(service, &desks))
    });
    let server = server
        .workers(1)
        .disable_signals()
        .shutdown_timeout(1)
        .on_connect(|connection, data| {
            let stream = connection.downcast_ref::<TcpStream>();
            if let Some(Ok(socket)) = stream.map(|stream| socket2::SockRef::from(stream).try_clone()) {
                data.insert(ConnectionSocket(socket));
            }
        });
    Ok(server.listen(listener)?.run())
}

async fn submit(department: Data<Department>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let submission = read::<Submission>(&body);
    let our_ref = submission.as_ref().ok().map(|one| one.our_ref.as_str());
    let Some(call) = department.open(&request, Target::Submit, our_ref) else {
        return refuse(401, "UNAUTHENTICATED", "令牌无效");
    };
    if !call.rule.mode.acts() {
        return department.without_effect(&call).await;
    }
    let submission = match submission.and_then(complete) {
        Ok(submission) => submission,
        Err(message) => {
            department.note(&call, Did::Refused, None, Some(422));
            return refuse(422, "MALFORMED", &message);
        }
    };
    if let Some(known) = department.repeated(&call) {
        return department.taken(&call, &known, Did::Repeated).await;
    }
    let now = department.now();
    let application = department.store().accept(
        call.key.as_deref(),
        &submission.our_ref,
        Asked {
            opinion: submission.handoff.asks_for_opinion(),
            words: submission.handoff.note,
            callback_url: submission.callback_url,
        },
        now,
    );
    department.taken(&call, &application, Did::Accepted).await
}

async fn transfer(
    department: Data<Department>,
    request: HttpRequest,
    serial_no: Path<String>,
    body: Bytes,
) -> HttpResponse {
    let transfer = read::<Transfer>(&body);
    let our_ref = transfer.as_ref().ok().map(|one| one.our_ref.as_str());
    let Some(call) = department.open(&request, Target::Submit, our_ref) else {
        return refuse(401, "UNAUTHENTICATED", "令牌无效");
    };
    if !call.rule.mode.acts() {
        return department.without_effect(&call).await;
    }
    let transfer = match transfer {
        Ok(transfer) => transfer,
        Err(message) => {
            department.note(&call, Did::Refused, None, Some(422));
            return refuse(422, "MALFORMED", &message);
        }
    };
    if let Some(known) = department.repeated(&call) {
        return department.taken(&call, &known, Did::Repeated).await;
    }
    let now = department.now();
    let asked = Asked {
        opinion: transfer.handoff.asks_for_opinion(),
        words: transfer.handoff.note,
        callback_url: transfer.callback_url,
    };
    let again = department
        .store()
        .accept_again(call.key.as_deref(), &serial_no, asked, now);
    match again {
        Some(application) => department.taken(&call, &application, Did::Accepted).await,
        None => department.unknown(&call),
    }
}

async fn withdraw(
    department: Data<Department>,
    request: HttpRequest,
    serial_no: Path<String>,
    body: Bytes,
) -> HttpResponse {
    let withdrawal = read::<Withdrawal>(&body);
    let our_ref = withdrawal.as_ref().ok().map(|one| one.our_ref.as_str());
    let Some(call) = department.open(&request, Target::Submit, our_ref) else {
        return refuse(401, "UNAUTHENTICATED", "令牌无效");
    };
    if !call.rule.mode.acts() {
        return department.without_effect(&call).await;
    }
    let cause = withdrawal.ok().and_then(|one| one.cause);
    let now = department.now();
    let withdrawn = department
        .store()
        .withdraw(call.key.as_deref(), &serial_no, cause, now);
    let Some(application) = withdrawn else {
        return department.unknown(&call);
    };
    department.note(&call, Did::Withdrew, Some(&application.serial_no), Some(200));
    let proper = HttpResponse::Ok().json(Taken::from(&application));
    department
        .answer(&call, &application.serial_no, Some(proper))
        .await
}

async fn supplement(
    department: Data<Department>,
    request: HttpRequest,
    serial_no: Path<String>,
    body: Bytes,
) -> HttpResponse {
    let supplement = read::<Supplement>(&body);
    let our_ref = supplement.as_ref().ok().map(|one| one.our_ref.as_str());
    let Some(call) = department.open(&request, Target::Submit, our_ref) else {
        return refuse(401, "UNAUTHENTICATED", "令牌无效");
    };
    if !call.rule.mode.acts() {
        return department.without_effect(&call).await;
    }
    let supplement = match supplement {
        Ok(supplement) => supplement,
        Err(message) => {
            department.note(&call, Did::Refused, None, Some(422));
            return refuse(422, "MALFORMED", &message);
        }
    };
    let (known, now) = (department.repeated(&call), department.now());
    let did = if known.is_some() {
        Did::Repeated
    } else {
        Did::Supplemented
    };
    let papers = supplement.materials.into_iter().map(|paper| paper.code);
    let application = known.or_else(|| {
        department
            .store()
            .supplement(call.key.as_deref(), &serial_no, papers, now)
    });
    let Some(application) = application else {
        return department.unknown(&call);
    };
    department.note(&call, did, Some(&application.serial_no), call.rule.answered(200));
    let proper = HttpResponse::Ok().json(Taken::from(&application));
    department
        .answer(&call, &application.serial_no, Some(proper))
        .await
}

async fn notice(
    department: Data<Department>,
    request: HttpRequest,
    serial_no: Path<String>,
    body: Bytes,
) -> HttpResponse {
    let notice = read::<Notice>(&body);
    let our_ref = notice.as_ref().ok().map(|one| one.our_ref.as_str());
    let Some(call) = department.open(&request, Target::Submit, our_ref) else {
        return refuse(401, "UNAUTHENTICATED", "令牌无效");
    };
    if !call.rule.mode.acts() {
        return department.without_effect(&call).await;
    }
    let notice = match notice {
        Ok(notice) => notice,
        Err(message) => {
            department.note(&call, Did::Refused, None, Some(422));
            return refuse(422, "MALFORMED", &message);
        }
    };
    let (known, now) = (department.repeated(&call), department.now());
    let did = if known.is_some() {
        Did::Repeated
    } else {
        Did::Noticed
    };
    let told = Noticed {
        kind: notice.kind,
        occurred_at: notice.occurred_at,
        text: notice.text,
    };
    let application = known.or_else(|| {
        department
            .store()
            .notice(call.key.as_deref(), &serial_no, told, now)
    });
    let Some(application) = application else {
        return department.unknown(&call);
    };
    department.note(&call, did, Some(&application.serial_no), call.rule.answered(200));
    let proper = HttpResponse::Ok().json(Taken::from(&application));
    department
        .answer(&call, &application.serial_no, Some(proper))
        .await
}

#[derive(Deserialize)]
struct QueryParameters {
    our_ref: String,
}

async fn query(
    department: Data<Department>,
    request: HttpRequest,
    parameters: Query<QueryParameters>,
) -> HttpResponse {
    let Some(call) = department.open(&request, Target::Query, Some(&parameters.our_ref)) else {
        return refuse(401, "UNAUTHENTICATED", "令牌无效");
    };
    if !call.rule.mode.acts() {
        return department.without_effect(&call).await;
    }
    let known = department.store().by_ref(&parameters.our_ref).map(Listed::from);
    let found = known.filter(|_| call.rule.mode != Mode::Forget).map(|one| {
        if call.rule.mode == Mode::Renumber {
            let serial_no = format!("{}-B", one.serial_no);
            return Listed { serial_no, ..one };
        }
        one
    });
    let serial_no = found
        .as_ref()
        .map(|one| one.serial_no.clone())
        .unwrap_or_default();
    department.note(&call, Did::Answered, Some(&serial_no), Some(200));
    let proper = HttpResponse::Ok().json(List {
        applications: found.into_iter().collect(),
    });
    department.answer(&call, &serial_no, Some(proper)).await
}

#[derive(Deserialize)]
struct EventParameters {
    #[serde(default)]
    after: usize,
    limit: usize,
}

async fn events(
    department: Data<Department>,
    request: HttpRequest,
    parameters: Query<EventParameters>,
) -> HttpResponse {
    let Some(call) = department.open(&request, Target::Query, None) else {
        return refuse(401, "UNAUTHENTICATED", "令牌无效");
    };
    if !call.rule.mode.acts() {
        return department.without_effect(&call).await;
    }
    let (events, more) = department.store().events(parameters.after, parameters.limit);
    let last = parameters.after.saturating_add(events.len()).to_string();
    department.note(&call, Did::Answered, None, Some(200));
    let proper = HttpResponse::Ok().json(Events { events, last, more });
    department.answer(&call, "", Some(proper)).await
}

async fn journal(department: Data<Department>) -> HttpResponse {
    HttpResponse::Ok().json(department.store().journal())
}

async fn applications(department: Data<Department>) -> HttpResponse {
    HttpResponse::Ok().json(department.store().applications().collect::<Vec<_>>())
}

async fn rules(department: Data<Department>) -> HttpResponse {
    HttpResponse::Ok().json(department.rules().all())
}

async fn control(department: Data<Department>, rule: Json<Rule>) -> HttpResponse {
    let mut rules = department.rules();
    rules.set(rule.into_inner());
    HttpResponse::Ok().json(rules.all())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    serial_no: Option<String>,
    our_ref: Option<String>,
    result: Option<Decision>,
    opinion: Option<String>,
}

async fn decide(department: Data<Department>, order: Json<Order>) -> HttpResponse {
    let order = order.into_inner();
    let now = department.now();
    let mut store = department.store();
    let Some(application) = store.named(order.serial_no.as_deref(), order.our_ref.as_deref()) else {
        return refuse(404, "UNKNOWN", "没有此流水号或来文编号");
    };
    let result = order.result.unwrap_or(Decision::Approved);
    let decided = store.decide(&application.serial_no, result, order.opinion, now);
    drop(store);
    let Some(event) = decided else {
        return refuse(409, "WITHDRAWN", "申请已撤回");
    };
    course::report_told(&department, application.callback_url, event.clone());
    HttpResponse::Ok().json(event)
}

/// A word that is ordered from outside.
#[derive(Deserialize)]
struct Word {
    serial_no: Option<String>,
    our_ref: Option<String>,
    kind: EventKind,
    text: Option<String>,
    #[serde(flatten)]
    details: Details,
}

async fn say(department: Data<Department>, word: Json<Word>) -> HttpResponse {
    let word = word.into_inner();
    let now = department.now();
    let mut store = department.store();
    let Some(application) = store.named(word.serial_no.as_deref(), word.our_ref.as_deref()) else {
        return refuse(404, "UNKNOWN", "没有此流水号或来文编号");
    };
    let said = store.say(&application.serial_no, word.kind, (word.text, word.details), now);
    drop(store);
    let Some(event) = said else {
        return refuse(409, "WITHDRAWN", "申请已撤回");
    };
    course::report_told(&department, application.callback_url, event.clone());
    HttpResponse::Ok().json(event)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| format!("第{}行：{error}", error.line()))
}

/// The checks a department would make before it takes papers over.
fn complete(submission: Submission) -> Result<Submission, String> {
    let applicant = &submission.applicant;
    let needed = [
        ("our_ref", &submission.our_ref),
        ("item.code", &submission.item.code),
        ("item.name", &submission.item.name),
        ("division.code", &submission.division.code),
        ("from.code", &submission.from.code),
        ("to.code", &submission.to.code),
        ("applicant.name", &applicant.name),
        ("applicant.id_number", &applicant.id_number),
    ];
    let missing = needed.iter().find(|(_, value)| value.trim().is_empty());
    if let Some((name, _)) = missing {
        return Err(format!("缺少 {name}"));
    }
    if !["PERSON", "ORGANIZATION"].contains(&applicant.kind.as_str()) {
        return Err("applicant.kind 应为 PERSON 或 ORGANIZATION".to_owned());
    }
    Ok(submission)
}
