//! The handles to watch and steer one system of the city; the same for all of them, and in no format of theirs.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Json, ServiceConfig};
use serde::Deserialize;

use crate::sandbox::city::book::{Application, Word};
use crate::sandbox::city::course;
use crate::sandbox::city::desk::Desk;
use crate::sandbox::department::refuse;
use crate::sandbox::modes::Rule;
use crate::sandbox::wire::{Decision, Details, EventKind};

/// Adds the handles below `control`.
pub fn routes(service: &mut ServiceConfig) {
    service
        .route("/control", web::get().to(rules))
        .route("/control", web::put().to(control))
        .route("/control/applications", web::get().to(applications))
        .route("/control/decide", web::post().to(decide))
        .route("/control/say", web::post().to(say));
}

async fn applications(desk: Data<Desk>) -> HttpResponse {
    let book = desk.book();
    HttpResponse::Ok().json(book.applications().collect::<Vec<_>>())
}

async fn rules(desk: Data<Desk>) -> HttpResponse {
    HttpResponse::Ok().json(desk.rules().all())
}

async fn control(desk: Data<Desk>, rule: Json<Rule>) -> HttpResponse {
    let mut rules = desk.rules();
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

async fn decide(desk: Data<Desk>, order: Json<Order>) -> HttpResponse {
    let order = order.into_inner();
    let (result, text) = course::decision(order.result.unwrap_or(Decision::Approved));
    let word = Word {
        result,
        text: order.opinion.or(text),
        ..Word::of(EventKind::Decided)
    };
    tell(&desk, order.serial_no.as_deref(), order.our_ref.as_deref(), word)
}

/// A word that is ordered from outside.
#[derive(Deserialize)]
struct Ordered {
    serial_no: Option<String>,
    our_ref: Option<String>,
    kind: EventKind,
    result: Option<Decision>,
    text: Option<String>,
    #[serde(default)]
    fields: BTreeMap<String, String>,
    #[serde(flatten)]
    details: Details,
}

async fn say(desk: Data<Desk>, ordered: Json<Ordered>) -> HttpResponse {
    let ordered = ordered.into_inner();
    let word = Word {
        kind: ordered.kind,
        result: ordered.result,
        text: ordered.text,
        details: ordered.details,
        fields: ordered.fields,
    };
    tell(
        &desk,
        ordered.serial_no.as_deref(),
        ordered.our_ref.as_deref(),
        word,
    )
}

fn tell(desk: &Desk, number: Option<&str>, our_ref: Option<&str>, word: Word) -> HttpResponse {
    let Some(number) = named(desk, number, our_ref).map(|one| one.number) else {
        return refuse(404, "UNKNOWN", "没有此流水号或来文编号");
    };
    match desk.say(&number, word) {
        Some(event) => HttpResponse::Ok().json(event),
        None => refuse(409, "WITHDRAWN", "申请已撤回或已有后续"),
    }
}

fn named(desk: &Desk, number: Option<&str>, our_ref: Option<&str>) -> Option<Application> {
    let book = desk.book();
    match (number, our_ref) {
        (Some(number), _) => book.by_number(number).cloned(),
        (None, Some(our_ref)) => book.by_ref(our_ref).cloned(),
        (None, None) => None,
    }
}
