//! Their states, and what each proposes.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Module;
use crate::upstream::config::section::Section;
use crate::upstream::fact::{FactKind, Verdict};
use crate::upstream::text::UntrustedText;

/// The states of PGR as the platform ships its workflow. A complaint that is resolved was found right and done; whoever
/// rejects one gives it back without deciding anything for the applicant.
const PGR: &[(&str, &[Proposal])] = &[
    ("PENDINGFORASSIGNMENT", &[Proposal::Received]),
    ("PENDINGFORREASSIGNMENT", &[Proposal::Accepted]),
    ("PENDINGATLME", &[Proposal::Accepted]),
    ("PENDINGATSUPERVISOR", &[Proposal::Accepted]),
    ("RESOLVED", &[Proposal::Granted, Proposal::Completed]),
    ("CLOSEDAFTERRESOLUTION", &[Proposal::Granted, Proposal::Completed]),
    ("REJECTED", &[Proposal::Rejected]),
    ("CLOSEDAFTERREJECTION", &[Proposal::Rejected]),
    ("CANCELLED", &[Proposal::Note]),
];
/// The states of TL as the platform ships its workflow `NewTL`. A licence that waits for its fee is not granted yet.
const TL: &[(&str, &[Proposal])] = &[
    ("INITIATED", &[Proposal::Received]),
    ("APPLIED", &[Proposal::Received]),
    ("DOCVERIFICATION", &[Proposal::Accepted]),
    ("FIELDINSPECTION", &[Proposal::Accepted]),
    ("PENDINGAPPROVAL", &[Proposal::Accepted]),
    ("CITIZENACTIONREQUIRED", &[Proposal::SupplementRequested]),
    ("PENDINGPAYMENT", &[Proposal::Note]),
    ("APPROVED", &[Proposal::Granted, Proposal::Completed]),
    ("REJECTED", &[Proposal::Denied]),
    ("CANCELLED", &[Proposal::Note]),
    ("EXPIRED", &[Proposal::Note]),
];

/// What a state proposes, as the configuration names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Proposal {
    Received,
    Accepted,
    SupplementRequested,
    Granted,
    Denied,
    Completed,
    Delivered,
    Rejected,
    Note,
}

/// State → what it proposes.
#[derive(Debug)]
pub(super) struct States(BTreeMap<String, Vec<Proposal>>);

impl States {
    /// The shipped states of a module, changed and added to by `[statuses]`; a bare workflow has none of its own.
    pub(super) fn read(section: &mut Section, module: Module) -> Self {
        let shipped = match module {
            Module::Pgr => PGR,
            Module::Tl => TL,
            Module::Workflow => &[],
        };
        let mut states: BTreeMap<String, Vec<Proposal>> = shipped
            .iter()
            .map(|(state, proposals)| ((*state).to_owned(), proposals.to_vec()))
            .collect();
        if module == Module::Workflow && !section.has("statuses") {
            section.fault("statuses", "is missing: a bare workflow has states of its own 缺少该项");
        }
        section.section("statuses", |section| {
            for state in section.keys() {
                let names = section.text_or_texts(&state);
                let proposals = names
                    .iter()
                    .filter_map(|name| section.choice(&state, name))
                    .collect();
                states.insert(state, proposals);
            }
        });
        Self(states)
    }

    /// What a state says happened, in order. One that nobody knows is kept as news and changes nothing.
    pub(super) fn facts(&self, state: &str, words: &UntrustedText) -> Vec<FactKind> {
        match self.0.get(state) {
            Some(proposals) => proposals
                .iter()
                .map(|proposal| proposal.fact(state, words))
                .collect(),
            None => vec![Proposal::Note.fact(state, words)],
        }
    }

    /// Whether nothing more is to be waited for.
    pub(super) fn ends(&self, state: &str) -> bool {
        let proposals = self.0.get(state).map(Vec::as_slice).unwrap_or_default();
        proposals.iter().any(|proposal| proposal.ends())
    }
}

impl Proposal {
    fn fact(self, state: &str, words: &UntrustedText) -> FactKind {
        let text = || words.clone();
        let decided = |verdict| FactKind::Decided {
            verdict,
            opinion: text(),
        };
        match self {
            Self::Received => FactKind::Received,
            Self::Accepted => FactKind::Accepted,
            Self::SupplementRequested => FactKind::SupplementRequested {
                materials: Vec::new(),
                text: text(),
            },
            Self::Granted => decided(Verdict::Granted),
            Self::Denied => decided(Verdict::Denied),
            Self::Completed => FactKind::Completed,
            Self::Delivered => FactKind::Delivered,
            Self::Rejected => FactKind::Rejected { reason: text() },
            Self::Note => FactKind::Note {
                text: UntrustedText::new(state),
            },
        }
    }

    const fn ends(self) -> bool {
        match self {
            Self::Granted | Self::Denied | Self::Completed | Self::Delivered | Self::Rejected => true,
            Self::Received | Self::Accepted | Self::SupplementRequested | Self::Note => false,
        }
    }
}
