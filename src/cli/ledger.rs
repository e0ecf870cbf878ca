//! Options of `onedoor ledger`: export the ledger, verify an export, sign a checkpoint.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::SettingsArgs;

/// The ledger of events. 账本
#[derive(Debug, Clone, Subcommand)]
pub enum LedgerCommand {
    /// Write the whole ledger, a JSON record a line; what it holds is told in docs/ledger.md. 导出账本
    Export(LedgerExportArgs),
    /// Verify an export, with nothing but the file and the keys. Exit code 1 when anything does not hold. 离线核验
    Verify(LedgerVerifyArgs),
    /// Sign where every chain stands now, and print it: keep it where nobody with the database can reach it. 签发检查点
    Checkpoint(SettingsArgs),
}

/// Options of `ledger export`.
#[derive(Debug, Clone, Args)]
pub struct LedgerExportArgs {
    /// The file to write; it must not exist. Without it: stdout.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Also write the receipts: they hold masked names and the reasons of decisions.
    #[arg(long)]
    pub with_receipts: bool,
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Options of `ledger verify`.
#[derive(Debug, Clone, Args)]
pub struct LedgerVerifyArgs {
    /// The export.
    #[arg(value_name = "FILE")]
    pub export: PathBuf,
    /// A public key that is trusted, as `/verify/keys` tells it: "Ed25519 HEX" or "SM2-SM3 HEX", or the digits alone; may be
    /// given several times. Without one the keys in the export itself are used, which proves nothing against whoever made it.
    #[arg(long = "key", value_name = "HEX")]
    pub keys: Vec<String>,
    /// A receipt that was kept elsewhere: JSON with canonical, keyId and signature, as the door shows them.
    #[arg(long = "receipt", value_name = "FILE")]
    pub receipts: Vec<PathBuf>,
    /// A checkpoint that was kept elsewhere, as `ledger checkpoint` printed it.
    #[arg(long = "checkpoint", value_name = "FILE")]
    pub checkpoints: Vec<PathBuf>,
}
