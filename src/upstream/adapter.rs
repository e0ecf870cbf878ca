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
    /// Can be asked for the state of a case by its own number.
    Query,
    /// Can be asked whether it has a case by our reference.
    FindByOurKey,
    /// Reports back by signed callbacks.
    Callback,
    /// Takes documents.
    Attach,
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

    /// Reads a whole answer to a command. Start from [`crate::upstream::outcome::classify_answer`].
    fn decode(&self, command: &DeliveryCommand, answer: &WireAnswer) -> UpstreamOutcome;

    /// Writes the question whether the upstream has the case, and in which state.
    ///
    /// # Errors
    /// When the protocol cannot be asked.
    fn encode_query(&self, command: &DeliveryCommand, cx: &EncodeContext)
    -> Result<WireRequest, EncodeError>;

    /// Reads a successful (2xx) answer to that question; other answers never reach an adapter.
    fn decode_query(&self, command: &DeliveryCommand, answer: &WireAnswer) -> Finding;

    /// Reads a notice whose signature was verified.
    ///
    /// # Errors
    /// When it is not in the protocol's form.
    fn read_notice(&self, notice: &VerifiedNotice) -> Result<Vec<UpstreamFact>, NoticeError>;
}
