//! One act as services hand it to the store: everything it changes, in one value.

use chrono::{DateTime, Utc};
use onedoor_domain::audit::AuditEntry;
use onedoor_domain::case::event::NewEvent;
use onedoor_domain::case::state::Case;
use onedoor_domain::delivery::{DeliveryKind, NoticeState};
use onedoor_domain::id::{DeliveryId, DraftId, HandoffId};
use onedoor_domain::idempotency::{Fingerprint, IdempotencyKey};
use onedoor_domain::receipt::{ReceiptBody, SignedReceipt};
use onedoor_domain::timeline::StoredEvent;
use serde_json::Value;

use super::case::Loaded;
use super::document::JoinedDocument;
use super::error::StoreError;
use super::inbox::NoticeKey;
use super::outbox::DeliveryResult;

/// One act: all of it is stored in one transaction, or nothing.
pub struct WriteSet {
    /// The instant of the act; every row that keeps a time without a meaning of its own gets this one.
    pub now: DateTime<Utc>,
    /// The caller's key; `None` for acts that are found again otherwise (upstream news, clocks).
    pub idempotency: Option<IdempotencyClaim>,
    /// The case before and after, and the events that lie between.
    pub case: CaseChange,
    /// When a clock of the case speaks next; `None`: none will.
    pub next_tick_at: Option<DateTime<Utc>>,
    /// What only the holder of the case may read; given when the case is new.
    pub private: Option<NewPrivate>,
    /// Receipts to sign, each for one of the events.
    pub receipts: Vec<NewReceipt>,
    /// Deliveries to put into the outbox.
    pub deliveries: Vec<NewDelivery>,
    /// Handoffs that nobody wants delivered any more: of their deliveries those are cancelled of which surely nothing
    /// left the house.
    pub unwanted: Vec<HandoffId>,
    /// Handoffs that their systems have answered by a notice: deliveries of them that were uncertain or given up are
    /// settled by it.
    pub answered: Vec<HandoffId>,
    /// Deliveries that go to another system instead. A set with one that somebody works on by now is overtaken.
    pub withdrawn: Vec<DeliveryResult>,
    /// What came of the delivery by which the act was learnt, or what a person decides of it.
    pub delivery_result: Option<DeliveryResult>,
    /// The notice that the act settles.
    pub inbox: Option<InboxMark>,
    /// Documents that belong to the case from now on.
    pub documents: Vec<JoinedDocument>,
    /// The draft that has become this case.
    pub finished_draft: Option<DraftId>,
    /// The number that a kiosk printed for the new case while it was offline.
    pub provisional: Option<Box<NewProvisional>>,
    /// Makes the answer's payload, which is kept (sealed) under the caller's key.
    pub answer: Option<AnswerBuilder>,
    /// What the audit log is told of the act: one of an administrator's.
    pub audit: Option<AuditEntry>,
}

impl WriteSet {
    /// A set that changes a case and nothing else; fill the other fields as needed. The reconciler looks at it soon.
    #[must_use]
    pub const fn of(now: DateTime<Utc>, case: CaseChange) -> Self {
        Self {
            now,
            idempotency: None,
            case,
            next_tick_at: Some(now),
            private: None,
            receipts: Vec::new(),
            deliveries: Vec::new(),
            unwanted: Vec::new(),
            answered: Vec::new(),
            withdrawn: Vec::new(),
            delivery_result: None,
            inbox: None,
            documents: Vec::new(),
            finished_draft: None,
            provisional: None,
            answer: None,
            audit: None,
        }
    }
}

/// Makes the payload of the answer from what was sealed; called once, before anything is stored.
pub type AnswerBuilder = Box<dyn FnOnce(&SealedSet) -> Result<Vec<u8>, StoreError> + Send>;

/// A caller's key and what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyClaim {
    /// Whose key it is: subject of the token, or the device.
    pub principal: String,
    /// The key.
    pub key: IdempotencyKey,
    /// Name of the act, for example `submitCase`.
    pub act: &'static str,
    /// Hash of the canonical input.
    pub fingerprint: Fingerprint,
}

/// A number that a kiosk printed while it was offline; a device never gives one twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProvisional {
    /// Subject of the device.
    pub device: String,
    /// What it printed.
    pub number: String,
    /// When, by our clock.
    pub captured_at: DateTime<Utc>,
}

/// A case before and after an act.
#[derive(Debug, Clone)]
pub struct CaseChange {
    /// As it was loaded; `None`: a new case. The act is stored only if nothing was written since.
    pub before: Option<Loaded>,
    /// As it is after all events.
    pub after: Case,
    /// The events, in order.
    pub events: Vec<NewEvent>,
}

/// What only the holder of a case may read.
#[derive(Clone)]
pub struct NewPrivate {
    /// Argon2 hash of the tracking secret.
    pub secret_hash: String,
    /// The applicant.
    pub applicant: Value,
    /// The form as filled in.
    pub form: Value,
    /// The materials handed in.
    pub materials: Value,
    /// Salt of the commitment to these in the first event.
    pub salt: [u8; 16],
}

/// A receipt without its ledger position; the store adds it and signs.
#[derive(Debug, Clone)]
pub struct NewReceipt {
    /// What it says.
    pub body: ReceiptBody,
    /// Index of the event it attests among the events of the set.
    pub attests: usize,
}

/// A delivery for the outbox.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// Key.
    pub id: DeliveryId,
    /// The handoff it carries out.
    pub handoff: HandoffId,
    /// Name of the upstream system.
    pub upstream: String,
    /// What the system is asked to do.
    pub kind: DeliveryKind,
    /// Idempotency key for the system, the same on every attempt.
    pub key: String,
    /// Index of the event of the set that it tells of; `None`: it carries a handoff.
    pub tells: Option<usize>,
}

/// The notice that a set settles.
#[derive(Debug, Clone)]
pub struct InboxMark {
    /// Which notice.
    pub notice: NoticeKey,
    /// What became of it: applied, or kept and shown.
    pub state: NoticeState,
}

/// What became of a write set.
#[derive(Debug)]
pub enum Commit {
    /// Stored.
    Committed(Box<SealedSet>),
    /// The same act was stored before under the same key: its answer, byte for byte.
    Replayed {
        /// The payload; empty when the act kept none.
        answer: Vec<u8>,
    },
    /// The key was used for something else. Nothing was stored.
    Mismatch,
    /// The case moved on since it was loaded: load it again and decide again. Nothing was stored.
    Stale,
    /// Another worker holds the delivery by now, or has settled the notice: drop this result. Nothing was stored.
    Overtaken,
    /// Another case already has that number in that upstream system. Nothing was stored.
    NumberTaken,
    /// One of the documents was used, or taken away, meanwhile. Nothing was stored.
    DocumentTaken,
}

/// A write set as it was stored.
#[derive(Debug, Clone)]
pub struct SealedSet {
    /// The case.
    pub case: Case,
    /// Its revision.
    pub revision: i64,
    /// The events with their places in the ledger.
    pub events: Vec<StoredEvent>,
    /// The receipts, signed.
    pub receipts: Vec<SignedReceipt>,
    /// Payload of the answer; `None` when the set makes none.
    pub answer: Option<Vec<u8>>,
}
