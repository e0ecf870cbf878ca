//! The upstream systems of one process: those of the configured folder, and in a demonstration the sandbox.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::RngCore as _;

use super::AppFailure;
use crate::clock::SharedClock;
use crate::config::fault::{ConfigFaults, Fault};
use crate::config::{Config, secret_source};
use crate::sandbox::{self, RunningSandbox, SandboxSettings};
use crate::secret::Redacted;
use crate::service::directory::UpstreamBindings;
use crate::telemetry::metrics::Metrics;
use crate::upstream::config::{SecretRef, UpstreamConfig};
use crate::upstream::folder;
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
        let mut configs = Self::configured(config)?.configs;
        if config.demo {
            configs.push(UpstreamConfig::sandbox("http://localhost").map_err(ConfigFaults)?);
        }
        Ok(bindings(&configs))
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
        let token = known(SANDBOX_TOKEN).unwrap_or_else(random);
        let secret = known(SANDBOX_CALLBACK_SECRET).unwrap_or_else(|| format!("whsec_{}", random()));
        let running = start_sandbox(
            config,
            Redacted::new(token.clone()),
            Redacted::new(secret.clone()),
            clock,
        )
        .await?;
        self.configs
            .push(UpstreamConfig::sandbox(&running.base_url()).map_err(ConfigFaults)?);
        self.made.insert(SANDBOX_TOKEN.to_owned(), Redacted::new(token));
        self.made
            .insert(SANDBOX_CALLBACK_SECRET.to_owned(), Redacted::new(secret));
        Ok((self, running))
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

/// Starts the sandbox with the given secrets.
///
/// # Errors
/// It cannot start.
pub async fn start_sandbox(
    config: &Config,
    token: Redacted<String>,
    secret: Redacted<String>,
    clock: &SharedClock,
) -> Result<RunningSandbox, AppFailure> {
    let settings = SandboxSettings {
        listen: config.sandbox.listen,
        callback_secret: secret,
        bearer_token: token,
        decide_after_ms: config.sandbox.decide_after_ms,
        idempotent: true,
        journal_file: None,
        clock: Arc::clone(clock),
    };
    Ok(sandbox::start(settings).await?)
}

fn random() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    STANDARD.encode(bytes)
}
