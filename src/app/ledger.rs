//! The ledger from the command line: exported, checkpointed, and verified without a gateway.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::DateTime;
use onedoor_domain::audit::AuditAction;
use onedoor_domain::ledger::audit::{Audit, Report};
use onedoor_domain::ledger::export::{CheckpointRecord, ReceiptRecord, Record};

use super::{AppFailure, audit, gateway};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::secret::receipt_key::{PublicKey, PublicKeys};
use crate::service::ledger::Receipts;

/// Records of an export before its first chain, in which its keys stand.
const KEYS_WITHIN: usize = 100;

/// Writes the ledger to a file that does not exist yet, or to stdout. Gives the number of records.
///
/// # Errors
/// The ledger cannot be read, or the export not written.
pub async fn export(config: &Config, out: Option<&Path>, receipts: Receipts) -> Result<u64, AppFailure> {
    let ledger = gateway::ledger_alone(config, Arc::new(SystemClock)).await?;
    audit::tell(ledger.services(), AuditAction::LedgerExported, "ledger").await?;
    let written = match out {
        Some(path) => {
            let file = OpenOptions::new().write(true).create_new(true).open(path);
            let file = file.map_err(|source| unreadable(path, source))?;
            ledger.export(receipts, &mut BufWriter::new(file)).await
        }
        None => ledger.export(receipts, &mut BufWriter::new(io::stdout())).await,
    };
    Ok(written?)
}

/// Signs where every chain stands, and gives what to keep, a record a line; empty when nothing moved since the last.
///
/// # Errors
/// The database cannot be used.
pub async fn checkpoint(config: &Config) -> Result<String, AppFailure> {
    let ledger = gateway::ledger_alone(config, Arc::new(SystemClock)).await?;
    let taken = ledger.checkpoint().await?;
    audit::tell(ledger.services(), AuditAction::LedgerCheckpointed, "ledger").await?;
    let mut text = String::new();
    for record in taken {
        text.push_str(&serde_json::to_string(&record).map_err(io::Error::other)?);
        text.push('\n');
    }
    Ok(text)
}

/// Verifies an export, and says what was found; whether all of it holds.
///
/// # Errors
/// A file cannot be read, or a key is none.
pub fn verify(
    export: &Path,
    keys: &[String],
    receipts: &[PathBuf],
    checkpoints: &[PathBuf],
) -> Result<(String, bool), AppFailure> {
    let mut trusted = PublicKeys::default();
    for key in keys {
        let key: PublicKey = key.parse().map_err(|source| AppFailure::NotAPublicKey {
            text: key.clone(),
            source,
        })?;
        trusted.add(key);
    }
    if keys.is_empty() {
        trust_the_export(export, &mut trusted)?;
    }
    let receipts = kept::<ReceiptRecord>(receipts)?;
    let checkpoints = kept::<CheckpointRecord>(checkpoints)?;
    let mut audit = Audit::new(&trusted, &receipts, &checkpoints);
    for line in lines_of(export)? {
        let line = line.map_err(|source| unreadable(export, source))?;
        match serde_json::from_slice(&line) {
            Ok(record) => audit.read(record),
            // what is wrong with it is not worth a word: it is not of this format
            Err(_) => audit.unreadable(),
        }
    }
    let report = audit.finish();
    let mut text = told(&report);
    if keys.is_empty() {
        text.push_str(
            "the keys were taken from the export itself: compare them with a copy that came by another way, or name \
             them with --key 密钥取自导出文件本身，请与另行取得的公钥核对\n",
        );
    }
    Ok((text, report.faults_total == 0))
}

pub(super) fn told(report: &Report) -> String {
    let mut text = String::new();
    for found in &report.faults {
        // writing to a String cannot fail
        writeln!(
            text,
            "{} {} seq {}",
            found.fault.kind, found.subject, found.fault.seq
        )
        .ok();
    }
    let at = report
        .checkpointed_at_us
        .and_then(DateTime::from_timestamp_micros)
        .map_or_else(|| "none".to_owned(), |at| at.to_rfc3339());
    writeln!(
        text,
        "{} chains, {} lines, {} checkpoints (the last at {at}), {} receipts: {}",
        report.chains,
        report.lines,
        report.checkpoints,
        report.receipts,
        if report.faults_total == 0 {
            "all of it holds 账本完整".to_owned()
        } else {
            format!("{} do not hold 发现异常", report.faults_total)
        }
    )
    .ok();
    text
}

/// Reads the keys that an export names.
fn trust_the_export(export: &Path, trusted: &mut PublicKeys) -> Result<(), AppFailure> {
    for line in lines_of(export)?.take(KEYS_WITHIN) {
        let line = line.map_err(|source| unreadable(export, source))?;
        let Ok(Record::Key {
            algorithm,
            public_key,
            ..
        }) = serde_json::from_slice(&line)
        else {
            continue;
        };
        // what is signed by an algorithm that is not known here does not hold
        if let Ok(key) = PublicKey::of(&algorithm, &public_key) {
            trusted.add(key);
        }
    }
    Ok(())
}

fn lines_of(path: &Path) -> Result<impl Iterator<Item = io::Result<Vec<u8>>>, AppFailure> {
    let file = File::open(path).map_err(|source| unreadable(path, source))?;
    Ok(BufReader::new(file).split(b'\n'))
}

/// What was kept in files: one record, or one a line.
fn kept<T: serde::de::DeserializeOwned>(paths: &[PathBuf]) -> Result<Vec<T>, AppFailure> {
    let mut all = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(path).map_err(|source| unreadable(path, source))?;
        for record in serde_json::Deserializer::from_str(&text).into_iter() {
            all.push(record.map_err(|error| unreadable(path, io::Error::other(error)))?);
        }
    }
    Ok(all)
}

fn unreadable(path: &Path, source: io::Error) -> AppFailure {
    AppFailure::File {
        path: path.to_owned(),
        source,
    }
}
