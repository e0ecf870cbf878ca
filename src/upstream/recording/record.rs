//! Exchanges the made-up case with a test system and keeps both sides as files, cleaned before they are written.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::redact::Redactor;
use super::{RecordingError, SCRIPT, SILENCE, Script, ScriptedExchange, ScriptedOperation, command, replay};
use crate::upstream::adapter::Capability;
use crate::upstream::command::DeliveryCommand;
use crate::upstream::driver::tap::{Seen, Tap};
use crate::upstream::exchange_file::Message;
use crate::upstream::outcome::{Ambiguity, Exchange, Finding, UpstreamOutcome};
use crate::upstream::registry::Upstream;
use crate::upstream::text::ExternalId;
use crate::upstream::view::CaseView;

/// What can be recorded, in the order in which it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recorded {
    /// Hand the case over.
    Submit,
    /// Ask for it by our number.
    Find,
    /// Ask for it by the system's number.
    Query,
    /// Bring papers.
    Supplement,
    /// Hand it over again.
    Transition,
    /// Ask for all news.
    Poll,
    /// Withdraw it.
    Withdraw,
}

impl Recorded {
    const ALL: [Self; 7] = [
        Self::Submit,
        Self::Find,
        Self::Query,
        Self::Supplement,
        Self::Transition,
        Self::Poll,
        Self::Withdraw,
    ];

    /// Its name; its files begin with it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Find => "find",
            Self::Query => "query",
            Self::Supplement => "supplement",
            Self::Transition => "transition",
            Self::Poll => "poll",
            Self::Withdraw => "withdraw",
        }
    }

    const fn capability(self) -> Capability {
        match self {
            Self::Submit => Capability::Submit,
            Self::Find => Capability::FindByOurKey,
            Self::Query => Capability::Query,
            Self::Supplement => Capability::Supplement,
            Self::Transition => Capability::Transition,
            Self::Poll => Capability::Poll,
            Self::Withdraw => Capability::Withdraw,
        }
    }

    const fn scripted(self) -> ScriptedOperation {
        match self {
            Self::Submit => ScriptedOperation::Submit,
            Self::Find => ScriptedOperation::Query,
            Self::Query => ScriptedOperation::Ask,
            Self::Supplement => ScriptedOperation::Supplement,
            Self::Transition => ScriptedOperation::Transition,
            Self::Poll => ScriptedOperation::Poll,
            Self::Withdraw => ScriptedOperation::Withdraw,
        }
    }

    const fn needs_number(self) -> bool {
        match self {
            Self::Query | Self::Supplement | Self::Transition | Self::Withdraw => true,
            Self::Submit | Self::Find | Self::Poll => false,
        }
    }
}

/// One recording under way.
#[derive(Debug)]
pub struct Recorder<'a> {
    upstream: &'a Upstream,
    tap: &'a Tap,
    redactor: Redactor,
    case: CaseView,
    folder: PathBuf,
    script: Script,
    number: Option<ExternalId>,
}

impl<'a> Recorder<'a> {
    /// Prepares a recording of a case; nothing is sent and nothing written yet.
    #[must_use]
    pub fn new(
        (upstream, tap): (&'a Upstream, &'a Tap),
        redactor: Redactor,
        case: CaseView,
        folder: &Path,
        now: DateTime<Utc>,
    ) -> Self {
        let script = Script {
            case_number: Some(case.case_number.clone()),
            key: Some(format!("handoff_{}", Uuid::now_v7().simple())),
            now: Some(now),
            ..Script::default()
        };
        Self {
            upstream,
            tap,
            redactor,
            case,
            folder: folder.to_owned(),
            script,
            number: None,
        }
    }

    /// Does the exchanges, all that the protocol knows when none is named, and writes each as it ends. `tell` hears of
    /// each; what it returns ends the recording.
    ///
    /// # Errors
    /// When something is there already, an exchange cannot be done or cleaned, or a file cannot be written. What was
    /// recorded before stays, with its script.
    pub async fn record<E: From<RecordingError>>(
        mut self,
        operations: &[Recorded],
        tell: &mut dyn FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        let able = self.upstream.capabilities();
        let wanted: Vec<Recorded> = Recorded::ALL
            .into_iter()
            .filter(|one| match operations {
                [] => able.contains(&one.capability()),
                named => named.contains(one),
            })
            .collect();
        self.nothing_is_there(&wanted)?;
        fs::create_dir_all(&self.folder).map_err(|source| fault(&self.folder, source))?;
        let ended = self.exchange_all(&wanted, operations.is_empty(), tell).await;
        if !self.script.exchange.is_empty() {
            self.write_script()?;
        }
        ended
    }

    async fn exchange_all<E: From<RecordingError>>(
        &mut self,
        wanted: &[Recorded],
        may_pass_over: bool,
        tell: &mut dyn FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        for &operation in wanted {
            if operation.needs_number() && self.number.is_none() {
                let reason = "needs the system's number of the case, which a submission that is accepted gives: record \
                              submit with it 须先录制成功的 submit 以取得对方编号";
                if may_pass_over {
                    tell(&format!("passed over {}: {reason}", operation.as_str()))?;
                    continue;
                }
                return Err(refusal(operation, reason).into());
            }
            let expect = self.exchange(operation).await?;
            tell(&format!("recorded {}: {expect}", operation.as_str()))?;
        }
        Ok(())
    }

    async fn exchange(&mut self, operation: Recorded) -> Result<String, RecordingError> {
        let mut command = command(operation.scripted(), self.case.clone(), self.number.clone());
        if let Some(key) = &self.script.key {
            key.clone_into(&mut command.key);
        }
        drop(self.tap.take());
        let number = self.ask(operation, &command).await;
        let Some(seen) = self.tap.take().pop() else {
            let reason = format!(
                "nothing was sent; `onedoor upstream probe {}` says why 未能发出，请先运行 probe",
                self.upstream.config().name
            );
            return Err(refusal(operation, &reason));
        };
        let expect = self.keep(operation, &command, &seen)?;
        if let Some(number) = number {
            self.script.external_id = Some(number.to_string());
            self.number = Some(number);
        }
        Ok(expect)
    }

    /// Does one exchange, and gives the number that the system has for the case.
    async fn ask(&self, operation: Recorded, command: &DeliveryCommand) -> Option<ExternalId> {
        let driver = self.upstream.driver();
        match operation {
            Recorded::Find | Recorded::Query => match driver.find(command).await.finding {
                Finding::Found(acceptance) => Some(acceptance.external_id),
                Finding::Absent
                | Finding::Unanswered { .. }
                | Finding::Held { .. }
                | Finding::Unsupported => None,
            },
            Recorded::Poll => {
                let _page = driver.poll(None).await;
                None
            }
            Recorded::Submit | Recorded::Supplement | Recorded::Transition | Recorded::Withdraw => {
                match driver.send(command).await.outcome {
                    UpstreamOutcome::Accepted(acceptance) => Some(acceptance.external_id),
                    UpstreamOutcome::NotSent { .. }
                    | UpstreamOutcome::Rejected { .. }
                    | UpstreamOutcome::Retryable { .. }
                    | UpstreamOutcome::Ambiguous { .. }
                    | UpstreamOutcome::Held { .. } => None,
                }
            }
        }
    }

    fn keep(
        &mut self,
        operation: Recorded,
        command: &DeliveryCommand,
        seen: &Seen,
    ) -> Result<String, RecordingError> {
        let (request, answer) = (file(operation, "request"), file(operation, "answer"));
        let sent = match &self.upstream.config().auth.body {
            Some(body) => &super::differ::without(&seen.request, &body.field),
            None => &seen.request,
        };
        let cleaned = self.redactor.clean(sent)?;
        let (answered, went) = match (&seen.answer, seen.exchange) {
            (Some(whole), _) => {
                let message = self.redactor.clean(&Message::of_answer(whole))?;
                let limit = usize::try_from(self.upstream.config().response_max_bytes).unwrap_or(usize::MAX);
                let now = self.script.now.unwrap_or_default();
                let went = message
                    .received(limit, now)
                    .map_err(|source| RecordingError::Message {
                        path: self.folder.join(&answer),
                        source,
                    })?;
                (Some(message), went)
            }
            (None, Exchange::Lost(Ambiguity::Timeout)) => (None, (seen.exchange, None)),
            (None, exchange) => {
                let reason =
                    format!("no whole answer came ({exchange:?}); nothing was written of it 未收到完整应答");
                return Err(refusal(operation, &reason));
            }
        };
        let expect = replay::meaning(
            self.upstream.adapter(),
            replay::Asked {
                operation: operation.scripted(),
                cursor: None,
                now: self.script.now.unwrap_or_default(),
            },
            command,
            (went.0, went.1.as_ref()),
        );
        self.write(&request, &cleaned.to_bytes())?;
        if let Some(message) = &answered {
            self.write(&answer, &message.to_bytes())?;
        }
        self.script.exchange.push(ScriptedExchange {
            rule: format!("recorded: {}", operation.as_str()),
            operation: operation.scripted(),
            attempt: 1,
            request: Some(request),
            cursor: None,
            reading: None,
            answer: Some(answered.map_or_else(|| SILENCE.to_owned(), |_| answer)),
            expect: expect.clone(),
        });
        Ok(expect)
    }

    fn nothing_is_there(&self, wanted: &[Recorded]) -> Result<(), RecordingError> {
        let names = wanted
            .iter()
            .flat_map(|&one| [file(one, "request"), file(one, "answer")])
            .chain([SCRIPT.to_owned()]);
        for path in names.map(|name| self.folder.join(name)) {
            if fs::symlink_metadata(&path).is_ok() {
                return Err(RecordingError::Exists(path));
            }
        }
        Ok(())
    }

    fn write_script(&self) -> Result<(), RecordingError> {
        let path = self.folder.join(SCRIPT);
        let text = toml::to_string(&self.script).map_err(|error| RecordingError::Script {
            path,
            reason: error.to_string(),
        })?;
        let head = "# Recorded with the made-up case; secrets and personal values are stars. Play it again with `onedoor upstream replay`.\n";
        self.write(SCRIPT, format!("{head}{text}").as_bytes())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), RecordingError> {
        let path = self.folder.join(name);
        let written = fs::File::create_new(&path).and_then(|mut file| file.write_all(bytes));
        written.map_err(|source| fault(&path, source))
    }
}

fn fault(path: &Path, source: io::Error) -> RecordingError {
    RecordingError::File {
        path: path.to_owned(),
        source,
    }
}

fn file(operation: Recorded, side: &str) -> String {
    format!("{}.{side}.http", operation.as_str())
}

fn refusal(operation: Recorded, reason: &str) -> RecordingError {
    RecordingError::Operation {
        operation: operation.as_str(),
        reason: reason.to_owned(),
    }
}
