//! One upstream system alone, tried from the command line: found in the gateway's configuration, and its faults only.

use std::path::Path;
use std::sync::Arc;

use crate::app::AppFailure;
use crate::clock::{SharedClock, SystemClock};
use crate::config::Config;
use crate::config::fault::{ConfigFaults, Fault, Origin};
use crate::secret::Redacted;
use crate::upstream::config::{SecretRef, UpstreamConfig};
use crate::upstream::driver::tap::Tap;
use crate::upstream::folder;
use crate::upstream::metrics::UpstreamMetrics;
use crate::upstream::name::UpstreamName;
use crate::upstream::probe::{self, Report, Sending, Step, StepName, StepState, network, talk, tls};
use crate::upstream::recording::Recording;
use crate::upstream::recording::record::{Recorded, Recorder};
use crate::upstream::recording::redact::Redactor;
use crate::upstream::recording::replay::{self, Replay};
use crate::upstream::registry::{Upstream, single};

/// What is told before a system is handed the made-up case.
pub const SENDS: &str = "the made-up case is handed over as if it were real: do this at a test system only \
                         将向对方提交样例办件，请仅用于测试环境";

/// What a person does with one upstream system, by the settings of a gateway.
pub struct UpstreamTools {
    config: Config,
    clock: SharedClock,
}

/// Whoever hears of a step when it ends.
pub type Tell<'a> = dyn FnMut(&Step) -> Result<(), AppFailure> + 'a;

impl UpstreamTools {
    /// Tools of a gateway with these settings.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            clock: Arc::new(SystemClock),
        }
    }

    /// Probes a system, step by step; what depends on a failed step is skipped.
    ///
    /// # Errors
    /// Nobody hears the steps, or the client cannot be built.
    pub async fn probe(
        &self,
        name: &UpstreamName,
        sending: Sending,
        tell: &mut Tell<'_>,
    ) -> Result<Report, AppFailure> {
        let mut steps = Steps {
            tell,
            steps: Vec::new(),
        };
        self.probe_into(name, sending, &mut steps).await?;
        for left in [
            StepName::Configuration,
            StepName::Secrets,
            StepName::Address,
            StepName::Connection,
            StepName::Tls,
            StepName::Authorization,
            StepName::Question,
            StepName::Clock,
        ] {
            if !steps.steps.iter().any(|step| step.name == left) {
                steps.ended(left.skipped("an earlier step failed"))?;
            }
        }
        Ok(Report::of(name, steps.steps))
    }

    async fn probe_into(
        &self,
        name: &UpstreamName,
        sending: Sending,
        steps: &mut Steps<'_, '_>,
    ) -> Result<(), AppFailure> {
        let config = match self.find(name) {
            Ok(config) => config,
            Err(faults) => {
                steps.ended(probe::misdescribed(&faults.0))?;
                return Ok(());
            }
        };
        if !steps.ended(probe::configuration(&config))?
            || !steps.ended(probe::secrets(&config, &folder::secret))?
        {
            return Ok(());
        }
        let (step, addresses) = network::address(&config, &config.base_url).await;
        if !steps.ended(step)? {
            return Ok(());
        }
        let (step, stream) = network::connection(&config, &addresses).await;
        steps.ended(step)?;
        let Some(stream) = stream else {
            return Ok(());
        };
        if config.base_url.scheme() == "https" {
            let trust = single::trust(&config, &folder::secret).map_err(ConfigFaults)?;
            if !steps.ended(tls::tls(&config, &trust, stream, self.clock.now()).await)? {
                return Ok(());
            }
        } else {
            drop(stream);
            steps.ended(StepName::Tls.skipped("base_url is http: everybody on the way can read along"))?;
        }
        let (upstream, tap) = self.build(config)?;
        if !steps.ended(talk::authorization(&upstream, self.clock.now()).await)? {
            return Ok(());
        }
        let case = talk::case_of(&upstream);
        let (step, date) = talk::question(&upstream, &tap, &case, self.clock.now()).await;
        let is_answered = steps.ended(step)?;
        steps.ended(talk::clock(date, self.clock.now()))?;
        match sending {
            Sending::SampleCase if is_answered => {
                steps.ended(talk::submission(&upstream, &tap, case, self.clock.now()).await)?;
            }
            Sending::SampleCase | Sending::Nothing => {}
        }
        Ok(())
    }

    /// Records exchanges of the made-up case with a test system.
    ///
    /// # Errors
    /// The system's description has faults, something is there already, or an exchange cannot be done or cleaned.
    pub async fn record(
        &self,
        name: &UpstreamName,
        folder: &Path,
        operations: &[Recorded],
        tell: &mut dyn FnMut(&str) -> Result<(), AppFailure>,
    ) -> Result<(), AppFailure> {
        let config = self.find(name)?;
        let secrets: Vec<Redacted<String>> = config
            .secrets()
            .filter_map(|at| folder::secret(at).ok())
            .collect();
        let (upstream, tap) = self.build(config)?;
        let now = self.clock.now();
        let mut case = talk::case_of(&upstream);
        case.case_number = talk::made_up_number(now);
        let redactor = Redactor::new(upstream.config(), upstream.adapter().redactions(), &case, secrets);
        Recorder::new((&upstream, &tap), redactor, case, folder, now)
            .record(operations, tell)
            .await
    }

    /// Plays a folder of exchanges through a system's protocol; nothing is reached and no secret read.
    ///
    /// # Errors
    /// The system's description or the folder has faults.
    pub fn replay(&self, name: &UpstreamName, folder: &Path) -> Result<Replay, AppFailure> {
        let recording = Recording::open(folder)?;
        Ok(replay::replay(&self.find(name)?, &recording)?)
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
        let known = if is_configured {
            folder::names(dir)
        } else {
            Vec::new()
        };
        let reason = format!(
            "no file there has name = \"{name}\"; known: {} 没有这个名称的系统",
            if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            }
        );
        Err(ConfigFaults(vec![Fault {
            path: "upstreams.dir".to_owned(),
            origin: if is_configured {
                Origin::File(dir.clone())
            } else {
                Origin::Default
            },
            reason,
        }]))
    }

    fn build(&self, config: UpstreamConfig) -> Result<(Upstream, Tap), AppFailure> {
        let metrics = UpstreamMetrics::register(&prometheus::Registry::new())?;
        let secrets = |at: &SecretRef| folder::secret(at);
        let tap = Tap::default();
        let upstream = single::build(config, &secrets, &metrics, &self.clock)?;
        Ok((upstream.tapped(tap.clone()), tap))
    }
}

/// Steps that ended so far, each told at once.
struct Steps<'a, 'b> {
    tell: &'a mut Tell<'b>,
    steps: Vec<Step>,
}

impl Steps<'_, '_> {
    /// Notes a step; whether what depends on it can be tried.
    fn ended(&mut self, step: Step) -> Result<bool, AppFailure> {
        (self.tell)(&step)?;
        let goes_on = step.state != StepState::Failed;
        self.steps.push(step);
        Ok(goes_on)
    }
}
