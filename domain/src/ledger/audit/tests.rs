//! Every kind of tampering with a stored ledger, found in its export with its reason and first bad number.

use super::*;
use crate::id::CaseId;
use crate::ledger::{UnsealedEvent, seal};
use crate::receipt::parts::LedgerPosition;
use LedgerFaultKind::{BadContent, BadLink, BadSignature, ColumnMismatch, Fork, Gap, Truncated};
use serde_json::json;

/// Stands for a signature: nobody makes one without the key.
struct Key(&'static str);

impl Key {
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        Digest::of_parts(&[self.0.as_bytes(), message])
            .as_bytes()
            .to_vec()
    }
}

impl Signatures for Key {
    fn holds(&self, key_id: &str, message: &[u8], signature: &[u8]) -> bool {
        key_id == "k" && signature == self.sign(message)
    }
}

const KEY: Key = Key("the gateway's");

/// A ledger as its tables hold it.
#[derive(Clone, Default)]
struct Tables {
    checkpoints: Vec<(CheckpointRecord, Vec<HeadRecord>)>,
    receipts: Vec<ReceiptRecord>,
    heads: Vec<HeadRecord>,
    lines: Vec<LineRecord>,
}

fn chain(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

impl Tables {
    fn append(&mut self, number: u128, name: &str) {
        let chain = chain(number);
        let head = self
            .head(chain)
            .map_or(Head::empty(chain), |row| position(row).unwrap());
        let event = UnsealedEvent {
            name: name.to_owned(),
            at: DateTime::from_timestamp_micros(1_795_401_000_000_000).unwrap(),
            body: json!({ "number": head.seq }),
        };
        let line = seal(&head, &event).unwrap();
        let row = HeadRecord {
            chain,
            seq: line.seq.try_into().unwrap(),
            hash: line.hash.to_string(),
        };
        self.heads.retain(|other| other.chain != chain);
        self.heads.push(row);
        self.heads.sort_by_key(|head| head.chain);
        self.lines.push(LineRecord {
            chain,
            seq: line.seq.try_into().unwrap(),
            prev: line.prev.to_string(),
            hash: line.hash.to_string(),
            payload: hex::encode(&line.payload),
            name: line.name,
            at_us: line.at_us,
        });
    }

    fn head(&self, chain: Uuid) -> Option<&HeadRecord> {
        self.heads.iter().find(|head| head.chain == chain)
    }

    fn line(&mut self, number: u128, seq: i64) -> &mut LineRecord {
        let found = self
            .lines
            .iter_mut()
            .find(|line| line.chain == chain(number) && line.seq == seq);
        found.unwrap()
    }

    fn receipt(&self, number: u128, seq: i64) -> ReceiptRecord {
        let line = self
            .lines
            .iter()
            .find(|line| line.chain == chain(number) && line.seq == seq)
            .unwrap();
        let mut body = crate::receipt::tests::body();
        body.case = CaseId::from_uuid(line.chain);
        let body = body.sealed(LedgerPosition {
            seq: line.seq.try_into().unwrap(),
            hash: line.hash.parse().unwrap(),
        });
        let canonical = String::from_utf8(body.canonical_bytes().unwrap()).unwrap();
        ReceiptRecord {
            key_id: "k".to_owned(),
            signature: STANDARD.encode(KEY.sign(canonical.as_bytes())),
            canonical,
        }
    }

    fn checkpoint(&mut self) -> CheckpointRecord {
        let before: BTreeMap<Uuid, i64> = self
            .checkpoints
            .iter()
            .flat_map(|(_, heads)| heads.iter().map(|head| (head.chain, head.seq)))
            .collect();
        let moved: Vec<HeadRecord> = self
            .heads
            .iter()
            .filter(|head| before.get(&head.chain) != Some(&head.seq))
            .cloned()
            .collect();
        let heads: Vec<Head> = moved.iter().map(|head| position(head).unwrap()).collect();
        let prev = self.checkpoints.last().map_or(Digest::ZERO, |(last, _)| {
            statement_of(last).unwrap().hash().unwrap()
        });
        let statement = Checkpoint {
            seq: u64::try_from(self.checkpoints.len()).unwrap() + 1,
            at: DateTime::from_timestamp_micros(1_795_401_000_000_000).unwrap(),
            prev,
            heads: u64::try_from(heads.len()).unwrap(),
            root: root(&heads),
        };
        let record = CheckpointRecord {
            seq: statement.seq.try_into().unwrap(),
            at_us: statement.at.timestamp_micros(),
            prev: prev.to_string(),
            heads: statement.heads.try_into().unwrap(),
            root: statement.root.to_string(),
            key_id: "k".to_owned(),
            signature: hex::encode(KEY.sign(&statement.canonical_bytes().unwrap())),
        };
        self.checkpoints.push((record.clone(), moved));
        record
    }

    /// Makes links, hashes and the head of a chain consistent again, as somebody with the whole database could.
    fn rehash(&mut self, number: u128) {
        let mut head = Head::empty(chain(number));
        for line in self.lines.iter_mut().filter(|line| line.chain == chain(number)) {
            line.prev = head.hash.to_string();
            let payload = hex::decode(&line.payload).unwrap();
            let hash = crate::ledger::line_hash(1, line.chain, head.seq + 1, &head.hash, &payload);
            head = Head {
                seq: head.seq + 1,
                hash,
                ..head
            };
            line.hash = hash.to_string();
        }
        let row = self
            .heads
            .iter_mut()
            .find(|row| row.chain == chain(number))
            .unwrap();
        (row.seq, row.hash) = (head.seq.try_into().unwrap(), head.hash.to_string());
    }

    fn records(&self) -> Vec<Record> {
        let mut records = vec![Record::Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            exported_at_us: 0,
        }];
        for (checkpoint, heads) in &self.checkpoints {
            records.push(Record::Checkpoint(checkpoint.clone()));
            records.extend(heads.iter().cloned().map(Record::CheckpointHead));
        }
        records.extend(self.receipts.iter().cloned().map(Record::Receipt));
        let mut lines = self.lines.clone();
        lines.sort_by_key(|line| (line.chain, line.seq));
        for head in &self.heads {
            records.push(Record::Head(head.clone()));
            let of = lines.iter().filter(|line| line.chain == head.chain);
            records.extend(of.cloned().map(Record::Line));
        }
        let orphans = lines.iter().filter(|line| self.head(line.chain).is_none());
        records.extend(orphans.cloned().map(Record::Line));
        let count = u64::try_from(records.len()).unwrap();
        records.push(Record::End { records: count });
        records
    }

    fn audit(&self, receipts: &[ReceiptRecord], checkpoints: &[CheckpointRecord]) -> Report {
        let mut audit = Audit::new(&KEY, receipts, checkpoints);
        for record in self.records() {
            let text = serde_json::to_string(&record).unwrap();
            audit.read(serde_json::from_str(&text).unwrap());
        }
        audit.finish()
    }

    fn faults(&self) -> Vec<(Subject, u64, LedgerFaultKind)> {
        told(&self.audit(&[], &[]))
    }
}

fn told(report: &Report) -> Vec<(Subject, u64, LedgerFaultKind)> {
    let faults = report.faults.iter().cloned();
    faults
        .map(|found| (found.subject, found.fault.seq, found.fault.kind))
        .collect()
}

/// Three cases, two checkpoints, a receipt; then one more line that no checkpoint knows.
fn county() -> Tables {
    let mut tables = Tables::default();
    for _ in 0..4 {
        tables.append(1, "HANDOFF_OFFERED");
    }
    tables.append(2, "SUBMITTED");
    tables.checkpoint();
    tables.append(2, "ACCEPTED");
    tables.append(3, "SUBMITTED");
    tables.checkpoint();
    tables.receipts.push(tables.receipt(1, 2));
    tables.append(3, "ACCEPTED");
    tables
}

fn case(number: u128) -> Subject {
    Subject::Chain(chain(number))
}

#[test]
fn a_ledger_that_nobody_touched_holds() {
    let report = county().audit(&[], &[]);
    assert_eq!(told(&report), []);
    assert_eq!(
        (report.chains, report.lines, report.checkpoints, report.receipts),
        (3, 8, 2, 1)
    );
}

type Tamper = fn(&mut Tables);

fn swap_lines(t: &mut Tables) {
    let (second, third) = (t.line(1, 2).clone(), t.line(1, 3).clone());
    *t.line(1, 2) = LineRecord { seq: 99, ..second };
    *t.line(1, 3) = LineRecord { seq: 2, ..third };
    t.line(1, 99).seq = 3;
}

#[test]
fn every_change_of_a_line_is_named_at_the_first_bad_number() {
    let changes: [(&str, Tamper, u64, LedgerFaultKind); 9] = [
        (
            "content",
            |t| t.line(1, 2).payload = hex::encode(b"\x01{}"),
            2,
            BadContent,
        ),
        (
            "content with a fitting hash",
            |t| {
                let line = t.line(1, 2);
                line.payload = hex::encode(b"\x01{}");
                line.hash = Digest::of(b"fits").to_string();
            },
            2,
            BadContent,
        ),
        (
            "hash alone",
            |t| t.line(1, 2).hash = Digest::of(b"x").to_string(),
            2,
            BadContent,
        ),
        (
            "link",
            |t| t.line(1, 3).prev = Digest::of(b"x").to_string(),
            3,
            BadLink,
        ),
        (
            "what is no hash",
            |t| t.line(1, 3).hash = "none".to_owned(),
            3,
            BadContent,
        ),
        (
            "column of the time",
            |t| t.line(1, 3).at_us += 1,
            3,
            ColumnMismatch,
        ),
        (
            "column of the name",
            |t| t.line(1, 3).name = "ACCEPTED".to_owned(),
            3,
            ColumnMismatch,
        ),
        (
            "a line taken out",
            |t| t.lines.retain(|line| line.chain != chain(1) || line.seq != 2),
            2,
            Gap,
        ),
        ("two lines changed places", swap_lines, 2, BadLink),
    ];
    for (what, tamper, seq, kind) in changes {
        let mut tables = county();
        tamper(&mut tables);
        assert_eq!(tables.faults(), [(case(1), seq, kind)], "{what}");
    }
}

#[test]
fn insertions_and_cut_ends_are_found() {
    let mut inserted = county();
    let twice = inserted.line(1, 2).clone();
    inserted.lines.push(twice);
    assert_eq!(inserted.faults(), [(case(1), 2, Fork)]);

    let mut behind = county();
    let head = behind.head(chain(3)).unwrap().clone();
    behind.append(3, "DECIDED");
    behind.heads.retain(|row| row.chain != chain(3));
    behind.heads.push(head);
    assert_eq!(behind.faults(), [(case(3), 3, Fork)]);

    let mut cut = county();
    cut.lines.retain(|line| line.chain != chain(3) || line.seq < 2);
    assert_eq!(cut.faults(), [(case(3), 2, Truncated)], "the head row knows");

    let mut gone = county();
    gone.lines.retain(|line| line.chain != chain(2));
    gone.heads.retain(|head| head.chain != chain(2));
    assert_eq!(gone.faults(), [(case(2), 1, Truncated)], "the checkpoints know");

    let mut headless = county();
    headless.heads.retain(|head| head.chain != chain(3));
    assert_eq!(headless.faults(), [(case(3), 3, Truncated)]);
}

#[test]
fn a_consistent_forgery_is_found_by_checkpoints_and_what_they_do_not_know_by_any_receipt() {
    let mut rewritten = county();
    rewritten.receipts.clear();
    let payload = [b"\x01".as_slice(), br#"{"at_us":1,"body":{},"name":"SUBMITTED"}"#].concat();
    rewritten.line(2, 1).payload = hex::encode(payload);
    rewritten.line(2, 1).at_us = 1;
    rewritten.rehash(2);
    assert_eq!(
        rewritten.faults(),
        [(case(2), 1, Fork)],
        "the first checkpoint attests line 1"
    );

    // what came after the last checkpoint was cut, head row and all
    let mut cut = county();
    let kept = cut.receipt(3, 2);
    cut.lines.retain(|line| line.chain != chain(3) || line.seq < 2);
    cut.rehash(3);
    assert_eq!(cut.faults(), [], "no checkpoint knows");
    assert_eq!(told(&cut.audit(&[kept], &[])), [(case(3), 2, Truncated)]);
}

#[test]
fn signatures_that_do_not_hold_attest_nothing() {
    let mut receipt = county();
    receipt.receipts[0].canonical = receipt.receipts[0].canonical.replace("\"seq\":2", "\"seq\":3");
    assert_eq!(
        receipt
            .faults()
            .iter()
            .map(|(_, seq, kind)| (*seq, *kind))
            .collect::<Vec<_>>(),
        [(3, BadSignature)]
    );

    let mut checkpoint = county();
    checkpoint.checkpoints[0].0.signature = hex::encode([7; 32]);
    assert_eq!(checkpoint.faults(), [(Subject::Checkpoints, 1, BadSignature)]);
}

#[test]
fn the_chain_of_checkpoints_is_kept_as_strictly() {
    let changes: [(Tamper, u64, LedgerFaultKind); 4] = [
        (|t| drop(t.checkpoints.remove(0)), 1, Gap),
        (|t| t.checkpoints[1].1.clear(), 2, BadContent),
        (|t| t.checkpoints[1].1[0].seq += 1, 2, BadContent),
        (|t| t.checkpoints[1].0.at_us += 1, 2, BadSignature),
    ];
    for (tamper, seq, kind) in changes {
        let mut tables = county();
        tamper(&mut tables);
        assert_eq!(tables.faults(), [(Subject::Checkpoints, seq, kind)]);
    }
    let mut cut = county();
    let kept = cut.checkpoints[1].0.clone();
    cut.checkpoints.pop();
    assert_eq!(cut.faults(), []);
    assert_eq!(
        told(&cut.audit(&[], &[kept])),
        [(Subject::Checkpoints, 2, Truncated)],
        "a checkpoint that was kept outside knows"
    );
}

#[test]
fn an_export_that_was_cut_or_mixed_is_told() {
    let records = county().records();
    let mut cut = Audit::new(&KEY, &[], &[]);
    for record in records.iter().take(records.len() - 1).cloned() {
        cut.read(record);
    }
    assert_eq!(cut.finish().faults.last().unwrap().subject, Subject::Export);

    let mut noisy = Audit::new(&KEY, &[], &[]);
    noisy.unreadable();
    let report = noisy.finish();
    assert_eq!(report.faults_total, 2);
}
