//! Exchanges with an upstream kept as files: what a folder of them holds, and the commands that its requests carry out.
//!
//! A folder has a `script.toml` that tells what each exchange means, and for each a request and an answer as an
//! [`exchange_file`](crate::upstream::exchange_file). The suite plays such folders over TCP; `onedoor upstream record`
//! writes one at a test system, and `onedoor upstream replay` plays one without any network.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::upstream::command::{DeliveryCommand, Operation};
use crate::upstream::exchange_file::{FILE_BYTES_MAX, Message, MessageError};
use crate::upstream::sample;
use crate::upstream::text::ExternalId;
use crate::upstream::view::CaseView;

pub mod differ;
pub mod record;
pub mod redact;
pub mod replay;
pub mod words;

/// Name of the file that tells what the others mean.
pub const SCRIPT: &str = "script.toml";
/// The answer of whoever never answers.
pub const SILENCE: &str = "silence";
/// The number that written-by-hand answers give the case.
const EXTERNAL_ID: &str = "HR-2026-000123";

/// What a folder of exchanges tells.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The description of the system that the suite plays it to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
    /// File with the case that the requests carry, as JSON; `None`: the made-up case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<PathBuf>,
    /// Our number of that case, where it has another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_number: Option<String>,
    /// The idempotency key of its requests, where they have another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The system's number of the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// When the requests were written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<DateTime<Utc>>,
    /// The exchanges.
    pub exchange: Vec<ScriptedExchange>,
    /// What the system reports by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notice: Vec<ScriptedNotice>,
    /// Notices in their order.
    #[serde(default, skip_serializing_if = "History::is_empty")]
    pub history: History,
}

/// One exchange and what it means.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedExchange {
    /// What it shows.
    pub rule: String,
    /// What is asked of the system.
    pub operation: ScriptedOperation,
    /// Number of the attempt.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub attempt: u32,
    /// File with the request; `None`: it is not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Where a poll goes on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// What is asked before the command is written, and what comes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<ScriptedReading>,
    /// File with the answer, or [`SILENCE`]; `None`: reading settles it, and nothing more is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// What comes of it, in the words of [`words`].
    pub expect: String,
}

/// A question before a command.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedReading {
    /// File with the question.
    pub request: String,
    /// File with the answer.
    pub answer: String,
}

/// What an exchange asks of a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ScriptedOperation {
    /// Take the case over.
    Submit,
    /// Take it over again.
    Transition,
    /// Receive papers.
    Supplement,
    /// Stop.
    Withdraw,
    /// Hear what happened to the case.
    Notify,
    /// Whether it has the case, by our number.
    Query,
    /// The same by its own number.
    Ask,
    /// All its news from the beginning.
    Poll,
}

/// One notice and what it means.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedNotice {
    /// File with the request that brings it.
    pub file: String,
    /// What it says.
    pub expect: String,
}

/// Notices that tell one case from its beginning to its end.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// The files, in the order of the system's versions.
    pub files: Vec<String>,
}

/// A folder that cannot be played or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The script is not in its form.
    #[error("{} is not in the form of a script 脚本格式有误: {reason}", path.display())]
    Script {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file is no HTTP message.
    #[error("{} {source}", path.display())]
    Message {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: MessageError,
    },
    /// Something is there already.
    #[error("{} is there already and nothing is overwritten; name another folder 文件已存在，不会覆盖，请换一个目录", .0.display())]
    Exists(PathBuf),
    /// An operation cannot be carried out here.
    #[error("{operation}: {reason}")]
    Operation {
        /// Which.
        operation: &'static str,
        /// Why not, and what to do.
        reason: String,
    },
    /// What would be written still held what must not be.
    #[error("{0}: nothing of this exchange was written 该次交换未写入任何文件")]
    Unredacted(#[from] redact::Unredacted),
}

impl History {
    const fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

const fn first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
const fn is_first(attempt: &u32) -> bool {
    *attempt == 1
}

/// A folder of exchanges with its script.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The folder.
    pub folder: PathBuf,
    /// What it tells.
    pub script: Script,
    case: Option<CaseView>,
}

impl Recording {
    /// Reads the script of a folder, and the case it names.
    ///
    /// # Errors
    /// When one of both is missing or not in its form.
    pub fn open(folder: &Path) -> Result<Self, RecordingError> {
        let path = folder.join(SCRIPT);
        let misread = |path: PathBuf, reason: String| RecordingError::Script { path, reason };
        let bytes = read(&path)?;
        let text = String::from_utf8(bytes).map_err(|error| misread(path.clone(), error.to_string()))?;
        let script: Script =
            toml::from_str(&text).map_err(|error| misread(path.clone(), error.message().to_owned()))?;
        let case = match &script.case {
            Some(name) => {
                let path = folder.join(name);
                let case = serde_json::from_slice(&read(&path)?);
                Some(case.map_err(|error| misread(path, error.to_string()))?)
            }
            None => None,
        };
        Ok(Self {
            folder: folder.to_owned(),
            script,
            case,
        })
    }

    /// The message in one of its files.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub fn message(&self, name: &str) -> Result<Message, RecordingError> {
        let path = self.folder.join(name);
        let bytes = read(&path)?;
        Message::parse(&bytes).map_err(|source| RecordingError::Message { path, source })
    }

    /// When its requests were written.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.script.now.unwrap_or_else(|| self.case(None).submitted_at)
    }

    /// The case of its requests; `form` is that of the made-up case.
    #[must_use]
    pub fn case(&self, form: Option<serde_json::Map<String, serde_json::Value>>) -> CaseView {
        let mut case = self
            .case
            .clone()
            .unwrap_or_else(|| sample::case(sample::Fullness::Full, form.unwrap_or_else(sample::form)));
        if let Some(number) = &self.script.case_number {
            number.clone_into(&mut case.case_number);
        }
        case
    }

    /// The command that an exchange carries out with a case; a poll is about none.
    #[must_use]
    pub fn command(&self, exchange: &ScriptedExchange, case: CaseView) -> DeliveryCommand {
        let number = self.script.external_id.as_deref().unwrap_or(EXTERNAL_ID);
        let mut command = command(exchange.operation, case, ExternalId::parse(number));
        command.attempt = exchange.attempt;
        if let Some(key) = &self.script.key {
            key.clone_into(&mut command.key);
        }
        command
    }
}

/// The first attempt at an operation with a case. What it does not speak of is taken out of the case.
#[must_use]
pub fn command(
    operation: ScriptedOperation,
    case: CaseView,
    external_id: Option<ExternalId>,
) -> DeliveryCommand {
    let (supplement, withdrawal, notice) = (
        case.supplement.clone(),
        case.withdrawal.clone(),
        case.notice.clone(),
    );
    let operation = match operation {
        ScriptedOperation::Submit | ScriptedOperation::Query | ScriptedOperation::Poll => Operation::Submit,
        ScriptedOperation::Transition | ScriptedOperation::Ask => Operation::Transition,
        ScriptedOperation::Supplement => Operation::Supplement,
        ScriptedOperation::Withdraw => Operation::Withdraw,
        ScriptedOperation::Notify => Operation::Notify,
    };
    let mut command = sample::command(operation, case);
    let spoken_of = &mut command.case;
    spoken_of.supplement = supplement
        .or(spoken_of.supplement.take())
        .filter(|_| operation == Operation::Supplement);
    spoken_of.withdrawal = withdrawal
        .or(spoken_of.withdrawal.take())
        .filter(|_| operation == Operation::Withdraw);
    spoken_of.notice = notice
        .or(spoken_of.notice.take())
        .filter(|_| operation == Operation::Notify);
    command.external_id = external_id.filter(|_| operation != Operation::Submit);
    command
}

fn read(path: &Path) -> Result<Vec<u8>, RecordingError> {
    let fault = |source| RecordingError::File {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    let limit = u64::try_from(FILE_BYTES_MAX)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let file = fs::File::open(path).map_err(fault)?;
    file.take(limit).read_to_end(&mut bytes).map_err(fault)?;
    Ok(bytes)
}
