//! One case to deliver, one upstream to deliver it to, and a department that is told how to behave.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use onedoor::clock::{HeldClock, SharedClock};
use onedoor::config::fault::{Fault, Origin};
use onedoor::sandbox::{RunningSandbox, SandboxSettings};
use onedoor::secret::Redacted;
use onedoor::upstream::command::{DeliveryCommand, Operation};
use onedoor::upstream::config::{SecretRef, UpstreamConfig};
use onedoor::upstream::metrics::UpstreamMetrics;
use onedoor::upstream::recording::{self, ScriptedOperation};
use onedoor::upstream::registry::{Registry, Upstream};
use onedoor::upstream::view::{NoticeView, NumberView};
use onedoor_domain::case::state::CaseStatus;
use onedoor_domain::notice::NoticeKind;
use serde_json::Value;

use crate::harness::wait::{PATIENCE, eventually};

/// The secret of the Standard Webhooks examples.
pub(crate) const CALLBACK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const BEARER: &str = "demo-token";
/// A name that must not be seen anywhere but at the upstream.
pub(crate) const APPLICANT_NAME: &str = "测试甲";
pub(crate) const CASE_NUMBER: &str = "BB26112300017";

/// The instant at which everything happens.
pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-23T01:05:00Z".parse().unwrap()
}

pub(crate) fn clock() -> SharedClock {
    Arc::new(HeldClock::at(now()))
}

/// The case of the recorded requests.
const CASE: &str = include_str!("../../upstreams/common/case.json");

/// The first attempt to hand the case over; the same in the recorded requests.
pub(crate) fn submission() -> DeliveryCommand {
    recording::command(
        ScriptedOperation::Submit,
        serde_json::from_str(CASE).unwrap(),
        None,
    )
}

/// News of the same case; the same in the recorded requests. Who applies is left as it is, so that whatever leaks is seen.
pub(crate) fn news() -> DeliveryCommand {
    let mut command = submission();
    command.operation = Operation::Notify;
    command.case.notice = Some(NoticeView {
        kind: NoticeKind::Accepted,
        at: "2026-11-23T01:04:00Z".parse().unwrap(),
        seq: 9,
        hash: "c0ffee".repeat(10) + "c0ff",
        status: CaseStatus::Accepted,
        outcome: None,
        by: Some(command.case.from.clone()),
        owner: Some(command.case.to.clone()),
        numbers: vec![NumberView {
            system: "county-hr".to_owned(),
            number: "HR-2026-000123".to_owned(),
        }],
    });
    command
}

/// A short-tempered upstream at an address on loopback; `more` adds options.
pub(crate) fn upstream(base_url: &str, more: &str) -> Arc<Upstream> {
    try_upstream(base_url, "allow_addresses = [\"127.0.0.1\"]", more).unwrap()
}

/// The same with an allow-list of one's own.
pub(crate) fn try_upstream(base_url: &str, allow: &str, more: &str) -> Result<Arc<Upstream>, Vec<Fault>> {
    build(base_url, allow, more, &prometheus::Registry::new())
}

/// An upstream with the registry of its metrics.
pub(crate) fn metrics_of(base_url: &str, more: &str) -> (Arc<Upstream>, prometheus::Registry) {
    let metrics = prometheus::Registry::new();
    let upstream = build(base_url, "allow_addresses = [\"127.0.0.1\"]", more, &metrics).unwrap();
    (upstream, metrics)
}

fn build(
    base_url: &str,
    allow: &str,
    more: &str,
    metrics: &prometheus::Registry,
) -> Result<Arc<Upstream>, Vec<Fault>> {
    let top = if more.contains("timeout_ms") {
        ""
    } else {
        "timeout_ms = 2_000\nconnect_timeout_ms = 500"
    };
    let text = format!(
        r#"
        name = "county-hr"
        title_zh = "县人社局"
        title_en = "County HR"
        protocol = "county-rest"
        base_url = "{base_url}"
        roles = ["county.human-resources"]
        operator_contact = "0552-0000000"
        idempotency = "native"
        {allow}
        {top}
        {more}
        [auth]
        bearer = {{ env = "BEARER" }}
        signing = {{ env = "SECRET" }}
        [callback]
        secrets = [{{ env = "SECRET" }}]
        "#
    );
    let config = UpstreamConfig::parse(&text, &Origin::Default).unwrap();
    let secrets = |at: &SecretRef| match at {
        SecretRef::Env(name) if name == "BEARER" => Ok(Redacted::new(BEARER.to_owned())),
        SecretRef::Env(_) => Ok(Redacted::new(CALLBACK_SECRET.to_owned())),
        SecretRef::File(_) => Err("no files here".to_owned()),
    };
    let metrics = UpstreamMetrics::register(metrics).unwrap();
    let registry = Registry::build(vec![config], &secrets, &metrics, &clock()).map_err(|faults| faults.0)?;
    Ok(Arc::clone(registry.iter().next().unwrap()))
}

/// A system as a shipped file describes it, at an address of ours and as short-tempered as the others.
pub(crate) fn described(file: &str, url: &str) -> Arc<Upstream> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let config = described_as(&text, url);
    let metrics = UpstreamMetrics::register(&prometheus::Registry::new()).unwrap();
    let registry = Registry::build(vec![config], &described_secret, &metrics, &clock());
    Arc::clone(
        registry
            .unwrap_or_else(|faults| panic!("{file}: {faults}"))
            .iter()
            .next()
            .unwrap(),
    )
}

/// A description at an address of ours; its path stays.
pub(crate) fn described_as(text: &str, url: &str) -> UpstreamConfig {
    let mut config = UpstreamConfig::parse(text, &Origin::Default).unwrap();
    config.base_url = format!("{url}{}", config.base_url.path()).parse().unwrap();
    config.allow_addresses = vec!["127.0.0.1".parse().unwrap()];
    config.timeout = std::time::Duration::from_millis(400);
    config.connect_timeout = std::time::Duration::from_millis(150);
    config
}

/// The secrets of described systems: tokens are the bearer, all else the one of the Standard Webhooks examples.
pub(crate) fn described_secret(at: &SecretRef) -> Result<Redacted<String>, String> {
    let is_token = matches!(at, SecretRef::Env(name) if name.ends_with("TOKEN"));
    let secret = if is_token { BEARER } else { CALLBACK_SECRET };
    Ok(Redacted::new(secret.to_owned()))
}

/// The sandbox with its handles.
pub(crate) struct Department {
    running: RunningSandbox,
    client: reqwest::Client,
}

impl Department {
    pub(crate) async fn open() -> Self {
        Self::open_with(|_| ()).await
    }

    pub(crate) async fn open_with(change: impl FnOnce(&mut SandboxSettings)) -> Self {
        let mut settings = SandboxSettings {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            callback_secret: Redacted::new(CALLBACK_SECRET.to_owned()),
            bearer_token: Redacted::new(BEARER.to_owned()),
            decide_after_ms: 20,
            idempotent: true,
            journal_file: None,
            city: None,
            clock: clock(),
        };
        change(&mut settings);
        let running = onedoor::sandbox::start(settings).await.unwrap();
        // the department closes idle connections after a while, and a slow story would find that out
        let client = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        Self { running, client }
    }

    /// An upstream that leads here.
    pub(crate) fn upstream(&self, more: &str) -> Arc<Upstream> {
        upstream(&self.running.base_url(), more)
    }

    /// Adds a rule.
    pub(crate) async fn told(&self, rule: Value) {
        let answer = self.call(self.client.put(self.url("/control")), Some(rule)).await;
        assert!(answer.is_array(), "{answer}");
    }

    pub(crate) async fn decide(&self, order: Value) -> Value {
        self.call(self.client.post(self.url("/control/decide")), Some(order))
            .await
    }

    /// Lets it say something of an application; it must be known.
    pub(crate) async fn say(&self, word: Value) -> Value {
        let said = self
            .call(self.client.post(self.url("/control/say")), Some(word))
            .await;
        assert!(said["event_id"].is_string(), "{said}");
        said
    }

    /// The requests so far, and what each came to.
    pub(crate) async fn requests(&self) -> Vec<Value> {
        self.journal("in").await
    }

    /// The callbacks so far.
    pub(crate) async fn callbacks(&self) -> Vec<Value> {
        self.journal("out").await
    }

    /// Waits until so many requests were noted.
    pub(crate) async fn heard(&self, count: usize) {
        eventually("requests at the department", PATIENCE, async || {
            (self.requests().await.len() >= count).then_some(())
        })
        .await;
    }

    pub(crate) async fn applications(&self) -> Vec<Value> {
        let Value::Array(all) = self.call(self.client.get(self.url("/applications")), None).await else {
            panic!("not a list")
        };
        all
    }

    pub(crate) async fn close(self) {
        self.running.stop().await;
    }

    async fn journal(&self, direction: &str) -> Vec<Value> {
        let Value::Array(all) = self.call(self.client.get(self.url("/journal")), None).await else {
            panic!("not a list")
        };
        all.into_iter()
            .filter(|line| line["direction"] == direction)
            .collect()
    }

    async fn call(&self, request: reqwest::RequestBuilder, body: Option<Value>) -> Value {
        let request = match body {
            Some(body) => request
                .header("content-type", "application/json")
                .body(body.to_string()),
            None => request,
        };
        let text = request.send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.base_url())
    }
}
