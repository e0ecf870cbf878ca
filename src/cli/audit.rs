//! Options of `onedoor audit`: export the audit log.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};

use super::SettingsArgs;

/// The audit log. 审计日志
#[derive(Debug, Clone, Subcommand)]
pub enum AuditCommand {
    /// Write the entries of some time, the oldest first. It is an entry of the log itself. 导出审计日志
    Export(AuditExportArgs),
}

/// Options of `audit export`.
#[derive(Debug, Clone, Args)]
pub struct AuditExportArgs {
    /// The first instant, as in 2026-11-01T00:00:00+08:00. Without it: from the beginning.
    #[arg(long, value_name = "INSTANT")]
    pub from: Option<DateTime<Utc>>,
    /// The instant before which it ends. Without it: to the end.
    #[arg(long, value_name = "INSTANT")]
    pub to: Option<DateTime<Utc>>,
    /// A JSON object a line, or a table for a spreadsheet.
    #[arg(long, value_enum, default_value_t = AuditExportFormat::Jsonl)]
    pub format: AuditExportFormat,
    /// The file to write; it must not exist. Without it: stdout.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuditExportFormat {
    /// A JSON object a line.
    Jsonl,
    /// A table whose cells no spreadsheet takes for a formula.
    Csv,
}
