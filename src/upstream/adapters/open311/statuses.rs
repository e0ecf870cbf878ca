//! Their states for our facts: what is not configured never decides.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::upstream::config::section::Section;
use crate::upstream::fact::{FactKind, Verdict};
use crate::upstream::text::UntrustedText;

/// The most states.
const ENTRIES_MAX: usize = 500;
/// Between a state and its notes.
const JOINT: char = '/';
/// States that only say that a request is there, whatever is configured about others.
const RECEIVED: &[&str] = &["open", "received", "submitted", "new"];

/// What a state proposes, as the configuration names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Proposal {
    Received,
    Accepted,
    /// Of a grid event: resolved.
    Granted,
    /// Of a grid event: unfounded.
    Denied,
    Completed,
    Rejected,
    Note,
}

impl Proposal {
    /// The fact. What keeps words keeps the server's own word for the state where there are no others.
    pub(super) fn fact(self, status: &str, words: &UntrustedText) -> FactKind {
        let reason = || {
            if words.is_empty() {
                UntrustedText::new(status)
            } else {
                words.clone()
            }
        };
        let decided = |verdict| FactKind::Decided {
            verdict,
            opinion: reason(),
        };
        match self {
            Self::Received => FactKind::Received,
            Self::Accepted => FactKind::Accepted,
            Self::Granted => decided(Verdict::Granted),
            Self::Denied => decided(Verdict::Denied),
            Self::Completed => FactKind::Completed,
            Self::Rejected => FactKind::Rejected { reason: reason() },
            Self::Note => FactKind::Note {
                text: if words.is_empty() {
                    reason()
                } else {
                    UntrustedText::new(&format!("{status}: {}", words.as_str()))
                },
            },
        }
    }

    /// Whether nothing more is to be waited for.
    pub(super) const fn ends(self) -> bool {
        match self {
            Self::Granted | Self::Denied | Self::Completed | Self::Rejected => true,
            Self::Received | Self::Accepted | Self::Note => false,
        }
    }
}

/// State → what it proposes.
#[derive(Debug, Default)]
pub(super) struct Statuses(BTreeMap<String, Vec<Proposal>>);

impl Statuses {
    /// Reads `[statuses]`: `closed = "GRANTED"`, or by notes `"closed/Duplicate request." = "DENIED"`; an empty list is a
    /// state without meaning here.
    pub(super) fn read(section: &mut Section) -> Self {
        let keys = section.keys();
        if keys.len() > ENTRIES_MAX {
            section.fault(
                "",
                format_args!("must have at most {ENTRIES_MAX} entries 条目过多"),
            );
        }
        let mut statuses = BTreeMap::new();
        for key in keys {
            let names = section.text_or_texts(&key);
            let proposals = names
                .iter()
                .filter_map(|name| section.choice(&key, name))
                .collect();
            let (status, notes) = match key.split_once(JOINT) {
                Some((status, notes)) => (status, Some(notes)),
                None => (key.as_str(), None),
            };
            if statuses.insert(place(status, notes), proposals).is_some() {
                section.fault(
                    &key,
                    "is given twice: case, blanks and hyphens make no difference 重复",
                );
            }
        }
        Self(statuses)
    }

    /// What a state proposes: by its notes, by itself, else a note; only that it is open says that it was received.
    pub(super) fn get(&self, status: &str, words: &UntrustedText) -> &[Proposal] {
        let by_notes = || self.0.get(&place(status, Some(words.as_str())));
        let by_itself = || self.0.get(&place(status, None));
        by_notes().or_else(by_itself).map_or_else(
            || {
                if RECEIVED.contains(&plain(status).as_str()) {
                    &[Proposal::Received][..]
                } else {
                    &[Proposal::Note][..]
                }
            },
            Vec::as_slice,
        )
    }
}

fn place(status: &str, notes: Option<&str>) -> String {
    match notes {
        Some(notes) => format!("{}{JOINT}{}", plain(status), notes.trim()),
        None => plain(status),
    }
}

/// Servers write `In Progress`, `in_progress` and `IN_PROGRESS`.
fn plain(status: &str) -> String {
    let letter = |letter: char| match letter {
        ' ' | '-' => '_',
        other => other.to_ascii_lowercase(),
    };
    status.trim().chars().map(letter).collect()
}
