//! What the subcommands do: serve until told to stop, migrate, import, play the sandbox.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use onedoor_domain::audit::AuditAction;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::AppFailure;
use super::audit;
use super::gateway::{self, Gateway};
use super::upstreams::{self, SANDBOX_CALLBACK_SECRET, SANDBOX_TOKEN, Upstreams};
use crate::clock::{SharedClock, SystemClock};
use crate::config::{Config, secret_source};
use crate::secret::Redacted;
use crate::service::import::{Mode, admissions, calendar, catalogue, divisions, organizations};
use crate::service::succession::Successions;
use crate::service::{Services, reference};
use crate::store::database::{Database, DatabaseSettings};

/// Serves until SIGTERM or SIGINT. `tell` gets what the operator should read once it listens.
///
/// # Errors
/// Whatever keeps the gateway from serving, or from stopping in time.
pub async fn serve(
    config: &Config,
    tell: impl FnOnce(&str) -> Result<(), AppFailure>,
) -> Result<(), AppFailure> {
    let clock: SharedClock = Arc::new(SystemClock);
    let (mut terminated, mut interrupted) =
        (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let configured = Upstreams::configured(config)?;
    let (upstreams, sandbox) = if config.demo {
        let (upstreams, sandbox) = configured.with_sandbox(config, &clock).await?;
        (upstreams, Some(sandbox))
    } else {
        (configured, None)
    };
    let bound = upstreams.told();
    let mut gateway = Gateway::start(config, upstreams, clock).await?;
    let sandbox_url = sandbox.as_ref().map(crate::sandbox::RunningSandbox::base_url);
    tell(&welcome(config, &gateway, sandbox_url.as_deref(), &bound))?;
    let by_itself = tokio::select! {
        _ = terminated.recv() => false,
        _ = interrupted.recv() => false,
        _ = gateway.ended() => true,
    };
    tracing::info!("the gateway stops: running requests finish first");
    let in_time = gateway.stop().await;
    if let Some(sandbox) = sandbox {
        sandbox.stop().await;
    }
    if by_itself || !in_time {
        Err(AppFailure::Ended)
    } else {
        Ok(())
    }
}

fn listen(kind: SignalKind) -> Result<Signal, AppFailure> {
    Ok(signal(kind)?)
}

fn welcome(config: &Config, gateway: &Gateway, sandbox: Option<&str>, bound: &str) -> String {
    let at = format!("http://{}", gateway.addr());
    let mut text = format!(
        "OneDoor 一门 listens on {at}\n  GraphQL   {at}/graphql\n  GraphiQL  {at}/graphiql\n  health    {at}/health/ready\n  metrics   {at}/metrics\n"
    );
    // writing to a String cannot fail
    if let Some(sandbox) = sandbox {
        writeln!(text, "  sandbox   {sandbox}/journal").ok();
    }
    if config.demo {
        write!(
            text,
            "\nSystems behind it 所接系统 (name, what it speaks, what it is bound to, address):\n{bound}"
        )
        .ok();
        text.push_str(IDENTITIES);
    }
    text
}

const IDENTITIES: &str = "
Ready-made identities 现成身份 (each prints a token; use it as `Authorization: Bearer …`):
  kiosk of a village station     onedoor token --role kiosk --organization 340321101200:village.station
  clerk of its township center   onedoor token --role clerk --organization 340321101000:township.service-center
  clerk of the village station   onedoor token --role clerk --organization 340321101200:village.station
  officer of the county bureau   onedoor token --role officer --organization 340321000000:county.disabled-federation
  supervisor of the county       onedoor token --role supervisor --division 340321000000
  citizen                        onedoor token --role citizen
";

/// Brings the database to this version's schema, and says what was done.
///
/// # Errors
/// The database cannot be used.
pub async fn migrate(config: &Config) -> Result<String, AppFailure> {
    let database = Database::connect(&DatabaseSettings::of(config), None).await?;
    let pending = database.pending_migrations().await.unwrap_or_default();
    database.migrate().await?;
    let done = if pending.is_empty() {
        "nothing to do".to_owned()
    } else {
        pending.join("\n")
    };
    database
        .close()
        .await
        .map_err(crate::store::error::StoreError::from)?;
    Ok(done)
}

/// What a file to import holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// Divisions (CSV).
    Divisions,
    /// Organizations by role (CSV).
    Organizations,
    /// Service items (YAML).
    Catalogue,
    /// Working days (CSV, or one year of holiday-cn as JSON).
    Calendar,
    /// Admission lists (CSV).
    Admissions,
}

impl Imported {
    const fn name(self) -> &'static str {
        match self {
            Self::Divisions => "divisions",
            Self::Organizations => "organizations",
            Self::Catalogue => "catalogue",
            Self::Calendar => "calendar",
            Self::Admissions => "admissions",
        }
    }
}

/// Imports a file, or says what importing it would change.
///
/// # Errors
/// All faults of the file at once; nothing was written then.
pub async fn import(config: &Config, what: Imported, file: &Path, mode: Mode) -> Result<String, AppFailure> {
    let text = fs::read_to_string(file).map_err(|source| AppFailure::File {
        path: file.to_owned(),
        source,
    })?;
    let clock: SharedClock = Arc::new(SystemClock);
    let services = gateway::services_alone(config, Arc::clone(&clock)).await?;
    if what != Imported::Divisions {
        reference::refresh(&services).await?;
    }
    let report = match what {
        Imported::Divisions => import_divisions(config, &services, &text, mode).await?,
        Imported::Organizations => organizations::import(&services, &text, mode).await?.to_string(),
        Imported::Catalogue => catalogue::import(&services, &text, mode).await?.to_string(),
        Imported::Admissions => admissions::import(&services, &text, mode).await?.to_string(),
        Imported::Calendar => import_calendar(config, &services, &text, mode).await?,
    };
    if mode == Mode::Write {
        audit::tell(&services, AuditAction::ReferenceDataImported, what.name()).await?;
    }
    Ok(report)
}

/// A newer edition moves the open cases of organizations that were succeeded, each by an event of its own; what a cut
/// leaves behind a running gateway moves. No case is read through an old owner meanwhile.
async fn import_divisions(
    config: &Config,
    services: &Services,
    text: &str,
    mode: Mode,
) -> Result<String, AppFailure> {
    // without the keys no event can be sealed: better known before the edition is written
    let cases = gateway::cases_alone(config, services)?;
    let report = divisions::import(services, text, None, mode).await?;
    if mode == Mode::DryRun || report.counts.succeeded == 0 {
        return Ok(report.to_string());
    }
    reference::refresh(services).await?;
    let moved = Successions::new(Arc::new(cases)).pass().await?;
    Ok(format!("{report}\n{moved}"))
}

/// An act that read the calendar before the epoch was seen to move is stored by then.
const ACTS_END_WITHIN: Duration = Duration::from_secs(1);

/// A new calendar moves due dates of open cases. Importing the same calendar again takes up what an interrupted import
/// left.
async fn import_calendar(
    config: &Config,
    services: &Services,
    text: &str,
    mode: Mode,
) -> Result<String, AppFailure> {
    let days = calendar::whole(services, text).await?;
    let report = calendar::import_days(services, &days, mode).await?;
    let rows: Vec<_> = days.into_iter().map(|day| day.row).collect();
    let cases = gateway::cases_alone(config, services)?;
    if mode == Mode::Write && !report.counts.is_no_change() {
        // until a gateway has seen the epoch move, it computes by the days before
        tokio::time::sleep(Duration::from_millis(config.cache.epoch_poll_ms) + ACTS_END_WITHIN).await;
    }
    let moved = cases.recompute(&rows, mode).await?;
    Ok(format!("{report}\n{moved}"))
}

/// Plays the sandbox alone until SIGTERM or SIGINT; its two secrets come from the environment.
///
/// # Errors
/// A secret is missing, or the address cannot be listened on.
pub async fn play_sandbox(
    config: &Config,
    tell: impl FnOnce(&str) -> Result<(), AppFailure>,
) -> Result<(), AppFailure> {
    let (mut terminated, mut interrupted) =
        (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let clock: SharedClock = Arc::new(SystemClock);
    let (token, secret) = (environment(SANDBOX_TOKEN)?, environment(SANDBOX_CALLBACK_SECRET)?);
    // a system whose secrets are not in the environment lets nobody in
    let known = |name: String| Some((name.clone(), secret_source::environment(&name).ok()?));
    let names = if config.sandbox.city {
        upstreams::city_secret_names()?
    } else {
        BTreeSet::new()
    };
    let city = config
        .sandbox
        .city
        .then(|| names.into_iter().filter_map(known).collect());
    let sandbox = upstreams::start_sandbox(config, (token, secret), city, &clock).await?;
    tell(&format!("sandbox listens on {}", sandbox.base_url()))?;
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    sandbox.stop().await;
    Ok(())
}

fn environment(name: &'static str) -> Result<Redacted<String>, AppFailure> {
    secret_source::environment(name).map_err(|reason| AppFailure::SandboxSecret { name, reason })
}
