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
//!   (`our_ref, cause?`; cause is WITHDRAWN, VOIDED, LAPSED or RECALLED) → 200 as above.
//! - `POST /api/applications/{serial_no}/supplements` brings papers that came later (`our_ref, materials[…], note?`)
//!   → 200 as above; the same number.
//! - `POST /api/applications/{serial_no}/notices` tells what happened to the case elsewhere (`our_ref, kind, occurred_at,
//!   text?`; kind is ACCEPTED, DECIDED, COMPLETED and so on; `text` names the office that acted) → 200 as above.
//! - `GET /api/applications?our_ref=…` → 200 `{applications: [{serial_no, our_ref, state, seq, result?, opinion?,
//!   materials?, special_kind?, working_days?, answer?, updated_at}]}`, at most one; state is RECEIVED, ACCEPTED,
//!   AWAITING_SUPPLEMENT, SPECIAL_PROCEDURE, ANSWERED, DECIDED, COMPLETED, DELIVERED or WITHDRAWN; result APPROVED or
//!   DENIED.
//! - `GET /api/events?after=…&limit=…` → 200 `{events: […], last, more}`: what it would report, of all cases, in order;
//!   `last` is what to ask after next. For senders that it cannot call.
//! - Errors: a status of HTTP and `{error: {code, message}}`; the message is for people.
//! - It reports back by POST to `callback_url`, signed by Standard Webhooks 1.0, repeated until 2xx:
//!   `{event_id, serial_no, our_ref, seq, kind, result?, opinion?, materials?, special_kind?, working_days?, answer?,
//!   occurred_at}`; `seq` grows by one with each event of a case; `event_id` is the same in each repetition. Events may
//!   come twice, late and out of order. The kinds, and what comes with them besides words in `opinion`: RECEIVED,
//!   ACCEPTED, SUPPLEMENT_REQUESTED (`materials`: codes of the item), SPECIAL_BEGUN (`special_kind?`, `working_days?`),
//!   SPECIAL_ENDED, DECIDED (`result`), OPINION (`answer`: AGREE, AGREE_WITH_CONDITIONS or OBJECT; to a handoff of the
//!   kinds ESCALATE, COUNTERSIGN, JOINT_REVIEW and CONSULT), COMPLETED, DELIVERED, REJECTED, NOTE.
//!
//! Further members are ignored; a missing required one makes the answer unreadable.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;

use crate::upstream::adapter::{Adapter, Capability, EncodeContext, EncodeError, NoticeError, PollPage};
use crate::upstream::adapters::Protocol;
use crate::upstream::callback::VerifiedNotice;
use crate::upstream::command::{DeliveryCommand, Operation};
use crate::upstream::config::section::Section;
use crate::upstream::fact::UpstreamFact;
use crate::upstream::outcome::{Acceptance, Ambiguity, Finding, Meaning, UpstreamOutcome, classify_answer};
use crate::upstream::text::{ExternalId, UntrustedText};
use crate::upstream::wire::{WireAnswer, WireRequest};

mod report;
mod requests;

use report::{Event, List};
use requests::{Papers, Submission, Told, Transfer, Withdrawal};

/// The protocol's entry in the table.
pub const PROTOCOL: Protocol = Protocol { kind: KIND, build };

const KIND: &str = "county-rest";
/// The longest error code kept, characters.
const ERROR_CODE_MAX: usize = 64;

/// Events asked for at once.
const EVENTS_PER_PAGE: &str = "100";

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
            Capability::Supplement,
            Capability::Withdraw,
            Capability::Query,
            Capability::FindByOurKey,
            Capability::Callback,
            Capability::Poll,
            Capability::Notify,
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
                Ok(WireRequest::post(&path).json(&Withdrawal::of(command))?)
            }
            Operation::Supplement => {
                let path = ["api", "applications", number()?.as_str(), "supplements"];
                let brought = command.case.supplement.as_ref().ok_or(EncodeError::Unsupported)?;
                Ok(WireRequest::post(&path).json(&Papers::of(command, brought))?)
            }
            Operation::Notify => {
                let path = ["api", "applications", number()?.as_str(), "notices"];
                let notice = command.case.notice.as_ref().ok_or(EncodeError::Unsupported)?;
                Ok(WireRequest::post(&path).json(&Told::of(command, notice))?)
            }
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

    fn encode_poll(&self, cursor: Option<&str>, _: &EncodeContext) -> Result<WireRequest, EncodeError> {
        let request = WireRequest::get(&["api", "events"]).parameter("limit", EVENTS_PER_PAGE);
        Ok(match cursor {
            Some(after) => request.parameter("after", after),
            None => request,
        })
    }

    fn decode_poll(&self, answer: &WireAnswer) -> Option<PollPage> {
        let page: Events = read(answer)?;
        let mut polled = PollPage {
            next: page.last,
            more: page.more,
            ..PollPage::default()
        };
        for event in page.events {
            match serde_json::from_value::<Event>(event)
                .ok()
                .and_then(|event| event.into_fact().ok())
            {
                Some(fact) => polled.facts.push(fact),
                None => polled.unreadable = polled.unreadable.saturating_add(1),
            }
        }
        Some(polled)
    }

    fn read_notice(&self, notice: &VerifiedNotice) -> Result<Vec<UpstreamFact>, NoticeError> {
        let event: Event = serde_json::from_slice(notice.body()).map_err(|error| NoticeError::Malformed {
            line: error.line(),
            column: error.column(),
        })?;
        Ok(vec![event.into_fact()?])
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
struct Events {
    events: Vec<serde_json::Value>,
    last: Option<String>,
    more: bool,
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
