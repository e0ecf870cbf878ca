//! One TOML file per upstream system, read whole: every fault is told at once, with its place.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::fault::{Fault, Origin};
use crate::secret::Redacted;
use crate::upstream::egress::AddressRange;
use crate::upstream::name::UpstreamName;

pub mod auth;
pub mod callback;
pub mod demo;
pub mod live;
pub mod notify;
pub mod poll;
pub mod reconcile;
pub mod section;

use self::auth::AuthConfig;
use self::callback::CallbackConfig;
use self::live::LiveConfig;
use self::notify::{NotifyCases, NotifyConfig};
use self::poll::PollConfig;
use self::reconcile::ReconcileConfig;
use self::section::Section;

/// What an upstream makes of a request that comes twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Idempotency {
    /// It recognizes our key: one effect.
    Native,
    /// It must be asked before a request is repeated.
    QueryBeforeRetry,
    /// Neither: an ambiguous request is never repeated by itself.
    None,
}

/// Whose division codes an upstream speaks. Equal digits name different places in the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DivisionCodeSystem {
    /// Statistical codes (国家统计局), our own.
    Nbs,
    /// Civil affairs codes (民政部).
    Mca,
}

/// Where a secret is kept; the value itself never stands in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretRef {
    /// A file whose trimmed content is the secret.
    File(PathBuf),
    /// An environment variable.
    Env(String),
}

impl fmt::Display for SecretRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(out, "file {}", path.display()),
            Self::Env(name) => write!(out, "environment variable {name}"),
        }
    }
}

/// Resolves a reference to its secret; only the configuration reads files and the environment.
/// The error is the reason alone, without the value.
pub type SecretSource<'a> = dyn Fn(&SecretRef) -> Result<Redacted<String>, String> + 'a;

/// When an upstream is rested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerConfig {
    /// Failures in a row after which it is left alone.
    pub failures: u32,
    /// How long it is left alone before one probe.
    pub rest: Duration,
}

/// How often an upstream is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryConfig {
    /// Retries per hundred first attempts; what goes beyond waits.
    pub budget_percent: u32,
    /// Retries a minute that are always granted.
    pub per_minute_min: u32,
    /// Longest wait that a Retry-After can ask for.
    pub after_max: Duration,
}

/// Everything configured about one upstream system.
#[derive(Debug, Clone, PartialEq)]
pub struct UpstreamConfig {
    /// Where it was read from; for faults found later.
    pub origin: Origin,
    /// Its name: in paths, metrics and logs.
    pub name: UpstreamName,
    /// What people call it, in Chinese.
    pub title_zh: String,
    /// What people call it, in English.
    pub title_en: String,
    /// Kind of the adapter that speaks its protocol.
    pub protocol: String,
    /// Options of the protocol; the adapter checks them.
    pub options: toml::Table,
    /// Address below which all requests go.
    pub base_url: Url,
    /// Roles bound to it: every organization of such a role is this system.
    pub roles: Vec<String>,
    /// Codes of single organizations bound to it; they go before roles.
    pub organizations: Vec<String>,
    /// Whether cases are handed to it; one that is only registered stands for nobody, and nothing is ever sent to it.
    pub carries_items: bool,
    /// Whom to call when it stands still.
    pub operator_contact: String,
    /// What it makes of a repeated request.
    pub idempotency: Idempotency,
    /// Whose division codes it speaks.
    pub division_code_system: DivisionCodeSystem,
    /// Total time of one attempt, waiting for a place and reading the answer included.
    pub timeout: Duration,
    /// Time to find and reach the host.
    pub connect_timeout: Duration,
    /// Requests under way at once.
    pub concurrency_max: u32,
    /// Requests a second; `None`: as many as its places allow.
    pub rate_per_second: Option<NonZeroU32>,
    /// When it is rested.
    pub breaker: BreakerConfig,
    /// How often it is tried again.
    pub retry: RetryConfig,
    /// Largest answer after decompression, bytes.
    pub response_max_bytes: u64,
    /// Private or loopback ranges that this upstream may lie in; all other such ranges are refused.
    pub allow_addresses: Vec<AddressRange>,
    /// How our requests prove themselves.
    pub auth: AuthConfig,
    /// How its callbacks are checked; `None` when it sends none.
    pub callback: Option<CallbackConfig>,
    /// How it is polled; `None`: it is not.
    pub poll: Option<PollConfig>,
    /// How often it is asked for cases that are overdue there.
    pub ask_overdue_every: Duration,
    /// How readers are shown what it says now.
    pub live: LiveConfig,
    /// What it is told of cases; `None`: nothing but what concerns its own handoffs.
    pub notify: Option<NotifyConfig>,
    /// How open cases are compared with it.
    pub reconcile: ReconcileConfig,
}

/// Name under which the demo resolves the sandbox's bearer token.
pub const SANDBOX_TOKEN: &str = "ONEDOOR_SANDBOX_TOKEN";
/// Name under which the demo resolves the secret of the sandbox's callbacks.
pub const SANDBOX_CALLBACK_SECRET: &str = "ONEDOOR_SANDBOX_CALLBACK_SECRET";

/// The longest title and contact, characters.
const TITLE_LENGTH_MAX: usize = 200;

impl UpstreamConfig {
    /// Reads a configuration.
    ///
    /// # Errors
    /// All faults at once: unknown and missing options, wrong types, values outside their bounds.
    pub fn parse(text: &str, origin: &Origin) -> Result<Self, Vec<Fault>> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            // The parser's message names the place; its excerpt of the file could show a misplaced secret.
            let place = error.span().map_or(0, |span| span.start);
            let reason = format!("{} (byte {place})", error.message());
            vec![Fault {
                path: "(file)".to_owned(),
                origin: origin.clone(),
                reason,
            }]
        })?;
        let mut root = Section::new(String::new(), origin.clone(), table);
        let config = Self::read(&mut root, origin.clone());
        let faults = root.finish();
        match config {
            Some(config) if faults.is_empty() => Ok(config),
            Some(_) | None => Err(faults),
        }
    }

    /// Reads every option even after a fault; the result counts only when none was noted.
    fn read(root: &mut Section, origin: Origin) -> Option<Self> {
        let name = root.required("name").and_then(|text| root.parsed("name", &text));
        let title_zh = root.text("title_zh", TITLE_LENGTH_MAX);
        let title_en = root.text("title_en", TITLE_LENGTH_MAX);
        let protocol = root.required("protocol");
        let options = root.table("options").unwrap_or_default();
        let base_url = root
            .required("base_url")
            .and_then(|text| base_url(root, "base_url", &text));
        let bindings = Bindings::read(root);
        let operator_contact = root.text("operator_contact", TITLE_LENGTH_MAX);
        let idempotency = root
            .required("idempotency")
            .and_then(|text| root.choice("idempotency", &text));
        let division_code_system = root
            .optional("division_code_system")
            .unwrap_or_else(|| "nbs".to_owned());
        let division_code_system = root.choice("division_code_system", &division_code_system);
        let timeout_ms = root.number("timeout_ms", 10_000, 100..=120_000);
        let connect_timeout_ms = root.number("connect_timeout_ms", 3_000, 10..=30_000);
        if timeout_ms <= connect_timeout_ms.saturating_mul(2) {
            // A place and a connection are waited for at most this long each, so that a deadline that passes
            // after them is known to have cut the exchange itself.
            root.fault("timeout_ms", "must be more than twice connect_timeout_ms");
        }
        let concurrency_max = root.number("concurrency_max", 8, 1..=256);
        let rate_per_second = root.number("rate_per_second", 0, 0..=10_000);
        let response_max_bytes = root.number("response_max_bytes", 1_000_000, 1_024..=16_000_000);
        let allow_addresses = read_ranges(root, "allow_addresses");
        let breaker = root.section("breaker", read_breaker);
        let retry = root.section("retry", read_retry);
        let auth = root.section("auth", AuthConfig::read);
        let callback = root
            .has("callback")
            .then(|| root.section("callback", CallbackConfig::read));
        let poll = root.has("poll").then(|| root.section("poll", PollConfig::read));
        let ask_overdue_s = root.number("ask_overdue_every_s", 600, 1..=86_400);
        let live = root.section("live", LiveConfig::read);
        let is_bound = !(bindings.roles.is_empty() && bindings.organizations.is_empty());
        let notify = read_notify(root, is_bound);
        let reconcile = root.section("reconcile", ReconcileConfig::read);
        Some(Self {
            origin,
            name: name?,
            title_zh: title_zh?,
            title_en: title_en?,
            protocol: protocol?,
            options,
            base_url: base_url?,
            roles: bindings.roles,
            organizations: bindings.organizations,
            carries_items: bindings.carries_items,
            operator_contact: operator_contact?,
            idempotency: idempotency?,
            division_code_system: division_code_system?,
            timeout: Duration::from_millis(timeout_ms),
            connect_timeout: Duration::from_millis(connect_timeout_ms),
            concurrency_max: u32::try_from(concurrency_max).unwrap_or(u32::MAX),
            rate_per_second: u32::try_from(rate_per_second).ok().and_then(NonZeroU32::new),
            breaker,
            retry,
            response_max_bytes,
            allow_addresses,
            auth,
            callback,
            poll,
            ask_overdue_every: Duration::from_secs(ask_overdue_s),
            live,
            notify,
            reconcile,
        })
    }

    /// All secrets the file refers to.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        let callback = self.callback.iter().flat_map(|callback| &callback.secrets);
        self.auth.secrets().chain(callback)
    }

    /// The same by name, for a check at start-up.
    #[must_use]
    pub fn secret_refs(&self) -> BTreeSet<String> {
        self.secrets().map(ToString::to_string).collect()
    }

    /// Whether it stands for an organization: cases are handed to it. Others are told of cases, or only registered.
    #[must_use]
    pub const fn is_bound(&self) -> bool {
        !(self.roles.is_empty() && self.organizations.is_empty())
    }

    /// The environment variables that hold secrets of this system.
    pub fn secret_variables(&self) -> impl Iterator<Item = &str> {
        let callback = self.callback.iter().flat_map(|callback| &callback.secrets);
        self.auth.secrets().chain(callback).filter_map(|at| match at {
            SecretRef::Env(name) => Some(name.as_str()),
            SecretRef::File(_) => None,
        })
    }
}

/// For whom a system stands.
struct Bindings {
    roles: Vec<String>,
    organizations: Vec<String>,
    carries_items: bool,
}

impl Bindings {
    /// A system that carries no items stands for nobody, and nothing of a case comes from it.
    fn read(root: &mut Section) -> Self {
        let bindings = Self {
            roles: root.texts("roles"),
            organizations: root.texts("organizations"),
            carries_items: root.flag("carries_items", true),
        };
        let bound = !bindings.roles.is_empty() || !bindings.organizations.is_empty();
        if bindings.carries_items && !bound && !root.has("notify") {
            root.fault(
                "roles",
                "name at least one role or organization that this system stands for, or say in [notify] what it is told \
                 须列出所代表的角色或机构，或在 [notify] 中写明通知内容",
            );
        }
        let given = [
            ("roles", !bindings.roles.is_empty()),
            ("organizations", !bindings.organizations.is_empty()),
            ("callback", root.has("callback")),
            ("poll", root.has("poll")),
            ("notify", root.has("notify")),
        ];
        for (option, _) in given
            .into_iter()
            .filter(|(_, is_given)| *is_given && !bindings.carries_items)
        {
            root.fault(
                option,
                "must be left out with carries_items = false: a system that is only registered is never bound, asked \
                 or heard 仅登记、不承载事项的系统不得绑定，也不收发",
            );
        }
        bindings
    }
}

/// What it is told; whoever stands for nobody is told of all cases.
fn read_notify(root: &mut Section, is_bound: bool) -> Option<NotifyConfig> {
    let notify = root
        .has("notify")
        .then(|| root.section("notify", NotifyConfig::read))
        .flatten()?;
    if !is_bound && notify.cases == NotifyCases::Handed {
        root.fault(
            "notify.cases",
            "no case is ever handed to a system that stands for nobody: write \"all\" 该系统不代表任何机构，请改为 \"all\"",
        );
    }
    Some(notify)
}

fn read_ranges(section: &mut Section, key: &str) -> Vec<AddressRange> {
    let texts = section.texts(key);
    texts
        .iter()
        .filter_map(|text| section.parsed(key, text))
        .collect()
}

fn read_breaker(section: &mut Section) -> BreakerConfig {
    BreakerConfig {
        failures: u32::try_from(section.number("failures", 5, 1..=1_000)).unwrap_or(u32::MAX),
        rest: Duration::from_millis(section.number("rest_ms", 15_000, 10..=600_000)),
    }
}

fn read_retry(section: &mut Section) -> RetryConfig {
    RetryConfig {
        budget_percent: u32::try_from(section.number("budget_percent", 20, 0..=1_000)).unwrap_or(0),
        per_minute_min: u32::try_from(section.number("per_minute_min", 60, 1..=60_000)).unwrap_or(1),
        after_max: Duration::from_secs(section.number("after_max_s", 3_600, 1..=86_400)),
    }
}

fn base_url(root: &mut Section, key: &str, text: &str) -> Option<Url> {
    let url: Url = root.parsed(key, text)?;
    let mut fault = |reason| root.fault(key, reason);
    if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
        fault("must be an http or https address");
        return None;
    }
    if !url.username().is_empty() || url.password().is_some() {
        fault("must not hold a user or password; use [auth]");
    }
    if url.query().is_some() || url.fragment().is_some() {
        fault("must not hold a query or fragment");
    }
    Some(url)
}

#[cfg(test)]
mod tests;
