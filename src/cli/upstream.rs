//! `onedoor upstream …`: what a person does with one agency's system from the command line.

use clap::{Args, Subcommand};

use super::SettingsArgs;
use super::dispatch::answer;
use crate::app::upstream_tools::UpstreamTools;
use crate::app::{self, AppFailure};
use crate::upstream::name::UpstreamName;
use crate::upstream::probe::Step;

/// What to do with one agency's system.
#[derive(Debug, Clone, Subcommand)]
pub enum UpstreamCommand {
    /// Find out step by step whether a system can be reached and understands us; changes nothing there. 试探
    Probe(ProbeArgs),
}

/// Options of `upstream probe`.
#[derive(Debug, Clone, Args)]
pub struct ProbeArgs {
    /// Name of the system, as its file says it.
    pub name: UpstreamName,
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Does it.
pub(super) async fn run(command: UpstreamCommand) -> Result<(), AppFailure> {
    match command {
        UpstreamCommand::Probe(arguments) => probe(arguments).await,
    }
}

async fn probe(arguments: ProbeArgs) -> Result<(), AppFailure> {
    let tools = UpstreamTools::new(app::load(arguments.settings.config, arguments.settings.demo)?);
    let mut tell = |step: &Step| answer(&step.to_string());
    tools.probe(&arguments.name, &mut tell).await
}
