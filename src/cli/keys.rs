//! Options of `onedoor keys` and `onedoor erase`.

use clap::{Args, Subcommand, ValueEnum};

use super::SettingsArgs;
use crate::service::erasure::{EraseReason, WhichCase};

/// The keys that seal, sign and index. 密钥
#[derive(Debug, Clone, Subcommand)]
pub enum KeysCommand {
    /// Count what refers to which key, and print the public keys; it reads whole tables. 密钥引用情况
    Status(SettingsArgs),
    /// Retire data keys: a running gateway seals anew what they sealed. 轮换数据密钥
    Rotate(KeysRotateArgs),
}

/// Options of `keys rotate`.
#[derive(Debug, Clone, Args)]
pub struct KeysRotateArgs {
    /// Only those of this case: its id or tracking code.
    #[arg(long, value_name = "CASE")]
    pub case: Option<WhichCase>,
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Options of `erase`.
#[derive(Debug, Clone, Args)]
pub struct EraseArgs {
    /// The case: its id or tracking code.
    #[arg(value_name = "CASE")]
    pub case: WhichCase,
    /// Why; stands in the audit log.
    #[arg(long, value_enum)]
    pub reason: ErasedFor,
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Why personal data is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ErasedFor {
    /// The time it is to be kept is over. 保存期限届满
    RetentionOver,
    /// The person asks for it. 个人请求
    Request,
    /// A court or authority orders it. 依法责令
    Order,
}

impl From<ErasedFor> for EraseReason {
    fn from(reason: ErasedFor) -> Self {
        match reason {
            ErasedFor::RetentionOver => Self::RetentionOver,
            ErasedFor::Request => Self::Request,
            ErasedFor::Order => Self::Order,
        }
    }
}
