//! Documents in an S3-compatible store: a server of its own for each story, which checks every signature.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::attachments::{PDF, downloaded, given, online, order, pdf, put, uploaded};
use super::kit::{County, TOWNSHIP, act, taken};
use crate::harness::app::TestApp;
use crate::harness::files::{folder, free_port};
use crate::harness::people;
use crate::harness::story::story;
use crate::harness::wait::{PATIENCE, until};
use crate::harness::world::World;

const BUCKET: &str = "documents";
/// The server's one account.
const ACCOUNT: &str = "S3RVER";

/// The server, on loopback, with its files in a folder of the story.
struct Store {
    folder: TempDir,
    port: u16,
    server: Option<Child>,
}

impl Store {
    async fn open() -> Self {
        let mut store = Self {
            folder: folder("s3"),
            port: free_port(),
            server: None,
        };
        store.start().await;
        store
    }

    async fn start(&mut self) {
        let judge = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/judges/s3");
        assert!(judge.join("node_modules").is_dir(), "scripts/test.sh installs it");
        let mut server = Command::new("node")
            .arg(judge.join("server.mjs"))
            .arg(self.port.to_string())
            .arg(self.folder.path().join("data"))
            .arg(BUCKET)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node is installed");
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line())
            .await
            .expect("in time");
        assert_eq!(line.unwrap().as_deref(), Some("ready"));
        self.server = Some(server);
    }

    async fn stop(&mut self) {
        self.server.take().unwrap().kill().await.unwrap();
    }

    /// What a gateway is told of it, with this secret key.
    fn settings(&self, secret: &str) -> Vec<(&'static str, String)> {
        let file = |name: &str, text: &str| {
            let path = self.folder.path().join(name);
            fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        vec![
            (
                "ONEDOOR__ATTACHMENTS__S3__ENDPOINT",
                format!("http://127.0.0.1:{}", self.port),
            ),
            ("ONEDOOR__ATTACHMENTS__S3__BUCKET", BUCKET.to_owned()),
            (
                "ONEDOOR__ATTACHMENTS__S3__ACCESS_KEY_FILE",
                file("access", ACCOUNT),
            ),
            (
                "ONEDOOR__ATTACHMENTS__S3__SECRET_KEY_FILE",
                file("secret", secret),
            ),
        ]
    }

    async fn gateway(&self, world: &World, county: &County, secret: &str) -> TestApp {
        let settings = self.settings(secret);
        let mut settings: Vec<(&str, &str)> = settings
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        settings.push(("ONEDOOR__WORKER__RETENTION_TICK_MS", "1000"));
        county
            .gateway_with(world, &settings, vec![county.upstream()])
            .await
    }

    /// The bytes of every object's file.
    fn objects(&self) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().join("data").join(BUCKET)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.to_string_lossy().ends_with("_S3rver_object") {
                    found.push(fs::read(&path).unwrap());
                }
            }
        }
        found
    }
}

story!(
    /// Small and large (several parts), and the store sees nothing but ciphertext.
    documents_lie_encrypted_in_an_s3_store,
    async |world| {
        let county = County::open().await;
        let mut store = Store::open().await;
        let app = store.gateway(world, &county, ACCOUNT).await;
        app.expect_error("STORE_UNAVAILABLE");
        let li = app.anybody().bearing(&app.actors.citizen("li"));
        let (small, large) = (pdf(3_000), pdf(12_000_000));
        let first = uploaded(&li, &small, json!({})).await;
        let second = uploaded(&li, &large, json!({})).await;
        let unused = uploaded(&li, &pdf(500), json!({})).await;
        assert_ne!(unused, Value::Null);
        taken(&act(&li, "submitCase", online(&[&first, &second])).await);
        for object in store.objects() {
            people::assert_nobody_in("an object", &object);
        }
        let clerk = app.clerk(TOWNSHIP);
        assert_eq!(downloaded(&clerk, &first, Value::Null).await, small);
        assert!(downloaded(&clerk, &second, Value::Null).await == large, "all of it");

        let asked = given(&li, order(&pdf(4_000), json!({}))).await;
        let url = asked["url"].as_str().unwrap();
        store.stop().await;
        let (status, body) = put(&li, url, PDF, pdf(4_000)).await;
        assert_eq!((status, &body["retryable"]), (503, &json!(true)), "{body}");
        store.start().await;
        assert_eq!(put(&li, url, PDF, pdf(4_000)).await.0, 200, "the same ticket, later");

        county.clock.advance(chrono::TimeDelta::hours(25));
        until("what nobody used is gone", PATIENCE, async || store.objects().len() == 2).await;
        app.stop(world).await;
    }
);

story!(
    /// The server is a real judge: it refuses who does not know the secret.
    a_store_refuses_a_wrong_secret,
    async |world| {
        let county = County::open().await;
        let store = Store::open().await;
        let app = store.gateway(world, &county, "another-secret").await;
        app.expect_error("STORE_UNAVAILABLE");
        let li = app.anybody().bearing(&app.actors.citizen("li"));
        let asked = given(&li, order(&pdf(4_000), json!({}))).await;
        let (status, _) = put(&li, asked["url"].as_str().unwrap(), PDF, pdf(4_000)).await;
        assert_eq!(status, 503);
        assert_eq!(store.objects().len(), 0);
        app.stop(world).await;
    }
);
