//! What every request at the edge shares: settings, the schema, the memory of documents, budgets and counters.

use std::sync::Arc;

use onedoor_domain::actor::ActorKind;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::SharedClock;
use crate::config::Config;
use crate::config::graphql::{GraphqlConfig, Introspection};
use crate::config::http::StatusProfile;
use crate::config::limits::LimitsConfig;
use crate::config::server::ServerConfig;
use crate::config::websocket::WebsocketConfig;
use crate::error::AppError;
use crate::graphql::budget::FieldBudget;
use crate::graphql::documents::Documents;
use crate::graphql::executor::GraphqlExecutor;
use crate::graphql::trusted::{ManifestError, TrustedDocuments};
use crate::http::crowd::Crowd;
use crate::http::home::AtHome;
use crate::http::metrics::EdgeMetrics;
use crate::http::sockets::SocketCounts;
use crate::service::denials::Denials;
use crate::service::identity::{Authenticated, Authenticator, Presented};
use crate::service::shared_limits::SharedLimits;
use crate::telemetry::metrics::Metrics;

/// What the edge is built from.
pub struct EdgeParts {
    /// The schema.
    pub executor: Arc<dyn GraphqlExecutor>,
    /// Knows callers by their tokens.
    pub authenticator: Arc<dyn Authenticator>,
    /// The time, for correlation ids and ends of tokens.
    pub clock: SharedClock,
    /// Where the edge counts.
    pub metrics: Metrics,
    /// Where denied accesses are noted.
    pub denials: Denials,
    /// What replicas count together.
    pub shared_limits: SharedLimits,
}

/// The edge cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// A metric's name is taken.
    #[error("the edge's metrics cannot be registered")]
    Metrics(#[from] prometheus::Error),
    /// The registered documents cannot be read.
    #[error("the file of registered documents cannot be read")]
    ManifestFile(#[source] std::io::Error),
    /// The registered documents are no manifest.
    #[error("the file of registered documents cannot be used")]
    Manifest(#[from] ManifestError),
}

/// The settings that the edge reads.
#[derive(Debug, Clone)]
pub struct EdgeSettings {
    /// Whether this is a demonstration: everybody may introspect.
    pub demo: bool,
    /// `[server]`.
    pub server: ServerConfig,
    /// `http.status_profile`.
    pub status_profile: StatusProfile,
    /// `[limits]`.
    pub limits: LimitsConfig,
    /// `[graphql]`.
    pub graphql: GraphqlConfig,
    /// `[websocket]`.
    pub websocket: WebsocketConfig,
    /// `kiosk.batch_max_bytes`.
    pub batch_max_bytes: usize,
}

/// The shared state of the edge.
pub struct Edge {
    /// Settings.
    pub settings: EdgeSettings,
    /// The schema.
    pub executor: Arc<dyn GraphqlExecutor>,
    /// Knows callers by their tokens.
    pub authenticator: Arc<dyn Authenticator>,
    /// The time.
    pub clock: SharedClock,
    /// Counters.
    pub metrics: EdgeMetrics,
    /// Denied accesses.
    pub denials: Denials,
    /// Parsed and checked documents.
    pub documents: Documents,
    /// Registered documents.
    pub trusted: TrustedDocuments,
    /// Field executions left this minute.
    pub budget: FieldBudget,
    /// Open sockets by principal.
    pub sockets: SocketCounts,
    /// Everybody who is being served.
    pub crowd: Arc<Crowd>,
    /// What runs for open sockets and event streams; a stop waits for it.
    pub channels: TaskTracker,
    /// Mutations that run, whether or not their callers still wait.
    pub mutations: TaskTracker,
    /// The process's runtime: mutations run there and the rest is at home there, since an HTTP worker's own runtime ends
    /// with the worker.
    pub runtime: Handle,
    /// Cancelled when the server stops: sockets and streams end.
    pub stop: CancellationToken,
}

impl Edge {
    /// Builds the edge. Must be called inside the process's runtime.
    ///
    /// # Errors
    /// When a metric's name is taken or the registered documents cannot be used.
    pub fn new(config: &Config, parts: EdgeParts) -> Result<Arc<Self>, EdgeError> {
        let trusted = match config.graphql.trusted_documents_file.as_str() {
            "" => TrustedDocuments::none(config.graphql.trusted_documents),
            path => {
                let manifest = std::fs::read_to_string(path).map_err(EdgeError::ManifestFile)?;
                TrustedDocuments::from_json(&manifest, config.graphql.trusted_documents)?
            }
        };
        Ok(Arc::new(Self {
            metrics: EdgeMetrics::new(&parts.metrics)?,
            crowd: Crowd::new(&config.server, &parts.metrics)?,
            channels: TaskTracker::new(),
            documents: Documents::new(&config.limits),
            budget: FieldBudget::new(&config.limits, parts.shared_limits),
            sockets: SocketCounts::new(config.websocket.sockets_per_principal_max),
            settings: EdgeSettings {
                demo: config.demo,
                server: config.server.clone(),
                status_profile: config.http.status_profile,
                limits: config.limits.clone(),
                graphql: config.graphql.clone(),
                websocket: config.websocket.clone(),
                batch_max_bytes: config.kiosk.batch_max_bytes,
            },
            executor: parts.executor,
            authenticator: parts.authenticator,
            clock: parts.clock,
            denials: parts.denials,
            trusted,
            mutations: TaskTracker::new(),
            runtime: Handle::current(),
            stop: CancellationToken::new(),
        }))
    }

    /// The caller of a request; what has to be asked for is asked at home.
    ///
    /// # Errors
    /// Those of [`Authenticator::authenticate`].
    pub async fn authenticate(&self, presented: &Presented) -> Result<Authenticated, AppError> {
        AtHome::new(&self.runtime, self.authenticator.authenticate(presented)).await
    }

    /// Whether a caller who was let in would still be let in.
    pub async fn still_admits(&self, session: &Authenticated) -> bool {
        AtHome::new(&self.runtime, self.authenticator.still_admits(session)).await
    }

    /// Whether a caller may introspect, open GraphiQL and read the schema's text.
    #[must_use]
    pub fn may_introspect(&self, session: &Authenticated) -> bool {
        let staff = match session.actor.kind {
            ActorKind::Clerk
            | ActorKind::Officer
            | ActorKind::Supervisor
            | ActorKind::Auditor
            | ActorKind::SystemAdmin
            | ActorKind::SecurityAdmin
            | ActorKind::AuditAdmin => true,
            ActorKind::Anonymous
            | ActorKind::Citizen
            | ActorKind::Kiosk
            | ActorKind::Upstream
            | ActorKind::System => false,
        };
        self.settings.demo
            || match self.settings.graphql.introspection {
                Introspection::Nobody => false,
                Introspection::Staff => staff,
                Introspection::Everybody => true,
            }
    }
}
