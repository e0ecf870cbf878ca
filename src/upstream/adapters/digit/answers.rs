//! The answers of DIGIT's services: records as they stand, and why something was refused.

use chrono::DateTime;
use serde_json::{Map, Value};

use super::Module;
use super::requests::{DETAIL, KEY_MARKS, OUR_KEY, OUR_REFERENCE};
use super::states::States;
use crate::upstream::command::DeliveryCommand;
use crate::upstream::fact::UpstreamFact;
use crate::upstream::outcome::Acceptance;
use crate::upstream::text::{ExternalId, UntrustedText};
use crate::upstream::wire::WireAnswer;

/// The most records of one answer that are read.
const ENTRIES_MAX: usize = 1_000;
/// The most errors of one answer that are read.
const ERRORS_MAX: usize = 20;
/// The longest error code kept, characters.
const ERROR_CODE_MAX: usize = 64;
/// The longest reference of ours that is looked at, characters.
const REFERENCE_MAX: usize = 200;

/// The records of an answer.
pub(super) struct Entries {
    module: Module,
    list: Vec<Value>,
}

/// One record.
pub(super) struct Entry<'a> {
    /// The record itself, as an update sends it back.
    pub(super) record: &'a Map<String, Value>,
    /// The key of our last delivery.
    pub(super) key: Option<&'a str>,
    number: Option<&'a str>,
    reference: Option<&'a str>,
    state: &'a str,
    modified: Option<u64>,
    words: UntrustedText,
}

impl Entries {
    /// The records of a success; `None` when it is not in the form of the contract.
    pub(super) fn read(module: Module, answer: &WireAnswer) -> Option<Self> {
        let mut document: Value = serde_json::from_str(answer.text().ok()?).ok()?;
        let member = match module {
            Module::Pgr => "ServiceWrappers",
            Module::Tl => "Licenses",
            Module::Workflow => "ProcessInstances",
        };
        match document.get_mut(member)?.take() {
            Value::Array(mut list) => {
                list.truncate(ENTRIES_MAX);
                Some(Self { module, list })
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => None,
        }
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.list.len()
    }

    /// The record of a command's case, of several the one that changed last: by our number, which they repeat, else by
    /// theirs.
    pub(super) fn ours(&self, command: &DeliveryCommand) -> Option<Entry<'_>> {
        self.all_ours(command).into_iter().next_back()
    }

    /// The record that an answer to a command tells of; it must not be another case's.
    pub(super) fn answered(&self, command: &DeliveryCommand) -> Option<Entry<'_>> {
        let entry = self.entry(self.list.first()?)?;
        let ours = match entry.reference {
            Some(reference) => reference == command.case.case_number,
            None => true,
        };
        ours.then_some(entry)
    }

    /// Whether a change of ours is part of a record.
    pub(super) fn has_heard(&self, entry: &Entry<'_>, command: &DeliveryCommand) -> bool {
        let key = Some(command.key.as_str());
        entry.key == key
            || (self.module == Module::Workflow
                && self.all_ours(command).iter().any(|step| step.key == key))
    }

    /// What they say when they have a case; `None` without a number that can be kept.
    pub(super) fn acceptance(
        &self,
        entry: &Entry<'_>,
        command: &DeliveryCommand,
        states: &States,
    ) -> Option<Acceptance> {
        let external_id = ExternalId::parse(entry.number?)?;
        let reference = &command.case.case_number;
        // a bare workflow tells its steps, each with its own time
        let facts = if self.module == Module::Workflow {
            self.all_ours(command)
                .iter()
                .flat_map(|step| step.facts(&external_id, reference, states))
                .collect()
        } else {
            entry.facts(&external_id, reference, states)
        };
        Some(Acceptance {
            external_id,
            awaits_callback: !states.ends(entry.state),
            version: entry.modified,
            facts,
        })
    }

    /// What each record says that carries a number of ours; `None` for one that cannot be read.
    pub(super) fn news<'a>(
        &'a self,
        states: &'a States,
    ) -> impl Iterator<Item = Option<Vec<UpstreamFact>>> + 'a {
        self.list.iter().filter_map(move |one| {
            let Some(entry) = self.entry(one) else {
                return Some(None);
            };
            let reference = entry.reference?;
            let number = entry.number.and_then(ExternalId::parse);
            let known = number.filter(|_| !entry.state.is_empty());
            Some(known.map(|number| entry.facts(&number, reference, states)))
        })
    }

    /// The records of a command's case, the one that changed last at the end.
    fn all_ours(&self, command: &DeliveryCommand) -> Vec<Entry<'_>> {
        let known = command.external_id.as_ref().map(ExternalId::as_str);
        let is_ours = |entry: &Entry<'_>| match entry.reference {
            Some(reference) if reference != command.case.case_number => false,
            // a bare workflow knows a case by our number alone
            Some(_) => self.module == Module::Workflow || known.is_none() || entry.number == known,
            None => known.is_some() && entry.number == known,
        };
        let mut ours: Vec<Entry<'_>> = self
            .list
            .iter()
            .filter_map(|one| self.entry(one))
            .filter(is_ours)
            .collect();
        // newest come first in their answers; among equals that stays the order of time
        ours.reverse();
        ours.sort_by_key(|entry| entry.modified);
        ours
    }

    fn entry<'a>(&self, one: &'a Value) -> Option<Entry<'a>> {
        match self.module {
            Module::Pgr => {
                let record = one.get("service")?.as_object()?;
                let said = one.pointer("/workflow/comments").and_then(Value::as_str);
                Some(Entry::of(record, record, ("serviceRequestId", "applicationStatus"), said))
            }
            Module::Tl => {
                let record = one.as_object()?;
                let detail = record.get("tradeLicenseDetail")?.as_object()?;
                let said = text(record, "comment");
                Some(Entry::of(record, detail, ("applicationNumber", "status"), said))
            }
            Module::Workflow => {
                let record = one.as_object()?;
                let number = text(record, "businessId");
                let (words, key) = unmarked(text(record, "comment").unwrap_or_default());
                let state = record.get("state")?.as_object()?;
                let state = text(state, "applicationStatus").or_else(|| text(state, "state"));
                Some(Entry {
                    record,
                    key,
                    number,
                    reference: number,
                    state: state.unwrap_or_default(),
                    modified: modified(record),
                    words: UntrustedText::new(words),
                })
            }
        }
    }
}

impl<'a> Entry<'a> {
    fn of(
        record: &'a Map<String, Value>,
        holder: &'a Map<String, Value>,
        (number, state): (&str, &str),
        said: Option<&str>,
    ) -> Self {
        let detail = holder.get(DETAIL).and_then(Value::as_object);
        let ours = |name: &str| {
            let said = detail.and_then(|detail| text(detail, name));
            said.filter(|said| said.chars().count() <= REFERENCE_MAX)
        };
        Self {
            record,
            key: ours(OUR_KEY),
            number: text(record, number),
            reference: ours(OUR_REFERENCE),
            state: text(record, state).unwrap_or_default(),
            modified: modified(record),
            words: UntrustedText::new(said.unwrap_or_default()),
        }
    }

    /// What its state says; where that is several things, the last one carries the version.
    fn facts(&self, number: &ExternalId, reference: &str, states: &States) -> Vec<UpstreamFact> {
        if self.state.is_empty() {
            return Vec::new();
        }
        let occurred_at = self
            .modified
            .and_then(|millis| DateTime::from_timestamp_millis(i64::try_from(millis).ok()?));
        let kinds = states.facts(self.state, &self.words);
        let last = kinds.len();
        kinds
            .into_iter()
            .zip(1..)
            .map(|(kind, position)| UpstreamFact {
                external_id: number.clone(),
                our_reference: Some(reference.to_owned()),
                event_id: None,
                version: self.modified.filter(|_| position == last),
                occurred_at,
                kind,
            })
            .collect()
    }
}

/// A comment without our mark, and the key in it.
fn unmarked(comment: &str) -> (&str, Option<&str>) {
    let (open, close) = KEY_MARKS;
    let marked = comment
        .strip_suffix(close)
        .and_then(|rest| rest.rsplit_once(open.trim()));
    match marked {
        Some((words, key)) if is_key(key) => (words.trim_end(), Some(key)),
        Some(_) | None => (comment, None),
    }
}

/// Whether it is written as our keys are: people write brackets too.
fn is_key(text: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.contains('_') && text.len() <= REFERENCE_MAX && text.chars().all(plain)
}

fn text<'a>(record: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    record.get(name).and_then(Value::as_str)
}

fn modified(record: &Map<String, Value>) -> Option<u64> {
    record.get("auditDetails")?.get("lastModifiedTime")?.as_u64()
}

/// Why something was refused: `{Errors: [{code, message, params}]}`.
pub(super) struct Errors(Vec<(String, String)>);

impl Errors {
    /// `None` when the answer is not in that form, or names no error.
    pub(super) fn read(answer: &WireAnswer) -> Option<Self> {
        let document: Value = serde_json::from_str(answer.text().ok()?).ok()?;
        let list = document.get("Errors").or_else(|| document.get("errors"))?.as_array()?;
        let part = |one: &Value, name: &str| {
            let said = one.get(name).and_then(Value::as_str);
            said.unwrap_or_default().to_owned()
        };
        let errors: Vec<(String, String)> = list
            .iter()
            .take(ERRORS_MAX)
            .map(|one| (part(one, "code"), part(one, "message")))
            .collect();
        (!errors.is_empty()).then_some(Self(errors))
    }

    /// Their codes as they wrote them.
    pub(super) fn codes(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(code, _)| code.as_str())
    }

    /// The first code, bounded and plain.
    pub(super) fn code(&self) -> Option<String> {
        let plain = |letter: &char| letter.is_ascii_alphanumeric() || "_.-".contains(*letter);
        let code: String = self
            .codes()
            .next()?
            .chars()
            .filter(plain)
            .take(ERROR_CODE_MAX)
            .collect();
        (!code.is_empty()).then_some(code)
    }

    /// Their words, in order.
    pub(super) fn words(&self) -> String {
        let words: Vec<&str> = self
            .0
            .iter()
            .map(|(_, message)| message.trim())
            .filter(|message| !message.is_empty())
            .collect();
        words.join("; ")
    }
}
