//! Their words for ours: states that propose facts, and error codes that say what to do.

use std::collections::BTreeMap;

use onedoor_domain::handoff::Opinion;
use serde::Deserialize;

use super::paths::JOINT;
use super::reading::Report;
use crate::upstream::config::section::Section;
use crate::upstream::fact::{FactKind, Verdict};
use crate::upstream::text::UntrustedText;

/// The most entries of one map.
const ENTRIES_MAX: usize = 500;
/// Stands for every code that has no entry of its own.
pub(super) const ANY: &str = "*";

/// What a state proposes, as the configuration names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Proposal {
    Received,
    Accepted,
    SupplementRequested,
    SpecialBegun,
    SpecialEnded,
    OpinionAgree,
    OpinionAgreeWithConditions,
    OpinionObject,
    Granted,
    Denied,
    Completed,
    Delivered,
    Rejected,
    Withdrawn,
    Note,
}

impl Proposal {
    /// The fact, with what the report says beside its state.
    pub(super) fn fact(self, report: &Report) -> FactKind {
        let text = || report.message.clone();
        let decided = |verdict| FactKind::Decided {
            verdict,
            opinion: report.opinion.clone(),
        };
        let opinion = |opinion| FactKind::Opinion {
            opinion,
            text: report.opinion.clone(),
        };
        match self {
            Self::Received => FactKind::Received,
            Self::Accepted => FactKind::Accepted,
            Self::SupplementRequested => FactKind::SupplementRequested {
                materials: report.materials.clone(),
                text: text(),
            },
            Self::SpecialBegun => FactKind::SpecialBegun {
                kind: report.special_kind.clone(),
                working_days: report.working_days,
                text: text(),
            },
            Self::SpecialEnded => FactKind::SpecialEnded { text: text() },
            Self::OpinionAgree => opinion(Opinion::Agree),
            Self::OpinionAgreeWithConditions => opinion(Opinion::AgreeWithConditions),
            Self::OpinionObject => opinion(Opinion::Object),
            Self::Granted => decided(Verdict::Granted),
            Self::Denied => decided(Verdict::Denied),
            Self::Completed => FactKind::Completed,
            Self::Delivered => FactKind::Delivered,
            Self::Rejected => FactKind::Rejected { reason: text() },
            Self::Withdrawn => FactKind::Withdrawn,
            Self::Note => FactKind::Note {
                text: if report.message.is_empty() {
                    UntrustedText::new(report.status.as_deref().unwrap_or_default())
                } else {
                    text()
                },
            },
        }
    }

    /// Whether nothing more is to be waited for.
    pub(super) const fn ends(self) -> bool {
        match self {
            Self::Granted
            | Self::Denied
            | Self::Completed
            | Self::Delivered
            | Self::Rejected
            | Self::Withdrawn => true,
            Self::Received
            | Self::Accepted
            | Self::SupplementRequested
            | Self::SpecialBegun
            | Self::SpecialEnded
            | Self::OpinionAgree
            | Self::OpinionAgreeWithConditions
            | Self::OpinionObject
            | Self::Note => false,
        }
    }
}

/// State → what it proposes.
#[derive(Debug, Clone, Default)]
pub(super) struct Statuses(BTreeMap<String, Vec<Proposal>>);

impl Statuses {
    /// Reads `[statuses]`: `"4/0" = ["GRANTED", "COMPLETED"]`; an empty list is a state without meaning here.
    pub(super) fn read(section: &mut Section) -> Self {
        let mut statuses = BTreeMap::new();
        let keys = section.keys();
        if keys.len() > ENTRIES_MAX {
            section.fault("", format_args!("must have at most {ENTRIES_MAX} entries 条目过多"));
        }
        for key in keys {
            let names = section.text_or_texts(&key);
            let proposals = names
                .iter()
                .filter_map(|name| section.choice(&key, name))
                .collect();
            statuses.insert(key.trim().to_owned(), proposals);
        }
        Self(statuses)
    }

    /// What a state proposes: by its own entry, else by `first/*`, else by `*`; `None` when it is not known.
    pub(super) fn get(&self, status: &str) -> Option<&[Proposal]> {
        let family = || {
            let (first, _) = status.split_once(JOINT)?;
            self.0.get(&format!("{first}{JOINT}{ANY}"))
        };
        self.0
            .get(status)
            .or_else(family)
            .or_else(|| self.0.get(ANY))
            .map(Vec::as_slice)
    }

    /// The states.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// What an error code of theirs asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum ErrorClass {
    /// Surely not done; try again later.
    Retry,
    /// A business no.
    Permanent,
    /// Somebody must look.
    Config,
    /// They have it already: a no at first, our own earlier success on a repeat.
    Duplicate,
    /// They may have done it.
    Unknown,
}

/// Error code → what to do. Codes of theirs, `http:503` for a bare status, `*` for any other failure within a 2xx.
#[derive(Debug, Clone, Default)]
pub(super) struct Errors(BTreeMap<String, ErrorClass>);

impl Errors {
    /// Reads `[errors]`.
    pub(super) fn read(section: &mut Section) -> Self {
        let mut errors = BTreeMap::new();
        for key in section.keys() {
            if let Some(status) = key.strip_prefix("http:") {
                let fits = status
                    .parse()
                    .is_ok_and(|status: u16| (400..600).contains(&status) && status != 409);
                if !fits {
                    section.fault(
                        &key,
                        "must be http:400 to http:599; 409 keeps its meaning, for it may speak of our own earlier \
                         success, and redirects always hold 状态码须为 400–599，409 不可改写",
                    );
                }
            }
            let class = section.required(&key).and_then(|name| section.choice(&key, &name));
            if let Some(class) = class {
                errors.insert(key.trim().to_owned(), class);
            }
        }
        Self(errors)
    }

    /// What an error of their own or a bare status asks for; `None` leaves it to the table of outcomes.
    pub(super) fn named(&self, code: Option<&str>, status: u16) -> Option<ErrorClass> {
        code.filter(|code| *code != ANY)
            .and_then(|code| self.0.get(code))
            .or_else(|| self.0.get(&format!("http:{status}")))
            .copied()
    }

    /// What a failure within a 2xx asks for.
    pub(super) fn within_success(&self, code: Option<&str>) -> ErrorClass {
        code.and_then(|code| self.0.get(code))
            .or_else(|| self.0.get(ANY))
            .copied()
            .unwrap_or(ErrorClass::Unknown)
    }

    /// Whether codes of theirs are named, which need a path to be found by.
    pub(super) fn names_codes(&self) -> bool {
        self.0.keys().any(|key| key != ANY && !key.starts_with("http:"))
    }
}
