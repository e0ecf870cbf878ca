//! What comes in: lists in JSON and XML as one kind of entries, and what each says of a request.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::statuses::Statuses;
use crate::upstream::adapters::template::paths::scalar;
use crate::upstream::fact::UpstreamFact;
use crate::upstream::text::{ExternalId, UntrustedText};

/// The longest error code kept, characters.
const ERROR_CODE_MAX: usize = 64;
/// The longest identifier of an update kept, characters.
const UPDATE_ID_MAX: usize = 120;
/// The longest state kept, characters.
const STATUS_MAX: usize = 100;

/// A list of the protocol: its element in XML, and that of each entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct ListName {
    list: &'static str,
    entry: &'static str,
}

/// Requests.
pub(super) const REQUESTS: ListName = ListName {
    list: "service_requests",
    entry: "request",
};
/// Updates of requests.
pub(super) const UPDATES: ListName = ListName {
    list: "service_request_updates",
    entry: "request_update",
};
/// Errors.
pub(super) const ERRORS: ListName = ListName {
    list: "errors",
    entry: "error",
};

/// The entries of a document; `None` when it is not that list. JSON writes a bare list; some servers keep the names of XML
/// around it.
pub(super) fn entries(document: Value, name: ListName) -> Option<Vec<Value>> {
    let list = match document {
        Value::Array(list) => return Some(list),
        Value::Object(mut members) => members.remove(name.list)?,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
    };
    let inner = match list {
        Value::Object(mut members) => match members.remove(name.entry) {
            Some(entry) => entry,
            None => return Some(Vec::new()),
        },
        list @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => list,
    };
    match inner {
        Value::Array(list) => Some(list),
        entry @ Value::Object(_) => Some(vec![entry]),
        // an empty element where a list would stand
        Value::String(text) if text.is_empty() => Some(Vec::new()),
        Value::Null => Some(Vec::new()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// A number of theirs. One that reads like our mark of a token is none, or it could pose as one.
pub(super) fn number(text: &str) -> Option<ExternalId> {
    ExternalId::parse(text).filter(|number| number.token().is_none())
}

/// A code of theirs, of plain letters; it becomes a column of ours.
pub(super) fn error_code(text: &str) -> Option<String> {
    let plain = |letter: &char| letter.is_ascii_alphanumeric() || "_.-".contains(*letter);
    let code: String = text.chars().filter(plain).take(ERROR_CODE_MAX).collect();
    (!code.is_empty()).then_some(code)
}

/// Which list an entry comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A request as it stands.
    Request,
    /// One update.
    Update,
}

/// What one entry says of a request.
#[derive(Debug, Clone)]
pub(super) struct Report {
    /// The request.
    pub(super) number: ExternalId,
    status: String,
    words: UntrustedText,
    /// When it came into this state; of a list of updates always there.
    pub(super) at: Option<DateTime<Utc>>,
    /// Identifier of an update among all of the server.
    pub(super) event: Option<String>,
}

/// The facts of a report.
pub(super) struct Told {
    /// Oldest first.
    pub(super) facts: Vec<UpstreamFact>,
    /// Whether nothing more is to be waited for.
    pub(super) is_over: bool,
}

impl Report {
    /// Reads an entry; `None` when it does not say which request is how.
    pub(super) fn of(entry: &Value, source: Source) -> Option<Self> {
        let field = |name: &str| entry.get(name).and_then(scalar);
        let number = number(&field("service_request_id")?)?;
        let status = UntrustedText::new(&field("status")?);
        let status: String = status.as_str().chars().take(STATUS_MAX).collect();
        if status.is_empty() {
            return None;
        }
        let at = field("updated_datetime")
            .and_then(|text| DateTime::parse_from_rfc3339(&text).ok())
            .map(|instant| instant.to_utc());
        let (words, event) = match source {
            Source::Request => (field("status_notes"), None),
            Source::Update => {
                at?;
                let id = field("update_id").filter(|id| is_identifier(id));
                (field("description"), id.map(|id| format!("{number}/{id}")))
            }
        };
        Some(Self {
            number,
            status,
            words: UntrustedText::new(&words.unwrap_or_default()),
            at,
            event,
        })
    }

    /// Its place among what is said of the request: the instant orders.
    pub(super) fn version(&self) -> Option<u64> {
        u64::try_from(self.at?.timestamp_millis()).ok()
    }

    /// The facts of its state. The last one alone carries the version, so that the first does not make the second look
    /// old; and each has an identifier of its own.
    pub(super) fn facts(&self, statuses: &Statuses) -> Told {
        let proposals = statuses.get(&self.status, &self.words);
        let count = proposals.len();
        let facts = proposals
            .iter()
            .zip(1_usize..)
            .map(|(proposal, place)| UpstreamFact {
                external_id: self.number.clone(),
                // the description may be anybody's words and is never believed to be ours
                our_reference: None,
                event_id: self.event.as_ref().map(|event| {
                    if place == 1 {
                        event.clone()
                    } else {
                        format!("{event}/{place}")
                    }
                }),
                version: self.version().filter(|_| place == count),
                occurred_at: self.at,
                kind: proposal.fact(&self.status, &self.words),
            });
        Told {
            facts: facts.collect(),
            is_over: proposals.iter().any(|proposal| proposal.ends()),
        }
    }
}

/// What can become part of a key and of a cursor.
fn is_identifier(text: &str) -> bool {
    text.len() <= UPDATE_ID_MAX && text.bytes().all(|byte| byte.is_ascii_graphic())
}
