//! The steps of verifying a chain, one line after another.

use serde::Deserialize;
use serde_json::Value;

use super::{FORMAT_VERSION, Head, Known, LedgerFault, LedgerFaultKind, SealedEvent, line_hash};

/// The JSON of a payload.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Envelope {
    at_us: i64,
    pub(super) body: Value,
    name: String,
}

impl Envelope {
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        match payload.split_first() {
            Some((&FORMAT_VERSION, json)) => serde_json::from_slice(json).ok(),
            _ => None,
        }
    }
}

/// The position after one more line.
pub(super) fn next(head: &Head, line: &SealedEvent) -> Result<Head, LedgerFault> {
    let expected = head.seq.saturating_add(1);
    if line.seq > expected {
        return fault(expected, LedgerFaultKind::Gap);
    }
    if line.seq < expected {
        return fault(line.seq, LedgerFaultKind::Fork);
    }
    if line.chain != head.chain {
        return fault(line.seq, LedgerFaultKind::ColumnMismatch);
    }
    if line.prev != head.hash {
        return fault(line.seq, LedgerFaultKind::BadLink);
    }
    let version = line.payload.first().copied().unwrap_or_default();
    if line.hash != line_hash(version, head.chain, line.seq, &line.prev, &line.payload) {
        return fault(line.seq, LedgerFaultKind::BadContent);
    }
    match Envelope::read(&line.payload) {
        None => fault(line.seq, LedgerFaultKind::BadContent),
        Some(envelope) if envelope.at_us != line.at_us || envelope.name != line.name => {
            fault(line.seq, LedgerFaultKind::ColumnMismatch)
        }
        Some(_) => Ok(line.head()),
    }
}

/// Compares the position with what is attested for its number.
pub(super) fn pass_attested(head: &Head, known: &Known) -> Result<(), LedgerFault> {
    let differs = |attested: &Head| attested.seq == head.seq && attested != head;
    if known.attested.iter().chain(&known.head).any(differs) {
        fault(head.seq, LedgerFaultKind::Fork)
    } else {
        Ok(())
    }
}

/// Compares the end of the chain with the furthest position that is known.
pub(super) fn end(head: &Head, known: &Known) -> Result<(), LedgerFault> {
    if known
        .attested
        .iter()
        .chain(&known.head)
        .any(|position| position.seq > head.seq)
    {
        return fault(head.seq.saturating_add(1), LedgerFaultKind::Truncated);
    }
    match &known.head {
        Some(known) if known.seq < head.seq => fault(known.seq.saturating_add(1), LedgerFaultKind::Fork),
        _ => Ok(()),
    }
}

const fn fault<T>(seq: u64, kind: LedgerFaultKind) -> Result<T, LedgerFault> {
    Err(LedgerFault { seq, kind })
}
