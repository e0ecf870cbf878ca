//! Redis: shared by replicas, allowed to be absent, slow or wrong at any moment.
//!
//! A request never connects and never waits longer than the command timeout: after one failure Redis is left alone
//! until the loop of this file has built a new connection. The client's own connection manager is not used, because
//! it neither repeats a failed command nor notices a half-open link.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisError};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::secret::Redacted;
use crate::worker::supervise::{LoopSpec, Supervisor};

/// Removes a key that holds a token; one that ran out may be another's by now.
const RELEASE: &str =
    "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0";

/// How to reach Redis and how long to wait for it.
#[derive(Debug, Clone)]
pub struct RedisSettings {
    /// `redis://[:password@]host:port/db`.
    pub url: Redacted<String>,
    /// How long one command may take.
    pub command_timeout: Duration,
    /// How long Redis is left alone after a failure.
    pub rest: Duration,
    /// In front of every key and channel.
    pub prefix: String,
}

/// A handle to Redis. Cheap to clone; every clone shares one connection.
#[derive(Clone)]
pub struct Redis {
    link: Arc<Link>,
}

struct Link {
    client: Client,
    settings: RedisSettings,
    connection: Mutex<Option<MultiplexedConnection>>,
    /// Whether the last thing the log said is that Redis is away.
    said_away: AtomicBool,
}

impl Redis {
    /// A handle that is not connected yet.
    ///
    /// # Errors
    /// The URL is not one.
    pub fn new(settings: RedisSettings) -> Result<Self, RedisError> {
        let client = Client::open(settings.url.expose().as_str())?;
        let link = Link {
            client,
            settings,
            connection: Mutex::new(None),
            said_away: AtomicBool::new(false),
        };
        Ok(Self { link: Arc::new(link) })
    }

    /// Keeps a connection up in the background, from now on.
    pub fn spawn_loop(&self, supervisor: &Supervisor) {
        let redis = self.clone();
        let spec = LoopSpec {
            name: "redis".into(),
            tick: self.link.settings.rest,
            nudge: Arc::new(Notify::new()),
        };
        supervisor.spawn_loop(spec, move || {
            let redis = redis.clone();
            async move {
                redis.keep().await;
                Ok(())
            }
        });
    }

    /// Whether commands are being sent at the moment.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.connection().is_some()
    }

    /// The value of a key; `None`: absent, or Redis is.
    pub async fn get(&self, key: &str) -> Option<Vec<u8>> {
        let mut command = ::redis::cmd("GET");
        command.arg(self.prefixed(key));
        self.run::<Option<Vec<u8>>>(&command).await.flatten()
    }

    /// Sets a key for some time, if Redis is there.
    pub async fn set(&self, key: &str, value: Vec<u8>, ttl: Duration) {
        let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut command = ::redis::cmd("SET");
        command.arg(self.prefixed(key)).arg(value).arg("PX").arg(ttl_ms);
        self.run::<()>(&command).await;
    }

    /// Takes a key that nobody holds, for some time; `None`: Redis does not say.
    pub(super) async fn claim(&self, key: &str, token: &str, lease: Duration) -> Option<bool> {
        let lease_ms = u64::try_from(lease.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut command = ::redis::cmd("SET");
        command
            .arg(self.prefixed(key))
            .arg(token)
            .arg("NX")
            .arg("PX")
            .arg(lease_ms);
        let set: Option<String> = self.run::<Option<String>>(&command).await?;
        Some(set.is_some())
    }

    /// Gives a key back, if it is still held by this token.
    pub(super) async fn release(&self, key: &str, token: &str) {
        let mut command = ::redis::cmd("EVAL");
        command.arg(RELEASE).arg(1).arg(self.prefixed(key)).arg(token);
        self.run::<i64>(&command).await;
    }

    /// Runs a script over some keys; `None`: Redis does not say.
    pub(super) async fn evaluate<T: FromRedisValue>(
        &self,
        script: &str,
        keys: &[String],
        arguments: &[u64],
    ) -> Option<T> {
        let mut command = ::redis::cmd("EVAL");
        command.arg(script).arg(keys.len());
        for key in keys {
            command.arg(self.prefixed(key));
        }
        command.arg(arguments);
        self.run(&command).await
    }

    /// Publishes to a channel, if Redis is there.
    pub(super) async fn publish(&self, channel: &str, payload: &[u8]) {
        let mut command = ::redis::cmd("PUBLISH");
        command.arg(self.prefixed(channel)).arg(payload);
        self.run::<()>(&command).await;
    }

    /// A connection of its own for receiving what is published.
    pub(super) async fn subscribe(&self, channel: &str) -> Option<::redis::aio::PubSub> {
        let patience = self.link.settings.command_timeout;
        let mut subscription = timeout(patience, self.link.client.get_async_pubsub())
            .await
            .ok()?
            .ok()?;
        timeout(patience, subscription.subscribe(self.prefixed(channel)))
            .await
            .ok()?
            .ok()?;
        Some(subscription)
    }

    pub(super) fn rest(&self) -> Duration {
        self.link.settings.rest
    }

    pub(super) fn command_timeout(&self) -> Duration {
        self.link.settings.command_timeout
    }

    fn prefixed(&self, key: &str) -> String {
        format!("{}{key}", self.link.settings.prefix)
    }

    fn connection(&self) -> Option<MultiplexedConnection> {
        self.link
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn replace(&self, connection: Option<MultiplexedConnection>) {
        *self
            .link
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = connection;
    }

    /// Runs a command, or does without.
    async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Option<T> {
        let mut connection = self.connection()?;
        match timeout(
            self.link.settings.command_timeout,
            command.query_async(&mut connection),
        )
        .await
        {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => self.fail(error.kind()),
            Err(elapsed) => self.fail(elapsed),
        }
    }

    /// Leaves Redis alone until the loop has built a new connection.
    fn fail<T>(&self, why: impl std::fmt::Debug) -> Option<T> {
        self.replace(None);
        if !self.link.said_away.swap(true, Ordering::Relaxed) {
            tracing::warn!(redis.fault = ?why, "redis does not answer and is left alone, the database is asked instead");
        }
        None
    }

    /// Connects if there is no connection, and otherwise proves that the one there is alive.
    async fn keep(&self) {
        if self.is_up() && self.run::<String>(&::redis::cmd("PING")).await.is_some() {
            return;
        }
        let patience = self.link.settings.command_timeout;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(patience))
            .set_response_timeout(Some(patience));
        let connect = self
            .link
            .client
            .get_multiplexed_async_connection_with_config(&config);
        // the handshake has several round trips, each with the patience of one command
        match timeout(patience.saturating_mul(4), connect).await {
            Ok(Ok(connection)) => {
                self.replace(Some(connection));
                if self.run::<String>(&::redis::cmd("PING")).await.is_some()
                    && self.link.said_away.swap(false, Ordering::Relaxed)
                {
                    tracing::info!("redis answers again");
                }
            }
            Ok(Err(error)) => drop(self.fail::<()>(error.kind())),
            Err(elapsed) => drop(self.fail::<()>(elapsed)),
        }
    }
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Redis")
            .field("up", &self.is_up())
            .finish_non_exhaustive()
    }
}
