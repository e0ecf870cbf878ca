//! All upstream systems of this gateway: built from their configurations, found by name or by who is bound to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::clock::SharedClock;
use crate::config::fault::{ConfigFaults, Fault, Origin};
use crate::secret::Redacted;
use crate::upstream::adapter::{Adapter, Capability, NoticeError};
use crate::upstream::adapters;
use crate::upstream::callback::header::{HeaderVerifier, MacKey};
use crate::upstream::callback::{CallbackVerifier, NoticeVerifier, Proof, VerifiedNotice};
use crate::upstream::config::callback::{CallbackConfig, CallbackStyle};
use crate::upstream::config::notify::NotifyCases;
use crate::upstream::config::section::Section;
use crate::upstream::config::{Idempotency, SecretRef, SecretSource, UpstreamConfig};
use crate::upstream::driver::Driver;
use crate::upstream::driver::tap::Tap;
use crate::upstream::fact::UpstreamFact;
use crate::upstream::metrics::UpstreamMetrics;
use crate::upstream::name::UpstreamName;
use crate::upstream::signing::NoticeKey;
use crate::upstream::text::ExternalId;

/// One upstream system, ready to be used.
#[derive(Debug)]
pub struct Upstream {
    config: Arc<UpstreamConfig>,
    adapter: Arc<dyn Adapter>,
    driver: Driver,
    verifier: Option<CallbackVerifier>,
}

impl Upstream {
    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> &UpstreamConfig {
        &self.config
    }

    /// The way to it.
    #[must_use]
    pub const fn driver(&self) -> &Driver {
        &self.driver
    }

    /// What checks its notices; `None` when it is configured to send none.
    #[must_use]
    pub const fn verifier(&self) -> Option<&CallbackVerifier> {
        self.verifier.as_ref()
    }

    /// What its protocol can do.
    #[must_use]
    pub fn capabilities(&self) -> BTreeSet<Capability> {
        self.adapter.capabilities()
    }

    /// Whether it can be asked for a case that it gave a number: by that, or by our reference.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        let able = self.capabilities();
        able.contains(&Capability::Query) || able.contains(&Capability::FindByOurKey)
    }

    /// Whether it can be asked for a case whose answer was lost. Where it does not know our reference, only its number leads
    /// to it.
    #[must_use]
    pub fn can_ask_for(&self, number: Option<&ExternalId>) -> bool {
        match number {
            Some(_) => self.can_ask(),
            None => self.capabilities().contains(&Capability::FindByOurKey),
        }
    }

    /// Whether it may take a case over under a token and tell the number later.
    #[must_use]
    pub fn numbers_may_come_later(&self) -> bool {
        self.adapter.numbers_may_come_later()
    }

    /// Whether its news is of all its cases, also those that never came from us.
    #[must_use]
    pub fn news_is_of_everybody(&self) -> bool {
        self.adapter.news_is_of_everybody()
    }

    /// Whether it can be told only of cases that have a number of its own.
    #[must_use]
    pub fn notifies_by_number(&self) -> bool {
        self.adapter.notifies_by_number()
    }

    /// What speaks its protocol.
    #[must_use]
    pub fn adapter(&self) -> &dyn Adapter {
        &*self.adapter
    }

    /// The same, with a tap on its exchanges.
    #[must_use]
    pub fn tapped(mut self, tap: Tap) -> Self {
        self.driver = self.driver.tapped(tap);
        self
    }

    /// Reads a verified notice.
    ///
    /// # Errors
    /// When it is not in the protocol's form.
    pub fn read_notice(&self, notice: &VerifiedNotice) -> Result<Vec<UpstreamFact>, NoticeError> {
        self.adapter.read_notice(notice)
    }
}

/// All upstream systems.
#[derive(Debug, Default)]
pub struct Registry {
    upstreams: BTreeMap<UpstreamName, Arc<Upstream>>,
    by_organization: BTreeMap<String, UpstreamName>,
    by_role: BTreeMap<String, UpstreamName>,
}

impl Registry {
    /// Builds every upstream: secrets resolved, protocols found, bindings unambiguous, addresses permitted.
    ///
    /// # Errors
    /// All faults of all upstreams at once.
    pub fn build(
        configs: Vec<UpstreamConfig>,
        secrets: &SecretSource<'_>,
        metrics: &UpstreamMetrics,
        clock: &SharedClock,
    ) -> Result<Self, ConfigFaults> {
        let mut registry = Self::default();
        let mut faults = Vec::new();
        let mut names = BTreeSet::new();
        for config in configs {
            let (name, origin) = (config.name.clone(), config.origin.clone());
            let mut checks = Checks {
                name,
                origin,
                secrets,
                faults: &mut faults,
            };
            if !names.insert(config.name.clone()) {
                checks.fault("name", "is used by another upstream".to_owned());
            }
            registry.bind(&config, &mut checks);
            if let Some(upstream) = checks.build(config, metrics, clock) {
                registry
                    .upstreams
                    .insert(upstream.config.name.clone(), Arc::new(upstream));
            }
        }
        if faults.is_empty() {
            Ok(registry)
        } else {
            Err(ConfigFaults(faults))
        }
    }

    /// An upstream by its name.
    #[must_use]
    pub fn get(&self, name: &UpstreamName) -> Option<&Arc<Upstream>> {
        self.upstreams.get(name)
    }

    /// An upstream that anything is sent to, by its name.
    #[must_use]
    pub fn carrier(&self, name: &UpstreamName) -> Option<&Arc<Upstream>> {
        self.get(name).filter(|upstream| upstream.config.carries_items)
    }

    /// All upstreams, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Upstream>> {
        self.upstreams.values()
    }

    /// Those that anything is sent to, by name; the others are only registered.
    pub fn carriers(&self) -> impl Iterator<Item = &Arc<Upstream>> {
        self.iter().filter(|upstream| upstream.config.carries_items)
    }

    /// The names of those that anything is sent to.
    pub fn carrier_names(&self) -> impl Iterator<Item = String> {
        self.carriers().map(|upstream| upstream.config.name.to_string())
    }

    /// The upstream that stands for an organization: by its code, else by its role; `None` when it works here.
    #[must_use]
    pub fn bound_to(&self, organization_code: &str, role: &str) -> Option<&Arc<Upstream>> {
        let name = self
            .by_organization
            .get(organization_code)
            .or_else(|| self.by_role.get(role))?;
        self.upstreams.get(name)
    }

    fn bind(&mut self, config: &UpstreamConfig, checks: &mut Checks<'_>) {
        let bindings = [
            ("organizations", &config.organizations, &mut self.by_organization),
            ("roles", &config.roles, &mut self.by_role),
        ];
        for (option, codes, bound) in bindings {
            for code in codes {
                if let Some(other) = bound.insert(code.clone(), config.name.clone()) {
                    checks.fault(option, format!("{code} is already bound to {other}"));
                }
            }
        }
    }
}

/// The checks of one upstream while it is built; goes on after a fault to find the others.
struct Checks<'a> {
    name: UpstreamName,
    origin: Origin,
    secrets: &'a SecretSource<'a>,
    faults: &'a mut Vec<Fault>,
}

impl Checks<'_> {
    fn build(
        &mut self,
        config: UpstreamConfig,
        metrics: &UpstreamMetrics,
        clock: &SharedClock,
    ) -> Option<Upstream> {
        let adapter = self.adapter(&config);
        let verifier = config.callback.as_ref().map(|callback| CallbackVerifier {
            upstream: config.name.clone(),
            addresses: callback.addresses.clone(),
            proof: self.proof(callback),
        });
        let way = self.way(&config);
        let (config, adapter, (transport, credentials)) = (Arc::new(config), adapter?, way?);
        let driver = Driver::new(
            Arc::clone(&config),
            Arc::clone(&adapter),
            transport,
            credentials,
            metrics.clone(),
            Arc::clone(clock),
        );
        Some(Upstream {
            config,
            adapter,
            driver,
            verifier,
        })
    }

    fn adapter(&mut self, config: &UpstreamConfig) -> Option<Arc<dyn Adapter>> {
        let Some(protocol) = adapters::PROTOCOLS
            .iter()
            .find(|protocol| protocol.kind == config.protocol)
        else {
            let known: Vec<&str> = adapters::PROTOCOLS.iter().map(|protocol| protocol.kind).collect();
            self.fault("protocol", format!("is not one of: {}", known.join(", ")));
            return None;
        };
        let path = format!("upstreams.{}.options", self.name);
        let mut options = Section::new(path, self.origin.clone(), config.options.clone());
        let adapter = (protocol.build)(&mut options);
        self.faults.extend(options.finish());
        let adapter = adapter?;
        let able = adapter.capabilities();
        if config.is_bound() && !able.contains(&Capability::Submit) {
            self.fault(
                "protocol",
                "cannot take over cases: it stands for no role or organization".to_owned(),
            );
        }
        self.check_notify(config, adapter.as_ref());
        if config.idempotency == Idempotency::QueryBeforeRetry && !able.contains(&Capability::FindByOurKey) {
            self.fault(
                "idempotency",
                format!(
                    "query-before-retry needs a protocol that can be asked for a case by our number, and {} cannot: \
                     write \"none\" 该协议不能按我方编号查询，请改为 \"none\"",
                    config.protocol
                ),
            );
        }
        if config.callback.is_some() && !able.contains(&Capability::Callback) {
            self.fault("callback", "the protocol has no callbacks".to_owned());
        }
        if config.poll.is_some() && !able.contains(&Capability::Poll) {
            self.fault("poll", "the protocol cannot be asked for its news".to_owned());
        }
        Some(adapter)
    }

    /// Whether the system can be told what it is to be told.
    fn check_notify(&mut self, config: &UpstreamConfig, adapter: &dyn Adapter) {
        if adapter.needs_signature() && config.auth.signing.is_empty() {
            self.fault(
                "auth.signing",
                "is missing: its receiver knows us by our signature alone 缺少签名密钥".to_owned(),
            );
        }
        let Some(notify) = &config.notify else { return };
        if !adapter.capabilities().contains(&Capability::Notify) {
            self.fault(
                "notify",
                "the protocol has no such message 该协议没有此类报文".to_owned(),
            );
        } else if notify.cases == NotifyCases::All && adapter.notifies_by_number() {
            self.fault(
                "notify.cases",
                "its message names the system's own number, which only a case has that was handed to it: write \"handed\" \
                 该报文须带对方编号，请改为 \"handed\""
                    .to_owned(),
            );
        }
    }

    fn proof(&mut self, callback: &CallbackConfig) -> Proof {
        let tolerance = callback.tolerance;
        match &callback.style {
            CallbackStyle::StandardWebhooks => Proof::Standard(NoticeVerifier {
                upstream: self.name.clone(),
                keys: callback.secrets.iter().filter_map(|at| self.key(at)).collect(),
                tolerance,
            }),
            CallbackStyle::Header(style) => {
                let mut key = |at: &SecretRef| {
                    let secret = self.secret("callback.secrets", at)?;
                    MacKey::new(style.algorithm, &secret)
                        .map_err(|error| self.fault("callback.secrets", format!("{at}: {error}")))
                        .ok()
                };
                Proof::Header(HeaderVerifier {
                    style: style.clone(),
                    keys: callback.secrets.iter().filter_map(&mut key).collect(),
                    tolerance,
                })
            }
            CallbackStyle::Address => Proof::Address,
        }
    }

    fn key(&mut self, at: &SecretRef) -> Option<NoticeKey> {
        let secret = self.secret("callback.secrets", at)?;
        NoticeKey::parse(&secret)
            .map_err(|error| self.fault("callback.secrets", format!("{at}: {error}")))
            .ok()
    }

    fn secret(&mut self, option: &str, at: &SecretRef) -> Option<Redacted<String>> {
        match (self.secrets)(at) {
            Ok(secret) if secret.expose().trim().is_empty() => {
                self.fault(option, format!("{at} is empty"));
                None
            }
            // Files end in a line break that is no part of the secret.
            Ok(secret) => Some(Redacted::new(secret.expose().trim().to_owned())),
            Err(reason) => {
                self.fault(option, format!("{at}: {reason}"));
                None
            }
        }
    }

    fn fault(&mut self, option: &str, reason: String) {
        self.faults.push(Fault {
            path: format!("upstreams.{}.{option}", self.name),
            origin: self.origin.clone(),
            reason,
        });
    }
}

pub mod single;
mod way;

#[cfg(test)]
mod tests;
