//! The city's service requests (`open311-city`): Open311 GeoReport v2 with service request updates, JSON and XML.
//!
//! | request | |
//! |---|---|
//! | `GET services.{f}`, `GET services/{code}.{f}` | the services [`SERVICES`]; a definition for those with attributes |
//! | `POST requests.{f}` | form-urlencoded: `api_key`, `jurisdiction_id`, `service_code` and a place (`lat` and `long`, `address_string` or `address_id`); gives `service_request_id`, or `token` for a service whose numbers are given later |
//! | `GET requests.{f}`, `GET requests/{id}.{f}` | by number, service, status and time of request; 90 days and 1000 at most |
//! | `GET tokens/{token}.{f}` | the number of a token, when it is given |
//! | `GET servicerequestupdates.{f}?start_date=&end_date=` | what was said of all requests, in order |
//! | `POST servicerequestupdates.{f}` | form-urlencoded: `api_key`, `service_request_id`, `update_id`, `updated_datetime`, `status`; `cancelled` stops a request, `reopen` takes it up again, everything else brings news |
//!
//! Errors are `[{code, description}]` (`<errors><error>…`): 400 for what is missing, 403 for the key, 404 for what is not
//! known. Nobody is called back; who wants news reads the updates. A request that comes twice is another request.

use std::collections::BTreeMap;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{self, Bytes, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, TimeDelta, Utc};

use self::page::{Format, Row, page};
use crate::sandbox::city::book::{Application, Intake};
use crate::sandbox::city::desk::Desk;
use crate::sandbox::city::{Numbering, Persona};
use crate::sandbox::department::Call;
use crate::sandbox::modes::Target;
use crate::sandbox::store::Did;
use crate::sandbox::wire::{Decision, Event, EventKind, State};

mod page;

/// The jurisdiction that is served.
pub const JURISDICTION: &str = "bengbu.gov.example";
/// The services: code, name, whether the number is given later and a token first.
pub const SERVICES: &[(&str, &str, bool)] = &[
    ("grid-event", "网格事件处置", false),
    ("public-rental-housing", "公租房保障资格申请", true),
];
/// The attribute in which senders tell their own number of a request.
const SENDERS_NUMBER: &str = "attribute[case_number]";
/// Days that an answer reaches back when no time is named.
const DAYS_BACK: i64 = 90;
/// The most entries of an answer.
const ENTRIES_MAX: usize = 1_000;
/// Before a number that is still to be given.
const TOKEN: &str = "T-";

/// The system's line in the table.
pub const PERSONA: Persona = Persona {
    name: "open311-city",
    number: Numbering::digits,
    course: |_| &[EventKind::Received, EventKind::Decided],
    routes,
    report: None,
};

fn routes(service: &mut ServiceConfig) {
    service
        .route("/services.{format}", web::get().to(services))
        .route("/services/{code}.{format}", web::get().to(definition))
        .route("/requests.{format}", web::post().to(create))
        .route("/requests.{format}", web::get().to(list))
        .route("/requests/{id}.{format}", web::get().to(one))
        .route("/tokens/{token}.{format}", web::get().to(token))
        .route("/servicerequestupdates.{format}", web::get().to(updates))
        .route("/servicerequestupdates.{format}", web::post().to(update));
}

/// Parameters of a form or a query.
struct Parameters(BTreeMap<String, String>);

impl Parameters {
    fn read(encoded: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(encoded).into_owned().collect())
    }

    fn of(request: &HttpRequest) -> Self {
        Self::read(request.query_string().as_bytes())
    }

    /// A parameter that says something.
    fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name).map(|value| value.trim());
        value.filter(|value| !value.is_empty())
    }

    /// A parameter without which nothing goes.
    fn need(&self, name: &str) -> Result<&str, Refused> {
        self.get(name)
            .ok_or_else(|| Refused(400, format!("{name} was not provided")))
    }

    fn time(&self, name: &str) -> Result<Option<DateTime<Utc>>, Refused> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        match DateTime::parse_from_rfc3339(text) {
            Ok(time) => Ok(Some(time.to_utc())),
            Err(_) => Err(Refused(400, format!("{name} is no time"))),
        }
    }
}

/// A status, and why.
struct Refused(u16, String);

impl Refused {
    fn answer(self, format: Format) -> HttpResponse {
        let row = vec![("code", self.0.to_string()), ("description", self.1)];
        page(format, self.0, ("errors", "error"), vec![row])
    }
}

/// The jurisdiction must be named, and be this one.
fn checked_jurisdiction(parameters: &Parameters) -> Result<(), Refused> {
    match parameters.need("jurisdiction_id")? {
        JURISDICTION => Ok(()),
        _ => Err(Refused(404, "jurisdiction_id not found".to_owned())),
    }
}

/// Ends a request: as refused, or as answered.
async fn ended(
    desk: &Desk,
    call: &Call,
    format: Format,
    outcome: Result<(Did, Option<String>, HttpResponse), Refused>,
) -> HttpResponse {
    match outcome {
        Ok((did, number, answer)) => desk.done(call, did, number.as_deref(), answer).await,
        Err(refused) => desk.refused(call, refused.answer(format)),
    }
}

async fn services(desk: Data<Desk>, request: HttpRequest, format: Path<String>) -> HttpResponse {
    let (call, format) = (
        desk.call(&request, Target::Query, None, None),
        Format::of(&format),
    );
    let rows = SERVICES.iter().map(|(code, name, _)| {
        vec![
            ("service_code", (*code).to_owned()),
            ("service_name", (*name).to_owned()),
            ("description", (*name).to_owned()),
            ("metadata", "true".to_owned()),
            ("type", "realtime".to_owned()),
            ("keywords", String::new()),
            ("group", "城市服务".to_owned()),
        ]
    });
    let outcome = checked_jurisdiction(&Parameters::of(&request)).map(|()| {
        let answer = page(format, 200, ("services", "service"), rows.collect());
        (Did::Answered, None, answer)
    });
    ended(&desk, &call, format, outcome).await
}

async fn definition(desk: Data<Desk>, request: HttpRequest, path: Path<(String, String)>) -> HttpResponse {
    let (code, format) = path.into_inner();
    let (call, format) = (
        desk.call(&request, Target::Query, None, None),
        Format::of(&format),
    );
    let known = || known_service(&code).map(|_| page::definition(format, &code));
    let outcome = checked_jurisdiction(&Parameters::of(&request)).and_then(|()| known());
    let outcome = outcome.map(|answer| (Did::Answered, None, answer));
    ended(&desk, &call, format, outcome).await
}

fn known_service(code: &str) -> Result<bool, Refused> {
    let found = SERVICES.iter().find(|(known, ..)| *known == code);
    found
        .map(|(.., by_token)| *by_token)
        .ok_or_else(|| Refused(404, "service_code not found".to_owned()))
}

async fn create(desk: Data<Desk>, request: HttpRequest, format: Path<String>, body: Bytes) -> HttpResponse {
    let (parameters, format) = (Parameters::read(&body), Format::of(&format));
    let our_ref = parameters.get(SENDERS_NUMBER).map(str::to_owned);
    let call = desk.call(&request, Target::Submit, our_ref.as_deref(), None);
    if !call.rule.mode.acts() {
        return desk.without_effect(&call).await;
    }
    let by_token = match admitted(&desk, &request, &parameters).and_then(|()| complete(&parameters)) {
        Ok(by_token) => by_token,
        Err(refused) => return desk.refused(&call, refused.answer(format)),
    };
    let kept = [("service_code", "service_code"), ("address_id", "address_id")];
    let kept = kept
        .into_iter()
        .filter_map(|(name, parameter)| Some((name.to_owned(), parameters.get(parameter)?.to_owned())));
    let intake = Intake {
        our_ref: our_ref.unwrap_or_default(),
        fields: kept.collect(),
        ..Intake::default()
    };
    let (application, did) = desk.take_in(&call, intake).await;
    let number = application.number.clone();
    let given = if by_token {
        ("token", format!("{TOKEN}{number}"))
    } else {
        ("service_request_id", number.clone())
    };
    let notice = ("service_notice", "已转有关单位处理".to_owned());
    let row = vec![given, notice, ("account_id", String::new())];
    let answer = page(format, 200, ("service_requests", "request"), vec![row]);
    desk.done(&call, did, Some(&number), answer).await
}

/// A form, for this jurisdiction, with the key.
fn admitted(desk: &Desk, request: &HttpRequest, parameters: &Parameters) -> Result<(), Refused> {
    let kind = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let is_form = kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if !is_form {
        return Err(Refused(400, "the body must be a form".to_owned()));
    }
    if !desk.knows("API_KEY", parameters.get("api_key").unwrap_or_default()) {
        return Err(Refused(403, "api_key is missing or not known".to_owned()));
    }
    checked_jurisdiction(parameters)
}

/// A known service and a place; whether the number comes later.
fn complete(parameters: &Parameters) -> Result<bool, Refused> {
    let by_token = known_service(parameters.need("service_code")?)?;
    let point = parameters.get("lat").is_some() && parameters.get("long").is_some();
    let address = parameters.get("address_string").or(parameters.get("address_id"));
    if point || address.is_some() {
        Ok(by_token)
    } else {
        Err(Refused(400, "a location was not provided".to_owned()))
    }
}

async fn list(desk: Data<Desk>, request: HttpRequest, format: Path<String>) -> HttpResponse {
    let (parameters, format) = (Parameters::of(&request), Format::of(&format));
    let call = desk.call(&request, Target::Query, None, None);
    if !call.rule.mode.acts() {
        return desk.without_effect(&call).await;
    }
    let outcome = checked_jurisdiction(&parameters)
        .and_then(|()| chosen(&desk, &parameters))
        .map(|rows| {
            let answer = page(format, 200, ("service_requests", "request"), rows);
            (Did::Answered, None, answer)
        });
    ended(&desk, &call, format, outcome).await
}

fn chosen(desk: &Desk, parameters: &Parameters) -> Result<Vec<Row>, Refused> {
    let numbers: Option<Vec<&str>> = parameters
        .get("service_request_id")
        .map(|all| all.split(',').map(str::trim).collect());
    let end = parameters.time("end_date")?.unwrap_or_else(|| desk.now());
    let start = parameters
        .time("start_date")?
        .unwrap_or(end - TimeDelta::days(DAYS_BACK));
    let codes: Option<Vec<&str>> = parameters.get("service_code").map(|all| all.split(',').collect());
    let statuses: Option<Vec<&str>> = parameters.get("status").map(|all| all.split(',').collect());
    let fits = |one: &&Application| {
        if let Some(numbers) = &numbers {
            // a number overrides all other arguments
            return numbers.contains(&one.number.as_str());
        }
        (start..=end).contains(&one.received_at)
            && codes
                .as_ref()
                .is_none_or(|all| all.contains(&one.field("service_code")))
            && statuses.as_ref().is_none_or(|all| {
                let status = status(one, None);
                all.contains(&status) || all.contains(&open_or_closed(status))
            })
    };
    let book = desk.book();
    let found = book
        .applications()
        .rev()
        .filter(fits)
        .filter(|one| is_numbered(one));
    Ok(found.take(ENTRIES_MAX).map(request_row).collect())
}

async fn one(desk: Data<Desk>, request: HttpRequest, path: Path<(String, String)>) -> HttpResponse {
    let (number, format) = path.into_inner();
    let format = Format::of(&format);
    let known = desk
        .book()
        .by_number(&number)
        .filter(|one| is_numbered(one))
        .cloned();
    let our_ref = known.as_ref().map(|one| one.our_ref.clone());
    let call = desk.call(&request, Target::Query, our_ref.as_deref(), None);
    if !call.rule.mode.acts() {
        return desk.without_effect(&call).await;
    }
    let outcome = checked_jurisdiction(&Parameters::of(&request)).and_then(|()| {
        let known = known.ok_or_else(|| Refused(404, "service_request_id not found".to_owned()))?;
        let answer = page(
            format,
            200,
            ("service_requests", "request"),
            vec![request_row(&known)],
        );
        Ok((Did::Answered, Some(known.number), answer))
    });
    ended(&desk, &call, format, outcome).await
}

async fn token(desk: Data<Desk>, request: HttpRequest, path: Path<(String, String)>) -> HttpResponse {
    let (token, format) = path.into_inner();
    let (call, format) = (
        desk.call(&request, Target::Query, None, None),
        Format::of(&format),
    );
    if !call.rule.mode.acts() {
        return desk.without_effect(&call).await;
    }
    let known = token
        .strip_prefix(TOKEN)
        .and_then(|number| desk.book().by_number(number).cloned());
    let outcome = checked_jurisdiction(&Parameters::of(&request)).and_then(|()| {
        let known = known.ok_or_else(|| Refused(404, "token not found".to_owned()))?;
        let mut row = vec![("token", token)];
        if is_numbered(&known) {
            row.push(("service_request_id", known.number.clone()));
        }
        let answer = page(format, 200, ("service_requests", "request"), vec![row]);
        Ok((Did::Answered, Some(known.number), answer))
    });
    ended(&desk, &call, format, outcome).await
}

async fn updates(desk: Data<Desk>, request: HttpRequest, format: Path<String>) -> HttpResponse {
    let (parameters, format) = (Parameters::of(&request), Format::of(&format));
    let call = desk.call(&request, Target::Query, None, None);
    if !call.rule.mode.acts() {
        return desk.without_effect(&call).await;
    }
    let outcome = checked_jurisdiction(&parameters)
        .and_then(|()| said(&desk, &parameters))
        .map(|rows| {
            let answer = page(format, 200, ("service_request_updates", "request_update"), rows);
            (Did::Answered, None, answer)
        });
    ended(&desk, &call, format, outcome).await
}

/// What was said within a time, oldest first. Both ends belong to it.
fn said(desk: &Desk, parameters: &Parameters) -> Result<Vec<Row>, Refused> {
    let end = parameters.time("end_date")?.unwrap_or_else(|| desk.now());
    let start = parameters
        .time("start_date")?
        .unwrap_or(end - TimeDelta::days(DAYS_BACK));
    let number = parameters.get("service_request_id");
    let book = desk.book();
    let (events, _) = book.events(0, usize::MAX);
    let within = events.into_iter().filter(|event| {
        (start..=end).contains(&event.occurred_at) && number.is_none_or(|number| number == event.serial_no)
    });
    let rows = within.filter_map(|event| Some(update_row(book.by_number(&event.serial_no)?, &event)));
    Ok(rows.take(ENTRIES_MAX).collect())
}

async fn update(desk: Data<Desk>, request: HttpRequest, format: Path<String>, body: Bytes) -> HttpResponse {
    let (parameters, format) = (Parameters::read(&body), Format::of(&format));
    let number = parameters
        .get("service_request_id")
        .unwrap_or_default()
        .to_owned();
    let our_ref = desk.book().by_number(&number).map(|one| one.our_ref.clone());
    let call = desk.call(
        &request,
        Target::Submit,
        our_ref.as_deref(),
        parameters.get("update_id"),
    );
    if !call.rule.mode.acts() {
        return desk.without_effect(&call).await;
    }
    let needed = || {
        parameters.need("service_request_id")?;
        parameters.need("updated_datetime")?;
        Ok((parameters.need("update_id")?, parameters.need("status")?))
    };
    let (id, status) = match admitted(&desk, &request, &parameters).and_then(|()| needed()) {
        Ok(told) => told,
        Err(refused) => return desk.refused(&call, refused.answer(format)),
    };
    let done = match status {
        "cancelled" => desk
            .withdraw(&call, &number, Some(status.to_owned()))
            .map(|_| Did::Withdrew),
        "reopen" => {
            let intake = Intake {
                our_ref: our_ref.unwrap_or_default(),
                ..Intake::default()
            };
            desk.take_again(&call, &number, intake).await.map(|(_, did)| did)
        }
        _ => desk.supplement(&call, &number, Vec::new()).map(|(_, did)| did),
    };
    let outcome = done
        .map(|did| {
            let row = vec![("update_id", id.to_owned())];
            let answer = page(
                format,
                200,
                ("service_request_updates", "request_update"),
                vec![row],
            );
            (did, Some(number), answer)
        })
        .ok_or_else(|| Refused(404, "service_request_id not found".to_owned()));
    ended(&desk, &call, format, outcome).await
}

/// Whether its number may be told already.
fn is_numbered(application: &Application) -> bool {
    let by_token = known_service(application.field("service_code")).unwrap_or(false);
    !by_token || !application.history.is_empty()
}

/// The status after an event, or now: the system's own word where one was ordered.
fn status(application: &Application, event: Option<&Event>) -> &'static str {
    let Some(event) = event.or(application.last_word()) else {
        return "open";
    };
    let ordered = application.said_with(event, "status");
    let known = page::STATUSES.iter().find(|word| Some(**word) == ordered);
    if let Some(word) = known {
        return word;
    }
    if application.state == State::Withdrawn {
        return "cancelled";
    }
    match event.kind {
        EventKind::Received => "open",
        EventKind::Accepted | EventKind::SpecialEnded | EventKind::Opinion | EventKind::Note => "in_progress",
        EventKind::SupplementRequested => "for_triage",
        EventKind::SpecialBegun => "action_scheduled",
        EventKind::Decided => match event.result {
            Some(Decision::Denied) => "no_further_action",
            Some(Decision::Approved) | None => "fixed",
        },
        EventKind::Completed | EventKind::Delivered => "closed",
        EventKind::Rejected => "not_councils_responsibility",
    }
}

/// What readers who know no more than two words are told.
fn open_or_closed(status: &str) -> &'static str {
    match status {
        "fixed"
        | "closed"
        | "cancelled"
        | "no_further_action"
        | "not_councils_responsibility"
        | "duplicate" => "closed",
        _ => "open",
    }
}

fn request_row(application: &Application) -> Row {
    let code = application.field("service_code");
    let name = SERVICES.iter().find(|(known, ..)| *known == code);
    vec![
        ("service_request_id", application.number.clone()),
        ("status", status(application, None).to_owned()),
        ("status_notes", application.opinion.clone().unwrap_or_default()),
        ("service_name", name.map_or("", |(_, name, _)| name).to_owned()),
        ("service_code", code.to_owned()),
        ("agency_responsible", "县住房和城乡建设局".to_owned()),
        ("requested_datetime", page::time(application.received_at)),
        ("updated_datetime", page::time(application.updated_at)),
        ("address_id", application.field("address_id").to_owned()),
    ]
}

fn update_row(application: &Application, event: &Event) -> Row {
    vec![
        ("update_id", event.event_id.clone()),
        ("service_request_id", event.serial_no.clone()),
        ("updated_datetime", page::time(event.occurred_at)),
        ("status", status(application, Some(event)).to_owned()),
        ("description", event.opinion.clone().unwrap_or_default()),
    ]
}
