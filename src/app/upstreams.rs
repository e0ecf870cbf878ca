//! The upstream systems of one process: those of the configured folder, and in a demonstration the sandbox.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::RngCore as _;

use super::AppFailure;
use crate::clock::SharedClock;
use crate::config::fault::{ConfigFaults, Fault};
use crate::config::{Config, secret_source};
use crate::sandbox::city::CitySecrets;
use crate::sandbox::{self, RunningSandbox, SandboxSettings};
use crate::secret::Redacted;
use crate::service::directory::UpstreamBindings;
use crate::telemetry::metrics::Metrics;
use crate::upstream::config::{SecretRef, UpstreamConfig};
use crate::upstream::folder;
use crate::upstream::listeners::Listeners;
use crate::upstream::metrics::UpstreamMetrics;
use crate::upstream::registry::Registry;

/// Environment variable with the token that the sandbox asks of its callers.
pub const SANDBOX_TOKEN: &str = "ONEDOOR_SANDBOX_TOKEN";
/// Environment variable with the `whsec_…` secret that signs the sandbox's callbacks.
pub const SANDBOX_CALLBACK_SECRET: &str = "ONEDOOR_SANDBOX_CALLBACK_SECRET";

/// Configurations of upstream systems, and the secrets that are known to this process alone.
#[derive(Default)]
pub struct Upstreams {
    /// The systems.
    pub configs: Vec<UpstreamConfig>,
    /// Secrets made here, by the name of the environment variable that would hold them.
    pub made: BTreeMap<String, Redacted<String>>,
}

impl Upstreams {
    /// Those of the configured folder; none when there is no folder.
    ///
    /// # Errors
    /// All faults of all files at once.
    pub fn configured(config: &Config) -> Result<Self, ConfigFaults> {
        let configs = if config.upstreams.dir.as_os_str().is_empty() {
            Vec::new()
        } else {
            folder::read(&config.upstreams.dir)?
        };
        Ok(Self {
            configs,
            made: BTreeMap::new(),
        })
    }

    /// Who is bound to which system in a gateway of this configuration; no system is reached, and no secret read.
    ///
    /// # Errors
    /// All faults of all files at once.
    pub fn bindings(config: &Config) -> Result<UpstreamBindings, ConfigFaults> {
        Ok(bindings(&Self::known(config)?))
    }

    /// Which systems are told what happens to cases in a gateway of this configuration; likewise.
    ///
    /// # Errors
    /// All faults of all files at once.
    pub fn listeners(config: &Config) -> Result<Listeners, ConfigFaults> {
        Ok(Listeners::of(&Self::known(config)?))
    }

    fn known(config: &Config) -> Result<Vec<UpstreamConfig>, ConfigFaults> {
        let mut upstreams = Self::configured(config)?;
        if config.demo {
            upstreams.add_played(config, "http://localhost")?;
        }
        Ok(upstreams.configs)
    }

    /// Adds the systems that the sandbox plays at an address. Of the city, what the folder already names or binds is
    /// left to the folder.
    fn add_played(&mut self, config: &Config, base_url: &str) -> Result<(), ConfigFaults> {
        self.configs
            .push(UpstreamConfig::sandbox(base_url).map_err(ConfigFaults)?);
        if !config.sandbox.city {
            return Ok(());
        }
        for mut system in UpstreamConfig::city(base_url).map_err(ConfigFaults)? {
            let bound = |role: &String| self.configs.iter().any(|other| other.roles.contains(role));
            let had_roles = !system.roles.is_empty();
            system.roles.retain(|role| !bound(role));
            let named = self.configs.iter().any(|other| other.name == system.name);
            if named || (had_roles && system.roles.is_empty()) {
                tracing::info!(upstream.id = %system.name, "the configured folder stands in for this system of the sandbox");
            } else {
                self.configs.push(system);
            }
        }
        Ok(())
    }

    /// Starts the sandbox and adds it, with secrets made for this run, or those of the environment: then a probe from
    /// another process can know them too.
    ///
    /// # Errors
    /// The sandbox cannot start.
    pub async fn with_sandbox(
        mut self,
        config: &Config,
        clock: &SharedClock,
    ) -> Result<(Self, RunningSandbox), AppFailure> {
        let known = |name: &str| secret_source::environment(name).ok().map(Redacted::into_exposed);
        let token = Redacted::new(known(SANDBOX_TOKEN).unwrap_or_else(random));
        let secret = known(SANDBOX_CALLBACK_SECRET).unwrap_or_else(|| format!("whsec_{}", random()));
        let secret = Redacted::new(secret);
        self.made.insert(SANDBOX_TOKEN.to_owned(), token.clone());
        self.made
            .insert(SANDBOX_CALLBACK_SECRET.to_owned(), secret.clone());
        let city = config.sandbox.city.then(city_secrets).transpose()?;
        self.made.extend(city.clone().unwrap_or_default());
        let running = start_sandbox(config, (token, secret), city, clock).await?;
        self.add_played(config, &running.base_url())?;
        Ok((self, running))
    }

    /// The systems as an operator reads them, a line each.
    #[must_use]
    pub fn told(&self) -> String {
        let mut text = String::new();
        for system in &self.configs {
            let bound: Vec<&str> = system
                .roles
                .iter()
                .chain(&system.organizations)
                .map(String::as_str)
                .collect();
            // writing to a String cannot fail
            writeln!(
                text,
                "  {:<20} {:<11} {}\n  {:<20} {}  {}",
                system.name.as_str(),
                system.protocol,
                system.title_zh,
                "",
                bound.join(", "),
                system.base_url
            )
            .ok();
        }
        text
    }

    /// Builds the registry: secrets resolved, bindings unambiguous, leases long enough.
    ///
    /// # Errors
    /// All faults at once.
    pub fn build(
        self,
        config: &Config,
        metrics: &Metrics,
        clock: &SharedClock,
    ) -> Result<Registry, AppFailure> {
        let mut faults: Vec<Fault> = Vec::new();
        for upstream in &self.configs {
            // one claim may ask first and send then
            let timeout_ms = u64::try_from(upstream.timeout.as_millis())
                .unwrap_or(u64::MAX)
                .saturating_mul(2);
            faults.extend(
                config
                    .outbox
                    .lease_covers(upstream.name.as_str(), timeout_ms)
                    .err(),
            );
        }
        if !faults.is_empty() {
            return Err(ConfigFaults(faults).into());
        }
        let made = self.made;
        let secrets = |at: &SecretRef| match at {
            SecretRef::Env(name) if made.contains_key(name) => {
                made.get(name).cloned().ok_or_else(|| "is not known".to_owned())
            }
            SecretRef::Env(_) | SecretRef::File(_) => folder::secret(at),
        };
        let registered = UpstreamMetrics::register(metrics.registry())?;
        Ok(Registry::build(self.configs, &secrets, &registered, clock)?)
    }
}

/// Who is bound to which of some systems.
pub(super) fn bindings<'a>(configs: impl IntoIterator<Item = &'a UpstreamConfig>) -> UpstreamBindings {
    let mut bindings = UpstreamBindings::default();
    for config in configs {
        let name = config.name.to_string();
        let bound = |codes: &[String]| {
            codes
                .iter()
                .map(|code| (code.clone(), name.clone()))
                .collect::<Vec<_>>()
        };
        bindings.by_role.extend(bound(&config.roles));
        bindings.by_code.extend(bound(&config.organizations));
    }
    bindings
}

/// The names of the secrets that the systems of the city share with their callers.
///
/// # Errors
/// A description that is compiled in is wrong, which is a bug.
pub fn city_secret_names() -> Result<BTreeSet<String>, ConfigFaults> {
    let systems = UpstreamConfig::city("http://localhost").map_err(ConfigFaults)?;
    let names = systems.iter().flat_map(UpstreamConfig::secret_variables);
    Ok(names.map(str::to_owned).collect())
}

/// Those secrets, made for this run.
fn city_secrets() -> Result<CitySecrets, ConfigFaults> {
    let made = |name: String| {
        // keys of Standard Webhooks are told by their first letters; to every other style they are letters like others
        let prefix = if name.ends_with("_SECRET") { "whsec_" } else { "" };
        (name, Redacted::new(format!("{prefix}{}", random())))
    };
    Ok(city_secret_names()?.into_iter().map(made).collect())
}

/// Starts the sandbox with the given secrets: token and callback secret of the department, and those of the city.
///
/// # Errors
/// It cannot start.
pub async fn start_sandbox(
    config: &Config,
    (token, secret): (Redacted<String>, Redacted<String>),
    city: Option<CitySecrets>,
    clock: &SharedClock,
) -> Result<RunningSandbox, AppFailure> {
    let settings = SandboxSettings {
        listen: config.sandbox.listen,
        callback_secret: secret,
        bearer_token: token,
        decide_after_ms: config.sandbox.decide_after_ms,
        idempotent: true,
        journal_file: None,
        city,
        clock: Arc::clone(clock),
    };
    Ok(sandbox::start(settings).await?)
}

fn random() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    STANDARD.encode(bytes)
}
