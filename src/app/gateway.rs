//! The running gateway: its parts joined, its loops started, its server listening.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::identity::Identity;
use super::keys::open_keys;
use super::upstreams::{self, Upstreams};
use super::{AppFailure, attachments, door, kiosk, privacy, probes};
use crate::cache::hints::Hints;
use crate::cache::redis::{Redis, RedisSettings};
use crate::cache::{Cache, CacheSettings};
use crate::clock::SharedClock;
use crate::config::Config;
use crate::http::server::RunningServer;
use crate::secret::keyring::Keyring;
use crate::service::attachments::Attachments;
use crate::service::bells::Bells;
use crate::service::cases::{CaseParts, Cases};
use crate::service::changes::Changes;
use crate::service::clocks::Clocks;
use crate::service::delivery::Deliveries;
use crate::service::directory::UpstreamBindings;
use crate::service::gauges::Gauges;
use crate::service::health::Readiness;
use crate::service::identity::Authenticator;
use crate::service::import::shipped;
use crate::service::kiosks::Kiosks;
use crate::service::ledger::Ledger;
use crate::service::live::{LiveReads, QuestionPlaces};
use crate::service::notice::Notices;
use crate::service::privacy::Privacy;
use crate::service::reconcile::Reconciling;
use crate::service::rotation::Rotation;
use crate::service::succession::Successions;
use crate::service::track::TrackLimits;
use crate::service::upkeep::Upkeep;
use crate::service::upstreams::Upstreams as Systems;
use crate::service::watching::Watching;
use crate::service::{Foundations, Services, reference};
use crate::store::case::CaseStore;
use crate::store::database::{Database, DatabaseSettings, StatementObserver};
use crate::store::error::StoreError;
use crate::telemetry::metrics::Metrics;
use crate::upstream::listeners::Listeners;
use crate::upstream::registry::Registry;
use crate::worker::supervise::Supervisor;
use crate::worker::{cases as case_loops, denials, epochs};

/// How often a start waits for its database.
const FIRST_CONNECTION_WAITS: u32 = 10;
/// How long it waits each time.
const FIRST_CONNECTION_PAUSE: Duration = Duration::from_millis(500);

/// What closing the database's connections may take at least, however late it is.
const CLOSE_MIN: Duration = Duration::from_millis(500);

/// A gateway that serves.
pub struct Gateway {
    server: RunningServer,
    supervisor: Supervisor,
    readiness: Arc<Readiness>,
    database: Database,
    stop_timeout: Duration,
}

/// The parts that stand before the server does.
pub(super) struct House {
    pub(super) services: Services,
    pub(super) cases: Arc<Cases>,
    pub(super) notices: Arc<Notices>,
    pub(super) upstreams: Arc<Systems>,
    pub(super) live: Arc<LiveReads>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) attachments: Arc<Attachments>,
    pub(super) reconciling: Arc<Reconciling>,
    pub(super) kiosks: Arc<Kiosks>,
    pub(super) privacy: Arc<Privacy>,
    pub(super) readiness: Arc<Readiness>,
    pub(super) supervisor: Supervisor,
    pub(super) identity: Identity,
}

impl Gateway {
    /// Opens the database (migrating it if so configured), loads what ships if it is empty, starts the loops and
    /// listens.
    ///
    /// # Errors
    /// Whatever keeps the gateway from serving, told once and whole.
    pub async fn start(
        config: &Config,
        upstreams: Upstreams,
        clock: SharedClock,
    ) -> Result<Self, AppFailure> {
        let metrics = Metrics::default();
        let registry = Arc::new(upstreams.build(config, &metrics, &clock)?);
        let keys = Arc::new(open_keys(config)?);
        let database = open_database(config, &metrics).await?;
        let supervisor = Supervisor::new(Arc::clone(&clock), &metrics)?;
        let ground = Ground {
            registry,
            keys,
            database: database.clone(),
            clock: Arc::clone(&clock),
            supervisor,
        };
        let house = build(config, &metrics, ground).await?;
        let server = door::open(config, &metrics, &house, clock)?;
        house.cases.set_public_url(&config.server.public_url, server.addr);
        house
            .identity
            .set_public_url(&config.server.public_url, server.addr)?;
        Ok(Self {
            server,
            supervisor: house.supervisor,
            readiness: house.readiness,
            database,
            stop_timeout: Duration::from_millis(config.server.stop_timeout_ms),
        })
    }

    /// The address it listens on.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.server.addr
    }

    /// Ends when the server ends by itself, which it should not.
    ///
    /// # Errors
    /// The server's failure.
    pub async fn ended(&mut self) -> std::io::Result<()> {
        self.server.ended().await
    }

    /// Stops: no new requests, sockets are closed, running requests and spawned mutations finish, loops end after the
    /// deliveries that they have begun; then, when nobody holds one any more, the connections to the database close.
    /// `false` when the configured time was not enough for all of it.
    pub async fn stop(self) -> bool {
        let deadline = Instant::now() + self.stop_timeout;
        self.readiness.stop();
        let (served, looped) = tokio::join!(self.server.stop(), self.supervisor.stop(self.stop_timeout));
        if !(served && looped) {
            // What still runs keeps its connections: the process ends, and the database takes back what is open.
            return false;
        }
        match timeout_at(deadline.max(Instant::now() + CLOSE_MIN), self.database.close()).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(error = %error, "the database connections did not close in order");
                true
            }
            Err(_elapsed) => false,
        }
    }
}

/// The services of reference data without loops, cache or server: for an import from the command line. They have no
/// picture of the directory yet: a country's takes longer to read than to write.
///
/// # Errors
/// The database cannot be used.
pub(super) async fn services_alone(config: &Config, clock: SharedClock) -> Result<Services, AppFailure> {
    let metrics = Metrics::default();
    let supervisor = Supervisor::new(Arc::clone(&clock), &metrics)?;
    let database = open_database(config, &metrics).await?;
    services(
        config,
        &metrics,
        &Upstreams::bindings(config)?,
        &database,
        &clock,
        &supervisor,
    )
}

/// The use cases of cases without loops or server: for what an import changes in them.
///
/// # Errors
/// The keys cannot be opened, or the folder of upstream systems has faults.
pub(super) fn cases_alone(config: &Config, services: &Services) -> Result<Cases, AppFailure> {
    let keys = Arc::new(open_keys(config)?);
    let store = CaseStore::new(services.database.clone(), keys);
    let changes = Changes::new(
        store.clone(),
        services.hints.clone(),
        Arc::default(),
        Arc::clone(&services.clock),
    );
    let parts = CaseParts {
        store,
        changes: Arc::new(changes),
        outbox: Arc::new(Bells::new(std::iter::empty())),
        listeners: Upstreams::listeners(config)?,
        track_limits: track_limits(config, services),
    };
    Ok(Cases::new(services.clone(), parts))
}

/// The use cases of the ledger without loops or server: for the command line.
///
/// # Errors
/// The database or the keys cannot be used.
pub(super) async fn ledger_alone(config: &Config, clock: SharedClock) -> Result<Ledger, AppFailure> {
    let services = services_alone(config, clock).await?;
    let cases = Arc::new(cases_alone(config, &services)?);
    let keys = Arc::new(open_keys(config)?);
    Ok(ledger_of(config, &cases, &keys))
}

fn ledger_of(config: &Config, cases: &Arc<Cases>, keys: &Arc<Keyring>) -> Ledger {
    let every = TimeDelta::seconds(i64::from(config.worker.checkpoint_every_s));
    Ledger::new(Arc::clone(cases), Arc::clone(keys), every)
}

fn track_limits(config: &Config, services: &Services) -> TrackLimits {
    TrackLimits::per_minute(
        config.tracking.failures_per_source_per_minute,
        config.tracking.failures_per_source_and_code_per_minute,
        services.shared_limits(),
    )
}

fn services(
    config: &Config,
    metrics: &Metrics,
    bindings: &UpstreamBindings,
    database: &Database,
    clock: &SharedClock,
    supervisor: &Supervisor,
) -> Result<Services, AppFailure> {
    let redis = open_redis(config, supervisor)?;
    let hints = Hints::new(redis.clone());
    hints.spawn_loops(supervisor);
    let settings = CacheSettings {
        entries_max: config.cache.entries_max,
        ttl: Duration::from_millis(config.cache.ttl_ms),
    };
    let cache = Cache::new(settings, redis, metrics)?;
    Ok(Services::new(Foundations {
        database: database.clone(),
        cache,
        hints,
        clock: Arc::clone(clock),
        bindings: bindings.clone(),
        setting_rule: config.catalogue.setting_rule,
    }))
}

async fn open_database(config: &Config, metrics: &Metrics) -> Result<Database, AppFailure> {
    let statements = metrics.histogram(
        "onedoor_database_statement_seconds",
        "Time of database statements, by outcome.",
        &["outcome"],
    )?;
    let observer: StatementObserver = Arc::new(move |elapsed: Duration, failed: bool| {
        statements
            .with_label_values(&[if failed { "failed" } else { "ok" }])
            .observe(elapsed.as_secs_f64());
    });
    let mut waited = 0_u32;
    loop {
        match connect(config, observer.clone()).await {
            // a database that starts beside us, or is busy with other replicas: wait for it, but not for ever
            Err(StoreError::Unavailable { .. } | StoreError::Busy { .. })
                if waited < FIRST_CONNECTION_WAITS =>
            {
                waited += 1;
                tracing::warn!("the database is not available yet, the start waits for it");
                tokio::time::sleep(FIRST_CONNECTION_PAUSE).await;
            }
            other => return Ok(other?),
        }
    }
}

async fn connect(config: &Config, observer: StatementObserver) -> Result<Database, StoreError> {
    let database = Database::connect(&DatabaseSettings::of(config), Some(observer)).await?;
    if config.database.migrate_at_start {
        database.migrate().await?;
    }
    Ok(database)
}

/// What stands before anything else does.
struct Ground {
    registry: Arc<Registry>,
    keys: Arc<Keyring>,
    database: Database,
    clock: SharedClock,
    supervisor: Supervisor,
}

/// The services of reference data over a database that holds what ships, at least.
async fn reference_data(config: &Config, metrics: &Metrics, ground: &Ground) -> Result<Services, AppFailure> {
    let bindings = upstreams::bindings(ground.registry.iter().map(|upstream| upstream.config()));
    let services = services(
        config,
        metrics,
        &bindings,
        &ground.database,
        &ground.clock,
        &ground.supervisor,
    )?;
    shipped::load_if_empty(&services).await?;
    reference::refresh(&services).await?;
    epochs::spawn(
        &ground.supervisor,
        &services,
        Duration::from_millis(config.cache.epoch_poll_ms),
    );
    services.denials.measure(metrics)?;
    denials::spawn(&ground.supervisor, &services);
    Ok(services)
}

async fn build(config: &Config, metrics: &Metrics, ground: Ground) -> Result<House, AppFailure> {
    let services = reference_data(config, metrics, &ground).await?;
    let Ground {
        registry,
        keys,
        database,
        supervisor,
        ..
    } = &ground;
    let (cases, changes, bells, feed_nudge) = cases_of(config, &ground, &services);
    tell_address(config, &cases);
    let notices = Arc::new(Notices::new(Arc::clone(&cases), Arc::clone(registry)));
    let ledger = Arc::new(ledger_of(config, &cases, keys));
    let (live, reconciling) = questions(config, &cases, registry);
    let loops = case_loops::CaseLoops {
        deliveries: Arc::new(Deliveries::new(
            Arc::clone(&cases),
            Arc::clone(registry),
            config.outbox.clone(),
        )),
        clocks: Arc::new(Clocks::new(
            Arc::clone(&cases),
            config.worker.clocks_batch,
            metrics,
        )?),
        watching: Arc::new(Watching::new(
            Arc::clone(&cases),
            Arc::clone(&notices),
            Arc::clone(registry),
        )),
        notices: Arc::clone(&notices),
        reconciling: Arc::clone(&reconciling),
        changes,
        successions: Arc::new(Successions::new(Arc::clone(&cases))),
        upkeep: Arc::new(Upkeep::new(Arc::clone(&cases), &config.worker, config.audit)),
        gauges: Arc::new(Gauges::new(Arc::clone(&cases), metrics)?),
        ledger: Arc::clone(&ledger),
        rotation: Arc::new(Rotation::new(Arc::clone(&cases), &config.worker, metrics)?),
        bells,
        feed_nudge,
    };
    case_loops::spawn(supervisor, &services, &loops, &config.outbox, &config.worker);
    let kiosks = kiosk::build(config, &cases, metrics, supervisor)?;
    let devices: Arc<dyn Authenticator> = kiosks.clone();
    let identity = Identity::build(config, metrics, &services, &cases, (supervisor, devices)).await?;
    Ok(House {
        identity,
        readiness: Arc::new(Readiness::new(probes::all(database, keys, &services))),
        services,
        kiosks,
        privacy: privacy::start(config, &cases, supervisor),
        attachments: attachments::start(config, &cases, metrics, supervisor)?,
        upstreams: Arc::new(Systems::new(Arc::clone(&cases), Arc::clone(registry))),
        cases,
        notices,
        live,
        ledger,
        reconciling,
        supervisor: supervisor.clone(),
    })
}

/// The use cases of cases, with what rings when they move.
fn cases_of(
    config: &Config,
    ground: &Ground,
    services: &Services,
) -> (Arc<Cases>, Arc<Changes>, Arc<Bells>, Arc<Notify>) {
    let registry = &ground.registry;
    let store = CaseStore::new(ground.database.clone(), Arc::clone(&ground.keys));
    let bells = Arc::new(Bells::new(registry.carrier_names()));
    let feed_nudge = Arc::new(Notify::new());
    let changes = Arc::new(Changes::new(
        store.clone(),
        services.hints.clone(),
        Arc::clone(&feed_nudge),
        Arc::clone(&ground.clock),
    ));
    let cases = Arc::new(Cases::new(
        services.clone(),
        CaseParts {
            store,
            changes: Arc::clone(&changes),
            outbox: Arc::clone(&bells),
            listeners: Listeners::of(registry.iter().map(|upstream| upstream.config())),
            track_limits: track_limits(config, services),
        },
    ));
    (cases, changes, bells, feed_nudge)
}

/// Known before the loops begin; with any free port only once the server listens.
fn tell_address(config: &Config, cases: &Cases) {
    if config.server.listen.port() != 0 || !config.server.public_url.is_empty() {
        cases.set_public_url(&config.server.public_url, config.server.listen);
    }
}

/// What asks systems how cases stand there; it shares half of their places.
fn questions(
    config: &Config,
    cases: &Arc<Cases>,
    registry: &Arc<Registry>,
) -> (Arc<LiveReads>, Arc<Reconciling>) {
    let places = Arc::new(QuestionPlaces::of(registry));
    let live = LiveReads::new(Arc::clone(cases), Arc::clone(registry), Arc::clone(&places));
    let reconciling = Reconciling::new(Arc::clone(cases), Arc::clone(registry), places, config.reconcile);
    (Arc::new(live), Arc::new(reconciling))
}

fn open_redis(config: &Config, supervisor: &Supervisor) -> Result<Option<Redis>, AppFailure> {
    if config.redis.url.expose().is_empty() {
        return Ok(None);
    }
    let redis = Redis::new(RedisSettings {
        url: config.redis.url.clone(),
        command_timeout: Duration::from_millis(config.redis.command_timeout_ms),
        rest: Duration::from_millis(config.redis.rest_ms),
        prefix: config.redis.prefix.clone(),
    })?;
    redis.spawn_loop(supervisor);
    Ok(Some(redis))
}
