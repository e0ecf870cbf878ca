//! Rotates keys beside everything else: what older keys wrap and seal is brought to the current ones, a batch at a time.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use prometheus::{IntCounterVec, IntGaugeVec};
use tokio::sync::Mutex;

use super::More;
use super::cases::Cases;
use crate::config::worker::WorkerConfig;
use crate::error::AppError;
use crate::store::rekey::{RekeyFrom, Rekeyed};
use crate::telemetry::metrics::Metrics;

/// How long whole tables are left alone when there was nothing in them to do. Keys change with a restart, which looks at
/// once; what a replica of the version before writes meanwhile is found by then.
const LOOK_AGAIN: Duration = Duration::hours(1);
/// How often what remains is counted while there is work.
const COUNT_AGAIN: Duration = Duration::seconds(10);

/// Brings everything to the current keys.
pub struct Rotation {
    cases: Arc<Cases>,
    batch: u64,
    keep_answers: Duration,
    round: Mutex<Round>,
    done: IntCounterVec,
    remaining: IntGaugeVec,
}

/// Where this replica stands; a restart begins anew, and nothing is lost by it.
#[derive(Debug)]
struct Round {
    from: RekeyFrom,
    /// Whether anything was done since it began.
    worked: bool,
    /// When whole tables were last looked through without anything to do.
    clean_at: Option<DateTime<Utc>>,
    counted_at: Option<DateTime<Utc>>,
}

impl Rotation {
    /// Registers the metrics.
    ///
    /// # Errors
    /// A metric's name is taken by another kind.
    pub fn new(
        cases: Arc<Cases>,
        config: &WorkerConfig,
        metrics: &Metrics,
    ) -> Result<Self, prometheus::Error> {
        Ok(Self {
            cases,
            batch: u64::from(config.rekey_batch),
            keep_answers: Duration::days(i64::from(config.idempotency_days)),
            round: Mutex::new(Round {
                from: RekeyFrom::Start,
                worked: false,
                clean_at: None,
                counted_at: None,
            }),
            done: metrics.counter(
                "onedoor_rekeyed_total",
                "What a rotation of keys did: keys wrapped anew, values sealed anew, keys removed.",
                &["what"],
            )?,
            remaining: metrics.gauge(
                "onedoor_rekey_remaining",
                "What a rotation of keys has still to do: keys to wrap, retired keys, values of master keys.",
                &["what"],
            )?,
        })
    }

    /// One step. Safe to run twice, on two replicas, at any moment.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE; the next step goes on.
    pub async fn pass(&self) -> Result<More, AppError> {
        let mut round = self.round.lock().await;
        let now = self.cases.clock.now();
        let (done, next) = self
            .cases
            .store
            .rekey(now, self.batch, self.keep_answers, round.from)
            .await?;
        self.tell(done);
        round.worked |= !done.is_nothing();
        let counted = round.counted_at.is_some_and(|at| now < at + COUNT_AGAIN);
        if round.counted_at.is_none() || (!done.is_nothing() && !counted) {
            self.count().await?;
            round.counted_at = Some(now);
        }
        if next != RekeyFrom::End {
            round.from = next;
            return Ok(More::Perhaps);
        }
        if round.worked {
            // what was done may have left more behind
            (round.from, round.worked) = (RekeyFrom::Start, false);
            return Ok(More::Perhaps);
        }
        let scanned = round.clean_at.is_none_or(|at| now >= at + LOOK_AGAIN);
        if scanned {
            self.count().await?;
            round.clean_at = Some(now);
        }
        round.from = match round.clean_at {
            Some(at) if now < at + LOOK_AGAIN => RekeyFrom::Retired(None),
            Some(_) | None => RekeyFrom::Start,
        };
        Ok(More::No)
    }

    fn tell(&self, done: Rekeyed) {
        for (what, count) in [
            ("wrapped", done.wrapped),
            ("sealed", done.sealed),
            ("removed", done.removed),
        ] {
            self.done.with_label_values(&[what]).inc_by(count);
        }
        if !done.is_nothing() {
            tracing::info!(
                rekeyed.retired = done.retired,
                rekeyed.wrapped = done.wrapped,
                rekeyed.sealed = done.sealed,
                rekeyed.removed = done.removed,
                "keys were rotated"
            );
        }
    }

    async fn count(&self) -> Result<(), AppError> {
        let remaining = self.cases.store.rekey_remaining().await?;
        for (what, count) in [
            ("wrapped", remaining.wrapped),
            ("retired", remaining.retired),
            ("of_masters", remaining.of_masters),
        ] {
            self.remaining
                .with_label_values(&[what])
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        Ok(())
    }
}
