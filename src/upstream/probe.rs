//! Finds out, step by step, whether one upstream system can be reached and understands us, and says what to do when not.

pub mod network;
pub mod talk;
pub mod tls;

mod certificate;

use std::fmt;
use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};

use crate::config::fault::Fault;
use crate::upstream::config::{SecretSource, UpstreamConfig};
use crate::upstream::name::UpstreamName;
use crate::upstream::registry::single;

/// What a probe may do at the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// Nothing that acts.
    Nothing,
    /// Hand over the made-up case.
    SampleCase,
}

/// One step of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What was tried.
    pub name: StepName,
    /// How it ended.
    pub state: StepState,
    /// How long it took.
    #[serde(rename = "elapsed_ms", serialize_with = "as_ms")]
    pub elapsed: Duration,
    /// What was found, one line each; never a secret.
    pub found: Vec<String>,
    /// What to do; `None` where nothing need be done.
    pub advice: Option<Advice>,
}

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepName {
    /// The file, its templates and the protocol.
    Configuration,
    /// Secrets, keys and certificates.
    Secrets,
    /// Name resolution and the rules of egress.
    Address,
    /// A TCP connection.
    Connection,
    /// TLS.
    Tls,
    /// What our requests prove themselves with.
    Authorization,
    /// A question that changes nothing.
    Question,
    /// The difference of the clocks.
    Clock,
    /// The made-up case handed over.
    Submission,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// As it should.
    Ok,
    /// Not as it should.
    Failed,
    /// It was not tried.
    Skipped,
}

/// What to do about a step, in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// In Chinese.
    pub zh: &'static str,
    /// In English.
    pub en: &'static str,
}

impl StepName {
    /// The step as people read it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Configuration => "configuration 配置与模板",
            Self::Secrets => "secrets 密钥与证书",
            Self::Address => "address 域名与出口规则",
            Self::Connection => "connection 连接",
            Self::Tls => "tls 加密通道",
            Self::Authorization => "authorization 身份凭据",
            Self::Question => "question 查询",
            Self::Clock => "clock 时钟",
            Self::Submission => "submission 样例办件",
        }
    }
}

impl StepState {
    /// The state as people read it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Ok => "ok     ",
            Self::Failed => "failed ",
            Self::Skipped => "skipped",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.state.title(), self.name.title())?;
        if self.state != StepState::Skipped {
            write!(out, " ({} ms)", self.elapsed.as_millis())?;
        }
        for line in &self.found {
            write!(out, "\n        {line}")?;
        }
        if let Some(advice) = self.advice {
            write!(out, "\n        → {}\n        → {}", advice.zh, advice.en)?;
        }
        Ok(())
    }
}

fn as_ms<S: Serializer>(elapsed: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

/// A step under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    name: StepName,
    at: Instant,
}

impl StepName {
    /// Begins the step.
    pub(super) fn begin(self) -> Begun {
        Begun {
            name: self,
            at: Instant::now(),
        }
    }

    /// The step when it was not tried, for a reason.
    #[must_use]
    pub fn skipped(self, why: &str) -> Step {
        Step {
            name: self,
            state: StepState::Skipped,
            elapsed: Duration::ZERO,
            found: vec![why.to_owned()],
            advice: None,
        }
    }
}

impl Begun {
    pub(super) fn ok(self, found: Vec<String>) -> Step {
        self.ended(StepState::Ok, found, None)
    }

    pub(super) fn failed(self, found: Vec<String>, zh: &'static str, en: &'static str) -> Step {
        self.ended(StepState::Failed, found, Some(Advice { zh, en }))
    }

    pub(super) fn ended(self, state: StepState, found: Vec<String>, advice: Option<Advice>) -> Step {
        Step {
            name: self.name,
            state,
            elapsed: self.at.elapsed(),
            found,
            advice,
        }
    }
}

/// All steps of a probe.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The system.
    pub upstream: String,
    /// Whether every step that was tried ended as it should.
    pub ok: bool,
    /// The steps, in their order.
    pub steps: Vec<Step>,
}

impl Report {
    /// A report of some steps.
    #[must_use]
    pub fn of(upstream: &UpstreamName, steps: Vec<Step>) -> Self {
        Self {
            upstream: upstream.to_string(),
            ok: steps.iter().all(|step| step.state != StepState::Failed),
            steps,
        }
    }
}

/// The file could not be read as a description of a system.
#[must_use]
pub fn misdescribed(faults: &[Fault]) -> Step {
    StepName::Configuration.begin().failed(
        faults.iter().map(ToString::to_string).collect(),
        "按所列逐项修改该系统的配置文件，再试一次。",
        "Correct the system's file item by item, then probe again.",
    )
}

/// Whether the description holds together: protocol, options and templates, tried on the made-up cases.
#[must_use]
pub fn configuration(config: &UpstreamConfig) -> Step {
    let begun = StepName::Configuration.begin();
    match single::adapter(config) {
        Ok(adapter) => {
            let able: Vec<String> = adapter
                .capabilities()
                .iter()
                .filter_map(|one| serde_json::to_value(one).ok()?.as_str().map(str::to_lowercase))
                .collect();
            begun.ok(vec![
                format!("{} {} ({})", config.title_zh, config.title_en, config.origin),
                format!("protocol {}: {}", config.protocol, able.join(", ")),
            ])
        }
        Err(faults) => misdescribed(&faults),
    }
}

/// Whether every secret is there, by name alone, and keys and certificates are such.
#[must_use]
pub fn secrets(config: &UpstreamConfig, source: &SecretSource<'_>) -> Step {
    let begun = StepName::Secrets.begin();
    let mut found = Vec::new();
    let mut whole = true;
    for at in config.secrets() {
        match source(at) {
            Ok(_) => found.push(format!("{at}: found")),
            Err(reason) => {
                whole = false;
                found.push(format!("{at}: {reason}"));
            }
        }
    }
    if whole {
        let mut faults = single::faults(config, source);
        // an address has a step of its own
        faults.retain(|fault| !fault.path.ends_with(".base_url"));
        whole = faults.is_empty();
        found.extend(faults.iter().map(ToString::to_string));
    }
    if found.is_empty() {
        found.push("none is asked for".to_owned());
    }
    if whole {
        begun.ok(found)
    } else {
        begun.failed(
            found,
            "在所列文件或环境变量中放入正确的密钥、证书后重试；密钥不写入配置文件。",
            "Put the right secret or certificate where the line says, then probe again; none belongs into the file itself.",
        )
    }
}
