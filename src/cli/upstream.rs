//! `onedoor upstream …`: what a person does with one agency's system from the command line.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::SettingsArgs;
use super::dispatch::answer;
use crate::app::upstream_tools::{SENDS, UpstreamTools};
use crate::app::{self, AppFailure, reconcile};
use crate::upstream::name::UpstreamName;
use crate::upstream::probe::{Sending, Step};
use crate::upstream::recording::record::Recorded;

/// What to do with one agency's system.
#[derive(Debug, Clone, Subcommand)]
pub enum UpstreamCommand {
    /// Find out step by step whether a system can be reached and understands us; changes nothing there. 试探
    Probe(ProbeArgs),
    /// Exchange the made-up case with a TEST system and keep the bytes without secrets and personal data. 录制
    Record(RecordArgs),
    /// Play recorded answers without network, and compare what is written now with what was recorded. 回放
    Replay(ReplayArgs),
    /// Compare all open cases with a system now and print what differs; nothing is changed. 对账
    Reconcile(ReconcileArgs),
}

/// Options of `upstream reconcile`.
#[derive(Debug, Clone, Args)]
pub struct ReconcileArgs {
    /// Name of the system, as its file says it.
    pub name: UpstreamName,
    /// Print the differences as JSON.
    #[arg(long)]
    pub json: bool,
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Options of `upstream probe`.
#[derive(Debug, Clone, Args)]
pub struct ProbeArgs {
    /// Name of the system, as its file says it.
    pub name: UpstreamName,
    /// Also hand over the made-up case. For test systems: there it stays as if it were real.
    #[arg(long)]
    pub send: bool,
    /// Print the steps as JSON.
    #[arg(long)]
    pub json: bool,
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Options of `upstream record`.
#[derive(Debug, Clone, Args)]
pub struct RecordArgs {
    /// Name of the system, as its file says it.
    pub name: UpstreamName,
    /// Folder for the recorded bytes; nothing in it is overwritten.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// What to exchange; repeat it for several. Default: all that the system is described to do.
    #[arg(long = "operation", value_enum, value_name = "OPERATION")]
    pub operations: Vec<RecordedOperation>,
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// What can be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RecordedOperation {
    /// Hand the made-up case over.
    Submit,
    /// Ask for it by our number.
    Find,
    /// Ask for it by the system's number.
    Query,
    /// Bring papers.
    Supplement,
    /// Hand it over again.
    Transition,
    /// Ask for all news.
    Poll,
    /// Withdraw it.
    Withdraw,
}

/// Options of `upstream replay`.
#[derive(Debug, Clone, Args)]
pub struct ReplayArgs {
    /// Name of the system, as its file says it.
    pub name: UpstreamName,
    /// Folder with script.toml and the recorded bytes.
    pub dir: PathBuf,
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

impl From<RecordedOperation> for Recorded {
    fn from(operation: RecordedOperation) -> Self {
        match operation {
            RecordedOperation::Submit => Self::Submit,
            RecordedOperation::Find => Self::Find,
            RecordedOperation::Query => Self::Query,
            RecordedOperation::Supplement => Self::Supplement,
            RecordedOperation::Transition => Self::Transition,
            RecordedOperation::Poll => Self::Poll,
            RecordedOperation::Withdraw => Self::Withdraw,
        }
    }
}

/// Does it.
pub(super) async fn run(command: UpstreamCommand) -> Result<(), AppFailure> {
    match command {
        UpstreamCommand::Probe(arguments) => probe(arguments).await,
        UpstreamCommand::Record(arguments) => record(arguments).await,
        UpstreamCommand::Replay(arguments) => replay(arguments),
        UpstreamCommand::Reconcile(arguments) => Box::pin(reconcile_with(arguments)).await,
    }
}

async fn probe(arguments: ProbeArgs) -> Result<(), AppFailure> {
    let tools = tools(arguments.settings)?;
    let sending = if arguments.send {
        notice(SENDS)?;
        Sending::SampleCase
    } else {
        Sending::Nothing
    };
    let in_json = arguments.json;
    let mut tell = |step: &Step| {
        if in_json {
            Ok(())
        } else {
            answer(&step.to_string())
        }
    };
    let report = tools.probe(&arguments.name, sending, &mut tell).await?;
    if in_json {
        answer(&serde_json::to_string_pretty(&report)?)?;
    }
    if report.ok {
        Ok(())
    } else {
        Err(AppFailure::UpstreamFailed)
    }
}

async fn record(arguments: RecordArgs) -> Result<(), AppFailure> {
    let tools = tools(arguments.settings)?;
    notice(SENDS)?;
    let operations: Vec<Recorded> = arguments.operations.into_iter().map(Recorded::from).collect();
    tools
        .record(&arguments.name, &arguments.out, &operations, &mut |line| {
            answer(line)
        })
        .await
}

fn replay(arguments: ReplayArgs) -> Result<(), AppFailure> {
    let played = tools(arguments.settings)?.replay(&arguments.name, &arguments.dir)?;
    answer(&played.to_string())?;
    if played.differs() {
        Err(AppFailure::ReplayDiffers)
    } else {
        Ok(())
    }
}

fn tools(settings: SettingsArgs) -> Result<UpstreamTools, AppFailure> {
    Ok(UpstreamTools::new(app::load(settings.config, settings.demo)?))
}

/// What somebody should know before it happens; stdout is for answers.
fn notice(text: &str) -> Result<(), AppFailure> {
    Ok(writeln!(io::stderr().lock(), "{text}")?)
}

async fn reconcile_with(arguments: ReconcileArgs) -> Result<(), AppFailure> {
    let config = app::start(arguments.settings.config, arguments.settings.demo)?;
    let reconciled = reconcile::reconcile_now(&config, arguments.name.as_str()).await?;
    if arguments.json {
        answer(&reconciled.json().to_string())?;
    } else {
        answer(&reconciled.table())?;
    }
    reconciled.verdict()
}
