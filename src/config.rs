//! Configuration: every option, its default and its check.

pub mod attachments;
pub mod audit;
pub mod auth;
pub mod cache;
pub mod catalogue;
pub mod database;
pub mod fault;
pub mod graphql;
pub mod http;
pub mod issuer;
pub mod kiosk;
pub mod layers;
pub mod limits;
pub mod log;
pub mod outbox;
pub mod privacy;
pub mod reconcile;
pub mod redis;
pub mod sandbox;
pub mod secret_source;
pub mod secrets;
pub mod server;
pub mod session;
pub mod traces;
pub mod tracking;
pub mod upstreams;
pub mod websocket;
pub mod worker;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::secret::Redacted;
use fault::{ConfigFaults, Faults, Origin};

/// Every option with its comment and default, as it ships.
pub const DEFAULT_TOML: &str = include_str!("../config/default.toml");

/// All settings of one process, merged and checked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Whether this is a demonstration: generated keys, the demo issuer and the sandbox. Not an option of the file.
    #[serde(skip)]
    pub demo: bool,
    /// Folder of the embedded database, generated demo keys and logs of the sandbox.
    pub data_dir: PathBuf,
    /// The HTTP server.
    pub server: server::ServerConfig,
    /// Manners of the GraphQL over HTTP endpoint.
    pub http: http::HttpConfig,
    /// The database.
    pub database: database::DatabaseConfig,
    /// The shared cache.
    pub redis: redis::RedisConfig,
    /// The in-process cache.
    pub cache: cache::CacheConfig,
    /// The audit log.
    pub audit: audit::AuditConfig,
    /// Which tokens are accepted.
    pub auth: auth::AuthConfig,
    /// Sign-in sessions of browsers.
    pub session: session::SessionConfig,
    /// Files of keys.
    pub secrets: secrets::SecretsConfig,
    /// Uploaded documents.
    pub attachments: attachments::AttachmentsConfig,
    /// Limits of operations.
    pub limits: limits::LimitsConfig,
    /// The schema.
    pub graphql: graphql::GraphqlConfig,
    /// Subscriptions over WebSockets.
    pub websocket: websocket::WebsocketConfig,
    /// Deliveries to upstream systems.
    pub outbox: outbox::OutboxConfig,
    /// Background loops.
    pub worker: worker::WorkerConfig,
    /// The nightly comparison with upstream systems.
    pub reconcile: reconcile::ReconcileConfig,
    /// Reference data.
    pub catalogue: catalogue::CatalogueConfig,
    /// Kiosks.
    pub kiosk: kiosk::KioskConfig,
    /// Guessing at tracking codes.
    pub tracking: tracking::TrackingConfig,
    /// Budgets of looks at personal data.
    pub privacy: privacy::PrivacyConfig,
    /// The sandbox upstream of the demonstration.
    pub sandbox: sandbox::SandboxConfig,
    /// Upstream systems.
    pub upstreams: upstreams::UpstreamsConfig,
    /// Traces.
    pub traces: traces::TracesConfig,
    /// The log.
    pub log: log::LogConfig,
}

/// What settings are made of.
#[derive(Debug, Clone, Default)]
pub struct ConfigInputs {
    /// The file given by `--config`.
    pub file: Option<PathBuf>,
    /// Environment variables; names that do not begin with `ONEDOOR__` are passed over.
    pub env: Vec<(String, String)>,
    /// Whether generated keys and the demo issuer may stand in for missing secrets.
    pub demo: bool,
}

impl ConfigInputs {
    /// The inputs of this process.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    #[must_use]
    pub fn of_process(file: Option<PathBuf>, demo: bool) -> Self {
        let env = std::env::vars_os()
            .map(|(name, value)| {
                (
                    name.to_string_lossy().into_owned(),
                    value.to_string_lossy().into_owned(),
                )
            })
            .filter(|(name, _)| name.starts_with(layers::ENV_PREFIX))
            .collect();
        Self { file, env, demo }
    }
}

impl Config {
    /// Merges default, file and environment and checks the result.
    ///
    /// # Errors
    /// All faults at once, each with the option's path, where its value came from and the reason.
    pub fn load(inputs: &ConfigInputs) -> Result<Self, ConfigFaults> {
        let mut faults = Faults::default();
        let merged = layers::merge(DEFAULT_TOML, inputs, &mut faults);
        let config = match merged.try_into::<Self>() {
            Ok(config) => Self {
                demo: inputs.demo,
                ..config
            },
            Err(error) => {
                // Single values were tried one by one before; this is a default that does not fit its struct.
                faults.push("(defaults)", Origin::Default, error.message());
                return Err(faults.into_error());
            }
        };
        config.check(&mut faults);
        if faults.is_empty() {
            Ok(config)
        } else {
            Err(faults.into_error())
        }
    }

    /// The address of the database: as configured, or SQLite in the data folder.
    #[must_use]
    pub fn database_url(&self) -> Redacted<String> {
        if self.database.url.expose().is_empty() {
            Redacted::new(format!(
                "sqlite://{}?mode=rwc",
                self.data_dir.join("onedoor.db").display()
            ))
        } else {
            self.database.url.clone()
        }
    }

    /// Folder of uploaded documents, when no bucket is configured.
    #[must_use]
    pub fn attachments_dir(&self) -> PathBuf {
        if self.attachments.dir == Path::new("") {
            self.data_dir.join("attachments")
        } else {
            self.attachments.dir.clone()
        }
    }

    /// Folder of generated demo keys.
    #[must_use]
    pub fn keys_dir(&self) -> PathBuf {
        self.data_dir.join("keys")
    }

    /// Whether what a cookie holds cannot be read on the way to this gateway.
    fn cookies_are_safe(&self) -> bool {
        if self.server.public_url.is_empty() {
            return self.server.listen.ip().is_loopback();
        }
        let Ok(url) = Url::parse(&self.server.public_url) else {
            return true; // told already
        };
        let loopback = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        url.scheme() == "https" || loopback
    }

    fn check(&self, faults: &mut Faults) {
        if self.data_dir == Path::new("") {
            faults.at("data_dir", "must name a folder");
        }
        self.server.check(faults);
        self.database.check(self.demo, faults);
        self.redis.check(faults);
        self.cache.check(faults);
        self.audit.check(faults);
        self.auth.check(self.demo, faults);
        self.session.check(faults);
        self.secrets.check(self.demo, faults);
        self.attachments.check(faults);
        self.limits.check(faults);
        self.websocket.check(faults);
        self.outbox.check(faults);
        self.worker.check(faults);
        self.kiosk.check(self.demo, faults);
        self.tracking.check(faults);
        self.privacy.check(faults);
        self.upstreams.check(faults);
        self.traces.check(faults);
        self.log.check(faults);
        self.check_pairs(faults);
    }

    /// Options of different sections that must fit each other.
    fn check_pairs(&self, faults: &mut Faults) {
        if self.limits.query_timeout_ms <= self.database.acquire_timeout_ms {
            faults.at(
                "limits.query_timeout_ms",
                "must be longer than database.acquire_timeout_ms, or a query ends before it may have a connection",
            );
        }
        // a revoked caller is gone after 60 s: until the next poll it is not known, until the next ping not looked at, and
        // a poll may fail twice
        if self.auth.revocation_poll_ms * 3 + self.websocket.ping_interval_ms > auth::REVOKED_WITHIN_MS {
            faults.at(
                "auth.revocation_poll_ms",
                "three times this and websocket.ping_interval_ms must fit into 60 seconds, or a revoked caller stays longer",
            );
        }
        if !self.demo
            && self
                .auth
                .issuers
                .iter()
                .any(|issuer| !issuer.client_id.is_empty())
            && !self.cookies_are_safe()
        {
            faults.at(
                "server.public_url",
                "must be an https:// address (http:// only to a loopback address) when people sign in by an issuer",
            );
        }
        if !self.demo && !self.redis.url.expose().is_empty() && self.redis.prefix.is_empty() {
            faults.at(
                "redis.prefix",
                "must not be empty: other programs may share this Redis",
            );
        }
    }
}

#[cfg(test)]
mod tests;
