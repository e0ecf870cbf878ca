//! One upstream alone, for whoever tries it before it serves: its own faults and nobody else's.

use std::sync::Arc;

use super::{Checks, Upstream};
use crate::clock::SharedClock;
use crate::config::fault::{ConfigFaults, Fault};
use crate::upstream::adapter::Adapter;
use crate::upstream::config::{SecretSource, UpstreamConfig};
use crate::upstream::metrics::UpstreamMetrics;
use crate::upstream::transport::Trust;

/// The adapter of a description; no secret is read.
///
/// # Errors
/// All faults of protocol, options and templates.
pub fn adapter(config: &UpstreamConfig) -> Result<Arc<dyn Adapter>, Vec<Fault>> {
    let none = |_: &_| Err("is not read here".to_owned());
    checked(config, &none, |checks| checks.adapter(config))
}

/// What is wrong with secrets, keys, certificates and addresses; nothing is reached.
#[must_use]
pub fn faults(config: &UpstreamConfig, secrets: &SecretSource<'_>) -> Vec<Fault> {
    let looked = checked(config, secrets, |checks| {
        let way = checks.way(config);
        let callback = config.callback.as_ref().map(|callback| checks.proof(callback));
        way.map(|_| callback.is_some())
    });
    looked.err().unwrap_or_default()
}

/// What TLS towards an upstream goes by.
///
/// # Errors
/// A secret is missing.
pub fn trust(config: &UpstreamConfig, secrets: &SecretSource<'_>) -> Result<Trust, Vec<Fault>> {
    checked(config, secrets, |checks| checks.trust(config))
}

/// One upstream, ready to be used.
///
/// # Errors
/// All its faults at once.
pub fn build(
    config: UpstreamConfig,
    secrets: &SecretSource<'_>,
    metrics: &UpstreamMetrics,
    clock: &SharedClock,
) -> Result<Upstream, ConfigFaults> {
    let of = config.clone();
    checked(&of, secrets, move |checks| checks.build(config, metrics, clock)).map_err(ConfigFaults)
}

fn checked<T>(
    config: &UpstreamConfig,
    secrets: &SecretSource<'_>,
    look: impl FnOnce(&mut Checks<'_>) -> Option<T>,
) -> Result<T, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut checks = Checks {
        name: config.name.clone(),
        origin: config.origin.clone(),
        secrets,
        faults: &mut faults,
    };
    let made = look(&mut checks);
    match made {
        Some(made) if faults.is_empty() => Ok(made),
        Some(_) | None => Err(faults),
    }
}
