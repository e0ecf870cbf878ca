//! The ledger for those who check it: checkpoints at an interval, exports, and receipts that somebody holds.

use std::io::Write;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use onedoor_domain::actor::Actor;
use onedoor_domain::id::ReceiptId;
use onedoor_domain::ledger::audit::{Audit, Report};
use onedoor_domain::ledger::export::{CheckpointRecord, FORMAT, ReceiptRecord, Record, VERSION};
use onedoor_domain::ledger::{Head, Known, LedgerFault, verify_chain};
use onedoor_domain::policy::Act;
use onedoor_domain::receipt::ReceiptBody;
use onedoor_domain::receipt::qr::QrPayload;

use super::Services;
use super::cases::Cases;
use super::guard;
use crate::error::AppError;
use crate::secret::keyring::Keyring;
use crate::secret::receipt_key::PublicKey;
use crate::store::receipt::HeldReceipt;

/// Checks the ledger and attests it.
pub struct Ledger {
    cases: Arc<Cases>,
    keys: Arc<Keyring>,
    every: TimeDelta,
}

/// Whether an export holds the receipts themselves. They name applicants by masked names and hold reasons of decisions, so
/// an export for strangers goes without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipts {
    /// Chains and checkpoints alone.
    Without,
    /// With the receipts.
    With,
}

/// Why an export did not end.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database.
    #[error("the ledger cannot be read")]
    Store(#[from] crate::store::error::StoreError),
    /// Whoever takes the export.
    #[error("the export cannot be written")]
    Write(#[from] std::io::Error),
    /// A record has no JSON form, which is a bug.
    #[error("a record of the ledger cannot be written")]
    Record(#[from] serde_json::Error),
}

/// A receipt to check.
#[derive(Debug, Clone)]
pub enum Asked {
    /// By the identifier in its QR code; `None`: what was read is no identifier of a receipt.
    Id(Option<ReceiptId>),
    /// As somebody holds it.
    Held(ReceiptRecord),
    /// By all that its QR code says; `None`: what was read is no such text.
    Qr(Option<QrPayload>),
}

/// What a receipt is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptVerdict {
    /// Signed here, and the ledger passes through the position it names.
    Genuine,
    /// The signature does not hold: it was changed, or never issued.
    Forged,
    /// Signed with a key that is not of this gateway.
    UnknownKey,
    /// It is no receipt of this format.
    Unreadable,
    /// No receipt has this identifier.
    Unknown,
    /// What it said was erased with the personal data of its case. A copy that somebody holds is checked all the same.
    Erased,
    /// The signature holds, but the ledger of the case says otherwise: the ledger was tampered with.
    LedgerDiffers(LedgerFault),
}

impl ReceiptVerdict {
    /// What it means to whoever holds the receipt, in Chinese and English.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Genuine => (
                "真实：此回执由本网关签发，账本记录与之一致。",
                "Genuine: this gateway signed it, and the ledger agrees.",
            ),
            Self::Forged => (
                "不真实：签名不符，内容被改动或并非本网关签发。请到窗口核实。",
                "Not genuine: the signature does not hold. Ask at a window.",
            ),
            Self::UnknownKey => (
                "无法核验：签名密钥不属于本网关。请到签发单位核实。",
                "Cannot be checked: the key is not of this gateway. Ask the office that issued it.",
            ),
            Self::Unreadable => (
                "无法识别：不是本网关格式的回执，请检查内容是否完整。",
                "Not readable: this is no receipt of this gateway's format; check that it is complete.",
            ),
            Self::Unknown => (
                "未找到此回执，请核对二维码或编号。",
                "No such receipt; check the QR code or the number.",
            ),
            Self::Erased => (
                "回执内容已依法删除；如持有回执原文，仍可用原文核验。",
                "What it said was erased by law. Whoever holds the receipt itself can still have it checked.",
            ),
            Self::LedgerDiffers(_) => (
                "回执签名有效，但账本记录与之不符，已报警。请保存回执并联系管理员。",
                "The receipt's signature holds but the ledger says otherwise; an alarm was raised. Keep the receipt and \
                 tell the operator.",
            ),
        }
    }
}

/// A receipt that was checked.
#[derive(Debug, Clone)]
pub struct Checked {
    /// What it is worth.
    pub verdict: ReceiptVerdict,
    /// What it says, where its signature holds.
    pub body: Option<Box<ReceiptBody>>,
}

impl Ledger {
    /// Joins the parts; a checkpoint is taken at this interval.
    #[must_use]
    pub const fn new(cases: Arc<Cases>, keys: Arc<Keyring>, every: TimeDelta) -> Self {
        Self { cases, keys, every }
    }

    /// What it works with.
    #[must_use]
    pub fn services(&self) -> &Services {
        &self.cases.services
    }

    /// The interval of checkpoints.
    #[must_use]
    pub const fn every(&self) -> TimeDelta {
        self.every
    }

    /// Takes a checkpoint when the last one is an interval old. What moved since is all that one signs.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE; the next pass goes on.
    pub async fn pass(&self) -> Result<(), AppError> {
        let now = self.cases.clock.now();
        if let Some(last) = self.cases.store.last_checkpoint().await?
            && DateTime::<Utc>::from_timestamp_micros(last.at_us).is_some_and(|at| at + self.every > now)
        {
            return Ok(());
        }
        self.checkpoint().await?;
        Ok(())
    }

    /// Takes checkpoints until every head that moved is signed; none when nothing moved.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn checkpoint(&self) -> Result<Vec<CheckpointRecord>, AppError> {
        let mut taken = Vec::new();
        while let Some(record) = self.cases.store.take_checkpoint(self.cases.clock.now()).await? {
            tracing::info!(
                checkpoint.seq = record.seq,
                checkpoint.heads = record.heads,
                "a checkpoint of the ledger was signed"
            );
            taken.push(record);
        }
        Ok(taken)
    }

    /// The public keys that receipts and checkpoints are or were signed with, the current one first.
    #[must_use]
    pub fn public_keys(&self) -> Vec<Record> {
        let record = |key: &PublicKey| Record::Key {
            key_id: key.key_id(),
            algorithm: key.algorithm().to_owned(),
            public_key: hex::encode(key.bytes()),
        };
        self.keys.receipts.trusted().iter().map(record).collect()
    }

    /// Writes the whole ledger, a JSON record a line (docs/ledger.md), and gives the number of records. Cases go on
    /// meanwhile: each chain is as it was when its page was read.
    ///
    /// # Errors
    /// What keeps it from being read or written.
    pub async fn export(&self, receipts: Receipts, out: &mut (dyn Write + Send)) -> Result<u64, ExportError> {
        let store = &self.cases.store;
        let mut export = Export { out, records: 0 };
        export.write(&Record::Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            exported_at_us: self.cases.clock.now().timestamp_micros(),
        })?;
        for key in self.public_keys() {
            export.write(&key)?;
        }
        let mut last = 0;
        while let Some((checkpoint, heads)) = store.checkpoint_behind(last).await? {
            last = checkpoint.seq;
            export.write(&Record::Checkpoint(checkpoint))?;
            for head in heads {
                export.write(&Record::CheckpointHead(head))?;
            }
        }
        if receipts == Receipts::With {
            let mut behind = None;
            while let Some((page, last)) = store.receipts_behind(behind).await? {
                behind = Some(last);
                for receipt in page {
                    export.write(&Record::Receipt(receipt))?;
                }
            }
        }
        let mut behind = None;
        while let Some((page, last)) = store.chains_behind(behind).await? {
            behind = Some(last);
            for record in page {
                export.write(&record)?;
            }
        }
        let mut behind = None;
        loop {
            let page = store.headless_lines(behind).await?;
            let Some(last) = page.last() else { break };
            behind = Some((last.chain, last.seq));
            for line in page {
                export.write(&Record::Line(line))?;
            }
        }
        let records = export.records;
        export.write(&Record::End { records })?;
        export.out.flush()?;
        Ok(records)
    }

    /// Verifies the whole ledger where it lies, receipts included, with this gateway's own keys.
    ///
    /// # Errors
    /// What keeps it from being read.
    pub async fn audit(&self) -> Result<Report, ExportError> {
        let mut reading = Reading {
            audit: Audit::new(self.keys.receipts.trusted(), &[], &[]),
            line: Vec::new(),
        };
        self.export(Receipts::With, &mut reading).await?;
        Ok(reading.audit.finish())
    }

    async fn held(&self, id: Option<ReceiptId>) -> Result<Option<HeldReceipt>, AppError> {
        match id {
            Some(id) => Ok(self.cases.store.held_receipt(id).await?),
            None => Ok(None),
        }
    }

    /// Checks a receipt. Whoever holds one, or its QR code, may.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn check(&self, actor: &Actor, asked: Asked) -> Result<Checked, AppError> {
        guard::allow(actor, Act::VerifyReceipt)?;
        let only = |verdict| Checked { verdict, body: None };
        let held = match asked {
            Asked::Held(held) => held,
            Asked::Id(id) => match self.held(id).await? {
                Some(HeldReceipt::Whole(held)) => held,
                Some(HeldReceipt::Erased) => return Ok(only(ReceiptVerdict::Erased)),
                None => return Ok(only(ReceiptVerdict::Unknown)),
            },
            Asked::Qr(None) => return Ok(only(ReceiptVerdict::Unreadable)),
            Asked::Qr(Some(scanned)) => match self.held(Some(scanned.receipt)).await? {
                Some(HeldReceipt::Whole(held)) if fits(&scanned, &held) => held,
                Some(HeldReceipt::Whole(_)) => return Ok(only(ReceiptVerdict::Forged)),
                Some(HeldReceipt::Erased) => return Ok(only(ReceiptVerdict::Erased)),
                None => return Ok(only(ReceiptVerdict::Unknown)),
            },
        };
        let body: Option<ReceiptBody> = serde_json::from_str(&held.canonical).ok();
        let Some(body) = body else {
            return Ok(only(ReceiptVerdict::Unreadable));
        };
        let Some(position) = &body.ledger else {
            return Ok(only(ReceiptVerdict::Unreadable));
        };
        let Some(key) = self.keys.receipts.trusted().named(&held.key_id) else {
            return Ok(only(ReceiptVerdict::UnknownKey));
        };
        let signature = STANDARD.decode(&held.signature).unwrap_or_default();
        if !key.verify(held.canonical.as_bytes(), &signature) {
            return Ok(only(ReceiptVerdict::Forged));
        }
        let attested = Head {
            chain: body.case.uuid(),
            seq: position.seq,
            hash: position.hash,
        };
        let lines = self.cases.store.ledger_lines(body.case).await?;
        let known = Known {
            head: None,
            attested: vec![attested],
        };
        let verdict = match verify_chain(attested.chain, &lines, &known) {
            Ok(_) => ReceiptVerdict::Genuine,
            Err(fault) => {
                tracing::error!(
                    case.id = %body.case, ledger.seq = fault.seq, ledger.fault = fault.kind.as_str(),
                    "the ledger of a case does not fit a receipt whose signature holds"
                );
                ReceiptVerdict::LedgerDiffers(fault)
            }
        };
        Ok(Checked {
            verdict,
            body: Some(Box::new(body)),
        })
    }
}

/// Whether a QR code was printed from a receipt as it was issued.
fn fits(scanned: &QrPayload, held: &ReceiptRecord) -> bool {
    let signature = STANDARD.decode(&held.signature).unwrap_or_default();
    scanned.is_of(held.canonical.as_bytes(), &held.key_id, &signature)
}

/// Reads an export while it is written.
struct Reading<'a> {
    audit: Audit<'a>,
    line: Vec<u8>,
}

impl Write for Reading<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                match serde_json::from_slice(&self.line) {
                    Ok(record) => self.audit.read(record),
                    Err(_) => self.audit.unreadable(),
                }
                self.line.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Export<'a> {
    out: &'a mut (dyn Write + Send),
    records: u64,
}

impl Export<'_> {
    fn write(&mut self, record: &Record) -> Result<(), ExportError> {
        serde_json::to_writer(&mut *self.out, record)?;
        self.out.write_all(b"\n")?;
        self.records = self.records.saturating_add(1);
        Ok(())
    }
}
