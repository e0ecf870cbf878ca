//! Runs the subcommand: answers on stdout, faults on stderr, and an exit code that tells them apart.

use std::io::{self, Write as _};
use std::process::ExitCode;

use chrono::TimeDelta;

use super::{Cli, Command, ConfigCommand, TokenArgs};
use crate::app::{self, AppFailure};
use crate::config::DEFAULT_TOML;
use crate::service::identity::demo::TokenRequest;
use crate::telemetry;

/// EX_CONFIG of sysexits.h.
const CONFIG_FAULTS: u8 = 78;

/// Does what the command line asks and tells how it ended.
pub async fn run(cli: Cli) -> ExitCode {
    match dispatch(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // When stderr is gone too, the exit code is all that is left to tell.
            writeln!(io::stderr().lock(), "onedoor: {}", telemetry::chain(&failure)).ok();
            exit_code(&failure)
        }
    }
}

async fn dispatch(cli: Cli) -> Result<(), AppFailure> {
    app::prepare()?;
    match cli.command {
        Command::Config(ConfigCommand::Default) => answer(DEFAULT_TOML),
        Command::Config(ConfigCommand::Check(settings)) => {
            answer(&app::in_force(&app::load(settings.config, settings.demo)?)?)
        }
        Command::Token(arguments) => token(arguments),
    }
}

fn exit_code(failure: &AppFailure) -> ExitCode {
    if matches!(failure, AppFailure::Config(_)) {
        ExitCode::from(CONFIG_FAULTS)
    } else {
        ExitCode::FAILURE
    }
}

fn token(arguments: TokenArgs) -> Result<(), AppFailure> {
    let config = app::load(arguments.config, true)?;
    let request = TokenRequest {
        role: arguments.role,
        subject: arguments.subject,
        organization: arguments.organization,
        division: arguments.division,
        approver: arguments.approver,
        lifetime: TimeDelta::hours(i64::from(arguments.hours)),
    };
    answer(&app::demo_token(&config, &request)?)
}

/// Writes an answer to stdout, ending in one line end.
fn answer(text: &str) -> Result<(), AppFailure> {
    Ok(writeln!(io::stdout().lock(), "{}", text.trim_end())?)
}
