//! What a department reports of a case, in its callbacks and when it is asked.

use chrono::{DateTime, Utc};
use onedoor_domain::handoff::Opinion;
use serde::Deserialize;

use crate::upstream::adapter::NoticeError;
use crate::upstream::fact::{FactKind, UpstreamFact, Verdict};
use crate::upstream::outcome::Acceptance;
use crate::upstream::text::{ExternalId, UntrustedText};

/// The longest event identifier and reference kept, characters.
const REFERENCE_MAX: usize = 200;
/// The most materials that one request for a supplement names.
const MATERIALS_MAX: usize = 100;

/// The answer to a question.
#[derive(Deserialize)]
pub(super) struct List {
    pub(super) applications: Vec<Listed>,
}

/// One application as it stands.
#[derive(Deserialize)]
pub(super) struct Listed {
    serial_no: String,
    pub(super) our_ref: String,
    state: State,
    seq: u64,
    updated_at: Option<DateTime<Utc>>,
    #[serde(flatten)]
    details: Details,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum State {
    Received,
    Accepted,
    AwaitingSupplement,
    SpecialProcedure,
    Answered,
    Decided,
    Completed,
    Delivered,
    Withdrawn,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Outcome {
    Approved,
    Denied,
}

/// A callback.
#[derive(Deserialize)]
pub(super) struct Event {
    event_id: String,
    serial_no: String,
    our_ref: Option<String>,
    seq: u64,
    kind: String,
    occurred_at: Option<DateTime<Utc>>,
    #[serde(flatten)]
    details: Details,
}

/// What comes with a word.
#[derive(Deserialize)]
struct Details {
    result: Option<Outcome>,
    opinion: Option<String>,
    #[serde(default)]
    materials: Vec<String>,
    special_kind: Option<String>,
    working_days: Option<u32>,
    answer: Option<Opinion>,
}

impl Details {
    fn text(&self) -> UntrustedText {
        UntrustedText::new(self.opinion.as_deref().unwrap_or_default())
    }

    fn decided(&self) -> Option<FactKind> {
        let verdict = match self.result? {
            Outcome::Approved => Verdict::Granted,
            Outcome::Denied => Verdict::Denied,
        };
        Some(FactKind::Decided {
            verdict,
            opinion: self.text(),
        })
    }

    fn answered(&self) -> Option<FactKind> {
        Some(FactKind::Opinion {
            opinion: self.answer?,
            text: self.text(),
        })
    }

    /// `None` when a code could not be kept, or there are too many.
    fn asks(&self) -> Option<FactKind> {
        let materials: Option<Vec<String>> = self.materials.iter().cloned().map(reference).collect();
        Some(FactKind::SupplementRequested {
            materials: materials.filter(|codes| codes.len() <= MATERIALS_MAX)?,
            text: self.text(),
        })
    }

    fn special(&self) -> FactKind {
        FactKind::SpecialBegun {
            kind: self.special_kind.clone().and_then(reference),
            working_days: self.working_days,
            text: self.text(),
        }
    }
}

impl Listed {
    /// What the department has, as of now; `None` when the application contradicts itself.
    pub(super) fn into_acceptance(self) -> Option<Acceptance> {
        let external_id = ExternalId::parse(&self.serial_no)?;
        let fact = |kind, version| UpstreamFact {
            external_id: external_id.clone(),
            our_reference: Some(self.our_ref.clone()),
            event_id: None,
            version,
            occurred_at: self.updated_at,
            kind,
        };
        let last = |kind| vec![fact(kind, Some(self.seq))];
        let details = &self.details;
        let facts = match self.state {
            State::Received => last(FactKind::Received),
            State::Accepted => last(FactKind::Accepted),
            State::AwaitingSupplement => last(details.asks()?),
            State::SpecialProcedure => last(details.special()),
            State::Answered => last(details.answered()?),
            State::Decided => last(details.decided()?),
            State::Completed => vec![
                fact(details.decided()?, None),
                fact(FactKind::Completed, Some(self.seq)),
            ],
            State::Delivered => vec![
                fact(details.decided()?, None),
                fact(FactKind::Delivered, Some(self.seq)),
            ],
            State::Withdrawn => last(FactKind::Withdrawn),
        };
        Some(Acceptance {
            awaits_callback: self.state == State::Received,
            version: Some(self.seq),
            facts,
            external_id,
        })
    }
}

impl Event {
    /// What the department says happened.
    ///
    /// # Errors
    /// A word that the protocol does not have, and one without what must come with it.
    pub(super) fn into_fact(self) -> Result<UpstreamFact, NoticeError> {
        let malformed = || NoticeError::Malformed { line: 0, column: 0 };
        let details = &self.details;
        let text = || details.text();
        let kind = match self.kind.as_str() {
            "RECEIVED" => FactKind::Received,
            "ACCEPTED" => FactKind::Accepted,
            "SUPPLEMENT_REQUESTED" => details.asks().ok_or_else(malformed)?,
            "SPECIAL_BEGUN" => details.special(),
            "SPECIAL_ENDED" => FactKind::SpecialEnded { text: text() },
            "DECIDED" => details.decided().ok_or_else(malformed)?,
            "OPINION" => details.answered().ok_or_else(malformed)?,
            "COMPLETED" => FactKind::Completed,
            "DELIVERED" => FactKind::Delivered,
            "REJECTED" => FactKind::Rejected { reason: text() },
            "NOTE" => FactKind::Note { text: text() },
            _ => return Err(NoticeError::UnknownKind),
        };
        Ok(UpstreamFact {
            external_id: ExternalId::parse(&self.serial_no).ok_or_else(malformed)?,
            our_reference: self.our_ref.and_then(reference),
            event_id: Some(reference(self.event_id).ok_or_else(malformed)?),
            version: Some(self.seq),
            occurred_at: self.occurred_at,
            kind,
        })
    }
}

/// Identifiers that become keys of ours: short and visible, or unreadable.
fn reference(text: String) -> Option<String> {
    let fits =
        !text.is_empty() && text.chars().count() <= REFERENCE_MAX && !text.chars().any(char::is_control);
    fits.then_some(text)
}
