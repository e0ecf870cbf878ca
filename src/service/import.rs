//! Imports of reference data: read everything, tell all faults at once, write only what differs.

use std::fmt;

use crate::cache::epochs::Epoch;
use crate::error::AppError;
use crate::store::epoch;
use crate::store::error::StoreError;
use crate::store::names::ImportCounts;
use crate::store::tx::Tx;

use super::{Services, reference};
use fault::{Faults, ImportFault};

pub mod admissions;
pub mod calendar;
pub mod catalogue;
pub mod divisions;
pub mod fault;
mod holiday_cn;
pub mod organizations;
pub mod shipped;
mod table;

/// How often an import begins anew when another transaction is in the way.
const ATTEMPTS_MAX: u32 = 5;

/// Whether an import writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Checks everything and says what would change.
    DryRun,
    /// Writes.
    Write,
}

/// What an import read and changed, or would change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportReport {
    /// Whether it was written.
    pub mode: Mode,
    /// Rows that the file means: one per division, organization, item or day.
    pub rows: usize,
    /// What changed, or would change.
    pub counts: ImportCounts,
}

impl fmt::Display for ImportReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ImportCounts {
            added,
            changed,
            unchanged,
            ended,
            succeeded,
        } = self.counts;
        let would = match self.mode {
            Mode::DryRun => "would be ",
            Mode::Write => "",
        };
        write!(
            out,
            "{} rows: {would}{added} added, {changed} changed, {unchanged} unchanged",
            self.rows
        )?;
        if ended + succeeded > 0 {
            write!(
                out,
                "; {would}{ended} divisions ended, {succeeded} organizations succeeded"
            )?;
        }
        Ok(())
    }
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file has faults; nothing was written.
    #[error("{}", fault::listing(.0))]
    Faults(Vec<ImportFault>),
    /// The file is right, but it could not be written now.
    #[error("the import could not be written")]
    App(#[from] AppError),
}

impl From<StoreError> for ImportError {
    fn from(error: StoreError) -> Self {
        Self::App(error.into())
    }
}

/// Gives back what was read if it has no faults.
fn faultless<T>(read: T, faults: Faults) -> Result<T, ImportError> {
    let faults = faults.into_sorted();
    if faults.is_empty() {
        Ok(read)
    } else {
        Err(ImportError::Faults(faults))
    }
}

/// Runs the write in one transaction that moves the epoch, and makes the change known. A dry run and an import that
/// changes nothing are taken back, the epoch with them.
async fn write<F>(
    cx: &Services,
    mode: Mode,
    kind: Epoch,
    rows: usize,
    import: F,
) -> Result<ImportReport, ImportError>
where
    F: AsyncFn(&Tx) -> Result<ImportCounts, StoreError>,
{
    write_read(cx, mode, kind, rows, async |tx| Ok(Ok(import(tx).await?))).await
}

/// What an import changed, or the faults it found when it saw what is there.
type Found = Result<ImportCounts, Vec<ImportFault>>;

/// As [`write`], for an import that finds faults only when it sees what is there.
async fn write_read<F>(
    cx: &Services,
    mode: Mode,
    kind: Epoch,
    rows: usize,
    import: F,
) -> Result<ImportReport, ImportError>
where
    F: AsyncFn(&Tx) -> Result<Found, StoreError>,
{
    let mut attempt = 1;
    let (tx, found) = loop {
        match begin_and_import(cx, kind, &import).await {
            Err(error) if error.retry_at_once() && attempt < ATTEMPTS_MAX => attempt += 1,
            outcome => break outcome?,
        }
    };
    let counts = match found {
        Ok(counts) => counts,
        Err(faults) => {
            tx.rollback().await?;
            return Err(ImportError::Faults(faults));
        }
    };
    let report = ImportReport { mode, rows, counts };
    if mode == Mode::DryRun || counts.is_no_change() {
        tx.rollback().await?;
        return Ok(report);
    }
    tx.commit().await?;
    reference::moved(cx, kind).await?;
    tracing::info!(
        import.kind = kind.name(),
        import.added = counts.added,
        import.changed = counts.changed,
        "reference data was imported"
    );
    Ok(report)
}

/// The epoch moves first: its row makes imports of one kind queue up, so that the later one sees the earlier one's rows.
async fn begin_and_import<F>(cx: &Services, kind: Epoch, import: &F) -> Result<(Tx, Found), StoreError>
where
    F: AsyncFn(&Tx) -> Result<Found, StoreError>,
{
    let tx = cx.database.write_tx().await?;
    epoch::bump(&tx, kind.name()).await?;
    let found = import(&tx).await?;
    Ok((tx, found))
}
