//! What an answer, an entry of a list or a notice says, found by paths and never believed beyond its form.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;

use super::charset::Charset;
use super::document::{Format, Unreadable};
use super::mapping::{Proposal, Statuses};
use super::paths::Paths;
use super::time::{self, FORMATS_MAX, TimeFormat};
use crate::upstream::config::section::Section;
use crate::upstream::fact::{FactKind, UpstreamFact};
use crate::upstream::text::{ExternalId, UntrustedText};
use crate::upstream::wire::WireAnswer;

/// The longest reference, event identifier and code kept, characters.
const REFERENCE_MAX: usize = 200;
/// The most material codes of one report.
const MATERIALS_MAX: usize = 100;

/// How one kind of answer or notice is read.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    format: Format,
    charset: Charset,
    success_status: BTreeSet<u16>,
    success_path: Paths,
    success_is: BTreeSet<String>,
    time_formats: Vec<TimeFormat>,
    external_id: Paths,
    pub(super) our_reference: Paths,
    pub(super) status: Paths,
    version: Paths,
    message: Paths,
    opinion: Paths,
    pub(super) error: Paths,
    promised: Paths,
    event_id: Paths,
    occurred_at: Paths,
    materials: Paths,
    special_kind: Paths,
    working_days: Paths,
}

/// What one answer, entry or notice says.
#[derive(Debug, Clone, Default)]
pub(super) struct Report {
    pub(super) external_id: Option<ExternalId>,
    pub(super) our_reference: Option<String>,
    pub(super) status: Option<String>,
    pub(super) version: Option<u64>,
    pub(super) message: UntrustedText,
    pub(super) opinion: UntrustedText,
    pub(super) promised: Option<NaiveDate>,
    pub(super) event_id: Option<String>,
    pub(super) occurred_at: Option<DateTime<Utc>>,
    pub(super) materials: Vec<String>,
    pub(super) special_kind: Option<String>,
    pub(super) working_days: Option<u32>,
}

impl Reading {
    /// Reads a table of paths.
    pub(super) fn read(section: &mut Section, charset: Charset) -> Self {
        let format = section.optional("format").unwrap_or_else(|| "json".to_owned());
        let format = Format::parse(&format).unwrap_or_else(|| {
            section.fault("format", "must be json, xml or form 格式不支持");
            Format::Json
        });
        let time_formats = section.text_or_texts("time_formats");
        if time_formats.len() > FORMATS_MAX {
            section.fault("time_formats", format_args!("must have at most {FORMATS_MAX} entries 条目过多"));
        }
        let time_formats = time_formats
            .iter()
            .filter_map(|text| {
                let format = TimeFormat::parse(text);
                if format.is_none() {
                    section.fault(
                        "time_formats",
                        format_args!(
                            "{text} is no pattern like %Y-%m-%d %H:%M:%S, epoch_s or epoch_ms 不是有效的时间格式"
                        ),
                    );
                }
                format
            })
            .collect();
        let (mut success_status, mut success_path, mut success_is) =
            <(BTreeSet<u16>, Paths, BTreeSet<String>)>::default();
        if section.has("success") {
            section.section("success", |success| {
                success_status = statuses(success, "status");
                success_path = Paths::read(success, "path");
                success_is = success.text_or_texts("is").into_iter().collect();
                if success_path.is_empty() != success_is.is_empty() {
                    success.fault("path", "path and is go together: the values at the path that mean success path 与 is 须同时给出");
                }
            });
        }
        Self {
            format,
            charset,
            success_status,
            success_path,
            success_is,
            time_formats,
            external_id: Paths::read(section, "external_id"),
            our_reference: Paths::read(section, "our_reference"),
            status: Paths::read(section, "status"),
            version: Paths::read(section, "version"),
            message: Paths::read(section, "message"),
            opinion: Paths::read(section, "opinion"),
            error: Paths::read(section, "error"),
            promised: Paths::read(section, "promised"),
            event_id: Paths::read(section, "event_id"),
            occurred_at: Paths::read(section, "occurred_at"),
            materials: Paths::read(section, "materials"),
            special_kind: Paths::read(section, "special_kind"),
            working_days: Paths::read(section, "working_days"),
        }
    }

    /// The document of an answer; `None` when it is not readable. An empty body is an empty document.
    pub(super) fn answer(&self, answer: &WireAnswer) -> Option<Value> {
        let text = self.charset.text_of(answer)?;
        if text.trim().is_empty() {
            return Some(Value::Null);
        }
        self.format.read(&text).ok()
    }

    /// The document of a notice.
    ///
    /// # Errors
    /// When it is not in its form.
    pub(super) fn notice(&self, body: &[u8]) -> Result<Value, Unreadable> {
        let text = self.charset.decode(body).ok_or(Unreadable { line: 0, column: 0 })?;
        self.format.read(&text)
    }

    /// Whether a 2xx says that it was done.
    pub(super) fn is_success(&self, status: u16, document: &Value) -> bool {
        let by_status = self.success_status.is_empty() || self.success_status.contains(&status);
        let by_value = self.success_path.is_empty()
            || self
                .success_path
                .text(document)
                .is_some_and(|found| self.success_is.contains(&found));
        by_status && by_value
    }

    /// Whether a case's number can be found.
    pub(super) const fn finds_number(&self) -> bool {
        !self.external_id.is_empty()
    }

    /// Whether an event's identifier can be found.
    pub(super) const fn finds_event(&self) -> bool {
        !self.event_id.is_empty()
    }

    /// Their error code, bounded; it becomes a column of ours.
    pub(super) fn error_code(&self, document: &Value) -> Option<String> {
        self.error.text(document).and_then(reference)
    }

    /// Their words.
    pub(super) fn words(&self, document: &Value) -> UntrustedText {
        UntrustedText::new(&self.message.text(document).unwrap_or_default())
    }

    /// Everything said about one case.
    pub(super) fn report(&self, document: &Value) -> Report {
        let message = self.words(document);
        let opinion = match self.opinion.text(document) {
            Some(text) => UntrustedText::new(&text),
            None => message.clone(),
        };
        let instant = |paths: &Paths| {
            paths
                .text(document)
                .and_then(|text| time::of_theirs(&text, &self.time_formats))
        };
        let mut materials = self.materials.texts(document);
        materials.retain(|code| code.chars().count() <= REFERENCE_MAX);
        materials.truncate(MATERIALS_MAX);
        Report {
            external_id: self.external_id.text(document).and_then(|text| ExternalId::parse(&text)),
            our_reference: self.our_reference.text(document).and_then(reference),
            status: self.status.joined(document),
            version: self.version.text(document).and_then(|text| self.sequence(&text)),
            message,
            opinion,
            promised: instant(&self.promised).map(time::day),
            event_id: self.event_id.joined(document).and_then(reference),
            occurred_at: instant(&self.occurred_at),
            materials,
            special_kind: self.special_kind.text(document).and_then(reference),
            working_days: self.working_days.text(document).and_then(|text| text.parse().ok()),
        }
    }

    /// A sequence: a number, or an instant in one of the time formats, which orders as well.
    fn sequence(&self, text: &str) -> Option<u64> {
        text.parse().ok().or_else(|| {
            let instant = time::of_theirs(text, &self.time_formats)?;
            u64::try_from(instant.timestamp_millis()).ok()
        })
    }
}

impl Report {
    /// The facts of a state, oldest first; `None` when the state is not known. The last one alone carries the
    /// version, so that the first does not make the second look old.
    pub(super) fn facts(&self, number: &ExternalId, statuses: &Statuses) -> Option<Vec<UpstreamFact>> {
        let proposals = match &self.status {
            Some(status) => statuses.get(status)?,
            None => &[],
        };
        Some(self.told(number, proposals.iter().map(|proposal| proposal.fact(self)).collect()))
    }

    /// A state that is not known, as news: its raw word is kept.
    pub(super) fn noted(&self, number: &ExternalId) -> Vec<UpstreamFact> {
        self.told(number, vec![Proposal::Note.fact(self)])
    }

    fn told(&self, number: &ExternalId, kinds: Vec<FactKind>) -> Vec<UpstreamFact> {
        let promise = self.promised.map(|day| FactKind::Note {
            text: UntrustedText::new(&format!("对方承诺办结日期 {day} (promised by the upstream system)")),
        });
        let kinds: Vec<FactKind> = promise.into_iter().chain(kinds).collect();
        let count = kinds.len();
        let fact = |(index, kind): (usize, FactKind)| UpstreamFact {
            external_id: number.clone(),
            our_reference: self.our_reference.clone(),
            event_id: self.event_id.clone(),
            version: self.version.filter(|_| index.saturating_add(1) == count),
            occurred_at: self.occurred_at,
            kind,
        };
        kinds.into_iter().enumerate().map(fact).collect()
    }
}

/// Status codes of an option.
pub(super) fn statuses(section: &mut Section, key: &str) -> BTreeSet<u16> {
    section
        .numbers(key, 200..=599)
        .into_iter()
        .filter_map(|status| u16::try_from(status).ok())
        .collect()
}

/// Identifiers that become keys of ours: short and visible, or none.
fn reference(text: String) -> Option<String> {
    let fits = text.chars().count() <= REFERENCE_MAX && !text.chars().any(char::is_control);
    fits.then_some(text)
}
