//! A county department's system to try the gateway against; shares no types with upstream/.
//!
//! It plays the human resources department of a county: takes applications over, answers 202, reports back by
//! signed callbacks, and keeps a journal of every request and callback. It can be told to misbehave ([`modes`]).
//! The demo starts it beside the gateway, the integration suite uses it as scripted upstream.
//!
//! | request | what it does |
//! |---|---|
//! | `POST /api/applications`, `…/{serial_no}/transfers`, `…/{serial_no}/withdrawal`, `GET /api/applications?our_ref=` | the exchange itself; needs the bearer token |
//! | `GET /journal` | every request and callback so far, oldest first; of very many the newest |
//! | `GET /applications` | every application with the number of effects it had |
//! | `GET /control`, `PUT /control` | reads the rules in force, adds a [`modes::Rule`] |
//! | `POST /control/decide` | decides an application now: `{serial_no or our_ref, result?, opinion?}` |
//! | `POST /control/say` | says something else of one: `{serial_no or our_ref, kind, text?, materials?, special_kind?, working_days?, answer?}` |
//!
//! Beside it, where it is told to, it plays the other systems of the city, each in its own wire format ([`city`]).
//!
//! What it is asked for an opinion on (`ESCALATE`, `COUNTERSIGN`, `JOINT_REVIEW`, `CONSULT`) it answers instead of deciding.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::rt::System;
use tokio::sync::oneshot;

use crate::clock::SharedClock;
use crate::secret::Redacted;

pub mod answers;
pub mod callback;
pub mod city;
pub mod course;
pub mod department;
pub mod modes;
pub mod server;
pub mod store;
pub mod wire;

/// How to run a sandbox.
#[derive(Clone)]
pub struct SandboxSettings {
    /// Address to listen on; port 0 takes any free port.
    pub listen: SocketAddr,
    /// `whsec_…` secret that signs its callbacks.
    pub callback_secret: Redacted<String>,
    /// Token its callers must bring.
    pub bearer_token: Redacted<String>,
    /// Time between taking over and the callback that reports the decision, milliseconds.
    pub decide_after_ms: u64,
    /// Whether it recognizes a repeated Idempotency-Key; else each request has its own effect.
    pub idempotent: bool,
    /// File to which each line of the journal is appended as JSON; `None` keeps it in memory alone.
    pub journal_file: Option<PathBuf>,
    /// Plays the systems of the city too, with these secrets; `None`: the department alone.
    pub city: Option<city::CitySecrets>,
    /// The clock of its signatures and records.
    pub clock: SharedClock,
}

/// Why a sandbox cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The address cannot be listened on.
    #[error("the sandbox cannot listen on {listen}")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The journal cannot be written.
    #[error("the sandbox cannot open its journal")]
    Journal(#[source] io::Error),
    /// The secret is not of the form `whsec_` + base64.
    #[error("the sandbox's callback secret is not whsec_ and base64")]
    Secret,
    /// The client of its callbacks cannot be built.
    #[error("the sandbox's HTTP client cannot be built")]
    Client(#[source] reqwest::Error),
    /// The server did not come up.
    #[error("the sandbox's server did not start")]
    Server,
}

/// A sandbox at work. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct RunningSandbox {
    addr: SocketAddr,
    handle: Option<ServerHandle>,
    ended: Option<oneshot::Receiver<()>>,
}

impl RunningSandbox {
    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its base address.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Stops it at once, callbacks under way included, and waits until it is gone.
    pub async fn stop(mut self) {
        if let Some(handle) = self.handle.take() {
            handle.stop(false).await;
        }
        if let Some(ended) = self.ended.take() {
            // An error means that its thread ended without a word, which is an end too.
            let _gone = ended.await;
        }
    }
}

impl Drop for RunningSandbox {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            // The command is queued at once; the future only waits for the end.
            drop(handle.stop(false));
        }
    }
}

/// Starts a sandbox on a thread of its own, so that it lives apart from the gateway's runtime.
///
/// # Errors
/// When the address, the journal, the secret or the thread are not to be had.
pub async fn start(settings: SandboxSettings) -> Result<RunningSandbox, SandboxError> {
    let listen = settings.listen;
    let bound = TcpListener::bind(listen).and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (addr, listener) = bound.map_err(|source| SandboxError::Listen { listen, source })?;
    let department = department::Department::new(settings)?;
    let (started, starting) = oneshot::channel();
    let (ending, ended) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("sandbox".to_owned())
        .spawn(move || {
            System::new().block_on(async move {
                match server::run(department, listener) {
                    Ok(server) => {
                        let told = started.send(server.handle());
                        if told.is_ok()
                            && let Err(error) = server.await
                        {
                            tracing::error!(error = %error, "the sandbox's server failed");
                        }
                    }
                    Err(error) => tracing::error!(error = %error, "the sandbox's server did not start"),
                }
            });
            // Nobody may be waiting any more.
            let _told = ending.send(());
        });
    thread.map_err(|source| SandboxError::Listen { listen, source })?;
    let handle = starting.await.ok().ok_or(SandboxError::Server)?;
    tracing::info!(sandbox.addr = %addr, "the sandbox upstream listens");
    Ok(RunningSandbox {
        addr,
        handle: Some(handle),
        ended: Some(ended),
    })
}

/// A delay in milliseconds as the runtime takes it.
const fn millis(delay_ms: u64) -> Duration {
    Duration::from_millis(delay_ms)
}
