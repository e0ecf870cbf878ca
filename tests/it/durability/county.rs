//! The county department behind the gateway: it runs beside it, outlives it, and counts what it was made to do.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use onedoor::clock::SystemClock;
use onedoor::sandbox::{RunningSandbox, SandboxSettings};
use onedoor::secret::Redacted;
use serde_json::Value;

use crate::harness::gql::http_client;
use crate::harness::world::World;

/// The organization that decides `pension-enroll` for the village of the stories.
const BUREAU: &str = "340321000000:county.human-resources";
/// Longest attempt; twice of it and a margin must fit into a lease.
const TIMEOUT_MS: u32 = 2_000;

/// A department with a memory longer than any gateway's life.
pub(super) struct County {
    running: RunningSandbox,
    http: reqwest::Client,
    settings: Vec<(String, String)>,
}

impl County {
    /// Opens it, and describes it to the gateways of a world. It decides what it took over after `decide_after_ms`.
    pub(super) async fn open(world: &World, decide_after_ms: u64) -> Self {
        let token = hex::encode(rand::random::<[u8; 16]>());
        let secret = format!("whsec_{}", STANDARD.encode(rand::random::<[u8; 32]>()));
        let running = onedoor::sandbox::start(SandboxSettings {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            callback_secret: Redacted::new(secret.clone()),
            bearer_token: Redacted::new(token.clone()),
            decide_after_ms,
            idempotent: true,
            journal_file: None,
            city: None,
            clock: Arc::new(SystemClock),
        })
        .await
        .unwrap();
        let folder = world.folder().join("upstreams");
        fs::create_dir_all(&folder).unwrap();
        let (token_file, secret_file) = (folder.join("token"), folder.join("secret"));
        fs::write(&token_file, token).unwrap();
        fs::write(&secret_file, secret).unwrap();
        let text = format!(
            r#"
            name = "county-hr"
            title_zh = "县人社局"
            title_en = "County HR"
            protocol = "county-rest"
            base_url = "{}"
            organizations = ["{BUREAU}"]
            operator_contact = "0552-0000000"
            idempotency = "native"
            timeout_ms = {TIMEOUT_MS}
            connect_timeout_ms = 500
            allow_addresses = ["127.0.0.1"]
            [breaker]
            failures = 50
            rest_ms = 100
            [auth]
            bearer = {{ file = "{}" }}
            [callback]
            secrets = [{{ file = "{}" }}]
            "#,
            running.base_url(),
            token_file.display(),
            secret_file.display(),
        );
        fs::write(folder.join("county.toml"), text).unwrap();
        Self {
            running,
            http: http_client(),
            settings: settings(&folder.display().to_string()),
        }
    }

    /// What a gateway must be told to find it, to hurry, and not to count the fields of a test.
    pub(super) fn settings(&self) -> Vec<(&str, &str)> {
        self.settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    /// The same with more settings, which win.
    pub(super) fn settings_and<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        self.settings().into_iter().chain(more.iter().copied()).collect()
    }

    /// Gateways that start from now on look for it at another address.
    pub(super) fn moved_to(&self, world: &World, address: &str) {
        let file = world.folder().join("upstreams/county.toml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(file, text.replace(&self.running.base_url(), address)).unwrap();
    }

    /// A place of its own that nobody expects anything from.
    pub(super) fn elsewhere(&self) -> String {
        self.url("elsewhere")
    }

    /// Adds a rule.
    pub(super) async fn told(&self, rule: Value) {
        let request = self.http.put(self.url("control"));
        let request = request
            .header("content-type", "application/json")
            .body(rule.to_string());
        assert!(request.send().await.unwrap().status().is_success());
    }

    /// How often it took over what each reference names: by the sender's reference, over all applications.
    pub(super) async fn effects(&self) -> BTreeMap<String, u64> {
        let mut effects = BTreeMap::new();
        for application in self.list("applications").await {
            let reference = application["our_ref"].as_str().unwrap().to_owned();
            *effects.entry(reference).or_default() += application["effects"].as_u64().unwrap();
        }
        effects
    }

    /// Requests that came so far, with what each came to.
    pub(super) async fn requests(&self) -> Vec<Value> {
        let journal = self.list("journal").await;
        journal
            .into_iter()
            .filter(|line| line["direction"] == "in")
            .collect()
    }

    /// The last reports it sent, with what they were answered.
    pub(super) async fn latest_reports(&self) -> Vec<String> {
        let journal = self.list("journal").await;
        let reports = journal.iter().rev().filter(|line| line["direction"] == "out");
        reports
            .take(40)
            .map(|line| format!("{} {} {}", line["at"], line["key"], line["status"]))
            .collect()
    }

    async fn list(&self, path: &str) -> Vec<Value> {
        let text = self
            .http
            .get(self.url(path))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.running.base_url())
    }
}

fn settings(upstreams: &str) -> Vec<(String, String)> {
    [
        ("ONEDOOR__UPSTREAMS__DIR", upstreams),
        ("ONEDOOR__OUTBOX__TICK_MS", "100"),
        // the demo's own sandbox may take five seconds, twice
        ("ONEDOOR__OUTBOX__LEASE_MS", "10100"),
        ("ONEDOOR__OUTBOX__LEASE_MARGIN_MS", "50"),
        ("ONEDOOR__OUTBOX__BACKOFF_FIRST_MS", "50"),
        ("ONEDOOR__OUTBOX__BACKOFF_MAX_MS", "400"),
        ("ONEDOOR__OUTBOX__ATTEMPTS_MAX", "100"),
        ("ONEDOOR__LIMITS__FIELDS_PER_MINUTE", "10000000"),
        ("ONEDOOR__LIMITS__FIELDS_PER_MINUTE_DEVICE", "10000000"),
        ("ONEDOOR__SERVER__STOP_TIMEOUT_MS", "5000"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}
