//! `onedoor upstream …`: what a person does with one agency's system from the command line.

use clap::{Args, Subcommand};

use super::SettingsArgs;
use super::dispatch::answer;
use crate::app::{self, AppFailure, reconcile};
use crate::upstream::name::UpstreamName;

/// What to do with one agency's system.
#[derive(Debug, Clone, Subcommand)]
pub enum UpstreamCommand {
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

/// Does it.
pub(super) async fn run(command: UpstreamCommand) -> Result<(), AppFailure> {
    match command {
        UpstreamCommand::Reconcile(arguments) => Box::pin(reconcile_with(arguments)).await,
    }
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
