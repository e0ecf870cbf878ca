//! The composition root: here and below stand the only files that name concrete back ends.

mod attachments;
pub mod audit;
pub mod copy;
mod door;
pub mod gateway;
mod identity;
pub mod keys;
mod kiosk;
pub mod ledger;
mod privacy;
mod probes;
pub mod reconcile;
pub mod run;
pub mod upstream_tools;
pub mod upstreams;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::clock::{Clock as _, SystemClock};
use crate::config::fault::ConfigFaults;
use crate::config::{Config, ConfigInputs};
use crate::error::AppError;
use crate::graphql::typemap::TypeMapError;
use crate::http::edge::EdgeError;
use crate::sandbox::SandboxError;
use crate::secret::keyring::KeyringError;
use crate::secret::receipt_key::NotAPublicKey;
use crate::secret::sealed_input::SealedInputError;
use crate::service::erasure::EraseRefusal;
use crate::service::identity::demo::{DemoIssuer, DemoIssuerError, TokenRequest};
use crate::service::identity::issuer::IssuerError;
use crate::service::identity::verifier::{self, VerifierError};
use crate::service::import::ImportError;
use crate::service::ledger::ExportError;
use crate::storage::StorageError;
use crate::store::error::StoreError;
use crate::telemetry::{self, TelemetryError};
use crate::upstream::recording::RecordingError;
use crate::upstream::recording::replay::ReplayError;
use redis::RedisError;

/// Why the program ends without having done what was asked.
#[derive(Debug, thiserror::Error)]
pub enum AppFailure {
    /// The configuration has faults.
    #[error(transparent)]
    Config(#[from] ConfigFaults),
    /// The log cannot be set up.
    #[error("the log cannot be set up")]
    Telemetry(#[from] TelemetryError),
    /// The signature library does not work.
    #[error("token signatures do not work on this machine")]
    Crypto(#[from] VerifierError),
    /// An issuer cannot be set up.
    #[error("an issuer of tokens cannot be set up")]
    Issuer(#[from] IssuerError),
    /// No demo token.
    #[error("no token was made")]
    Token(#[from] DemoIssuerError),
    /// Another issuer is configured.
    #[error(
        "auth.issuer is set: this gateway accepts that issuer's tokens and none of the demo issuer \
         已配置外部签发方，不接受演示令牌"
    )]
    NotTheIssuer,
    /// The sandbox cannot start.
    #[error("the sandbox upstream cannot start")]
    Sandbox(#[from] SandboxError),
    /// The sandbox's own secrets are missing.
    #[error("the sandbox needs the environment variable {name} 沙箱缺少环境变量 {name}: {reason}")]
    SandboxSecret {
        /// The variable.
        name: &'static str,
        /// What is wrong with it, without its value.
        reason: String,
    },
    /// The keys cannot be opened.
    #[error("the keys cannot be opened")]
    Keys(#[from] KeyringError),
    /// The sealing key of kiosks cannot be used.
    #[error("the sealing key of kiosks cannot be used")]
    KioskKey(#[from] SealedInputError),
    /// The database cannot be used.
    #[error("the database cannot be used")]
    Store(#[from] StoreError),
    /// The storage of documents cannot be used.
    #[error("the storage of documents cannot be used 附件存储不可用")]
    Storage(#[from] StorageError),
    /// A key of the storage of documents cannot be read.
    #[error("a key of [attachments.s3] {0} 附件存储密钥不可用")]
    StorageKey(String),
    /// The address of Redis is none.
    #[error("redis.url cannot be used")]
    Redis(#[from] RedisError),
    /// A metric's name is taken by another kind.
    #[error("the metrics cannot be registered")]
    Metrics(#[from] prometheus::Error),
    /// A use case failed.
    #[error("reference data cannot be read")]
    Service(#[from] AppError),
    /// Nothing was imported.
    #[error("nothing was imported: {0} 未导入任何数据")]
    Import(#[from] ImportError),
    /// The file to import cannot be read.
    #[error("{} cannot be read 无法读取文件", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The ledger was not exported.
    #[error("the ledger was not exported 账本未导出")]
    Export(#[from] ExportError),
    /// What an export of the ledger says does not hold; each fault was told.
    #[error("the ledger does not hold 账本核验未通过")]
    LedgerFaults,
    /// Nothing was erased.
    #[error("nothing was erased 未删除任何数据")]
    NotErased(#[source] EraseRefusal),
    /// The database to copy from is of an older version.
    #[error("the source lacks {0} migration steps: run `onedoor migrate` on it first 源库结构落后，请先迁移")]
    SourceBehind(usize),
    /// A public key that is none.
    #[error("{text} is no public key 不是公钥")]
    NotAPublicKey {
        /// What was given.
        text: String,
        /// What is wanted.
        #[source]
        source: NotAPublicKey,
    },
    /// The schema's own text cannot be read back.
    #[error("the schema is not sound")]
    Schema(#[from] TypeMapError),
    /// The HTTP edge cannot be built.
    #[error("the HTTP edge cannot be built")]
    Edge(#[from] EdgeError),
    /// The address cannot be listened on.
    #[error("cannot listen on {listen} 无法监听该地址")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no such system.
    #[error("no upstream system is called {name} 未配置该业务系统")]
    UnknownUpstream {
        /// The name that was given.
        name: String,
    },
    /// A comparison found differences; they were printed.
    #[error("{count} differences stand 存在差异")]
    CasesDiffer {
        /// How many.
        count: usize,
    },
    /// A comparison did not come to its end.
    #[error("the cases were not compared to the end ({reason}) 对账未完成")]
    NotCompared {
        /// Why, as a code.
        reason: String,
    },
    /// The server ended by itself, or did not end in time.
    #[error("the server did not end in order")]
    Ended,
    /// A step of a probe failed; the steps say which.
    #[error(
        "the system cannot be used as it is described; see the failed step above 该系统按现有配置无法使用，见上方失败步骤"
    )]
    UpstreamFailed,
    /// What is written now, or read, differs from what was recorded.
    #[error(
        "what the description writes or reads now differs from the recording; see above 与录制结果不一致，见上方差异"
    )]
    ReplayDiffers,
    /// A recording cannot be read or made.
    #[error("the recording: {0}")]
    Recording(#[from] RecordingError),
    /// The answer cannot be put into JSON.
    #[error("the answer cannot be printed")]
    Json(#[from] serde_json::Error),
    /// The configuration cannot be printed.
    #[error("the configuration cannot be printed")]
    Print(#[from] toml::ser::Error),
    /// Nobody reads stdout.
    #[error("the answer cannot be written")]
    Output(#[from] io::Error),
}

impl From<ReplayError> for AppFailure {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Config(faults) => Self::Config(faults),
            ReplayError::Recording(error) => Self::Recording(error),
        }
    }
}

/// Names the signature library's back end and tests it; first thing in every run.
///
/// # Errors
/// Signatures do not work on this machine.
pub fn prepare() -> Result<(), AppFailure> {
    verifier::install_crypto();
    Ok(verifier::self_test()?)
}

/// The settings of this process.
///
/// # Errors
/// The configuration has faults.
pub fn load(file: Option<PathBuf>, demo: bool) -> Result<Config, AppFailure> {
    Ok(Config::load(&ConfigInputs::of_process(file, demo))?)
}

/// The settings of a run that does the gateway's work, with the log set up as they say.
///
/// # Errors
/// The configuration has faults.
pub fn start(file: Option<PathBuf>, demo: bool) -> Result<Config, AppFailure> {
    let config = load(file, demo)?;
    telemetry::install(&config)?;
    Ok(config)
}

/// The settings in force, as TOML with secrets as stars.
///
/// # Errors
/// They cannot be printed.
pub fn in_force(config: &Config) -> Result<String, AppFailure> {
    Ok(toml::to_string(config)?)
}

/// A token of the demo issuer, whose key lies in the data folder.
///
/// # Errors
/// Another issuer is configured, or the role needs an organization or division that was not named.
pub fn demo_token(config: &Config, request: &TokenRequest) -> Result<String, AppFailure> {
    if !config.auth.issuer.is_empty() {
        return Err(AppFailure::NotTheIssuer);
    }
    Ok(DemoIssuer::open(&config.keys_dir())?.issue(request, &config.auth, SystemClock.now())?)
}
