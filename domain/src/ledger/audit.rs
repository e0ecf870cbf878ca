//! Verifies an export of a ledger record by record, with nothing but the export and the keys.
//!
//! A chain is verified as [`super::verify_chain`] does, against its head row, every checkpoint whose signature holds, and
//! every receipt whose signature holds, those in the export and those that somebody brings. The first fault of a chain is
//! told; what comes behind it in the same chain proves nothing any more.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use uuid::Uuid;

use super::checkpoint::{Checkpoint, root};
use super::export::{CheckpointRecord, FORMAT, HeadRecord, LineRecord, ReceiptRecord, Record, VERSION};
use super::verify::{end, next, pass_attested};
use super::{Head, Known, LedgerFault, LedgerFaultKind, SealedEvent};
use crate::digest::Digest;
use crate::id::ReceiptId;
use crate::receipt::ReceiptBody;

#[cfg(test)]
mod tests;

/// Faults told of one export; more are counted.
pub const FAULTS_MAX: usize = 1_000;

/// Checks signatures with the keys that are trusted.
pub trait Signatures: Sync {
    /// Whether these bytes were signed with this key; `false` for a key that is not trusted.
    fn holds(&self, key_id: &str, message: &[u8], signature: &[u8]) -> bool;
}

/// What a fault is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The chain of a case.
    Chain(Uuid),
    /// The chain of checkpoints.
    Checkpoints,
    /// A receipt.
    Receipt(String),
    /// The export itself, by the number of the record.
    Export,
}

impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chain(chain) => write!(out, "chain {chain}"),
            Self::Checkpoints => out.write_str("checkpoints"),
            Self::Receipt(id) => write!(out, "receipt {id}"),
            Self::Export => out.write_str("export"),
        }
    }
}

/// The first fault of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is about.
    pub subject: Subject,
    /// What is wrong, and at which number.
    pub fault: LedgerFault,
}

/// What came of an audit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Chains that were read.
    pub chains: u64,
    /// Lines of them.
    pub lines: u64,
    /// Checkpoints whose signature holds.
    pub checkpoints: u64,
    /// Receipts whose signature holds.
    pub receipts: u64,
    /// When the last checkpoint was taken, microseconds; what was cut behind it only a receipt finds.
    pub checkpointed_at_us: Option<i64>,
    /// The faults, at most [`FAULTS_MAX`].
    pub faults: Vec<Found>,
    /// How many there are in all.
    pub faults_total: u64,
}

/// An audit under way.
pub struct Audit<'a> {
    signatures: &'a dyn Signatures,
    attested: BTreeMap<Uuid, Vec<Head>>,
    read: BTreeSet<Uuid>,
    chain: Option<Chain>,
    checkpoints: Checkpoints,
    records: u64,
    ended: bool,
    report: Report,
}

/// The chain that is being read.
struct Chain {
    head: Head,
    known: Known,
    /// Nothing more is told of it.
    faulty: bool,
}

#[derive(Default)]
struct Checkpoints {
    /// The last one that held, by number and hash.
    last: Option<(u64, Digest)>,
    /// The one whose heads are being read.
    open: Option<(CheckpointRecord, Vec<Head>)>,
    /// Numbers and hashes known from elsewhere.
    known: Vec<(u64, Digest)>,
    faulty: bool,
}

impl<'a> Audit<'a> {
    /// Begins; `receipts` and `checkpoints` are those that somebody kept outside.
    #[must_use]
    pub fn new(
        signatures: &'a dyn Signatures,
        receipts: &[ReceiptRecord],
        checkpoints: &[CheckpointRecord],
    ) -> Self {
        let mut audit = Self {
            signatures,
            attested: BTreeMap::new(),
            read: BTreeSet::new(),
            chain: None,
            checkpoints: Checkpoints::default(),
            records: 0,
            ended: false,
            report: Report::default(),
        };
        for receipt in receipts {
            audit.receipt(receipt);
        }
        for kept in checkpoints {
            audit.kept_checkpoint(kept);
        }
        audit
    }

    /// Reads the next record. Text that is no record is told by [`Self::unreadable`].
    pub fn read(&mut self, record: Record) {
        self.records = self.records.saturating_add(1);
        if self.ended {
            self.export_fault(LedgerFaultKind::BadContent);
            return;
        }
        if !matches!(record, Record::CheckpointHead(_)) {
            self.close_checkpoint();
        }
        match record {
            Record::Header { format, version, .. } => {
                if self.records != 1 || format != FORMAT || version != VERSION {
                    self.export_fault(LedgerFaultKind::BadContent);
                }
            }
            Record::Key { .. } => {}
            Record::Checkpoint(checkpoint) => self.checkpoints.open = Some((checkpoint, Vec::new())),
            Record::CheckpointHead(head) => match (&mut self.checkpoints.open, position(&head)) {
                (Some((_, heads)), Some(head)) => heads.push(head),
                (Some(_), None) | (None, _) => self.checkpoint_fault(0, LedgerFaultKind::BadContent),
            },
            Record::Receipt(receipt) => self.receipt(&receipt),
            Record::Head(head) => self.head(&head),
            Record::Line(line) => self.line(line),
            Record::End { records } => {
                self.ended = true;
                if records != self.records.saturating_sub(1) {
                    self.export_fault(LedgerFaultKind::Gap);
                }
            }
        }
    }

    /// Notes a line of text that is no record.
    pub fn unreadable(&mut self) {
        self.records = self.records.saturating_add(1);
        self.export_fault(LedgerFaultKind::BadContent);
    }

    /// Ends: what is known of and was not in the export is missing.
    #[must_use]
    pub fn finish(mut self) -> Report {
        self.close_checkpoint();
        self.close_chain();
        if !self.ended {
            self.export_fault(LedgerFaultKind::Truncated);
        }
        let missing: Vec<Uuid> = self
            .attested
            .keys()
            .filter(|chain| !self.read.contains(*chain))
            .copied()
            .collect();
        for chain in missing {
            self.tell(Subject::Chain(chain), 1, LedgerFaultKind::Truncated);
        }
        let last = self.checkpoints.last.map_or(0, |(seq, _)| seq);
        if !self.checkpoints.faulty && self.checkpoints.known.iter().any(|(seq, _)| *seq > last) {
            self.checkpoint_fault(last.saturating_add(1), LedgerFaultKind::Truncated);
        }
        self.report
    }

    fn head(&mut self, row: &HeadRecord) {
        self.close_chain();
        if !self.read.insert(row.chain) {
            self.tell(Subject::Chain(row.chain), number(row.seq), LedgerFaultKind::Fork);
        }
        let mut chain = Chain::new(row.chain, self.attested.get(&row.chain));
        self.report.chains = self.report.chains.saturating_add(1);
        if let Some(head) = position(row) {
            chain.known.head = Some(head);
            self.chain = Some(chain);
        } else {
            chain.faulty = true;
            self.chain = Some(chain);
            self.tell(
                Subject::Chain(row.chain),
                number(row.seq),
                LedgerFaultKind::BadContent,
            );
        }
    }

    fn line(&mut self, row: LineRecord) {
        self.report.lines = self.report.lines.saturating_add(1);
        let id = row.chain;
        if self.chain.as_ref().is_none_or(|chain| chain.head.chain != id) {
            // a chain whose head row is gone
            self.close_chain();
            let again = !self.read.insert(id);
            let mut chain = Chain::new(id, self.attested.get(&id));
            chain.faulty = again;
            self.chain = Some(chain);
            self.report.chains = self.report.chains.saturating_add(1);
            if again {
                self.tell(Subject::Chain(id), number(row.seq), LedgerFaultKind::Fork);
            }
        }
        let Some(chain) = &mut self.chain else { return };
        if chain.faulty {
            return;
        }
        match chain.step(row) {
            Ok(head) => chain.head = head,
            Err(fault) => {
                chain.faulty = true;
                self.tell(Subject::Chain(id), fault.seq, fault.kind);
            }
        }
    }

    fn close_chain(&mut self) {
        let Some(chain) = self.chain.take() else { return };
        if chain.faulty {
            return;
        }
        let ended = if chain.known.head.is_none() {
            // nothing says where it ends
            Err(LedgerFault {
                seq: chain.head.seq.saturating_add(1),
                kind: LedgerFaultKind::Truncated,
            })
        } else {
            end(&chain.head, &chain.known)
        };
        if let Err(fault) = ended {
            self.tell(Subject::Chain(chain.head.chain), fault.seq, fault.kind);
        }
    }

    fn receipt(&mut self, receipt: &ReceiptRecord) {
        let bytes = receipt.canonical.as_bytes();
        let body: Option<ReceiptBody> = serde_json::from_slice(bytes).ok();
        let position = body.as_ref().and_then(|body| Some((body, body.ledger.as_ref()?)));
        let Some((body, ledger)) = position else {
            self.tell(Subject::Receipt("?".to_owned()), 0, LedgerFaultKind::BadContent);
            return;
        };
        let signature = STANDARD.decode(&receipt.signature).unwrap_or_default();
        if !self.signatures.holds(&receipt.key_id, bytes, &signature) {
            self.tell(receipt_of(body.id), ledger.seq, LedgerFaultKind::BadSignature);
            return;
        }
        self.report.receipts = self.report.receipts.saturating_add(1);
        let head = Head {
            chain: body.case.uuid(),
            seq: ledger.seq,
            hash: ledger.hash,
        };
        self.attested.entry(head.chain).or_default().push(head);
    }

    /// The statement of a checkpoint with a signature that holds; else the fault.
    fn statement(&self, record: &CheckpointRecord) -> Result<(Checkpoint, Digest), LedgerFaultKind> {
        let statement = statement_of(record).ok_or(LedgerFaultKind::BadContent)?;
        let bytes = statement
            .canonical_bytes()
            .ok()
            .ok_or(LedgerFaultKind::BadContent)?;
        let signature = hex::decode(&record.signature).unwrap_or_default();
        if !self.signatures.holds(&record.key_id, &bytes, &signature) {
            return Err(LedgerFaultKind::BadSignature);
        }
        Ok((statement, Digest::of(&bytes)))
    }

    fn kept_checkpoint(&mut self, record: &CheckpointRecord) {
        match self.statement(record) {
            Ok((statement, hash)) => self.checkpoints.known.push((statement.seq, hash)),
            Err(kind) => self.checkpoint_fault(number(record.seq), kind),
        }
    }

    fn close_checkpoint(&mut self) {
        let Some((record, heads)) = self.checkpoints.open.take() else {
            return;
        };
        if self.checkpoints.faulty {
            return;
        }
        let (last, prev) = self.checkpoints.last.unwrap_or((0, Digest::ZERO));
        let (expected, seq) = (last.saturating_add(1), number(record.seq));
        let checked = if seq > expected {
            Err((expected, LedgerFaultKind::Gap))
        } else if seq < expected {
            Err((seq, LedgerFaultKind::Fork))
        } else {
            self.statement(&record).map_err(|kind| (seq, kind))
        };
        let (statement, hash) = match checked {
            Ok(statement) => statement,
            Err((seq, kind)) => return self.checkpoint_fault(seq, kind),
        };
        let count = u64::try_from(heads.len()).unwrap_or(u64::MAX);
        if statement.prev != prev {
            return self.checkpoint_fault(seq, LedgerFaultKind::BadLink);
        }
        if statement.heads != count || statement.root != root(&heads) {
            return self.checkpoint_fault(seq, LedgerFaultKind::BadContent);
        }
        let differs = |(known, other): &(u64, Digest)| *known == seq && *other != hash;
        if self.checkpoints.known.iter().any(differs) {
            return self.checkpoint_fault(seq, LedgerFaultKind::Fork);
        }
        self.checkpoints.last = Some((seq, hash));
        self.report.checkpoints = self.report.checkpoints.saturating_add(1);
        self.report.checkpointed_at_us = Some(statement.at.timestamp_micros());
        for head in heads {
            self.attested.entry(head.chain).or_default().push(head);
        }
    }

    fn checkpoint_fault(&mut self, seq: u64, kind: LedgerFaultKind) {
        self.checkpoints.faulty = true;
        self.tell(Subject::Checkpoints, seq, kind);
    }

    fn export_fault(&mut self, kind: LedgerFaultKind) {
        self.tell(Subject::Export, self.records, kind);
    }

    fn tell(&mut self, subject: Subject, seq: u64, kind: LedgerFaultKind) {
        self.report.faults_total = self.report.faults_total.saturating_add(1);
        if self.report.faults.len() < FAULTS_MAX {
            let fault = LedgerFault { seq, kind };
            self.report.faults.push(Found { subject, fault });
        }
    }
}

impl Chain {
    fn new(chain: Uuid, attested: Option<&Vec<Head>>) -> Self {
        Self {
            head: Head::empty(chain),
            known: Known {
                head: None,
                attested: attested.cloned().unwrap_or_default(),
            },
            faulty: false,
        }
    }

    fn step(&self, row: LineRecord) -> Result<Head, LedgerFault> {
        let seq = number(row.seq);
        let (prev, hash) = (row.prev.parse::<Digest>(), row.hash.parse::<Digest>());
        let payload = hex::decode(&row.payload);
        let line = SealedEvent {
            chain: row.chain,
            seq,
            // what is no hash is no link and no content
            prev: prev.unwrap_or(Digest::ZERO),
            hash: hash.unwrap_or(Digest::ZERO),
            payload: payload.unwrap_or_default(),
            name: row.name,
            at_us: row.at_us,
        };
        let head = next(&self.head, &line)?;
        pass_attested(&head, &self.known)?;
        Ok(head)
    }
}

fn receipt_of(id: ReceiptId) -> Subject {
    Subject::Receipt(id.to_string())
}

/// A number of a row; what is none comes before the first.
fn number(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or_default()
}

fn position(row: &HeadRecord) -> Option<Head> {
    Some(Head {
        chain: row.chain,
        seq: u64::try_from(row.seq).ok()?,
        hash: row.hash.parse().ok()?,
    })
}

fn statement_of(record: &CheckpointRecord) -> Option<Checkpoint> {
    Some(Checkpoint {
        seq: u64::try_from(record.seq).ok()?,
        at: DateTime::from_timestamp_micros(record.at_us)?,
        prev: record.prev.parse().ok()?,
        heads: u64::try_from(record.heads).ok()?,
        root: record.root.parse().ok()?,
    })
}
