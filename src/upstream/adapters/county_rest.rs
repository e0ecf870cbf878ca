//! `county-rest`: the JSON exchange of a county department's case system.
//!
//! The protocol, as agreed with the department. All bodies are JSON in UTF-8.
//!
//! - Every request carries `Authorization: Bearer …` and `Idempotency-Key`. The same key is the same request:
//!   its answer is repeated and nothing is done twice.
//! - `POST /api/applications` takes a case over:
//!   `{our_ref, item{code,name}, division{code,name}, applicant{kind,name,id_kind,id_number,phone?,address?},
//!   form{…}, materials[{code,name,trust,originals,note?}], from{code,name}, to{code,name}, handoff{seq,kind,note?},
//!   submitted_at, due_on?, callback_url?}` → 202 `{serial_no, state: "RECEIVED"}`.
//! - `POST /api/applications/{serial_no}/transfers` hands the same case over again (`our_ref, from, to, handoff,
//!   due_on?, callback_url?`) → 202 as above. `POST /api/applications/{serial_no}/withdrawal` stops it
//!   (`our_ref`) → 200 as above.
//! - `GET /api/applications?our_ref=…` → 200 `{applications: [{serial_no, our_ref, state, seq, result?, opinion?,
//!   updated_at}]}`, at most one; state is RECEIVED, DECIDED, COMPLETED or WITHDRAWN; result APPROVED or DENIED.
//! - Errors: a status of HTTP and `{error: {code, message}}`; the message is for people.
//! - It reports back by POST to `callback_url`, signed by Standard Webhooks 1.0, repeated until 2xx:
//!   `{event_id, serial_no, our_ref, seq, kind, result?, opinion?, occurred_at}`; kind is RECEIVED, DECIDED,
//!   COMPLETED, REJECTED or NOTE; `seq` grows by one with each event of a case; `event_id` is the same in each
//!   repetition. Events may come twice, late and out of order.
//!
//! Further members are ignored; a missing required one makes the answer unreadable.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use onedoor_domain::item::ApplicantKind;
use onedoor_domain::route::HandoffKind;
use serde::{Deserialize, Serialize};

use crate::upstream::adapter::{Adapter, Capability, EncodeContext, EncodeError, NoticeError};
use crate::upstream::adapters::Protocol;
use crate::upstream::callback::VerifiedNotice;
use crate::upstream::command::{DeliveryCommand, Operation};
use crate::upstream::config::section::Section;
use crate::upstream::fact::{FactKind, UpstreamFact, Verdict};
use crate::upstream::outcome::{Acceptance, Ambiguity, Finding, Meaning, UpstreamOutcome, classify_answer};
use crate::upstream::text::{ExternalId, UntrustedText};
use crate::upstream::view::{HandoffView, OfficeView};
use crate::upstream::wire::{WireAnswer, WireRequest};

/// The protocol's entry in the table.
pub const PROTOCOL: Protocol = Protocol { kind: KIND, build };

const KIND: &str = "county-rest";
/// The longest error code kept, characters.
const ERROR_CODE_MAX: usize = 64;
/// The longest event identifier and reference kept, characters.
const REFERENCE_MAX: usize = 200;

fn build(_: &mut Section) -> Option<Arc<dyn Adapter>> {
    Some(Arc::new(CountyRest))
}

/// The adapter; it has no options.
#[derive(Debug, Clone, Copy)]
struct CountyRest;

impl Adapter for CountyRest {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn capabilities(&self) -> BTreeSet<Capability> {
        BTreeSet::from([
            Capability::Submit,
            Capability::Transition,
            Capability::Withdraw,
            Capability::Query,
            Capability::FindByOurKey,
            Capability::Callback,
        ])
    }

    fn encode(&self, command: &DeliveryCommand, _: &EncodeContext) -> Result<WireRequest, EncodeError> {
        let number = || command.external_id.as_ref().ok_or(EncodeError::NumberMissing);
        let applications = ["api", "applications"];
        match command.operation {
            Operation::Submit => Ok(WireRequest::post(&applications).json(&Submission::of(command))?),
            Operation::Transition => {
                let path = ["api", "applications", number()?.as_str(), "transfers"];
                Ok(WireRequest::post(&path).json(&Transfer::of(command))?)
            }
            Operation::Withdraw => {
                let path = ["api", "applications", number()?.as_str(), "withdrawal"];
                Ok(WireRequest::post(&path).json(&Withdrawal {
                    our_ref: &command.case.case_number,
                })?)
            }
            Operation::Supplement => Err(EncodeError::Unsupported),
        }
    }

    fn decode(&self, command: &DeliveryCommand, answer: &WireAnswer) -> UpstreamOutcome {
        match classify_answer(command, answer) {
            Meaning::Accepted { awaits_callback } => read_acceptance(answer, awaits_callback).map_or(
                UpstreamOutcome::Ambiguous {
                    reason: Ambiguity::Unreadable,
                },
                UpstreamOutcome::Accepted,
            ),
            Meaning::Rejected => read_rejection(answer),
            settled @ (Meaning::NotSent(_)
            | Meaning::Retryable(_)
            | Meaning::Ambiguous(_)
            | Meaning::Held(_)) => settled.into_outcome(),
        }
    }

    fn encode_query(&self, command: &DeliveryCommand, _: &EncodeContext) -> Result<WireRequest, EncodeError> {
        Ok(WireRequest::get(&["api", "applications"]).parameter("our_ref", &command.case.case_number))
    }

    fn decode_query(&self, command: &DeliveryCommand, answer: &WireAnswer) -> Finding {
        let unreadable = Finding::Unanswered {
            class: crate::upstream::outcome::OutcomeClass::Ambiguous,
            retry_after: None,
        };
        let Some(list) = read::<List>(answer) else {
            return unreadable;
        };
        // Only our own case counts, whatever else the list may hold.
        let Some(found) = list
            .applications
            .into_iter()
            .find(|one| one.our_ref == command.case.case_number)
        else {
            return Finding::Absent;
        };
        found.into_acceptance().map_or(unreadable, Finding::Found)
    }

    fn read_notice(&self, notice: &VerifiedNotice) -> Result<Vec<UpstreamFact>, NoticeError> {
        let event: Event = serde_json::from_slice(notice.body()).map_err(|error| NoticeError::Malformed {
            line: error.line(),
            column: error.column(),
        })?;
        Ok(vec![event.into_fact()?])
    }
}

#[derive(Serialize)]
struct Submission<'a> {
    our_ref: &'a str,
    item: Named<'a>,
    division: Named<'a>,
    applicant: Applicant<'a>,
    form: &'a serde_json::Map<String, serde_json::Value>,
    materials: Vec<Material<'a>>,
    from: Named<'a>,
    to: Named<'a>,
    handoff: Handoff<'a>,
    submitted_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_on: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<&'a str>,
}

#[derive(Serialize)]
struct Transfer<'a> {
    our_ref: &'a str,
    from: Named<'a>,
    to: Named<'a>,
    handoff: Handoff<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_on: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<&'a str>,
}

#[derive(Serialize)]
struct Withdrawal<'a> {
    our_ref: &'a str,
}

#[derive(Serialize)]
struct Named<'a> {
    code: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Applicant<'a> {
    kind: &'static str,
    name: &'a str,
    id_kind: &'a str,
    id_number: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
}

#[derive(Serialize)]
struct Material<'a> {
    code: &'a str,
    name: &'a str,
    trust: &'a str,
    originals: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

#[derive(Serialize)]
struct Handoff<'a> {
    seq: u32,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

impl<'a> Submission<'a> {
    fn of(command: &'a DeliveryCommand) -> Self {
        let case = &command.case;
        let applicant = &case.applicant;
        let material = |one: &'a crate::upstream::view::MaterialView| Material {
            code: &one.code,
            name: &one.name,
            trust: &one.trust,
            originals: one.originals,
            note: one.note.as_deref(),
        };
        Self {
            our_ref: &case.case_number,
            item: Named {
                code: &case.item.code,
                name: &case.item.name_zh,
            },
            division: Named {
                code: &case.division.code,
                name: &case.division.name,
            },
            applicant: Applicant {
                kind: match applicant.kind {
                    ApplicantKind::Person => "PERSON",
                    ApplicantKind::Organization | ApplicantKind::Both => "ORGANIZATION",
                },
                name: &applicant.name,
                id_kind: &applicant.id_kind,
                id_number: &applicant.id_number,
                phone: applicant.phone.as_deref(),
                address: applicant.address.as_deref(),
            },
            form: &case.form,
            materials: case.materials.iter().map(material).collect(),
            from: Named::office(&case.from),
            to: Named::office(&case.to),
            handoff: Handoff::of(&case.handoff),
            submitted_at: case.submitted_at,
            due_on: case.due.step,
            callback_url: case.callback_url.as_deref(),
        }
    }
}

impl<'a> Transfer<'a> {
    fn of(command: &'a DeliveryCommand) -> Self {
        let case = &command.case;
        Self {
            our_ref: &case.case_number,
            from: Named::office(&case.from),
            to: Named::office(&case.to),
            handoff: Handoff::of(&case.handoff),
            due_on: case.due.step,
            callback_url: case.callback_url.as_deref(),
        }
    }
}

impl<'a> Named<'a> {
    fn office(office: &'a OfficeView) -> Self {
        Self {
            code: &office.code,
            name: &office.name,
        }
    }
}

impl<'a> Handoff<'a> {
    fn of(handoff: &'a HandoffView) -> Self {
        let kind = match handoff.kind {
            HandoffKind::Route => "ROUTE",
            HandoffKind::Assign => "ASSIGN",
            HandoffKind::Transfer => "TRANSFER",
            HandoffKind::Return => "RETURN",
            HandoffKind::Escalate => "ESCALATE",
            HandoffKind::Countersign => "COUNTERSIGN",
            HandoffKind::JointReview => "JOINT_REVIEW",
            HandoffKind::Consult => "CONSULT",
            HandoffKind::Delivery => "DELIVERY",
        };
        Self {
            seq: handoff.seq,
            kind,
            note: handoff.note.as_deref(),
        }
    }
}

#[derive(Deserialize)]
struct Taken {
    serial_no: String,
}

#[derive(Deserialize)]
struct Refused {
    error: RefusedBecause,
}

#[derive(Deserialize)]
struct RefusedBecause {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct List {
    applications: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    serial_no: String,
    our_ref: String,
    state: State,
    seq: u64,
    result: Option<Outcome>,
    opinion: Option<String>,
    updated_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum State {
    Received,
    Decided,
    Completed,
    Withdrawn,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Outcome {
    Approved,
    Denied,
}

#[derive(Deserialize)]
struct Event {
    event_id: String,
    serial_no: String,
    our_ref: Option<String>,
    seq: u64,
    kind: String,
    result: Option<Outcome>,
    opinion: Option<String>,
    occurred_at: Option<DateTime<Utc>>,
}

fn read<T: for<'de> Deserialize<'de>>(answer: &WireAnswer) -> Option<T> {
    serde_json::from_str(answer.text().ok()?).ok()
}

fn read_acceptance(answer: &WireAnswer, awaits_callback: bool) -> Option<Acceptance> {
    let taken: Taken = read(answer)?;
    let external_id = ExternalId::parse(&taken.serial_no)?;
    Some(Acceptance {
        external_id,
        awaits_callback,
        version: None,
        facts: Vec::new(),
    })
}

fn read_rejection(answer: &WireAnswer) -> UpstreamOutcome {
    let Some(Refused { error }) = read(answer) else {
        return Meaning::Rejected.into_outcome();
    };
    let plain = |letter: &char| letter.is_ascii_alphanumeric() || "_.-".contains(*letter);
    let code: String = error.code.chars().filter(plain).take(ERROR_CODE_MAX).collect();
    let code = (!code.is_empty()).then_some(code);
    UpstreamOutcome::Rejected {
        code,
        reason: UntrustedText::new(&error.message),
    }
}

fn verdict(result: Outcome) -> Verdict {
    match result {
        Outcome::Approved => Verdict::Granted,
        Outcome::Denied => Verdict::Denied,
    }
}

/// Identifiers that become keys of ours: short and visible, or unreadable.
fn reference(text: String) -> Option<String> {
    let fits =
        !text.is_empty() && text.chars().count() <= REFERENCE_MAX && !text.chars().any(char::is_control);
    fits.then_some(text)
}

impl Listed {
    fn into_acceptance(self) -> Option<Acceptance> {
        let external_id = ExternalId::parse(&self.serial_no)?;
        let (our_reference, occurred_at, seq) = (self.our_ref, self.updated_at, self.seq);
        let fact = |kind, version| UpstreamFact {
            external_id: external_id.clone(),
            our_reference: Some(our_reference.clone()),
            event_id: None,
            version,
            occurred_at,
            kind,
        };
        let awaits_callback = self.state == State::Received;
        let facts = match (self.state, self.result) {
            (State::Received, _) => vec![fact(FactKind::Received, Some(seq))],
            (State::Withdrawn, _) => {
                vec![fact(
                    FactKind::Note {
                        text: UntrustedText::new("WITHDRAWN"),
                    },
                    Some(seq),
                )]
            }
            (state @ (State::Decided | State::Completed), Some(result)) => {
                let opinion = UntrustedText::new(&self.opinion.unwrap_or_default());
                let decided = FactKind::Decided {
                    verdict: verdict(result),
                    opinion,
                };
                match state {
                    State::Completed => vec![fact(decided, None), fact(FactKind::Completed, Some(seq))],
                    State::Received | State::Decided | State::Withdrawn => vec![fact(decided, Some(seq))],
                }
            }
            (State::Decided | State::Completed, None) => return None,
        };
        Some(Acceptance {
            external_id,
            awaits_callback,
            version: Some(seq),
            facts,
        })
    }
}

impl Event {
    fn into_fact(self) -> Result<UpstreamFact, NoticeError> {
        let malformed = || NoticeError::Malformed { line: 0, column: 0 };
        let text = UntrustedText::new(&self.opinion.unwrap_or_default());
        let kind = match self.kind.as_str() {
            "RECEIVED" => FactKind::Received,
            "DECIDED" => FactKind::Decided {
                verdict: verdict(self.result.ok_or_else(malformed)?),
                opinion: text,
            },
            "COMPLETED" => FactKind::Completed,
            "REJECTED" => FactKind::Rejected { reason: text },
            "NOTE" => FactKind::Note { text },
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
