//! A Redis that one test may stop, freeze, flush and lock with a password.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::files::{folder, free_port};
use super::process::{Signal, signal, tied, wait_for_exit};
use super::wait::{PATIENCE, until};

/// A private Redis; it ends with the test. Start it on the test's own thread: the server dies with that thread.
pub(crate) struct OwnRedis {
    folder: TempDir,
    port: u16,
    password: Option<String>,
    server: Option<Child>,
}

impl OwnRedis {
    /// Starts an empty Redis and waits until it answers.
    pub(crate) async fn start() -> Self {
        let mut own = Self::absent();
        own.start_again().await;
        own
    }

    /// A place where Redis could be, but is not yet.
    pub(crate) fn absent() -> Self {
        Self {
            folder: folder("own-redis-"),
            port: free_port(),
            password: None,
            server: None,
        }
    }

    /// Its address, with the right password where there is one.
    pub(crate) fn url(&self) -> String {
        self.url_at(self.port)
    }

    /// The same Redis seen through another port, as a fault proxy's.
    pub(crate) fn url_at(&self, port: u16) -> String {
        match &self.password {
            Some(password) => format!("redis://:{password}@127.0.0.1:{port}/0"),
            None => format!("redis://127.0.0.1:{port}/0"),
        }
    }

    /// Its address with a password that it refuses.
    pub(crate) fn url_with_wrong_password(&self) -> String {
        format!("redis://:wrong@127.0.0.1:{}/0", self.port)
    }

    /// The port, which stays the same over restarts.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Starts it, empty, on the same port.
    pub(crate) async fn start_again(&mut self) {
        assert!(self.server.is_none(), "the server runs already");
        let server = tied("redis-server")
            .args([
                "--port",
                &self.port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .arg("--dir")
            .arg(self.folder.path())
            .args(["--requirepass", self.password.as_deref().unwrap_or_default()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is installed by scripts/install-tools.sh");
        self.server = Some(server);
        until("the private Redis answers", PATIENCE, async || {
            self.ask("PING").await.is_ok()
        })
        .await;
    }

    /// Starts it again behind a password.
    pub(crate) async fn start_again_with_password(&mut self, password: &str) {
        self.password = Some(password.to_owned());
        self.start_again().await;
    }

    /// Ends it; what it held is gone.
    pub(crate) async fn stop(&mut self) {
        let mut server = self.server.take().expect("the server runs");
        signal(server.id(), Signal::Kill);
        wait_for_exit(&mut server, "the private Redis ends", Duration::from_secs(10)).await;
    }

    /// Lets it hang: connections stay open and nothing answers.
    pub(crate) fn freeze(&self) {
        signal(self.server.as_ref().expect("the server runs").id(), Signal::Stop);
    }

    /// Lets it go on after [`Self::freeze`].
    pub(crate) fn thaw(&self) {
        signal(
            self.server.as_ref().expect("the server runs").id(),
            Signal::Continue,
        );
    }

    /// Forgets every key.
    pub(crate) async fn flush(&self) {
        self.ask("FLUSHALL").await.unwrap();
    }

    async fn ask(&self, command: &str) -> redis::RedisResult<String> {
        let mut redis = redis::Client::open(self.url())?
            .get_multiplexed_async_connection()
            .await?;
        redis::cmd(command).query_async(&mut redis).await
    }
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            drop(server.kill());
            drop(server.wait());
        }
    }
}

/// Whether anything but an own Redis would do: the command that proves it is the real one.
pub(crate) fn version() -> String {
    let output = Command::new("redis-server").arg("--version").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}
