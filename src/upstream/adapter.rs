//! The pure translator between our cases and one upstream protocol.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::upstream::callback::VerifiedNotice;
use crate::upstream::command::{DeliveryCommand, Operation};
use crate::upstream::fact::UpstreamFact;
use crate::upstream::outcome::{Finding, UpstreamOutcome};
use crate::upstream::wire::{WireAnswer, WireRequest};

/// What a protocol can do; routes and configuration are checked against it at start-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Capability {
    /// Takes a case over.
    Submit,
    /// Takes a case over again under its own number.
    Transition,
    /// Takes corrected papers.
    Supplement,
    /// Can be told that the applicant withdrew.
    Withdraw,
    /// Can be asked for the state of a case by its own number. Says nothing of a case whose number is not known.
    Query,
    /// Can be asked whether it has a case by our reference.
    FindByOurKey,
    /// Reports back by signed callbacks.
    Callback,
    /// Takes documents.
    Attach,
    /// Can be asked for all its news since a cursor.
    Poll,
}

impl From<Operation> for Capability {
    fn from(operation: Operation) -> Self {
        match operation {
            Operation::Submit => Self::Submit,
            Operation::Transition => Self::Transition,
            Operation::Supplement => Self::Supplement,
            Operation::Withdraw => Self::Withdraw,
        }
    }
}

/// What an adapter may know beside the command; it reads no clock and holds no secret.
#[derive(Debug, Clone, Copy)]
pub struct EncodeContext {
    /// The instant of this attempt.
    pub now: DateTime<Utc>,
}

/// A command that has no form in the protocol. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The protocol does not know this operation.
    #[error("the protocol has no such operation")]
    Unsupported,
    /// A transition or withdrawal of a case whose upstream number is not known.
    #[error("the upstream's number of the case is missing")]
    NumberMissing,
    /// The body cannot be written.
    #[error("the body cannot be written")]
    Body(#[from] serde_json::Error),
    /// A template of the configuration does not fit this case. Where, but not what: engines repeat values.
    #[error("the template {part} does not fit the case (line {line}): {reason}")]
    Template {
        /// The option that holds it.
        part: String,
        /// Line within it, from 1; 0 when the fault has no place.
        line: usize,
        /// What is wrong, without any value of the case.
        reason: &'static str,
    },
}

/// One document to hand in beside a case.
#[derive(Clone, Serialize)]
pub struct AttachmentView {
    /// Code of the material it belongs to.
    pub material_code: String,
    /// Name of the file.
    pub file_name: String,
    /// Media type.
    pub media_type: String,
    /// SHA-256 of the content, hexadecimal.
    pub sha256: String,
    /// Length of the content, bytes.
    pub length: u64,
    /// The content.
    #[serde(skip)]
    pub content: Vec<u8>,
}

impl fmt::Debug for AttachmentView {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AttachmentView")
            .field("material_code", &self.material_code)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// What the state of a case there led to, read before a command was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prepared {
    /// Send this.
    Request(WireRequest),
    /// There is nothing to send: the case there says what came, or will come, of the command.
    Settled(UpstreamOutcome),
}

/// One page of an upstream's news.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PollPage {
    /// What it reports, in its order.
    pub facts: Vec<UpstreamFact>,
    /// Entries that could not be read; they are counted and passed over, else one would stop all later news.
    pub unreadable: u32,
    /// The cursor to go on from; `None` leaves the cursor where it was.
    pub next: Option<String>,
    /// Whether there is another page now.
    pub more: bool,
}

/// A verified notice that says nothing we can read.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// Not in the protocol's form. Where, but not what: the parser's own words would echo personal data.
    #[error("the notice is not in the form of the protocol (line {line}, column {column})")]
    Malformed {
        /// Line, from 1; 0 when the fault has no place.
        line: usize,
        /// Column, from 1; 0 when the fault has no place.
        column: usize,
    },
    /// A kind of notice the adapter does not know: kept in the inbox for a later version to read.
    #[error("the notice is of an unknown kind")]
    UnknownKind,
}

/// One protocol. Object-safe and synchronous: an adapter never waits, retries, reads a clock or holds a secret.
pub trait Adapter: Send + Sync + fmt::Debug {
    /// Name of the protocol as configuration files write it, for example `county-rest`.
    fn kind(&self) -> &'static str;

    /// What the protocol can do.
    fn capabilities(&self) -> BTreeSet<Capability>;

    /// Writes the request of a command.
    ///
    /// # Errors
    /// When the command has no form in this protocol.
    fn encode(&self, command: &DeliveryCommand, cx: &EncodeContext) -> Result<WireRequest, EncodeError>;

    /// Writes what must be read of a case before a command about it can be written: some systems take a change only with
    /// all that they hold of the case. `None`: the command is written at once.
    ///
    /// # Errors
    /// When the command has no form in this protocol.
    fn encode_reading(
        &self,
        _command: &DeliveryCommand,
        _cx: &EncodeContext,
    ) -> Result<Option<WireRequest>, EncodeError> {
        Ok(None)
    }

    /// Writes a command over a successful (2xx) answer to [`Self::encode_reading`].
    ///
    /// # Errors
    /// When the command has no form in this protocol.
    fn prepare(
        &self,
        command: &DeliveryCommand,
        _read: &WireAnswer,
        cx: &EncodeContext,
    ) -> Result<Prepared, EncodeError> {
        self.encode(command, cx).map(Prepared::Request)
    }

    /// Reads a whole answer to a command, whatever its status. Start from [`crate::upstream::outcome::classify_answer`].
    fn decode(&self, command: &DeliveryCommand, answer: &WireAnswer) -> UpstreamOutcome;

    /// What an answer says of itself that may have to be shown later, as an identifier of the exchange does; kept with
    /// the attempt. Never personal data.
    fn evidence(&self, _answer: &WireAnswer) -> Option<String> {
        None
    }

    /// Writes the question whether the upstream has the case, and in which state.
    ///
    /// # Errors
    /// When the protocol cannot be asked.
    fn encode_query(&self, command: &DeliveryCommand, cx: &EncodeContext)
    -> Result<WireRequest, EncodeError>;

    /// Reads a successful (2xx) answer to that question.
    fn decode_query(&self, command: &DeliveryCommand, answer: &WireAnswer) -> Finding;

    /// Whether another answer to that question says that the upstream does not have the case, as a 404 does in
    /// some protocols. By the table of outcomes alone it would hold the upstream.
    fn says_absent(&self, _answer: &WireAnswer) -> bool {
        false
    }

    /// Values that a recorded exchange must not show beside those of the applicant: fields of the case view
    /// (`case.form.phone`) and JSONPaths into answers (`$.data.phone`).
    fn redactions(&self) -> &[String] {
        &[]
    }

    /// Writes the request that hands in one document of a case.
    ///
    /// # Errors
    /// When the protocol takes none, or the case has no number there yet.
    fn encode_attachment(
        &self,
        _command: &DeliveryCommand,
        _attachment: &AttachmentView,
        _cx: &EncodeContext,
    ) -> Result<WireRequest, EncodeError> {
        Err(EncodeError::Unsupported)
    }

    /// Writes the question for all news since a cursor; `None` asks from the beginning.
    ///
    /// # Errors
    /// When the protocol has no such question.
    fn encode_poll(&self, _cursor: Option<&str>, _cx: &EncodeContext) -> Result<WireRequest, EncodeError> {
        Err(EncodeError::Unsupported)
    }

    /// Reads a successful (2xx) answer to that question; `None` when it cannot be read.
    fn decode_poll(&self, _answer: &WireAnswer) -> Option<PollPage> {
        None
    }

    /// The same with the question it answers, for protocols whose answers do not say how far they go.
    fn decode_poll_since(
        &self,
        _cursor: Option<&str>,
        answer: &WireAnswer,
        _cx: &EncodeContext,
    ) -> Option<PollPage> {
        self.decode_poll(answer)
    }

    /// Whether it may take a case over under a token and tell the number later ([`ExternalId::provisional`]): it is then
    /// asked for the number by itself.
    ///
    /// [`ExternalId::provisional`]: crate::upstream::text::ExternalId::provisional
    fn numbers_may_come_later(&self) -> bool {
        false
    }

    /// Whether its news is of all its cases, also those that never came from us: what is not of ours is then dropped
    /// unread instead of waiting for a case.
    fn news_is_of_everybody(&self) -> bool {
        false
    }

    /// Reads a notice whose signature was verified.
    ///
    /// # Errors
    /// When it is not in the protocol's form.
    fn read_notice(&self, notice: &VerifiedNotice) -> Result<Vec<UpstreamFact>, NoticeError>;
}
