//! Denied accesses on their way to the audit log: noted at once, written by a loop, counted together when they are many.
//!
//! Nobody waits for the log and no request fails for it. What it may grow by is bounded: of the denials of one subject, one
//! action and one reason within a minute the first are entries of their own, the rest are one entry that says how many.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use onedoor_domain::actor::{Actor, ActorKind};
use onedoor_domain::audit::{AuditAction, AuditEntry};
use prometheus::IntCounterVec;

use super::Services;
use crate::error::AppError;
use crate::store::audit;
use crate::telemetry::metrics::Metrics;

/// How long denials are counted together.
const WINDOW: Duration = Duration::from_secs(60);
/// Denials of one tally that are entries of their own.
const EACH_MAX: u32 = 20;
/// Tallies of one window; a denial that would need one more is dropped and counted by the metric.
const TALLIES_MAX: usize = 10_000;
/// Entries that wait to be written; one more is dropped and counted by the metric.
const WAITING_MAX: usize = 10_000;
/// Entries written at once.
const BATCH: usize = 500;

/// What is counted together.
type Alike = (ActorKind, String, AuditAction, Option<String>);

/// Denied accesses that are not written yet. Cheap to clone; every clone is the same.
#[derive(Clone, Default)]
pub struct Denials {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    noted: Mutex<Noted>,
    outcomes: OnceLock<IntCounterVec>,
}

#[derive(Default)]
struct Noted {
    since: Option<Instant>,
    tallies: BTreeMap<Alike, Tally>,
    waiting: VecDeque<AuditEntry>,
}

struct Tally {
    own: u32,
    /// The last of those that are counted together, with their number.
    rest: Option<AuditEntry>,
}

impl Denials {
    /// Counts from now on in these metrics.
    ///
    /// # Errors
    /// The metric's name is taken by another kind.
    pub fn measure(&self, metrics: &Metrics) -> Result<(), prometheus::Error> {
        let outcomes = metrics.counter(
            "onedoor_audit_denials_total",
            "Denied accesses, by what the audit log has of them: an entry of their own, a count, or nothing because there were too many (dropped).",
            &["outcome"],
        )?;
        for outcome in ["entry", "counted", "dropped"] {
            outcomes.with_label_values(&[outcome]);
        }
        self.inner.outcomes.get_or_init(|| outcomes);
        Ok(())
    }

    /// Notes one. Returns at once.
    pub fn note(&self, entry: AuditEntry) {
        let outcome = self.lock().note(entry, Instant::now());
        if let Some(outcomes) = self.inner.outcomes.get() {
            outcomes.with_label_values(&[outcome]).inc();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Noted> {
        self.inner.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts back what could not be written.
    fn put_back(&self, batch: Vec<AuditEntry>) {
        let mut noted = self.lock();
        for entry in batch.into_iter().rev() {
            noted.waiting.push_front(entry);
        }
    }
}

impl Noted {
    fn note(&mut self, entry: AuditEntry, now: Instant) -> &'static str {
        self.since.get_or_insert(now);
        let alike = (
            entry.actor,
            entry.subject.clone(),
            entry.action,
            entry.reason.clone(),
        );
        if self.tallies.len() >= TALLIES_MAX && !self.tallies.contains_key(&alike) {
            return "dropped";
        }
        let tally = self.tallies.entry(alike).or_insert(Tally { own: 0, rest: None });
        if tally.own < EACH_MAX {
            if self.waiting.len() >= WAITING_MAX {
                return "dropped";
            }
            tally.own += 1;
            self.waiting.push_back(entry);
            return "entry";
        }
        let times = tally.rest.as_ref().map_or(0, |rest| rest.times).saturating_add(1);
        // each was about a thing of its own
        let object = None;
        tally.rest = Some(AuditEntry {
            times,
            object,
            ..entry
        });
        "counted"
    }

    /// Ends the window if its time is over.
    fn turn(&mut self, now: Instant) {
        if self
            .since
            .is_some_and(|since| now.duration_since(since) >= WINDOW)
        {
            self.close();
        }
    }

    fn close(&mut self) {
        self.since = None;
        let rest = std::mem::take(&mut self.tallies);
        self.waiting
            .extend(rest.into_values().filter_map(|tally| tally.rest));
    }

    fn batch(&mut self) -> Vec<AuditEntry> {
        let size = self.waiting.len().min(BATCH);
        self.waiting.drain(..size).collect()
    }
}

impl Services {
    /// Notes that something was not allowed. `object`: an opaque id or a name of our own; `reason`: a code.
    pub fn denied(&self, actor: &Actor, action: AuditAction, object: Option<String>, reason: &str) {
        let entry = self.audit_entry(actor, action).denied().because(reason);
        self.denials.note(AuditEntry { object, ..entry });
    }

    /// Writes what was noted.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE; the next pass tries again.
    pub async fn write_denials(&self) -> Result<(), AppError> {
        loop {
            let batch = {
                let mut noted = self.denials.lock();
                noted.turn(Instant::now());
                noted.batch()
            };
            if batch.is_empty() {
                return Ok(());
            }
            if let Err(error) = audit::append(&self.database, &batch).await {
                self.denials.put_back(batch);
                return Err(error.into());
            }
        }
    }

    /// Writes all that was noted, also what is still being counted: the gateway stops.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE.
    pub async fn write_last_denials(&self) -> Result<(), AppError> {
        self.denials.lock().close();
        self.write_denials().await
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use onedoor_domain::id::AuditEntryId;
    use uuid::Uuid;

    use super::*;

    fn denial(subject: &str, object: usize) -> AuditEntry {
        let actor = Actor {
            kind: ActorKind::Clerk,
            subject: subject.to_owned(),
            ..Actor::anonymous()
        };
        let id = AuditEntryId::from_uuid(Uuid::now_v7());
        AuditEntry::done(id, DateTime::UNIX_EPOCH, &actor, AuditAction::Access)
            .denied()
            .because("HIDDEN")
            .on(object)
    }

    #[test]
    fn a_flood_is_some_entries_and_a_count_and_the_next_minute_begins_anew() {
        let (mut noted, now) = (Noted::default(), Instant::now());
        for number in 0..1_000 {
            noted.note(denial("one", number), now);
        }
        noted.note(denial("two", 0), now);
        noted.turn(now + WINDOW / 2);
        let first = noted.batch();
        assert_eq!(first.len(), 21, "twenty of the one, one of the other");
        assert!(
            first
                .iter()
                .all(|entry| entry.times == 1 && entry.object.is_some())
        );
        noted.turn(now + WINDOW);
        let rest = noted.batch();
        assert_eq!(rest.len(), 1);
        assert_eq!((rest[0].times, rest[0].object.as_deref()), (980, None));
        assert_eq!(noted.note(denial("one", 0), now + WINDOW), "entry");
    }

    #[test]
    fn what_waits_is_bounded_and_nothing_is_written_twice() {
        let (mut noted, now) = (Noted::default(), Instant::now());
        let outcomes: Vec<_> = (0..TALLIES_MAX + 5)
            .map(|number| noted.note(denial(&number.to_string(), 0), now))
            .collect();
        assert_eq!(
            outcomes.iter().filter(|outcome| **outcome == "dropped").count(),
            5
        );
        let mut written = 0;
        loop {
            let batch = noted.batch();
            if batch.is_empty() {
                break;
            }
            assert!(batch.len() <= BATCH);
            written += batch.len();
        }
        assert_eq!(written, TALLIES_MAX);
        noted.close();
        assert!(noted.batch().is_empty());
    }
}
