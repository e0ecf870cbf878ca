//! The city's systems beside the department: each below a path of its own, in its own wire format, on a shared desk.
//!
//! A system is one file of `city/`: its wire format and its line in [`PERSONAS`]. What all of them do alike, without any
//! format, is behind it: [`book`] remembers, [`desk`] lets callers in and keeps the journal, [`course`] goes on with what
//! was taken over and reports it, [`control`] is the handle to steer it.
//!
//! | request | what it does |
//! |---|---|
//! | `…/city/{name}/…` | the exchange itself, as the file of the system describes it |
//! | `GET /city/{name}/control/applications` | its applications, with all that was said of them |
//! | `GET /city/{name}/control`, `PUT /city/{name}/control` | reads its rules in force, adds a [`super::modes::Rule`] |
//! | `POST /city/{name}/control/decide` | decides an application now: `{serial_no or our_ref, result?, opinion?}` |
//! | `POST /city/{name}/control/say` | says something else of one: `{serial_no or our_ref, kind, text?, materials?, special_kind?, working_days?, answer?, fields?}` |
//!
//! What came and went stands in the one journal of the sandbox, known by its path.

use std::collections::BTreeMap;

use actix_web::web::{self, ServiceConfig};
use chrono::{DateTime, Utc};

use crate::sandbox::city::book::Application;
use crate::sandbox::city::course::Letter;
use crate::sandbox::city::desk::Desk;
use crate::sandbox::department::Department;
use crate::sandbox::wire::{Event, EventKind};
use crate::secret::Redacted;

pub mod ah_zwfw_bengbu;
pub mod bengbu_e;
pub mod book;
pub mod city_platform;
pub mod community_platform;
pub mod control;
pub mod course;
pub mod desk;
pub mod digit_city;
pub mod grid_9x;
pub mod grid_platform;
mod manners;
pub mod open311_city;
pub mod social_services;
pub mod xroad_exchange;

/// The secrets that the systems share with their callers, by the names of the environment variables that hold them:
/// `ONEDOOR_CITY_{NAME}_{WHAT}` in capitals.
pub type CitySecrets = BTreeMap<String, Redacted<String>>;

/// One system of the city.
#[derive(Debug)]
pub struct Persona {
    /// Its name: the part of its path behind `/city/`, and the name under which a gateway knows it.
    pub name: &'static str,
    /// Writes the number of an application in its own style.
    pub number: fn(&Numbering) -> String,
    /// What it says of an application by itself, in order, the last within the time of the settings.
    pub course: fn(&Application) -> &'static [EventKind],
    /// Its wire format.
    pub routes: fn(&mut ServiceConfig),
    /// Writes a report in its own format and signature; `None` when it never calls back.
    pub report: Option<WriteReport>,
}

/// Writes one try of a report, signed anew each time; `None` when this event is not reported.
pub type WriteReport = fn(&Desk, &Application, &Event) -> Option<Letter>;

/// Which number is to be given: none is ever given twice, also not by a later run.
#[derive(Debug, Clone, Copy)]
pub struct Numbering {
    /// When the sandbox started.
    pub started: DateTime<Utc>,
    /// The how manieth application of this system, from 1.
    pub count: usize,
    /// The series of the intake; empty where the system has but one.
    pub series: &'static str,
}

impl Numbering {
    /// Digits that grow with each application and differ from run to run: milliseconds of the start, and the count.
    #[must_use]
    pub fn digits(&self) -> String {
        format!("{}{:05}", self.started.timestamp_millis(), self.count)
    }
}

/// All systems of the city.
pub const PERSONAS: &[Persona] = &[
    ah_zwfw_bengbu::PERSONA,
    bengbu_e::PERSONA,
    city_platform::PERSONA,
    community_platform::PERSONA,
    digit_city::PERSONA,
    grid_9x::PERSONA,
    grid_platform::PERSONA,
    open311_city::PERSONA,
    social_services::PERSONA,
    xroad_exchange::PERSONA,
];

/// The desks of all systems; none when the city is switched off.
#[must_use]
pub fn desks(department: &Department) -> Vec<Desk> {
    let played = department.settings.city.is_some();
    let personas = PERSONAS.iter().filter(|_| played);
    personas
        .map(|persona| Desk::new(persona, department.clone()))
        .collect()
}

/// Puts every system below its path.
pub fn mount(service: &mut ServiceConfig, desks: &[Desk]) {
    for desk in desks {
        let path = format!("/city/{}", desk.persona().name);
        service.service(
            web::scope(&path)
                .app_data(web::Data::new(desk.clone()))
                .configure(control::routes)
                .configure(desk.persona().routes),
        );
    }
}
