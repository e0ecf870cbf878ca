//! What travels: the department's own reading of the exchange, written from its description alone.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// An application handed over.
#[derive(Deserialize)]
pub struct Submission {
    /// The sender's reference.
    pub our_ref: String,
    /// What is applied for.
    pub item: Coded,
    /// For which place.
    pub division: Coded,
    /// By whom.
    pub applicant: Applicant,
    /// The form.
    pub form: serde_json::Map<String, serde_json::Value>,
    /// The papers.
    pub materials: Vec<Material>,
    /// Who hands over.
    pub from: Coded,
    /// To whom.
    pub to: Coded,
    /// The handoff.
    pub handoff: Handoff,
    /// When it was submitted.
    pub submitted_at: DateTime<Utc>,
    /// By when it is due.
    pub due_on: Option<NaiveDate>,
    /// Where to report.
    pub callback_url: Option<String>,
}

/// A known application handed over again.
#[derive(Deserialize)]
pub struct Transfer {
    /// The sender's reference.
    pub our_ref: String,
    /// Who hands over.
    pub from: Coded,
    /// To whom.
    pub to: Coded,
    /// The handoff.
    pub handoff: Handoff,
    /// By when it is due.
    pub due_on: Option<NaiveDate>,
    /// Where to report.
    pub callback_url: Option<String>,
}

/// A withdrawal.
#[derive(Deserialize)]
pub struct Withdrawal {
    /// The sender's reference.
    pub our_ref: String,
    /// Why it is stopped.
    pub cause: Option<String>,
}

/// Papers that came later.
#[derive(Deserialize)]
pub struct Supplement {
    /// The sender's reference.
    pub our_ref: String,
    /// The papers.
    pub materials: Vec<Material>,
    /// Remark.
    pub note: Option<String>,
}

/// What happened to a case at the sender.
#[derive(Deserialize)]
pub struct Notice {
    /// The sender's reference.
    pub our_ref: String,
    /// What.
    pub kind: String,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// In words.
    pub text: Option<String>,
}

/// A code with its name.
#[derive(Deserialize)]
pub struct Coded {
    /// Code.
    pub code: String,
    /// Name.
    pub name: String,
}

/// The applicant.
#[derive(Deserialize)]
pub struct Applicant {
    /// PERSON or ORGANIZATION.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Kind of document.
    pub id_kind: String,
    /// Its number.
    pub id_number: String,
    /// Telephone.
    pub phone: Option<String>,
    /// Address.
    pub address: Option<String>,
}

/// A paper.
#[derive(Deserialize)]
pub struct Material {
    /// Code.
    pub code: String,
    /// Name.
    pub name: String,
    /// A to D.
    pub trust: String,
    /// Paper originals.
    pub originals: u32,
    /// Remark.
    pub note: Option<String>,
}

/// A handoff.
#[derive(Deserialize)]
pub struct Handoff {
    /// Its number within the case.
    pub seq: u32,
    /// Its kind.
    pub kind: String,
    /// Remark.
    pub note: Option<String>,
}

impl Handoff {
    /// Whether it asks for an opinion, and not for a decision.
    #[must_use]
    pub fn asks_for_opinion(&self) -> bool {
        ["ESCALATE", "COUNTERSIGN", "JOINT_REVIEW", "CONSULT"].contains(&self.kind.as_str())
    }
}

/// Taken over.
#[derive(Serialize)]
pub struct Taken {
    /// Number here.
    pub serial_no: String,
    /// State.
    pub state: State,
}

/// Refused.
#[derive(Serialize)]
pub struct Refusal {
    /// Why.
    pub error: RefusalReason,
}

/// Why.
#[derive(Serialize)]
pub struct RefusalReason {
    /// For machines.
    pub code: String,
    /// For people.
    pub message: String,
}

/// State of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Taken over.
    Received,
    /// Accepted.
    Accepted,
    /// Waits for papers.
    AwaitingSupplement,
    /// In a special procedure.
    SpecialProcedure,
    /// What was asked is answered.
    Answered,
    /// Decided.
    Decided,
    /// Done.
    Completed,
    /// The result was collected.
    Delivered,
    /// Withdrawn.
    Withdrawn,
}

/// A decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Decision {
    /// Granted.
    Approved,
    /// Not granted.
    Denied,
}

/// An opinion on what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Answer {
    /// Agreed.
    Agree,
    /// Agreed under conditions.
    AgreeWithConditions,
    /// Not agreed.
    Object,
}

/// What comes with a word besides its text.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Details {
    /// Codes of the papers asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub materials: Vec<String>,
    /// Kind of a special procedure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub special_kind: Option<String>,
    /// Its limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_days: Option<u32>,
    /// The opinion on what was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

/// An application in an answer.
#[derive(Serialize)]
pub struct Listed {
    /// Number here.
    pub serial_no: String,
    /// The sender's reference.
    pub our_ref: String,
    /// State.
    pub state: State,
    /// Number of its last event.
    pub seq: u64,
    /// The decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Decision>,
    /// Its words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opinion: Option<String>,
    /// What came with its last word.
    #[serde(flatten)]
    pub details: Details,
    /// Time of its last event.
    pub updated_at: DateTime<Utc>,
}

/// An answer to a question.
#[derive(Serialize)]
pub struct List {
    /// At most one.
    pub applications: Vec<Listed>,
}

/// A page of events, for senders that cannot be called.
#[derive(Serialize)]
pub struct Events {
    /// In order.
    pub events: Vec<Event>,
    /// What to ask after next.
    pub last: String,
    /// Whether there are more.
    pub more: bool,
}

/// A report to the sender.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// The same in each repetition.
    pub event_id: String,
    /// Number here.
    pub serial_no: String,
    /// The sender's reference.
    pub our_ref: String,
    /// Grows by one with each event of an application.
    pub seq: u64,
    /// What happened.
    pub kind: EventKind,
    /// The decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Decision>,
    /// Its words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opinion: Option<String>,
    /// What comes with it.
    #[serde(flatten)]
    pub details: Details,
    /// When.
    pub occurred_at: DateTime<Utc>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventKind {
    /// Taken over.
    Received,
    /// Accepted.
    Accepted,
    /// Papers are missing.
    SupplementRequested,
    /// A special procedure began.
    SpecialBegun,
    /// It is over.
    SpecialEnded,
    /// What was asked is answered.
    Opinion,
    /// Decided.
    Decided,
    /// Done.
    Completed,
    /// The result was collected.
    Delivered,
    /// Given back.
    Rejected,
    /// Something else.
    Note,
}

impl EventKind {
    /// The state that an application is in after it; `None`: the same as before.
    #[must_use]
    pub const fn leads_to(self) -> Option<State> {
        match self {
            Self::Received => Some(State::Received),
            Self::Accepted | Self::SpecialEnded => Some(State::Accepted),
            Self::SupplementRequested => Some(State::AwaitingSupplement),
            Self::SpecialBegun => Some(State::SpecialProcedure),
            Self::Opinion => Some(State::Answered),
            Self::Decided => Some(State::Decided),
            Self::Completed => Some(State::Completed),
            Self::Delivered => Some(State::Delivered),
            Self::Rejected | Self::Note => None,
        }
    }
}
