//! Who may call: issuers, sessions and revocations joined.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::runtime::Handle;
use url::Url;

use super::AppFailure;
use crate::config::Config;
use crate::service::Services;
use crate::service::cases::Cases;
use crate::service::identity::callers::Callers;
use crate::service::identity::demo::DemoIssuer;
use crate::service::identity::issuer::{Issuer, IssuerParts, Issuers};
use crate::service::identity::revoked::Revoked;
use crate::service::identity::sessions::Sessions;
use crate::service::identity::sign_in::SignIn;
use crate::service::identity::{Authenticator, TokenAuthenticator};
use crate::service::revocations::Revocations;
use crate::telemetry::metrics::Metrics;
use crate::worker::identity::{self as loops, IdentityLoops};
use crate::worker::supervise::Supervisor;

/// The parts that know callers.
pub(super) struct Identity {
    /// What every edge asks.
    pub(super) callers: Arc<Callers>,
    /// Signing in and out.
    pub(super) sign_in: Arc<SignIn>,
    /// Acts of the security administrator.
    pub(super) revocations: Arc<Revocations>,
}

impl Identity {
    /// Builds the parts and starts their loops. What was revoked is known before the first caller comes.
    pub(super) async fn build(
        config: &Config,
        metrics: &Metrics,
        services: &Services,
        cases: &Arc<Cases>,
        (supervisor, devices): (&Supervisor, Arc<dyn Authenticator>),
    ) -> Result<Self, AppFailure> {
        let services = services.clone();
        let issuers = Arc::new(issuers(config, metrics, &services)?);
        let ping = Duration::from_millis(config.websocket.ping_interval_ms);
        let revoked = Arc::new(Revoked::new(ping));
        revoked.refresh(&services).await?;
        let sessions = Arc::new(Sessions::new(services.clone(), &config.session));
        let known = services.clone();
        let tokens = TokenAuthenticator::new(
            Arc::clone(&issuers),
            Arc::new(move || known.directories.current()),
            Arc::clone(&services.clock),
            metrics,
        )?;
        let kept = IdentityLoops {
            issuers: Arc::clone(&issuers),
            revoked: Arc::clone(&revoked),
            sessions: Arc::clone(&sessions),
        };
        loops::spawn(supervisor, &services, &kept, config);
        Ok(Self {
            sign_in: Arc::new(SignIn::new(
                services,
                Arc::clone(&issuers),
                Arc::clone(&sessions),
                Arc::clone(&revoked),
            )),
            revocations: Arc::new(Revocations::new(
                Arc::clone(cases),
                issuers,
                Arc::clone(&revoked),
                TimeDelta::minutes(i64::from(config.session.absolute_minutes)),
            )),
            callers: Arc::new(Callers {
                tokens,
                sessions,
                devices,
                bearer_kiosks: config.demo || config.kiosk.bearer_tokens,
                revoked,
            }),
        })
    }

    /// Tells the address of this gateway as browsers see it.
    pub(super) fn set_public_url(&self, configured: &str, listening: SocketAddr) -> Result<(), AppFailure> {
        let own = format!("http://{listening}");
        let address = if configured.is_empty() { &own } else { configured };
        let url = Url::parse(address).map_err(crate::error::AppError::internal)?;
        self.sign_in.sessions().set_public_url(url);
        Ok(())
    }
}

/// Who signs tokens: the issuer of `[auth]`, in demo mode else the demo's, whose key lies in the data folder; and the
/// others.
fn issuers(config: &Config, metrics: &Metrics, services: &Services) -> Result<Issuers, AppFailure> {
    let auth = &config.auth;
    let fetches = metrics.counter(
        "onedoor_issuer_fetches_total",
        "How often the keys of an issuer were asked for, by outcome: read or failed.",
        &["issuer", "outcome"],
    )?;
    let parts = IssuerParts {
        auth,
        clock: Arc::clone(&services.clock),
        home: Handle::current(),
        fetches,
    };
    let mut all = Vec::new();
    if !auth.issuer.is_empty() {
        all.push(Issuer::of_key_file(auth)?);
    } else if config.demo {
        all.push(DemoIssuer::open(&config.keys_dir())?.issuer(auth));
    }
    for issuer in &auth.issuers {
        all.push(Issuer::new(issuer, &parts)?);
    }
    Ok(Issuers::new(all, auth.token_max_bytes))
}
