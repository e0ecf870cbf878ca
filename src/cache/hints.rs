//! Hints: "look now", told to everybody in this process and, through Redis, in the other replicas.
//!
//! A hint may get lost, come late or twice; who acts on one must also look without it, on a timer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, broadcast, mpsc};
use tokio::time::timeout;
use uuid::Uuid;

use super::redis::Redis;
use crate::worker::supervise::{LoopSpec, Supervisor};

/// Hints that a slow subscriber may fall behind before it is told that it missed some (`RecvError::Lagged`).
const BACKLOG_MAX: usize = 256;
/// Hints on their way to Redis; more are dropped, because the poll finds what they would have told.
const OUTGOING_MAX: usize = 1_024;
/// Longest payload, bytes; a hint names what to look at and carries nothing.
const PAYLOAD_MAX_BYTES: usize = 4_096;
/// The one channel of all topics.
const CHANNEL: &str = "hints";
/// How often a silent subscription is asked whether it is still alive.
const PING_EVERY: Duration = Duration::from_secs(5);

/// A hint as it travels.
#[derive(Serialize, Deserialize)]
struct Wire {
    origin: Uuid,
    topic: String,
    payload: String,
}

/// The bus. Cheap to clone; every clone is the same bus.
#[derive(Clone)]
pub struct Hints {
    bus: Arc<Bus>,
}

struct Bus {
    origin: Uuid,
    topics: Mutex<BTreeMap<String, broadcast::Sender<Arc<str>>>>,
    redis: Option<Redis>,
    outgoing: mpsc::Sender<Vec<u8>>,
    waiting: tokio::sync::Mutex<mpsc::Receiver<Vec<u8>>>,
}

impl Hints {
    /// A bus within this process and, where there is Redis, beyond it.
    #[must_use]
    pub fn new(redis: Option<Redis>) -> Self {
        let (outgoing, waiting) = mpsc::channel(OUTGOING_MAX);
        let bus = Bus {
            origin: Uuid::now_v7(),
            topics: Mutex::default(),
            redis,
            outgoing,
            waiting: tokio::sync::Mutex::new(waiting),
        };
        Self { bus: Arc::new(bus) }
    }

    /// Tells everybody who subscribed to a topic. Returns at once; the payload names what to look at and nothing
    /// personal. Payloads over 4 KB are dropped.
    pub fn publish(&self, topic: &str, payload: &str) {
        if payload.len() > PAYLOAD_MAX_BYTES {
            tracing::warn!(hint.topic = topic, "a hint that carries too much was dropped");
            return;
        }
        self.deliver(topic, payload);
        if self.bus.redis.is_some() {
            let wire = Wire {
                origin: self.bus.origin,
                topic: topic.to_owned(),
                payload: payload.to_owned(),
            };
            if let Ok(bytes) = serde_json::to_vec(&wire) {
                // a full queue drops the hint: the poll finds what it would have told
                drop(self.bus.outgoing.try_send(bytes));
            }
        }
    }

    /// Hears what is published to a topic from now on. An empty payload says: something may have been missed, look.
    #[must_use]
    pub fn subscribe(&self, topic: &str) -> broadcast::Receiver<Arc<str>> {
        self.sender(topic).subscribe()
    }

    fn sender(&self, topic: &str) -> broadcast::Sender<Arc<str>> {
        let mut topics = self.bus.topics.lock().unwrap_or_else(PoisonError::into_inner);
        match topics.get(topic) {
            Some(sender) => sender.clone(),
            None => {
                let sender = broadcast::Sender::new(BACKLOG_MAX);
                topics.insert(topic.to_owned(), sender.clone());
                sender
            }
        }
    }

    fn deliver(&self, topic: &str, payload: &str) {
        // nobody listening is no fault
        drop(self.sender(topic).send(payload.into()));
    }

    /// Tells every subscriber of every topic to look, because hints may have been missed.
    fn resync(&self) {
        let topics = self.bus.topics.lock().unwrap_or_else(PoisonError::into_inner);
        for sender in topics.values() {
            drop(sender.send("".into()));
        }
    }

    /// Carries hints to and from the other replicas, from now on.
    pub fn spawn_loops(&self, supervisor: &Supervisor) {
        let Some(redis) = self.bus.redis.clone() else {
            return;
        };
        let spec = |name: &'static str| LoopSpec {
            name: name.into(),
            tick: redis.rest(),
            nudge: Arc::new(Notify::new()),
        };
        let cancelled = supervisor.cancelled().clone();
        let (hints, link, stop) = (self.clone(), redis.clone(), cancelled.clone());
        supervisor.spawn_loop(spec("hints out"), move || {
            let (hints, link, stop) = (hints.clone(), link.clone(), stop.clone());
            async move {
                stop.run_until_cancelled(hints.send_all(&link)).await;
                Ok(())
            }
        });
        let (hints, link) = (self.clone(), redis.clone());
        supervisor.spawn_loop(spec("hints in"), move || {
            let (hints, link, stop) = (hints.clone(), link.clone(), cancelled.clone());
            async move {
                stop.run_until_cancelled(hints.hear_all(&link)).await;
                Ok(())
            }
        });
    }

    async fn send_all(&self, redis: &Redis) {
        let mut waiting = self.bus.waiting.lock().await;
        while let Some(bytes) = waiting.recv().await {
            redis.publish(CHANNEL, &bytes).await;
        }
    }

    /// Hears the channel until the link fails or falls silent.
    async fn hear_all(&self, redis: &Redis) {
        let Some(subscription) = redis.subscribe(CHANNEL).await else {
            return;
        };
        self.resync();
        let (mut link, mut messages) = subscription.split();
        loop {
            match timeout(PING_EVERY, messages.next()).await {
                Ok(Some(message)) => self.hear(message.get_payload_bytes()),
                Ok(None) => return,
                Err(_silence) => {
                    let alive = timeout(redis.command_timeout(), link.ping::<::redis::Value>()).await;
                    if !matches!(alive, Ok(Ok(_))) {
                        return;
                    }
                }
            }
        }
    }

    fn hear(&self, bytes: &[u8]) {
        if let Ok(wire) = serde_json::from_slice::<Wire>(bytes)
            && wire.origin != self.bus.origin
            && wire.payload.len() <= PAYLOAD_MAX_BYTES
            && self.is_known(&wire.topic)
        {
            self.deliver(&wire.topic, &wire.payload);
        }
    }

    /// Whether anybody here ever asked for a topic; a stranger on the channel cannot make the table grow.
    fn is_known(&self, topic: &str) -> bool {
        self.bus
            .topics
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(topic)
    }
}
