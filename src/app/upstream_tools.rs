//! One upstream system alone, tried from the command line: found in the gateway's configuration, and its faults only.

use crate::app::AppFailure;
use crate::config::Config;
use crate::config::fault::{ConfigFaults, Fault, Origin};
use crate::upstream::config::{SecretRef, UpstreamConfig};
use crate::upstream::folder;
use crate::upstream::name::UpstreamName;
use crate::upstream::probe::{self, Step, StepState};

/// What a person does with one upstream system, by the settings of a gateway.
pub struct UpstreamTools {
    config: Config,
}

/// Whoever hears of a step when it ends.
pub type Tell<'a> = dyn FnMut(&Step) -> Result<(), AppFailure> + 'a;

impl UpstreamTools {
    /// Tools of a gateway with these settings.
    #[must_use]
    pub const fn new(config: Config) -> Self {
        Self { config }
    }

    /// Probes a system.
    ///
    /// # Errors
    /// A step failed.
    pub async fn probe(&self, name: &UpstreamName, tell: &mut Tell<'_>) -> Result<(), AppFailure> {
        let config = match self.find(name) {
            Ok(config) => config,
            Err(faults) => {
                tell(&probe::misdescribed(&faults.0))?;
                return Err(AppFailure::UpstreamFailed);
            }
        };
        for step in [probe::configuration(&config), probe::secrets(&config, &secret)] {
            tell(&step)?;
            if step.state == StepState::Failed {
                return Err(AppFailure::UpstreamFailed);
            }
        }
        Ok(())
    }

    /// The description of one system; in a demonstration the sandbox has one too.
    ///
    /// # Errors
    /// Its faults, or that no file bears the name.
    pub fn find(&self, name: &UpstreamName) -> Result<UpstreamConfig, ConfigFaults> {
        let dir = &self.config.upstreams.dir;
        let is_configured = !dir.as_os_str().is_empty();
        if is_configured && let Some(found) = folder::find(dir, name)? {
            return Ok(found);
        }
        if self.config.demo && name.as_str() == "sandbox" {
            let url = format!("http://{}/", self.config.sandbox.listen);
            return UpstreamConfig::sandbox(&url).map_err(ConfigFaults);
        }
        let known = if is_configured { folder::names(dir) } else { Vec::new() };
        let reason = format!(
            "no file there has name = \"{name}\"; known: {} 没有这个名称的系统",
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
        );
        Err(ConfigFaults(vec![Fault {
            path: "upstreams.dir".to_owned(),
            origin: Origin::File(dir.clone()),
            reason,
        }]))
    }
}

fn secret(at: &SecretRef) -> Result<crate::secret::Redacted<String>, String> {
    folder::secret(at)
}
