//! A PostgreSQL that one test may crash, stop and start again on the same port.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sea_orm::ConnectionTrait as _;
use tempfile::TempDir;

use super::files::{folder, free_port, script};
use super::process::{Signal, signal, wait_for_exit};
use super::wait::{PATIENCE, until};
use super::world::{connect, try_connect};

/// Settings with which a commit that was answered is on the disk.
pub(crate) const DURABLE: &[&str] = &["fsync=on", "synchronous_commit=on", "full_page_writes=on"];

/// A private cluster; it ends with the test. Start it on the test's own thread: the server dies with that thread.
pub(crate) struct OwnPostgres {
    folder: TempDir,
    port: u16,
    settings: Vec<String>,
    server: Option<Child>,
}

impl OwnPostgres {
    /// Makes a cluster with these `name=value` settings and waits until it answers.
    pub(crate) async fn start(settings: &[&str]) -> Self {
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut own = Self {
            folder: folder("own-postgres-"),
            port: free_port(),
            settings,
            server: None,
        };
        own.start_again().await;
        own
    }

    /// The address of its `postgres` database.
    pub(crate) fn url(&self) -> String {
        self.url_at(self.port)
    }

    /// The address of another database of the same server.
    pub(crate) fn url_of(&self, database: &str) -> String {
        format!("postgres://onedoor@127.0.0.1:{}/{database}", self.port)
    }

    /// The same database seen through another port, as a fault proxy's.
    pub(crate) fn url_at(&self, port: u16) -> String {
        format!("postgres://onedoor@127.0.0.1:{port}/postgres")
    }

    /// The port, which stays the same over restarts.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Starts the server on the same folder and port, and waits until it has recovered.
    pub(crate) async fn start_again(&mut self) {
        assert!(self.server.is_none(), "the server runs already");
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("server.log"))
            .unwrap();
        let server = Command::new(script("private-postgres.sh"))
            .arg(self.folder.path())
            .arg(self.port.to_string())
            .args(&self.settings)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.server = Some(server);
        let url = self.url();
        until("the private PostgreSQL answers", PATIENCE, async || {
            try_connect(&url).await.is_ok()
        })
        .await;
    }

    /// Ends it as a crash would: every process at once, nothing written, sessions cut.
    pub(crate) async fn crash(&mut self) {
        self.end(Signal::Quit).await;
    }

    /// Stops it in order; running sessions are cut.
    pub(crate) async fn stop(&mut self) {
        self.end(Signal::Interrupt).await;
    }

    /// Ends all sessions but our own; gives how many there were.
    pub(crate) async fn kill_sessions(&self) -> u64 {
        let database = connect(&self.url()).await;
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        let killed = database.execute_unprepared(kill).await.unwrap().rows_affected();
        database.close().await.unwrap();
        killed
    }

    /// Runs one statement as the administrator.
    pub(crate) async fn execute(&self, statement: &str) {
        let database = connect(&self.url()).await;
        database.execute_unprepared(statement).await.unwrap();
        database.close().await.unwrap();
    }

    async fn end(&mut self, how: Signal) {
        let mut server = self.server.take().expect("the server runs");
        signal(server.id(), how);
        wait_for_exit(
            &mut server,
            "the private PostgreSQL ends",
            Duration::from_secs(20),
        )
        .await;
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            signal(server.id(), Signal::Quit);
            drop(server.wait());
        }
    }
}
