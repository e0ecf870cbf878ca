//! Runs the subcommand: answers on stdout, faults on stderr, and an exit code that tells them apart.

use std::io::{self, Write as _};
use std::process::ExitCode;

use chrono::TimeDelta;

use super::audit::{AuditCommand, AuditExportArgs, AuditExportFormat};
use super::keys::{EraseArgs, KeysCommand, KeysRotateArgs};
use super::ledger::{LedgerCommand, LedgerVerifyArgs};
use super::{
    Cli, Command, ConfigCommand, CopyArgs, ImportArgs, ImportKind, MigrateArgs, SandboxArgs, SchemaCommand,
    ServeArgs, TokenArgs, upstream,
};
use crate::app::run::{self, Imported};
use crate::app::{self, AppFailure};
use crate::config::DEFAULT_TOML;
use crate::service::audit::{AuditFilter, AuditFormat};
use crate::service::identity::demo::TokenRequest;
use crate::service::import::Mode;
use crate::service::ledger::Receipts;
use crate::telemetry;

/// EX_CONFIG of sysexits.h.
const CONFIG_FAULTS: u8 = 78;
/// A comparison that came to its end found differences.
const CASES_DIFFER: u8 = 3;

/// Does what the command line asks and tells how it ended.
pub async fn run(cli: Cli) -> ExitCode {
    let ended = Box::pin(dispatch(cli)).await;
    telemetry::traces::close();
    match ended {
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
        Command::Schema(SchemaCommand::Print) => answer(&crate::graphql::schema::sdl()),
        Command::Serve(ServeArgs { settings }) => {
            run::serve(&app::start(settings.config, settings.demo)?, answer).await
        }
        Command::Migrate(MigrateArgs { settings }) => {
            answer(&run::migrate(&app::start(settings.config, settings.demo)?).await?)
        }
        Command::Import(arguments) => Box::pin(import(arguments)).await,
        Command::Copy(CopyArgs { from, to, settings }) => {
            let config = app::start(settings.config, settings.demo)?;
            answer(&Box::pin(app::copy::copy(&config, from, to)).await?)
        }
        Command::Ledger(command) => Box::pin(ledger(command)).await,
        Command::Audit(AuditCommand::Export(arguments)) => Box::pin(export_audit(arguments)).await,
        Command::Keys(command) => Box::pin(keys(command)).await,
        Command::Erase(EraseArgs {
            case,
            reason,
            settings,
        }) => {
            let config = app::start(settings.config, settings.demo)?;
            answer(&Box::pin(app::keys::erase(&config, &case, reason.into())).await?)
        }
        Command::Sandbox(SandboxArgs { config }) => {
            run::play_sandbox(&app::start(config, true)?, answer).await
        }
        Command::Upstream(command) => Box::pin(upstream::run(command)).await,
    }
}

fn exit_code(failure: &AppFailure) -> ExitCode {
    if matches!(failure, AppFailure::Config(_)) {
        ExitCode::from(CONFIG_FAULTS)
    } else if matches!(failure, AppFailure::CasesDiffer { .. }) {
        ExitCode::from(CASES_DIFFER)
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

async fn import(arguments: ImportArgs) -> Result<(), AppFailure> {
    let config = app::start(arguments.settings.config, arguments.settings.demo)?;
    let what = match arguments.what {
        ImportKind::Divisions => Imported::Divisions,
        ImportKind::Organizations => Imported::Organizations,
        ImportKind::Catalogue => Imported::Catalogue,
        ImportKind::Calendar => Imported::Calendar,
        ImportKind::Admissions => Imported::Admissions,
    };
    let mode = if arguments.dry_run {
        Mode::DryRun
    } else {
        Mode::Write
    };
    answer(&Box::pin(run::import(&config, what, &arguments.file, mode)).await?)
}

async fn export_audit(arguments: AuditExportArgs) -> Result<(), AppFailure> {
    let config = app::start(arguments.settings.config, arguments.settings.demo)?;
    let filter = AuditFilter {
        from: arguments.from,
        to: arguments.to,
        ..AuditFilter::default()
    };
    let format = match arguments.format {
        AuditExportFormat::Jsonl => AuditFormat::Jsonl,
        AuditExportFormat::Csv => AuditFormat::Csv,
    };
    let entries = app::audit::export(&config, &filter, format, arguments.out.as_deref()).await?;
    tracing::info!(audit.entries = entries, "the audit log was exported");
    Ok(())
}

async fn keys(command: KeysCommand) -> Result<(), AppFailure> {
    match command {
        KeysCommand::Status(settings) => {
            let config = app::start(settings.config, settings.demo)?;
            answer(&app::keys::status(&config).await?)
        }
        KeysCommand::Rotate(KeysRotateArgs { case, settings }) => {
            let config = app::start(settings.config, settings.demo)?;
            answer(&app::keys::rotate(&config, case.as_ref()).await?)
        }
    }
}

async fn ledger(command: LedgerCommand) -> Result<(), AppFailure> {
    match command {
        LedgerCommand::Export(arguments) => {
            let config = app::start(arguments.settings.config, arguments.settings.demo)?;
            let receipts = if arguments.with_receipts {
                Receipts::With
            } else {
                Receipts::Without
            };
            let out = arguments.out.as_deref();
            let records = app::ledger::export(&config, out, receipts).await?;
            tracing::info!(ledger.records = records, "the ledger was exported");
            Ok(())
        }
        LedgerCommand::Checkpoint(settings) => {
            let config = app::start(settings.config, settings.demo)?;
            match app::ledger::checkpoint(&config).await?.as_str() {
                "" => {
                    tracing::info!("nothing moved since the last checkpoint");
                    Ok(())
                }
                taken => answer(taken),
            }
        }
        LedgerCommand::Verify(LedgerVerifyArgs {
            export,
            keys,
            receipts,
            checkpoints,
        }) => {
            let (text, holds) = app::ledger::verify(&export, &keys, &receipts, &checkpoints)?;
            answer(&text)?;
            if holds {
                Ok(())
            } else {
                Err(AppFailure::LedgerFaults)
            }
        }
    }
}

/// Writes an answer to stdout, ending in one line end. A reader that has enough, as `head` has, is no failure.
pub(super) fn answer(text: &str) -> Result<(), AppFailure> {
    match writeln!(io::stdout().lock(), "{}", text.trim_end()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
