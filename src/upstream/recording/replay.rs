//! Plays a folder of exchanges without any network: what would be written now, and what each recorded answer means.

use std::fmt;

use chrono::{DateTime, Utc};

use super::{
    Recording, RecordingError, SILENCE, ScriptedExchange, ScriptedOperation, differ, redact::Redactor, words,
};
use crate::config::fault::{ConfigFaults, Fault};
use crate::upstream::adapter::{Adapter, EncodeContext, EncodeError, Prepared};
use crate::upstream::command::DeliveryCommand;
use crate::upstream::config::UpstreamConfig;
use crate::upstream::driver::judge::{self, Ending};
use crate::upstream::exchange_file::Message;
use crate::upstream::outcome::{
    Ambiguity, Exchange, Finding, HeldReason, Meaning, Repetition, UpstreamOutcome, classify,
};
use crate::upstream::registry::single;
use crate::upstream::transport;
use crate::upstream::wire::{WireAnswer, WireRequest};

/// What came of a whole folder.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Its exchanges.
    pub exchanges: Vec<Replayed>,
    /// Its notices, which are not played: only the system's secret tells whether one is genuine.
    pub notices: usize,
}

/// What came of one exchange.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// What it shows.
    pub rule: String,
    /// The request that would be written now; `None` when it has no form.
    pub request: Option<String>,
    /// Whether a recorded one was there to compare.
    pub is_compared: bool,
    /// What the answer means.
    pub outcome: String,
    /// Every difference: of the request by line and field, and of what the answer means.
    pub differences: Vec<String>,
}

/// Why nothing can be played.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The description of the system has faults.
    #[error(transparent)]
    Config(#[from] ConfigFaults),
    /// The folder has.
    #[error(transparent)]
    Recording(#[from] RecordingError),
}

impl From<Vec<Fault>> for ReplayError {
    fn from(faults: Vec<Fault>) -> Self {
        Self::Config(ConfigFaults(faults))
    }
}

impl Replay {
    /// Whether anything differs.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.exchanges.iter().any(|one| !one.differences.is_empty())
    }
}

impl fmt::Display for Replay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for one in &self.exchanges {
            let sign = if one.differences.is_empty() {
                "same   "
            } else {
                "DIFFERS"
            };
            writeln!(out, "{sign} {}: {}", one.rule, one.outcome)?;
            if let (Some(request), true) = (&one.request, one.is_compared) {
                writeln!(out, "        {request}")?;
            }
            for difference in &one.differences {
                writeln!(out, "        ≠ {difference}")?;
            }
        }
        let differing = self
            .exchanges
            .iter()
            .filter(|one| !one.differences.is_empty())
            .count();
        write!(
            out,
            "{} exchanges, {differing} differ 共 {} 次交换，{differing} 次有差异",
            self.exchanges.len(),
            self.exchanges.len()
        )?;
        if self.notices > 0 {
            write!(
                out,
                "\n{} notices are not played: their signatures need the system's secret 回调须验签，不在此回放",
                self.notices
            )?;
        }
        Ok(())
    }
}

/// Plays every exchange of a folder through the protocol of a system.
///
/// # Errors
/// When the description of the system, the script or a file of the folder is not in its form.
pub fn replay(config: &UpstreamConfig, recording: &Recording) -> Result<Replay, ReplayError> {
    let adapter = single::adapter(config)?;
    let case = recording.case(sample_form(config));
    let player = Player {
        config,
        adapter: &*adapter,
        recording,
        redactor: Redactor::new(config, adapter.redactions(), &case, Vec::new()),
        now: recording.now(),
    };
    let mut exchanges = Vec::new();
    for exchange in &recording.script.exchange {
        let command = recording.command(exchange, case.clone());
        exchanges.push(player.play(exchange, &command)?);
    }
    Ok(Replay {
        exchanges,
        notices: recording.script.notice.len(),
    })
}

/// The form of the made-up case of a system whose templates name fields of one.
#[must_use]
pub fn sample_form(config: &UpstreamConfig) -> Option<serde_json::Map<String, serde_json::Value>> {
    let form = config.options.get("sample")?.get("form")?;
    match serde_json::to_value(form).ok()? {
        serde_json::Value::Object(form) => Some(form),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_)
        | serde_json::Value::Array(_) => None,
    }
}

struct Player<'a> {
    config: &'a UpstreamConfig,
    adapter: &'a dyn Adapter,
    recording: &'a Recording,
    redactor: Redactor,
    now: DateTime<Utc>,
}

impl Player<'_> {
    fn play(
        &self,
        exchange: &ScriptedExchange,
        command: &DeliveryCommand,
    ) -> Result<Replayed, RecordingError> {
        let mut played = Replayed {
            rule: exchange.rule.clone(),
            request: None,
            is_compared: exchange.request.is_some(),
            outcome: String::new(),
            differences: Vec::new(),
        };
        match self.prepared(exchange, command, &mut played)? {
            Ok(Prepared::Request(request)) => {
                self.compare(
                    exchange.operation,
                    &command.key,
                    request,
                    exchange.request.as_deref(),
                    &mut played,
                )?;
                let (went, answer) = self.answer(exchange.answer.as_deref().unwrap_or(SILENCE))?;
                let cursor = exchange.cursor.as_deref();
                let asked = Asked {
                    operation: exchange.operation,
                    cursor,
                    now: self.now,
                };
                played.outcome = meaning(self.adapter, asked, command, (went, answer.as_ref()));
            }
            Ok(Prepared::Settled(outcome)) => played.outcome = words::outcome(&outcome),
            Err(EncodeError::Unsupported) if is_question(exchange.operation) => {
                played.outcome = words::finding(&Finding::Unsupported);
            }
            Err(error) => {
                let reason = HeldReason::NotEncodable;
                played.outcome = words::outcome(&UpstreamOutcome::Held { reason });
                // a script may tell just that
                if played.outcome != exchange.expect {
                    played
                        .differences
                        .push(format!("the request cannot be written: {error}"));
                }
            }
        }
        if played.outcome != exchange.expect {
            played.differences.push(format!(
                "outcome: recorded {}, now {}",
                exchange.expect, played.outcome
            ));
        }
        Ok(played)
    }

    /// The request of an exchange. Where the case there is read first, its recorded answer is what was read.
    fn prepared(
        &self,
        exchange: &ScriptedExchange,
        command: &DeliveryCommand,
        played: &mut Replayed,
    ) -> Result<Result<Prepared, EncodeError>, RecordingError> {
        let cx = EncodeContext { now: self.now };
        let Some(reading) = &exchange.reading else {
            let written = request(self.adapter, exchange, command, &cx);
            return Ok(written.map(Prepared::Request));
        };
        let question = match self.adapter.encode_reading(command, &cx) {
            Ok(Some(question)) => question,
            Ok(None) => return Ok(Err(EncodeError::Unsupported)),
            Err(error) => return Ok(Err(error)),
        };
        let key = format!("reading_{}", command.key);
        self.compare(exchange.operation, &key, question, Some(&reading.request), played)?;
        let (went, read) = self.answer(&reading.answer)?;
        let later = UpstreamOutcome::Retryable { retry_after: None };
        Ok(match (read, classify(went, Repetition::First)) {
            (Some(read), Meaning::Accepted { .. }) => self.adapter.prepare(command, &read, &cx),
            (_, Meaning::Held(reason)) => Ok(Prepared::Settled(UpstreamOutcome::Held { reason })),
            (_, Meaning::Rejected) => Ok(Prepared::Settled(UpstreamOutcome::Held {
                reason: HeldReason::Refused,
            })),
            (_, Meaning::Retryable(retry_after)) => {
                Ok(Prepared::Settled(UpstreamOutcome::Retryable { retry_after }))
            }
            (_, Meaning::Accepted { .. } | Meaning::Ambiguous(_) | Meaning::NotSent(_)) => {
                Ok(Prepared::Settled(later))
            }
        })
    }

    /// Compares a request with the recorded one, where there is one.
    fn compare(
        &self,
        operation: ScriptedOperation,
        key: &str,
        request: WireRequest,
        recorded: Option<&str>,
        played: &mut Replayed,
    ) -> Result<(), RecordingError> {
        let now = message(self.config, key, request);
        if let (Some(file), Some(now)) = (recorded, &now) {
            let recorded = self.recording.message(file)?;
            let differences = self.differences(operation, &recorded, now);
            played.differences.extend(differences);
        }
        played.request = now.map(|now| now.line);
        Ok(())
    }

    /// Recorded requests were cleaned, those written by hand were not.
    fn differences(&self, operation: ScriptedOperation, recorded: &Message, now: &Message) -> Vec<String> {
        let (recorded, now) = match &self.config.auth.body {
            // the secret within the body is nobody's to compare
            Some(body) => (
                &differ::without(recorded, &body.field),
                &differ::without(now, &body.field),
            ),
            None => (recorded, now),
        };
        let mut signature: Vec<String> = self
            .config
            .auth
            .hmac
            .iter()
            .flat_map(|mac| {
                let others = [&mac.key_id_header, &mac.timestamp_header, &mac.nonce_header];
                others.into_iter().flatten().chain([&mac.header]).cloned()
            })
            .collect();
        if operation == ScriptedOperation::Poll {
            // it is about no delivery, and its key is another one each time
            signature.push("idempotency-key".to_owned());
        }
        let plain = differ::differences(recorded, now, &signature);
        match self.redactor.clean(now) {
            Ok(cleaned) => {
                let cleaned = differ::differences(recorded, &cleaned, &signature);
                if cleaned.len() < plain.len() {
                    cleaned
                } else {
                    plain
                }
            }
            Err(_) => plain,
        }
    }

    fn answer(&self, name: &str) -> Result<(Exchange, Option<WireAnswer>), RecordingError> {
        if name == SILENCE {
            return Ok((Exchange::Lost(Ambiguity::Timeout), None));
        }
        let message = self.recording.message(name)?;
        let limit = usize::try_from(self.config.response_max_bytes).unwrap_or(usize::MAX);
        message
            .received(limit, self.now)
            .map_err(|source| RecordingError::Message {
                path: self.recording.folder.join(name),
                source,
            })
    }
}

const fn is_question(operation: ScriptedOperation) -> bool {
    match operation {
        ScriptedOperation::Query | ScriptedOperation::Ask | ScriptedOperation::Poll => true,
        ScriptedOperation::Submit
        | ScriptedOperation::Transition
        | ScriptedOperation::Supplement
        | ScriptedOperation::Withdraw
        | ScriptedOperation::Notify => false,
    }
}

fn request(
    adapter: &dyn Adapter,
    exchange: &ScriptedExchange,
    command: &DeliveryCommand,
    cx: &EncodeContext,
) -> Result<WireRequest, EncodeError> {
    match exchange.operation {
        ScriptedOperation::Query | ScriptedOperation::Ask => adapter.encode_query(command, cx),
        ScriptedOperation::Poll => adapter.encode_poll(exchange.cursor.as_deref(), cx),
        ScriptedOperation::Submit
        | ScriptedOperation::Transition
        | ScriptedOperation::Supplement
        | ScriptedOperation::Withdraw
        | ScriptedOperation::Notify => adapter.encode(command, cx),
    }
}

/// The message of a request.
fn message(config: &UpstreamConfig, key: &str, request: WireRequest) -> Option<Message> {
    let own = [("idempotency-key", key)];
    transport::written(&config.base_url, request, &own)
        .ok()
        .map(|written| transport::Transport::message(&written))
}

/// What was asked.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) operation: ScriptedOperation,
    /// Where a poll goes on from.
    pub(super) cursor: Option<&'a str>,
    /// When.
    pub(super) now: DateTime<Utc>,
}

/// What an answer means, in words.
pub(super) fn meaning(
    adapter: &dyn Adapter,
    asked: Asked<'_>,
    command: &DeliveryCommand,
    (exchange, answer): (Exchange, Option<&WireAnswer>),
) -> String {
    let ending = Ending {
        exchange,
        answer,
        retry_after: None,
    };
    match asked.operation {
        ScriptedOperation::Query | ScriptedOperation::Ask => {
            words::finding(&judge::finding(adapter, command, ending))
        }
        ScriptedOperation::Poll => {
            let cx = EncodeContext { now: asked.now };
            let page = judge::page(adapter, asked.cursor, &cx, ending);
            words::page(page.as_ref().map_err(|(class, _)| *class))
        }
        ScriptedOperation::Submit
        | ScriptedOperation::Transition
        | ScriptedOperation::Supplement
        | ScriptedOperation::Withdraw
        | ScriptedOperation::Notify => words::outcome(&judge::outcome(adapter, command, ending)),
    }
}
