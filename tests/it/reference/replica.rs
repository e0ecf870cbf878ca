//! One replica's services over a world, without its HTTP edge.

use std::sync::Arc;
use std::time::Duration;

use onedoor::cache::hints::Hints;
use onedoor::cache::redis::{Redis, RedisSettings};
use onedoor::cache::{Cache, CacheSettings};
use onedoor::clock::{SharedClock, SystemClock};
use onedoor::config::catalogue::SettingRule;
use onedoor::secret::Redacted;
use onedoor::service::directory::UpstreamBindings;
use onedoor::service::{Foundations, Services, reference};
use onedoor::store::database::{Database, DatabaseSettings};
use onedoor::telemetry::metrics::Metrics;
use onedoor::worker::epochs;
use onedoor::worker::supervise::Supervisor;

use crate::harness::wait::{PATIENCE, until};
use crate::harness::world::World;

/// A replica; its loops end with the test.
pub(crate) struct Replica {
    pub(crate) cx: Services,
    pub(crate) redis: Option<Redis>,
    supervisor: Supervisor,
}

impl Replica {
    /// A replica that serves what the world's database holds.
    pub(crate) async fn start(world: &World) -> Self {
        let replica = Self::with_redis(world, world.redis_url()).await;
        if let Some(redis) = &replica.redis {
            until("redis is connected", PATIENCE, async || redis.is_up()).await;
        }
        replica
    }

    /// A replica with another Redis, or none.
    pub(crate) async fn with_redis(world: &World, redis_url: Option<&str>) -> Self {
        let settings = DatabaseSettings::for_url(world.database_url().to_owned());
        let database = Database::connect(&settings, None).await.unwrap();
        let redis = redis_url.map(|url| {
            Redis::new(RedisSettings {
                url: Redacted::new(url.to_owned()),
                command_timeout: Duration::from_millis(250),
                rest: Duration::from_millis(100),
                prefix: world.redis_prefix(),
            })
            .unwrap()
        });
        let metrics = Metrics::default();
        let clock: SharedClock = Arc::new(SystemClock);
        let supervisor = Supervisor::new(clock.clone(), &metrics).unwrap();
        let hints = Hints::new(redis.clone());
        let settings = CacheSettings {
            entries_max: 1_000,
            ttl: Duration::from_secs(60),
        };
        let cx = Services::new(Foundations {
            database,
            cache: Cache::new(settings, redis.clone(), &metrics).unwrap(),
            hints: hints.clone(),
            clock,
            bindings: UpstreamBindings {
                by_role: [("county.human-resources".to_owned(), "sandbox".to_owned())].into(),
                by_code: [("340302000000:county.human-resources".to_owned(), "own".to_owned())].into(),
            },
            setting_rule: SettingRule::CommitteeKind,
        });
        reference::refresh(&cx).await.unwrap();
        if let Some(redis) = &redis {
            redis.spawn_loop(&supervisor);
        }
        hints.spawn_loops(&supervisor);
        epochs::spawn(&supervisor, &cx, Duration::from_millis(200));
        Self {
            cx,
            redis,
            supervisor,
        }
    }

    /// Statements that an act sends to the database, and what the act gives.
    pub(crate) async fn statements_of<T>(&self, act: impl AsyncFnOnce(&Services) -> T) -> (u64, T) {
        let before = self.cx.database.statements();
        let given = act(&self.cx).await;
        (self.cx.database.statements() - before, given)
    }

    /// Ends the loops, so that only acts of the test reach the database.
    pub(crate) async fn stop_loops(&self) {
        assert!(self.supervisor.stop(PATIENCE).await);
    }

    /// Ends everything.
    pub(crate) async fn stop(self) {
        self.stop_loops().await;
        self.cx.database.close().await.unwrap();
    }
}
