//! Keeps up with who may call: keys of issuers, revocations, and sessions that are over.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::supervise::{LoopSpec, Supervisor};
use crate::config::Config;
use crate::error::AppError;
use crate::service::Services;
use crate::service::identity::issuer::Issuers;
use crate::service::identity::revoked::{self, Revoked};
use crate::service::identity::sessions::Sessions;

/// What the loops look at.
pub struct IdentityLoops {
    /// The issuers.
    pub issuers: Arc<Issuers>,
    /// Whose access was taken back.
    pub revoked: Arc<Revoked>,
    /// The sessions.
    pub sessions: Arc<Sessions>,
}

/// Starts the loops.
pub fn spawn(supervisor: &Supervisor, cx: &Services, loops: &IdentityLoops, config: &Config) {
    let nudge = Arc::new(Notify::new());
    let listen = revoked::nudge_on_hints(cx.clone(), Arc::clone(&nudge));
    let stop = supervisor.cancelled().clone();
    drop(supervisor.spawn("revocation hints", async move {
        stop.run_until_cancelled(listen).await
    }));
    let spec = |name: &'static str, tick: Duration, nudge: Arc<Notify>| LoopSpec {
        name: name.into(),
        tick,
        nudge,
    };
    let poll = Duration::from_millis(config.auth.revocation_poll_ms);
    let (services, known) = (cx.clone(), Arc::clone(&loops.revoked));
    supervisor.spawn_loop(spec("revocations", poll, nudge), move || {
        let (services, known) = (services.clone(), Arc::clone(&known));
        async move { Ok(known.refresh(&services).await?) }
    });
    if loops.issuers.iter().any(|issuer| issuer.remote_keys().is_some()) {
        let cooldown = Duration::from_secs(u64::from(config.auth.keys_cooldown_s));
        let issuers = Arc::clone(&loops.issuers);
        supervisor.spawn_loop(spec("issuer keys", cooldown, Arc::default()), move || {
            let issuers = Arc::clone(&issuers);
            async move {
                // one that is down must not hold up the keys of another
                let all = issuers.iter().filter_map(|issuer| issuer.remote_keys());
                futures_util::future::join_all(all.map(|keys| keys.keep_up())).await;
                Ok(())
            }
        });
    }
    let tick = Duration::from_millis(config.worker.retention_tick_ms);
    let (services, sessions) = (cx.clone(), Arc::clone(&loops.sessions));
    supervisor.spawn_loop(spec("sessions", tick, Arc::default()), move || {
        let (services, sessions) = (services.clone(), Arc::clone(&sessions));
        async move { Ok(remove_over(&services, &sessions).await?) }
    });
}

async fn remove_over(cx: &Services, sessions: &Sessions) -> Result<(), AppError> {
    sessions.remove_over().await?;
    revoked::remove_ended(cx).await
}
