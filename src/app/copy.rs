//! `onedoor copy`: a whole database into an empty one, and the proof that its ledger came over.

use std::fmt::Write as _;
use std::sync::Arc;

use onedoor_domain::audit::AuditAction;

use super::{AppFailure, audit, gateway};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::secret::Redacted;
use crate::store::copy::copy_all;
use crate::store::database::{Database, DatabaseSettings};
use crate::store::error::StoreError;

/// Copies everything, verifies the ledger of the copy, and says what went over.
///
/// # Errors
/// A database cannot be used, the target is not empty, or the ledger of the copy does not hold.
pub async fn copy(config: &Config, from: String, to: String) -> Result<String, AppFailure> {
    let settings = |url| DatabaseSettings {
        url: Redacted::new(url),
        ..DatabaseSettings::of(config)
    };
    let source = Database::connect(&settings(from), None).await?;
    let pending = source.pending_migrations().await?;
    if !pending.is_empty() {
        return Err(AppFailure::SourceBehind(pending.len()));
    }
    let target = Database::connect(&settings(to.clone()), None).await?;
    target.migrate().await?;
    let copied = copy_all(&source, &target).await?;
    for database in [source, target] {
        database.close().await.map_err(StoreError::from)?;
    }
    let mut there = config.clone();
    there.database.url = Redacted::new(to);
    let ledger = gateway::ledger_alone(&there, Arc::new(SystemClock)).await?;
    let report = ledger.audit().await?;
    audit::tell(ledger.services(), AuditAction::DatabaseCopied, "database").await?;
    let mut text = String::new();
    for (table, rows) in copied.iter().filter(|(_, rows)| **rows > 0) {
        // writing to a String cannot fail
        writeln!(text, "{rows:>12}  {table}").ok();
    }
    text.push_str(&super::ledger::told(&report));
    if report.faults_total > 0 {
        tracing::error!("the ledger of the copy does not hold:\n{text}");
        return Err(AppFailure::LedgerFaults);
    }
    Ok(text)
}
