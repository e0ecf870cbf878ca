//! `open311`: Open311 GeoReport v2, with the service request updates that many of its servers add.
//!
//! What is spoken (wiki.open311.org/GeoReport_v2; the updates are the extension of FixMyStreet, which is public as well):
//!
//! - `POST /requests.{json|xml}`, a form: `service_code`, a location, `description`, `attribute[code]`, …; the secret
//!   `api_key` is the driver's (`[auth.body]`). The answer names a `service_request_id`, or a `token` that stands for one.
//! - `GET /requests/{id}.{f}` says how a request stands, `GET /tokens/{token}.{f}` what number a token became.
//! - `GET /servicerequestupdates.{f}` and `GET /requests.{f}` list news between two instants; `POST
//!   /servicerequestupdates.{f}` says something of a request. Both only where `updates` is on, but for the list of requests.
//! - Errors are `[{code, description}]`.
//!
//! What it has not: it does not recognize a repeated request, and it cannot be asked for a request by our number, whose
//! `description` anybody may write. A request whose answer was lost therefore waits for a clerk (`idempotency = "none"`).
//! A server of kind `blackbox`, which never tells a number, cannot be connected.
//!
//! `closed` is not "fixed": it is a decision only where `[options.statuses]` says what closing means, by the status or by
//! its notes. The options are told in `docs/upstreams.md`.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use self::options::Options;
use self::poll::Position;
use crate::upstream::adapter::{Adapter, Capability, EncodeContext, EncodeError, NoticeError, PollPage};
use crate::upstream::adapters::Protocol;
use crate::upstream::adapters::template::paths::scalar;
use crate::upstream::callback::VerifiedNotice;
use crate::upstream::command::{DeliveryCommand, Operation};
use crate::upstream::config::section::Section;
use crate::upstream::fact::{FactKind, UpstreamFact};
use crate::upstream::outcome::{
    Acceptance, Ambiguity, Finding, Meaning, OutcomeClass, UpstreamOutcome, classify_answer,
};
use crate::upstream::text::{ExternalId, UntrustedText};
use crate::upstream::wire::{WireAnswer, WireRequest};

mod options;
mod poll;
mod reading;
mod requests;
mod statuses;
#[cfg(test)]
mod tests;

/// The protocol's entry in the table.
pub const PROTOCOL: Protocol = Protocol { kind: KIND, build };

const KIND: &str = "open311";

const UNREADABLE: UpstreamOutcome = UpstreamOutcome::Ambiguous {
    reason: Ambiguity::Unreadable,
};
const UNANSWERED: Finding = Finding::Unanswered {
    class: OutcomeClass::Ambiguous,
    retry_after: None,
};

fn build(section: &mut Section) -> Option<Arc<dyn Adapter>> {
    let options = Options::read(section)?;
    Some(Arc::new(Open311 { options }))
}

/// A GeoReport server.
#[derive(Debug)]
struct Open311 {
    options: Options,
}

impl Adapter for Open311 {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn capabilities(&self) -> BTreeSet<Capability> {
        let updates = self.options.updates.as_ref();
        let able = [
            (Capability::Submit, true),
            (Capability::Query, true),
            (Capability::Poll, true),
            (Capability::Transition, updates.is_some()),
            (Capability::Supplement, updates.is_some()),
            (
                Capability::Withdraw,
                updates.is_some_and(|said| said.withdraw.is_some()),
            ),
        ];
        able.into_iter()
            .filter_map(|(capability, able)| able.then_some(capability))
            .collect()
    }

    fn encode(&self, command: &DeliveryCommand, cx: &EncodeContext) -> Result<WireRequest, EncodeError> {
        match command.operation {
            Operation::Submit => {
                let fields = requests::submission(&self.options, command)?;
                Ok(WireRequest::post(&[&self.named("requests")]).form(&fields))
            }
            Operation::Transition | Operation::Supplement | Operation::Withdraw => {
                let fields = requests::update(&self.options, command, *cx)?;
                Ok(WireRequest::post(&[&self.named("servicerequestupdates")]).form(&fields))
            }
            Operation::Notify => Err(EncodeError::Unsupported),
        }
    }

    fn decode(&self, command: &DeliveryCommand, answer: &WireAnswer) -> UpstreamOutcome {
        match classify_answer(command, answer) {
            Meaning::Accepted { awaits_callback } => {
                let taken = match command.operation {
                    Operation::Submit => self.taken(answer, awaits_callback),
                    Operation::Transition
                    | Operation::Supplement
                    | Operation::Withdraw
                    | Operation::Notify => self.heard(command, answer),
                };
                taken.map_or(UNREADABLE, UpstreamOutcome::Accepted)
            }
            Meaning::Rejected => self.refused(answer),
            settled @ (Meaning::NotSent(_)
            | Meaning::Retryable(_)
            | Meaning::Ambiguous(_)
            | Meaning::Held(_)) => settled.into_outcome(),
        }
    }

    /// By the number alone; while there is none the protocol has no question.
    fn encode_query(&self, command: &DeliveryCommand, _: &EncodeContext) -> Result<WireRequest, EncodeError> {
        let number = command.external_id.as_ref().ok_or(EncodeError::Unsupported)?;
        let request = match number.token() {
            Some(token) => WireRequest::get(&["tokens", &self.named(token)]),
            None => WireRequest::get(&["requests", &self.named(number.as_str())]),
        };
        Ok(self.in_jurisdiction(request))
    }

    fn decode_query(&self, command: &DeliveryCommand, answer: &WireAnswer) -> Finding {
        let Some(number) = &command.external_id else {
            return Finding::Unsupported;
        };
        let Some(entries) = self.entries(answer, reading::REQUESTS) else {
            return UNANSWERED;
        };
        if let Some(token) = number.token() {
            return self
                .became(command, number, token, &entries)
                .unwrap_or(UNANSWERED);
        }
        if entries.is_empty() {
            return Finding::Absent;
        }
        // Only our own request counts, whatever else the list may hold.
        let ours = entries
            .iter()
            .filter_map(|entry| reading::Report::of(entry, reading::Source::Request))
            .find(|report| report.number == *number);
        match ours {
            Some(report) => {
                let told = report.facts(&self.options.statuses);
                Finding::Found(Acceptance {
                    external_id: number.clone(),
                    awaits_callback: !told.is_over,
                    version: report.version(),
                    facts: told.facts,
                })
            }
            None => UNANSWERED,
        }
    }

    /// 404 with errors of the protocol: the server is there and does not have the request. Without them the address is
    /// wrong.
    fn says_absent(&self, answer: &WireAnswer) -> bool {
        answer.status == 404
            && self
                .entries(answer, reading::ERRORS)
                .is_some_and(|errors| !errors.is_empty())
    }

    fn encode_poll(&self, cursor: Option<&str>, cx: &EncodeContext) -> Result<WireRequest, EncodeError> {
        let window = Position::parse(cursor).window(cx.now);
        let list = match &self.options.updates {
            Some(_) => "servicerequestupdates",
            None => "requests",
        };
        let request = WireRequest::get(&[&self.named(list)])
            .parameter("start_date", &requests::w3(window.from))
            .parameter("end_date", &requests::w3(window.until));
        Ok(self.in_jurisdiction(request))
    }

    fn decode_poll_since(
        &self,
        cursor: Option<&str>,
        answer: &WireAnswer,
        cx: &EncodeContext,
    ) -> Option<PollPage> {
        let position = Position::parse(cursor);
        let (list, source) = match &self.options.updates {
            Some(_) => (reading::UPDATES, reading::Source::Update),
            None => (reading::REQUESTS, reading::Source::Request),
        };
        let entries = self.entries(answer, list)?;
        let reports: Vec<Option<reading::Report>> = entries
            .iter()
            .map(|entry| reading::Report::of(entry, source))
            .collect();
        Some(position.page(&reports, &self.options, cx.now))
    }

    fn numbers_may_come_later(&self) -> bool {
        true
    }

    /// The lists are of all requests of the city.
    fn news_is_of_everybody(&self) -> bool {
        true
    }

    fn read_notice(&self, _: &VerifiedNotice) -> Result<Vec<UpstreamFact>, NoticeError> {
        Err(NoticeError::UnknownKind)
    }
}

impl Open311 {
    /// A resource in the format that is spoken.
    fn named(&self, resource: &str) -> String {
        format!("{resource}.{}", self.options.syntax.suffix())
    }

    fn in_jurisdiction(&self, request: WireRequest) -> WireRequest {
        match &self.options.jurisdiction {
            Some(jurisdiction) => request.parameter("jurisdiction_id", jurisdiction),
            None => request,
        }
    }

    /// The entries of a list in the protocol's form; `None` for anything else.
    fn entries(&self, answer: &WireAnswer, list: reading::ListName) -> Option<Vec<Value>> {
        let document = self.options.syntax.read(answer.text().ok()?)?;
        reading::entries(document, list)
    }

    /// A request that was taken over: under its number, or under a token that stands for it.
    fn taken(&self, answer: &WireAnswer, awaits_callback: bool) -> Option<Acceptance> {
        let entries = self.entries(answer, reading::REQUESTS)?;
        let [entry] = entries.as_slice() else {
            return None;
        };
        let field = |name: &str| entry.get(name).and_then(scalar);
        let external_id = match field("service_request_id") {
            Some(number) => reading::number(&number)?,
            None => ExternalId::provisional(&field("token")?)?,
        };
        let notice = UntrustedText::new(&field("service_notice").unwrap_or_default());
        let facts = if notice.is_empty() {
            Vec::new()
        } else {
            vec![UpstreamFact {
                external_id: external_id.clone(),
                our_reference: None,
                event_id: None,
                version: None,
                occurred_at: None,
                kind: FactKind::Note { text: notice },
            }]
        };
        Some(Acceptance {
            external_id,
            awaits_callback,
            version: None,
            facts,
        })
    }

    /// An update of ours that was taken in: the server names it, the request keeps its number.
    fn heard(&self, command: &DeliveryCommand, answer: &WireAnswer) -> Option<Acceptance> {
        let entries = self.entries(answer, reading::UPDATES)?;
        entries.first()?.get("update_id").and_then(scalar)?;
        Some(Acceptance {
            external_id: command.external_id.clone()?,
            awaits_callback: false,
            version: None,
            facts: Vec::new(),
        })
    }

    /// What a token became: the case goes on under the number, and its reports say so.
    fn became(
        &self,
        command: &DeliveryCommand,
        provisional: &ExternalId,
        token: &str,
        entries: &[Value],
    ) -> Option<Finding> {
        let field = |name: &str| entries.first()?.get(name).and_then(scalar);
        if field("token").is_some_and(|named| named != token) {
            return None;
        }
        let acceptance = match field("service_request_id") {
            None if field("token").is_none() => return None,
            None => Acceptance {
                external_id: provisional.clone(),
                awaits_callback: true,
                version: None,
                facts: Vec::new(),
            },
            Some(number) => {
                let external_id = reading::number(&number)?;
                let received = UpstreamFact {
                    external_id: external_id.clone(),
                    // it was asked for by the token of this very case
                    our_reference: Some(command.case.case_number.clone()),
                    event_id: None,
                    version: None,
                    occurred_at: None,
                    kind: FactKind::Received,
                };
                Acceptance {
                    external_id,
                    awaits_callback: true,
                    version: None,
                    facts: vec![received],
                }
            }
        };
        Some(Finding::Found(acceptance))
    }

    /// A business no, in the server's own words.
    fn refused(&self, answer: &WireAnswer) -> UpstreamOutcome {
        let errors = self.entries(answer, reading::ERRORS).unwrap_or_default();
        let field = |name: &str| errors.first()?.get(name).and_then(scalar);
        let words: Vec<String> = errors
            .iter()
            .filter_map(|error| error.get("description").and_then(scalar))
            .collect();
        UpstreamOutcome::Rejected {
            code: field("code").and_then(|code| reading::error_code(&code)),
            reason: UntrustedText::new(&words.join("；")),
        }
    }
}
