//! What one system remembers: its applications, the keys it has seen, and all it said, in order. It knows no format.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::sandbox::city::Numbering;
use crate::sandbox::wire::{Decision, Details, Event, EventKind, State};

/// One application. Holds no personal data.
#[derive(Debug, Clone, Serialize)]
pub struct Application {
    /// Number here, in the style of the system.
    pub number: String,
    /// The sender's reference.
    pub our_ref: String,
    /// State.
    pub state: State,
    /// Number of its last event; 0 before the first.
    pub version: u64,
    /// How often it was taken over: once per handoff unless something went wrong.
    pub effects: u32,
    /// Codes of its papers, later ones behind; as often as they came.
    pub papers: Vec<String>,
    /// What the system keeps of it besides: codes of item and place, states of its own.
    pub fields: BTreeMap<String, String>,
    /// Whether it was asked for an opinion, and not for a decision.
    pub consulted: bool,
    /// The decision.
    pub result: Option<Decision>,
    /// The last words.
    pub opinion: Option<String>,
    /// Why it was stopped.
    pub stopped_for: Option<String>,
    /// Where to report; `None`: nowhere.
    pub callback_url: Option<String>,
    /// The record as the system holds it and gives it back, where it holds one. It may name people, and is never shown.
    #[serde(skip)]
    pub record: Value,
    /// All that was said of it, oldest first.
    pub history: Vec<Event>,
    /// The fields that came with a word, by the number of its event.
    pub changes: BTreeMap<u64, BTreeMap<String, String>>,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl Application {
    /// What was said last; `None` before anything was.
    #[must_use]
    pub fn last_word(&self) -> Option<&Event> {
        self.history.last()
    }

    /// Whether this was ever said of it.
    #[must_use]
    pub fn heard(&self, kind: EventKind) -> bool {
        self.history.iter().any(|event| event.kind == kind)
    }

    /// What was said of a field together with an event; `None`: nothing.
    #[must_use]
    pub fn said_with(&self, event: &Event, name: &str) -> Option<&str> {
        self.changes.get(&event.seq)?.get(name).map(String::as_str)
    }

    /// A field; empty when it is not kept.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

/// What is handed over.
#[derive(Debug, Clone, Default)]
pub struct Intake {
    /// The sender's reference.
    pub our_ref: String,
    /// Codes of the papers.
    pub papers: Vec<String>,
    /// What the system keeps besides; no personal data.
    pub fields: BTreeMap<String, String>,
    /// Whether an opinion is asked for, and not a decision.
    pub consulted: bool,
    /// Where to report; `None`: nowhere.
    pub callback_url: Option<String>,
    /// The series of its number, for systems with several.
    pub series: &'static str,
    /// The record that the system holds of it.
    pub record: Value,
}

/// What is to be said of an application.
#[derive(Debug, Clone)]
pub struct Word {
    /// What happened.
    pub kind: EventKind,
    /// The decision, of `Decided`.
    pub result: Option<Decision>,
    /// In words.
    pub text: Option<String>,
    /// What comes with it.
    pub details: Details,
    /// Fields that change with it.
    pub fields: BTreeMap<String, String>,
}

impl Word {
    /// One without details.
    #[must_use]
    pub fn of(kind: EventKind) -> Self {
        Self {
            kind,
            result: None,
            text: None,
            details: Details::default(),
            fields: BTreeMap::new(),
        }
    }
}

/// All that a system remembers.
#[derive(Debug)]
pub struct Book {
    started: DateTime<Utc>,
    number: fn(&Numbering) -> String,
    applications: BTreeMap<String, Application>,
    order: Vec<String>,
    keys: BTreeMap<String, String>,
    events: Vec<Event>,
}

impl Book {
    /// An empty one.
    #[must_use]
    pub const fn new(started: DateTime<Utc>, number: fn(&Numbering) -> String) -> Self {
        Self {
            started,
            number,
            applications: BTreeMap::new(),
            order: Vec::new(),
            keys: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    /// All applications, oldest first.
    pub fn applications(&self) -> impl DoubleEndedIterator<Item = &Application> {
        self.order
            .iter()
            .filter_map(|number| self.applications.get(number))
    }

    /// The application for which a key was seen.
    #[must_use]
    pub fn by_key(&self, key: &str) -> Option<&Application> {
        self.applications.get(self.keys.get(key)?)
    }

    /// An application by its number.
    #[must_use]
    pub fn by_number(&self, number: &str) -> Option<&Application> {
        self.applications.get(number)
    }

    /// The newest application of a reference.
    #[must_use]
    pub fn by_ref(&self, our_ref: &str) -> Option<&Application> {
        self.applications().rev().find(|one| one.our_ref == our_ref)
    }

    /// The events behind so many, at most `limit`; and whether there are more.
    #[must_use]
    pub fn events(&self, after: usize, limit: usize) -> (Vec<Event>, bool) {
        let page: Vec<Event> = self.events.iter().skip(after).take(limit).cloned().collect();
        let more = after.saturating_add(page.len()) < self.events.len();
        (page, more)
    }

    /// Takes a new application over.
    pub fn take_in(&mut self, key: Option<&str>, intake: Intake, now: DateTime<Utc>) -> Application {
        let number = (self.number)(&Numbering {
            started: self.started,
            count: self.order.len().saturating_add(1),
            series: intake.series,
        });
        let application = Application {
            number: number.clone(),
            our_ref: intake.our_ref,
            state: State::Received,
            version: 0,
            effects: 1,
            papers: intake.papers,
            fields: intake.fields,
            consulted: intake.consulted,
            result: None,
            opinion: None,
            stopped_for: None,
            callback_url: intake.callback_url,
            record: intake.record,
            history: Vec::new(),
            changes: BTreeMap::new(),
            received_at: now,
            updated_at: now,
        };
        self.remember(key, &number);
        self.order.push(number.clone());
        self.applications.insert(number, application.clone());
        application
    }

    /// Takes a known application over again; fields and papers that come with it are added.
    pub fn take_again(
        &mut self,
        key: Option<&str>,
        number: &str,
        intake: Intake,
        now: DateTime<Utc>,
    ) -> Option<Application> {
        self.remember(key, number);
        let application = self.applications.get_mut(number)?;
        application.effects = application.effects.saturating_add(1);
        application.state = State::Received;
        application.consulted = intake.consulted;
        application.papers.extend(intake.papers);
        application.fields.extend(intake.fields);
        application.updated_at = now;
        if intake.callback_url.is_some() {
            application.callback_url = intake.callback_url;
        }
        Some(application.clone())
    }

    /// Puts another record in the place of the one that is held; nothing happens to an unknown application.
    pub fn hold(&mut self, number: &str, record: Value) {
        if let Some(application) = self.applications.get_mut(number) {
            application.record = record;
        }
    }

    /// Takes in papers that came later.
    pub fn supplement(
        &mut self,
        key: Option<&str>,
        number: &str,
        papers: Vec<String>,
        now: DateTime<Utc>,
    ) -> Option<Application> {
        self.remember(key, number);
        let application = self.applications.get_mut(number)?;
        application.papers.extend(papers);
        if application.state == State::AwaitingSupplement {
            application.state = State::Received;
        }
        application.updated_at = now;
        Some(application.clone())
    }

    /// Stops an application.
    pub fn withdraw(
        &mut self,
        key: Option<&str>,
        number: &str,
        cause: Option<String>,
        now: DateTime<Utc>,
    ) -> Option<Application> {
        self.remember(key, number);
        let application = self.applications.get_mut(number)?;
        application.state = State::Withdrawn;
        application.stopped_for = cause;
        application.updated_at = now;
        Some(application.clone())
    }

    /// Says something of an application; `None` when it is unknown or withdrawn, and for a receipt that comes after more
    /// has been said.
    pub fn say(&mut self, number: &str, word: Word, now: DateTime<Utc>) -> Option<Event> {
        let application = self.applications.get_mut(number)?;
        let late = word.kind == EventKind::Received && application.state != State::Received;
        if application.state == State::Withdrawn || late {
            return None;
        }
        application.version = application.version.saturating_add(1);
        application.state = word.kind.leads_to().unwrap_or(application.state);
        application.fields.extend(word.fields.clone());
        if !word.fields.is_empty() {
            application.changes.insert(application.version, word.fields);
        }
        application.updated_at = now;
        if word.kind == EventKind::Decided {
            application.result = word.result;
        }
        if word.text.is_some() {
            application.opinion.clone_from(&word.text);
        }
        let event = Event {
            event_id: format!("{number}-{}", application.version),
            serial_no: number.to_owned(),
            our_ref: application.our_ref.clone(),
            seq: application.version,
            kind: word.kind,
            result: word.result.filter(|_| word.kind == EventKind::Decided),
            opinion: word.text,
            details: word.details,
            occurred_at: now,
        };
        application.history.push(event.clone());
        self.events.push(event.clone());
        Some(event)
    }

    fn remember(&mut self, key: Option<&str>, number: &str) {
        if let Some(key) = key {
            self.keys.insert(key.to_owned(), number.to_owned());
        }
    }
}
