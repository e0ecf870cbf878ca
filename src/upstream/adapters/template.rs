//! `template`: any REST, XML or form system, described in its configuration file alone.
//!
//! The options, the fields that templates see and the meaning of each answer are told in `docs/upstreams.md`;
//! `config/upstreams/presets` holds descriptions of real kinds of systems.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use self::call::{Call, Listing};
use self::engine::Engine;
use self::mapping::{ErrorClass, Errors, Statuses};
use self::profiling::Profiling;
use self::reading::{Reading, Report};
use self::seen::Beside;
use crate::upstream::adapter::{
    Adapter, AttachmentView, Capability, EncodeContext, EncodeError, NoticeError, PollPage,
};
use crate::upstream::adapters::Protocol;
use crate::upstream::callback::VerifiedNotice;
use crate::upstream::command::{DeliveryCommand, Operation};
use crate::upstream::config::section::Section;
use crate::upstream::fact::UpstreamFact;
use crate::upstream::outcome::{
    Acceptance, Ambiguity, Finding, HeldReason, Meaning, OutcomeClass, Repetition, UpstreamOutcome,
    classify_answer,
};
use crate::upstream::text::ExternalId;
use crate::upstream::wire::{WireAnswer, WireRequest};

mod call;
mod charset;
pub(in crate::upstream) mod document;
mod engine;
mod filters;
mod lint;
mod mapping;
pub(super) mod paths;
mod placement;
mod presets;
pub(super) mod profiling;
mod read;
mod reading;
mod seen;
mod time;

/// The protocol's entry in the table.
pub const PROTOCOL: Protocol = Protocol { kind: KIND, build };

const KIND: &str = "template";
/// The most entries of one answer or notice that are read.
const ENTRIES_MAX: usize = 1_000;
/// The longest cursor, characters.
const CURSOR_MAX: usize = 500;

fn build(section: &mut Section) -> Option<Arc<dyn Adapter>> {
    presets::lay_under(section);
    let (template, form) = read::template(section)?;
    lint::check(&template, &form, section);
    Some(Arc::new(template))
}

/// A described system.
#[derive(Debug)]
struct Template {
    engine: Engine,
    values: minijinja::Value,
    operations: Operations,
    notice: Option<Notice>,
    statuses: Statuses,
    errors: Errors,
    profiling: Profiling,
    number_is_ours: bool,
    redact: Vec<String>,
}

/// The operations that are described.
#[derive(Debug, Default)]
struct Operations {
    submit: Option<Call>,
    transition: Option<Call>,
    supplement: Option<Call>,
    attach: Option<Call>,
    withdraw: Option<Call>,
    notify: Option<Call>,
    query: Option<Call>,
    find: Option<Call>,
    poll: Option<Call>,
}

/// How notices are read.
#[derive(Debug)]
struct Notice {
    reading: Reading,
    listing: Listing,
}

impl Adapter for Template {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn capabilities(&self) -> BTreeSet<Capability> {
        let operations = &self.operations;
        let able = [
            (Capability::Submit, operations.submit.is_some()),
            (Capability::Transition, operations.transition.is_some()),
            (Capability::Supplement, operations.supplement.is_some()),
            (Capability::Attach, operations.attach.is_some()),
            (Capability::Withdraw, operations.withdraw.is_some()),
            (Capability::Query, operations.query.is_some()),
            (Capability::FindByOurKey, operations.find.is_some()),
            (Capability::Poll, operations.poll.is_some()),
            (Capability::Callback, self.notice.is_some()),
            (Capability::Notify, operations.notify.is_some()),
        ];
        able.into_iter()
            .filter_map(|(capability, able)| able.then_some(capability))
            .collect()
    }

    fn encode(&self, command: &DeliveryCommand, cx: &EncodeContext) -> Result<WireRequest, EncodeError> {
        let call = self.call(command.operation).ok_or(EncodeError::Unsupported)?;
        self.written(call, command, *cx, None)
    }

    fn decode(&self, command: &DeliveryCommand, answer: &WireAnswer) -> UpstreamOutcome {
        let meaning = classify_answer(command, answer);
        let Some(call) = self.call(command.operation) else {
            return meaning.into_outcome();
        };
        let document = call.reading.answer(answer);
        match (meaning, document) {
            (Meaning::Accepted { awaits_callback }, Some(document)) => {
                if !call.reading.is_success(answer.status, &document) {
                    let code = call.reading.error_code(&document);
                    let class = self.errors.within_success(code.as_deref());
                    return failed(class, call, command, (answer, &document));
                }
                let awaits = awaits_callback || call.awaits_callback;
                self.acceptance(command, &call.reading.report(&document), awaits)
                    .map_or(UNREADABLE, UpstreamOutcome::Accepted)
            }
            // What looks like our own earlier success is asked about whatever their code says.
            (Meaning::Ambiguous(Ambiguity::ConflictOnRepeat), _) => meaning.into_outcome(),
            (_, document) => {
                let document = document.unwrap_or(Value::Null);
                let code = call.reading.error_code(&document);
                match self.errors.named(code.as_deref(), answer.status) {
                    // a redirect holds whatever their code says
                    Some(class) if answer.status >= 400 => failed(class, call, command, (answer, &document)),
                    Some(_) | None if meaning == Meaning::Rejected => UpstreamOutcome::Rejected {
                        code,
                        reason: call.reading.words(&document),
                    },
                    Some(_) | None => meaning.into_outcome(),
                }
            }
        }
    }

    fn encode_query(&self, command: &DeliveryCommand, cx: &EncodeContext) -> Result<WireRequest, EncodeError> {
        let call = self.question(command).ok_or(EncodeError::Unsupported)?;
        self.written(call, command, *cx, None)
    }

    fn decode_query(&self, command: &DeliveryCommand, answer: &WireAnswer) -> Finding {
        let unreadable = Finding::Unanswered {
            class: OutcomeClass::Ambiguous,
            retry_after: None,
        };
        let Some(call) = self.question(command) else {
            return Finding::Unsupported;
        };
        let Some(document) = call.reading.answer(answer) else {
            return unreadable;
        };
        if call.says_absent(&document) {
            return Finding::Absent;
        }
        if !call.reading.is_success(answer.status, &document) {
            let code = call.reading.error_code(&document);
            return match self.errors.within_success(code.as_deref()) {
                ErrorClass::Retry => Finding::Unanswered {
                    class: OutcomeClass::Retryable,
                    retry_after: answer.retry_after,
                },
                ErrorClass::Config => Finding::Held {
                    reason: HeldReason::Configuration,
                },
                ErrorClass::Permanent | ErrorClass::Duplicate | ErrorClass::Unknown => unreadable,
            };
        }
        let entries = if call.listing.entries.is_empty() {
            vec![&document]
        } else if call.listing.entries.stands(&document) {
            call.listing.entries.all(&document)
        } else {
            return unreadable;
        };
        // Only our own case counts, whatever else the answer may hold.
        let ours = entries
            .into_iter()
            .take(ENTRIES_MAX)
            .map(|entry| call.reading.report(entry))
            .find(|report| is_ours(report, command));
        match ours {
            Some(report) => self
                .acceptance(command, &report, false)
                .map_or(unreadable, |found| Finding::Found(self.with_state(found, &report))),
            None if call.listing.entries.is_empty() => unreadable,
            None => Finding::Absent,
        }
    }

    fn says_absent(&self, answer: &WireAnswer) -> bool {
        [&self.operations.find, &self.operations.query]
            .into_iter()
            .flatten()
            .any(|call| call.absent_status.contains(&answer.status))
    }

    fn notifies_by_number(&self) -> bool {
        let notify = self.operations.notify.as_ref();
        notify.is_some_and(Call::is_addressed_by_number)
    }

    fn redactions(&self) -> &[String] {
        &self.redact
    }

    fn encode_attachment(
        &self,
        command: &DeliveryCommand,
        attachment: &AttachmentView,
        cx: &EncodeContext,
    ) -> Result<WireRequest, EncodeError> {
        let call = self.operations.attach.as_ref().ok_or(EncodeError::Unsupported)?;
        self.written(call, command, *cx, Some(attachment))
    }

    fn encode_poll(&self, cursor: Option<&str>, cx: &EncodeContext) -> Result<WireRequest, EncodeError> {
        let call = self.operations.poll.as_ref().ok_or(EncodeError::Unsupported)?;
        call.encode(&self.engine, &seen::poll(self, cursor, *cx), None)
    }

    fn decode_poll(&self, answer: &WireAnswer) -> Option<PollPage> {
        let call = self.operations.poll.as_ref()?;
        let document = call.reading.answer(answer)?;
        let listing = &call.listing;
        if !call.reading.is_success(answer.status, &document) || !listing.entries.stands(&document) {
            return None;
        }
        let mut page = PollPage {
            next: listing
                .next_cursor
                .text(&document)
                .filter(|cursor| cursor.chars().count() <= CURSOR_MAX),
            more: listing
                .more
                .text(&document)
                .is_some_and(|text| ["true", "1"].contains(&text.as_str())),
            ..PollPage::default()
        };
        for entry in listing.entries.all(&document).into_iter().take(ENTRIES_MAX) {
            let report = call.reading.report(entry);
            match self.number_of(&report) {
                Some(number) => page.facts.extend(
                    report
                        .facts(&number, &self.statuses)
                        .unwrap_or_else(|| report.noted(&number)),
                ),
                None => page.unreadable = page.unreadable.saturating_add(1),
            }
        }
        Some(page)
    }

    fn read_notice(&self, notice: &VerifiedNotice) -> Result<Vec<UpstreamFact>, NoticeError> {
        let malformed = NoticeError::Malformed { line: 0, column: 0 };
        let how = self.notice.as_ref().ok_or(NoticeError::UnknownKind)?;
        let document = how
            .reading
            .notice(notice.body())
            .map_err(|place| NoticeError::Malformed {
                line: place.line,
                column: place.column,
            })?;
        let entries = if how.listing.entries.is_empty() {
            vec![&document]
        } else {
            how.listing.entries.all(&document)
        };
        if entries.is_empty() || entries.len() > ENTRIES_MAX {
            return Err(malformed);
        }
        let mut facts = Vec::new();
        for entry in entries {
            let report = how.reading.report(entry);
            let number = self
                .number_of(&report)
                .ok_or(NoticeError::Malformed { line: 0, column: 0 })?;
            if report.status.is_none() || (how.reading.finds_event() && report.event_id.is_none()) {
                return Err(NoticeError::Malformed { line: 0, column: 0 });
            }
            facts.extend(
                report
                    .facts(&number, &self.statuses)
                    .ok_or(NoticeError::UnknownKind)?,
            );
        }
        Ok(facts)
    }
}

const UNREADABLE: UpstreamOutcome = UpstreamOutcome::Ambiguous {
    reason: Ambiguity::Unreadable,
};

impl Template {
    /// The operations that are described, by name.
    fn calls(&self) -> Vec<(&'static str, &Call)> {
        let operations = &self.operations;
        [
            ("submit", &operations.submit),
            ("transition", &operations.transition),
            ("supplement", &operations.supplement),
            ("attach", &operations.attach),
            ("withdraw", &operations.withdraw),
            ("notify", &operations.notify),
            ("query", &operations.query),
            ("find", &operations.find),
            ("poll", &operations.poll),
        ]
        .into_iter()
        .filter_map(|(name, call)| Some((name, call.as_ref()?)))
        .collect()
    }

    const fn call(&self, operation: Operation) -> Option<&Call> {
        match operation {
            Operation::Submit => self.operations.submit.as_ref(),
            Operation::Transition => self.operations.transition.as_ref(),
            Operation::Supplement => self.operations.supplement.as_ref(),
            Operation::Withdraw => self.operations.withdraw.as_ref(),
            Operation::Notify => self.operations.notify.as_ref(),
        }
    }

    /// A case is asked for by its own number where that is known and can be asked for, else by ours.
    const fn question(&self, command: &DeliveryCommand) -> Option<&Call> {
        match (&self.operations.query, &self.operations.find) {
            (Some(query), _) if command.external_id.is_some() => Some(query),
            (_, find) => find.as_ref(),
        }
    }

    fn written(
        &self,
        call: &Call,
        command: &DeliveryCommand,
        cx: EncodeContext,
        attachment: Option<&AttachmentView>,
    ) -> Result<WireRequest, EncodeError> {
        let needs_number = match command.operation {
            // news of a case that the system does not have may name a number as far as there is one
            Operation::Notify => call.is_addressed_by_number(),
            Operation::Submit | Operation::Transition | Operation::Supplement | Operation::Withdraw => {
                call.needs_number()
            }
        };
        if command.external_id.is_none() && needs_number {
            return Err(EncodeError::NumberMissing);
        }
        let beside = attachment.map_or(Beside::Nothing, Beside::Attachment);
        let seen = seen::case(self, command, cx, &beside);
        call.encode(&self.engine, &seen, attachment.map(|one| one.content.as_slice()))
    }

    /// An answer that took the case over, or has it; `None` when it names no number and none is known.
    fn acceptance(&self, command: &DeliveryCommand, report: &Report, awaits_callback: bool) -> Option<Acceptance> {
        let ours = || self.number_is_ours.then(|| ExternalId::parse(&command.case.case_number))?;
        // nothing follows from an answer to news, so it needs no number
        let news = || {
            (command.operation == Operation::Notify).then(|| ExternalId::parse(&command.case.case_number))?
        };
        let external_id = self
            .number_of(report)
            .or_else(|| command.external_id.clone())
            .or_else(ours)
            .or_else(news)?;
        let facts = report.facts(&external_id, &self.statuses).unwrap_or_default();
        Some(Acceptance {
            external_id,
            awaits_callback,
            version: report.version,
            facts,
        })
    }

    /// What a question found: whether more is to come follows from the state, and an unknown state is kept as news.
    fn with_state(&self, mut found: Acceptance, report: &Report) -> Acceptance {
        let proposals = report.status.as_deref().map(|status| self.statuses.get(status));
        match proposals {
            Some(None) => found.facts = report.noted(&found.external_id),
            Some(Some(proposals)) => {
                found.awaits_callback = !proposals.iter().any(|proposal| proposal.ends());
            }
            None => {}
        }
        found
    }

    fn number_of(&self, report: &Report) -> Option<ExternalId> {
        let ours = || {
            let reference = report.our_reference.as_deref().filter(|_| self.number_is_ours)?;
            ExternalId::parse(reference)
        };
        report.external_id.clone().or_else(ours)
    }
}

/// Whether a report speaks of the case of a command: by our reference, else by its number.
fn is_ours(report: &Report, command: &DeliveryCommand) -> bool {
    match (&report.our_reference, &report.external_id, &command.external_id) {
        (Some(reference), _, _) => *reference == command.case.case_number,
        (None, Some(number), Some(known)) => number == known,
        (None, Some(_) | None, None) | (None, None, Some(_)) => false,
    }
}

/// The outcome of an error of their own.
fn failed(
    class: ErrorClass,
    call: &Call,
    command: &DeliveryCommand,
    (answer, document): (&WireAnswer, &Value),
) -> UpstreamOutcome {
    let rejected = || UpstreamOutcome::Rejected {
        code: call.reading.error_code(document),
        reason: call.reading.words(document),
    };
    match (class, command.repetition()) {
        (ErrorClass::Retry, _) => UpstreamOutcome::Retryable {
            retry_after: answer.retry_after,
        },
        (ErrorClass::Permanent, _) | (ErrorClass::Duplicate, Repetition::First) => rejected(),
        (ErrorClass::Duplicate, Repetition::Repeated) => UpstreamOutcome::Ambiguous {
            reason: Ambiguity::ConflictOnRepeat,
        },
        (ErrorClass::Config, _) => UpstreamOutcome::Held {
            reason: HeldReason::Configuration,
        },
        (ErrorClass::Unknown, _) => UNREADABLE,
    }
}

#[cfg(test)]
mod tests;
