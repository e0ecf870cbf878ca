//! What the department remembers: its applications, and a journal of everything that came and went.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::sandbox::modes::Mode;
use crate::sandbox::wire::{Decision, Details, Event, EventKind, Listed, State};

/// Lines of the journal that are kept in memory; the older half goes when there are more. Polls alone make some a second.
const JOURNAL_LINES_MAX: usize = 200_000;

/// One application.
#[derive(Debug, Clone, Serialize)]
pub struct Application {
    /// Number here.
    pub serial_no: String,
    /// The sender's reference.
    pub our_ref: String,
    /// State.
    pub state: State,
    /// Number of its last event.
    pub seq: u64,
    /// How often it was taken over: once per handoff unless something went wrong.
    pub effects: u32,
    /// Codes of the papers that came later, as often as they came.
    pub supplements: Vec<String>,
    /// What the sender told of it, as often as it was told.
    pub notices: Vec<Noticed>,
    /// Why it was stopped.
    pub stopped_for: Option<String>,
    /// The decision.
    pub result: Option<Decision>,
    /// Its words.
    pub opinion: Option<String>,
    /// What came with its last word.
    #[serde(flatten)]
    pub details: Details,
    /// Whether it was asked for an opinion, and not for a decision.
    pub consulted: bool,
    /// What the sender asks with its last handoff.
    pub asked: Option<String>,
    /// Where to report.
    pub callback_url: Option<String>,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// Something that the sender told of an application.
#[derive(Debug, Clone, Serialize)]
pub struct Noticed {
    /// What happened there.
    pub kind: String,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// In words.
    pub text: Option<String>,
}

/// What is asked with a handoff, and where the answer goes.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Whether for an opinion, and not for a decision.
    pub opinion: bool,
    /// In words.
    pub words: Option<String>,
    /// Where to report.
    pub callback_url: Option<String>,
}

/// Whether a request came in or a callback went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// A request to the sandbox.
    In,
    /// A callback of the sandbox.
    Out,
}

/// One line of the journal. Holds no personal data.
#[derive(Debug, Clone, Serialize)]
pub struct JournalLine {
    /// Number of the line, from 1.
    pub n: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// In or out.
    pub direction: Direction,
    /// HTTP method.
    pub method: String,
    /// Path without query (in), or the whole address (out).
    pub path: String,
    /// Type of the content, as its header says.
    pub media_type: Option<String>,
    /// Idempotency-Key of a request, event identifier of a callback.
    pub key: Option<String>,
    /// The sender's reference.
    pub our_ref: Option<String>,
    /// Number here.
    pub serial_no: Option<String>,
    /// How it was told to behave.
    pub mode: Mode,
    /// What it did.
    pub did: Did,
    /// The status it answered or was answered; `None` for none.
    pub status: Option<u16>,
}

/// What a request or callback came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Did {
    /// Took an application over.
    Accepted,
    /// Recognized a repeated key and did nothing again.
    Repeated,
    /// Took in papers that came later.
    Supplemented,
    /// Took in what happened elsewhere.
    Noticed,
    /// Stopped an application.
    Withdrew,
    /// Answered a question.
    Answered,
    /// Refused.
    Refused,
    /// Was told to do nothing.
    Nothing,
    /// Sent a callback.
    Reported,
}

/// All that is remembered.
#[derive(Debug, Default)]
pub struct Store {
    applications: BTreeMap<String, Application>,
    keys: BTreeMap<String, String>,
    events: Vec<Event>,
    journal: Vec<JournalLine>,
    /// All lines so far.
    lines: u64,
    journal_file: Option<File>,
    /// In front of each number, so that numbers of an earlier run never come again.
    series: String,
}

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new(journal_file: Option<File>, started: DateTime<Utc>) -> Self {
        let series = format!("HR{}", started.timestamp_millis());
        Self {
            journal_file,
            series,
            ..Self::default()
        }
    }

    /// Appends a line; its number is set here.
    pub fn note(&mut self, mut line: JournalLine) {
        self.lines = self.lines.saturating_add(1);
        line.n = self.lines;
        if let Some(file) = &mut self.journal_file
            && let Ok(mut text) = serde_json::to_vec(&line)
        {
            text.push(b'\n');
            if let Err(error) = file.write_all(&text) {
                tracing::warn!(error = %error, "the sandbox's journal cannot be written");
            }
        }
        if self.journal.len() >= JOURNAL_LINES_MAX {
            self.journal.drain(..JOURNAL_LINES_MAX / 2);
        }
        self.journal.push(line);
    }

    /// The journal.
    #[must_use]
    pub fn journal(&self) -> &[JournalLine] {
        &self.journal
    }

    /// All applications.
    pub fn applications(&self) -> impl Iterator<Item = &Application> {
        self.applications.values()
    }

    /// The events behind so many, at most `limit`; and whether there are more.
    #[must_use]
    pub fn events(&self, after: usize, limit: usize) -> (Vec<Event>, bool) {
        let behind = self.events.iter().skip(after);
        let page: Vec<Event> = behind.take(limit).cloned().collect();
        let more = after.saturating_add(page.len()) < self.events.len();
        (page, more)
    }

    /// The number given for a key.
    #[must_use]
    pub fn by_key(&self, key: &str) -> Option<&Application> {
        self.applications.get(self.keys.get(key)?)
    }

    /// An application by its number.
    #[must_use]
    pub fn by_serial(&self, serial_no: &str) -> Option<&Application> {
        self.applications.get(serial_no)
    }

    /// The newest application of a reference.
    #[must_use]
    pub fn by_ref(&self, our_ref: &str) -> Option<&Application> {
        self.applications
            .values()
            .rev()
            .find(|one| one.our_ref == our_ref)
    }

    /// An application by its number, else the newest of a reference.
    #[must_use]
    pub fn named(&self, serial_no: Option<&str>, our_ref: Option<&str>) -> Option<Application> {
        match (serial_no, our_ref) {
            (Some(serial_no), _) => self.by_serial(serial_no).cloned(),
            (None, Some(our_ref)) => self.by_ref(our_ref).cloned(),
            (None, None) => None,
        }
    }

    /// Takes a new application over.
    pub fn accept(
        &mut self,
        key: Option<&str>,
        our_ref: &str,
        asked: Asked,
        now: DateTime<Utc>,
    ) -> Application {
        let serial_no = format!("{}-{:06}", self.series, self.applications.len().saturating_add(1));
        let application = Application {
            serial_no: serial_no.clone(),
            our_ref: our_ref.to_owned(),
            state: State::Received,
            seq: 0,
            effects: 1,
            supplements: Vec::new(),
            notices: Vec::new(),
            stopped_for: None,
            result: None,
            opinion: None,
            details: Details::default(),
            consulted: asked.opinion,
            asked: asked.words,
            callback_url: asked.callback_url,
            received_at: now,
            updated_at: now,
        };
        self.remember(key, &serial_no);
        self.applications.insert(serial_no, application.clone());
        application
    }

    /// Takes a known application over again.
    pub fn accept_again(
        &mut self,
        key: Option<&str>,
        serial_no: &str,
        asked: Asked,
        now: DateTime<Utc>,
    ) -> Option<Application> {
        self.remember(key, serial_no);
        let application = self.applications.get_mut(serial_no)?;
        application.effects = application.effects.saturating_add(1);
        application.state = State::Received;
        application.consulted = asked.opinion;
        application.asked = asked.words;
        application.updated_at = now;
        if asked.callback_url.is_some() {
            application.callback_url = asked.callback_url;
        }
        Some(application.clone())
    }

    /// Takes in papers that came later.
    pub fn supplement(
        &mut self,
        key: Option<&str>,
        serial_no: &str,
        papers: impl IntoIterator<Item = String>,
        now: DateTime<Utc>,
    ) -> Option<Application> {
        self.remember(key, serial_no);
        let application = self.applications.get_mut(serial_no)?;
        application.supplements.extend(papers);
        application.updated_at = now;
        Some(application.clone())
    }

    /// Keeps what the sender tells of an application.
    pub fn notice(
        &mut self,
        key: Option<&str>,
        serial_no: &str,
        notice: Noticed,
        now: DateTime<Utc>,
    ) -> Option<Application> {
        self.remember(key, serial_no);
        let application = self.applications.get_mut(serial_no)?;
        application.notices.push(notice);
        application.updated_at = now;
        Some(application.clone())
    }

    /// Stops an application.
    pub fn withdraw(
        &mut self,
        key: Option<&str>,
        serial_no: &str,
        cause: Option<String>,
        now: DateTime<Utc>,
    ) -> Option<Application> {
        self.remember(key, serial_no);
        let application = self.applications.get_mut(serial_no)?;
        application.stopped_for = cause;
        application.state = State::Withdrawn;
        application.updated_at = now;
        Some(application.clone())
    }

    /// Writes the event that an application was received; `None` when more than that has been said of it already.
    pub fn receive(&mut self, serial_no: &str, now: DateTime<Utc>) -> Option<Event> {
        if self.by_serial(serial_no)?.state != State::Received {
            return None;
        }
        self.event(serial_no, EventKind::Received, now)
    }

    /// Decides an application; `None` when it is unknown or withdrawn.
    pub fn decide(
        &mut self,
        serial_no: &str,
        result: Decision,
        opinion: Option<String>,
        now: DateTime<Utc>,
    ) -> Option<Event> {
        let application = self.applications.get_mut(serial_no)?;
        if application.state == State::Withdrawn {
            return None;
        }
        application.state = State::Decided;
        application.details = Details::default();
        application.result = Some(result);
        application.opinion = Some(opinion.unwrap_or_else(|| match result {
            Decision::Approved => "经审核，符合条件，准予办理。".to_owned(),
            Decision::Denied => "经审核，不符合条件，不予办理。".to_owned(),
        }));
        self.event(serial_no, EventKind::Decided, now)
    }

    /// Says something of an application; `None` when it is unknown or withdrawn.
    pub fn say(
        &mut self,
        serial_no: &str,
        kind: EventKind,
        words: (Option<String>, Details),
        now: DateTime<Utc>,
    ) -> Option<Event> {
        let application = self.applications.get_mut(serial_no)?;
        if application.state == State::Withdrawn {
            return None;
        }
        application.state = kind.leads_to().unwrap_or(application.state);
        (application.opinion, application.details) = words;
        self.event(serial_no, kind, now)
    }

    fn event(&mut self, serial_no: &str, kind: EventKind, now: DateTime<Utc>) -> Option<Event> {
        let application = self.applications.get_mut(serial_no)?;
        application.seq = application.seq.saturating_add(1);
        application.updated_at = now;
        let decided = kind == EventKind::Decided;
        let silent = kind == EventKind::Received;
        let event = Event {
            event_id: format!("evt-{serial_no}-{}", application.seq),
            serial_no: serial_no.to_owned(),
            our_ref: application.our_ref.clone(),
            seq: application.seq,
            kind,
            result: application.result.filter(|_| decided),
            opinion: application.opinion.clone().filter(|_| !silent),
            details: if silent {
                Details::default()
            } else {
                application.details.clone()
            },
            occurred_at: now,
        };
        self.events.push(event.clone());
        Some(event)
    }

    fn remember(&mut self, key: Option<&str>, serial_no: &str) {
        if let Some(key) = key {
            self.keys.insert(key.to_owned(), serial_no.to_owned());
        }
    }
}

impl From<&Application> for Listed {
    fn from(application: &Application) -> Self {
        Self {
            serial_no: application.serial_no.clone(),
            our_ref: application.our_ref.clone(),
            state: application.state,
            seq: application.seq,
            result: application.result,
            opinion: application.opinion.clone(),
            details: application.details.clone(),
            updated_at: application.updated_at,
        }
    }
}
