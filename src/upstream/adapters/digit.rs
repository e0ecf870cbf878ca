//! `digit`: the public services of the DIGIT platform (eGov): complaints, trade licences, and bare workflows.
//!
//! Every request is a POST of JSON with a `RequestInfo` `{apiId, ver, ts, action, msgId, authToken}`: `msgId` is the delivery
//! with the number of the attempt, `authToken` is a secret and put there by `[auth.body]`.
//!
//! - `module = "pgr"`: `/pgr-services/v2/request/_create|_update|_search`, one `service` with its `workflow`;
//! - `module = "tl"`: `/tl-services/v1/_create|_update|_search`, one of `Licenses`;
//! - `module = "workflow"`: `/egov-workflow-v2/egov-wf/process/_transition|_search`, one of `ProcessInstances`, known there by
//!   our own number of the case.
//!
//! What follows from the contracts:
//!
//! - Nothing is recognized when it comes twice. Our number and the key of the last delivery stand in `additionalDetail`
//!   (`ourRef`, `ourKey`), of a bare workflow at the end of its comment: a search tells whether a lost request acted.
//! - No search filters by them. By our key it asks for what was made since the case was submitted, newest first, at most
//!   `search_limit` at once, and picks ours; when that page is full and ours is not on it, nothing is known.
//! - An update replaces the whole record, addresses and papers included, and wants its identifiers back. So it is read
//!   first, and sent back with our change; what was already done by an earlier attempt is seen there and not done again.
//! - Searches filter by the time of making, not of changing, and sort by no change either: a poll reads all of the last
//!   `search_days` over and over, page by page. What is not ours is passed over. Bare workflows give no such list, and are
//!   asked one by one.
//! - Versions are `auditDetails.lastModifiedTime`.
//! - 400 with `{Errors: [{code, message}]}` is a no, unless the code speaks of our configuration (`config_errors`).
//! - Documents are named in comments; their content would have to be put into the platform's file store beforehand.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use self::answers::{Entries, Errors};
use self::options::Options;
use self::requests::Change;
use crate::upstream::adapter::{
    Adapter, Capability, EncodeContext, EncodeError, NoticeError, PollPage, Prepared,
};
use crate::upstream::adapters::Protocol;
use crate::upstream::callback::VerifiedNotice;
use crate::upstream::command::{DeliveryCommand, Operation};
use crate::upstream::config::section::Section;
use crate::upstream::fact::UpstreamFact;
use crate::upstream::outcome::{
    Ambiguity, Finding, HeldReason, Meaning, OutcomeClass, UpstreamOutcome, classify_answer,
};
use crate::upstream::sample::{self, Fullness};
use crate::upstream::text::UntrustedText;
use crate::upstream::wire::{WireAnswer, WireRequest};

mod answers;
mod options;
mod requests;
mod states;

/// The protocol's entry in the table.
pub const PROTOCOL: Protocol = Protocol { kind: KIND, build };

const KIND: &str = "digit";
/// What recorded exchanges must not show of an answer.
const PERSONAL: &[&str] = &["$..citizen", "$..owners", "$..mobileNumber", "$..address"];

/// A service of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Module {
    /// Public grievance redressal.
    Pgr,
    /// Trade licences.
    Tl,
    /// A bare workflow.
    Workflow,
}

/// One service of one platform.
#[derive(Debug)]
struct Digit {
    options: Options,
    redact: Vec<String>,
}

fn build(section: &mut Section) -> Option<Arc<dyn Adapter>> {
    let options = Options::read(section)?;
    // a path that cannot be followed is found now, not when a case is sent
    let command = sample::command(Operation::Submit, sample::case(Fullness::Full, sample::form()));
    let mut record = requests::record(&options, &command, "");
    let paths = options.constants.keys().map(|path| ("constants", path));
    let paths = paths.chain(options.fields.keys().map(|path| ("fields", path)));
    for (key, path) in paths {
        if requests::place(&mut record, path, Value::Null).is_none() {
            section.fault(key, format_args!("{path} leads through something that is no object 路径不可达"));
        }
    }
    let redact = PERSONAL.iter().map(|&path| path.to_owned()).collect();
    Some(Arc::new(Digit { options, redact }))
}

impl Adapter for Digit {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn capabilities(&self) -> BTreeSet<Capability> {
        let actions = &self.options.actions;
        let able = [
            (Capability::Submit, true),
            (Capability::Transition, actions.transition.is_some()),
            (Capability::Supplement, actions.supplement.is_some()),
            (Capability::Withdraw, actions.withdraw.is_some()),
            (Capability::Query, true),
            (Capability::FindByOurKey, true),
            (Capability::Poll, self.options.module != Module::Workflow),
        ];
        able.into_iter()
            .filter_map(|(capability, able)| able.then_some(capability))
            .collect()
    }

    fn encode(&self, command: &DeliveryCommand, cx: &EncodeContext) -> Result<WireRequest, EncodeError> {
        let change = Change::of(&self.options, command)?;
        match (self.options.module, command.operation) {
            (Module::Workflow, _) => requests::transition(&self.options, command, &change, cx),
            (Module::Pgr, Operation::Submit) => requests::complaint(&self.options, command, &change, cx),
            (Module::Tl, Operation::Submit) => requests::licence(&self.options, command, &change, cx),
            // an update is written over what they hold, see `prepare`
            (
                Module::Pgr | Module::Tl,
                Operation::Transition | Operation::Supplement | Operation::Withdraw | Operation::Notify,
            ) => Err(EncodeError::Unsupported),
        }
    }

    fn encode_reading(
        &self,
        command: &DeliveryCommand,
        cx: &EncodeContext,
    ) -> Result<Option<WireRequest>, EncodeError> {
        if self.options.module == Module::Workflow || command.operation == Operation::Submit {
            return Ok(None);
        }
        let _possible = Change::of(&self.options, command)?;
        command.external_id.as_ref().ok_or(EncodeError::NumberMissing)?;
        requests::search(&self.options, command, cx).map(Some)
    }

    fn prepare(
        &self,
        command: &DeliveryCommand,
        read: &WireAnswer,
        cx: &EncodeContext,
    ) -> Result<Prepared, EncodeError> {
        let Some(entries) = Entries::read(self.options.module, read) else {
            return Ok(Prepared::Settled(UpstreamOutcome::Retryable { retry_after: None }));
        };
        let Some(entry) = entries.ours(command) else {
            // they took it over and do not have it: of this delivery alone, and for a person
            return Ok(Prepared::Settled(UpstreamOutcome::Held {
                reason: HeldReason::Refused,
            }));
        };
        if entry.key == Some(command.key.as_str())
            && let Some(done) = entries.acceptance(&entry, command, &self.options.states)
        {
            return Ok(Prepared::Settled(UpstreamOutcome::Accepted(done)));
        }
        let change = Change::of(&self.options, command)?;
        requests::update(&self.options, command, entry.record, &change, cx).map(Prepared::Request)
    }

    fn decode(&self, command: &DeliveryCommand, answer: &WireAnswer) -> UpstreamOutcome {
        match classify_answer(command, answer) {
            Meaning::Accepted { .. } => {
                let taken = Entries::read(self.options.module, answer).and_then(|entries| {
                    let entry = entries.answered(command)?;
                    entries.acceptance(&entry, command, &self.options.states)
                });
                taken.map_or(
                    UpstreamOutcome::Ambiguous {
                        reason: Ambiguity::Unreadable,
                    },
                    UpstreamOutcome::Accepted,
                )
            }
            Meaning::Rejected => self.refusal(answer),
            settled @ (Meaning::NotSent(_)
            | Meaning::Retryable(_)
            | Meaning::Ambiguous(_)
            | Meaning::Held(_)) => settled.into_outcome(),
        }
    }

    fn encode_query(&self, command: &DeliveryCommand, cx: &EncodeContext) -> Result<WireRequest, EncodeError> {
        requests::search(&self.options, command, cx)
    }

    fn decode_query(&self, command: &DeliveryCommand, answer: &WireAnswer) -> Finding {
        let unknown = Finding::Unanswered {
            class: OutcomeClass::Ambiguous,
            retry_after: None,
        };
        let Some(entries) = Entries::read(self.options.module, answer) else {
            return unknown;
        };
        let by_number = command.external_id.is_some() || self.options.module == Module::Workflow;
        match entries.ours(command) {
            // of a change the question is whether it came, and that is told by its key
            Some(entry) if command.operation != Operation::Submit && !entries.has_heard(&entry, command) => {
                Finding::Absent
            }
            Some(entry) => entries
                .acceptance(&entry, command, &self.options.states)
                .map_or(unknown, Finding::Found),
            None if by_number || entries.len() < self.options.search_limit => Finding::Absent,
            // ours may stand behind the end of the page
            None => unknown,
        }
    }

    fn redactions(&self) -> &[String] {
        &self.redact
    }

    fn encode_poll(&self, cursor: Option<&str>, cx: &EncodeContext) -> Result<WireRequest, EncodeError> {
        if self.options.module == Module::Workflow {
            return Err(EncodeError::Unsupported);
        }
        requests::poll(&self.options, Place::read(cursor), cx)
    }

    fn decode_poll_since(
        &self,
        cursor: Option<&str>,
        answer: &WireAnswer,
        _: &EncodeContext,
    ) -> Option<PollPage> {
        let entries = Entries::read(self.options.module, answer)?;
        let (next, more) = Place::read(cursor).after(entries.len(), &self.options);
        let mut page = PollPage {
            next: Some(next.to_string()),
            more,
            ..PollPage::default()
        };
        for facts in entries.news(&self.options.states) {
            match facts {
                Some(facts) => page.facts.extend(facts),
                None => page.unreadable = page.unreadable.saturating_add(1),
            }
        }
        Some(page)
    }

    /// Others may write their own numbers where ours stands.
    fn news_is_of_everybody(&self) -> bool {
        true
    }

    fn read_notice(&self, _: &VerifiedNotice) -> Result<Vec<UpstreamFact>, NoticeError> {
        Err(NoticeError::UnknownKind)
    }
}

impl Digit {
    /// A no. Where it speaks of our configuration, nobody is told that they were refused.
    fn refusal(&self, answer: &WireAnswer) -> UpstreamOutcome {
        let Some(errors) = Errors::read(answer) else {
            return Meaning::Rejected.into_outcome();
        };
        if errors.codes().any(|code| self.options.config_errors.contains(code)) {
            return UpstreamOutcome::Held {
                reason: HeldReason::Configuration,
            };
        }
        UpstreamOutcome::Rejected {
            code: errors.code(),
            reason: UntrustedText::new(&errors.words()),
        }
    }
}

/// How far a sweep over all records is: which tenant, and how many of its records were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Place {
    tenant: usize,
    offset: usize,
}

impl Place {
    /// The beginning for anything that is no place.
    fn read(cursor: Option<&str>) -> Self {
        let parsed = cursor.and_then(|text| {
            let (tenant, offset) = text.split_once(':')?;
            Some(Self {
                tenant: tenant.parse().ok()?,
                offset: offset.parse().ok()?,
            })
        });
        parsed.unwrap_or_default()
    }

    /// Where to go on after a page, and whether there is more in this sweep; after its end it begins anew.
    fn after(self, count: usize, options: &Options) -> (Self, bool) {
        if count >= options.search_limit {
            let offset = self.offset.saturating_add(count);
            return (Self { offset, ..self }, true);
        }
        let tenant = self.tenant.saturating_add(1);
        if tenant < options.tenants().len() {
            (Self { tenant, offset: 0 }, true)
        } else {
            (Self::default(), false)
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}:{}", self.tenant, self.offset)
    }
}

#[cfg(test)]
mod tests;
