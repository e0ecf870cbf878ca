//! Work in progress as metrics: the outbox by state and age, handoffs open and late, connections of the database.

use std::sync::Arc;

use chrono::DateTime;
use onedoor_domain::actor::Actor;
use onedoor_domain::policy::Act;
use prometheus::{Gauge, GaugeVec, IntGauge, IntGaugeVec};

use super::board::HandoffFilter;
use super::cases::Cases;
use super::guard;
use crate::error::AppError;
use crate::telemetry::metrics::Metrics;

/// Reads the gauges.
pub struct Gauges {
    cases: Arc<Cases>,
    outbox: IntGaugeVec,
    silent: IntGaugeVec,
    oldest: Gauge,
    open: IntGauge,
    late: IntGauge,
    connections: IntGaugeVec,
    reconciled: GaugeVec,
    differences: IntGaugeVec,
}

impl Gauges {
    /// Registers them.
    ///
    /// # Errors
    /// A metric's name is taken by another kind.
    pub fn new(cases: Arc<Cases>, metrics: &Metrics) -> Result<Self, prometheus::Error> {
        Ok(Self {
            cases,
            outbox: metrics.gauge(
                "onedoor_outbox_deliveries",
                "Deliveries in the outbox, by upstream system and state.",
                &["upstream", "state"],
            )?,
            silent: metrics.gauge(
                "onedoor_upstream_reports_overdue",
                "Handoffs that an upstream system took over with the promise of a report which it owes beyond its day.",
                &["upstream"],
            )?,
            oldest: metrics
                .seconds(
                    "onedoor_outbox_oldest_age_seconds",
                    "Age of the oldest delivery that is not finished.",
                    &[],
                )?
                .with_label_values::<&str>(&[]),
            open: metrics
                .gauge("onedoor_handoffs_open", "Handoffs on anybody's desk.", &[])?
                .with_label_values::<&str>(&[]),
            late: metrics
                .gauge(
                    "onedoor_handoffs_late",
                    "Handoffs on anybody's desk whose due date has passed.",
                    &[],
                )?
                .with_label_values::<&str>(&[]),
            connections: metrics.gauge(
                "onedoor_database_connections",
                "Connections of the database, by pool and whether they are busy or idle.",
                &["pool", "state"],
            )?,
            reconciled: metrics.seconds(
                "onedoor_reconciliation_last_run_timestamp_seconds",
                "When open cases were last compared with an upstream system to the end, seconds since 1970.",
                &["upstream"],
            )?,
            differences: metrics.gauge(
                "onedoor_reconciliation_open_differences",
                "Differences between cases here and at an upstream system that stand, by their kind.",
                &["upstream", "kind"],
            )?,
        })
    }

    /// Reads them from the database.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE; the gauges keep their last values.
    pub async fn read(&self) -> Result<(), AppError> {
        // told even when the database cannot be asked
        for used in self.cases.store.database().pools() {
            for (state, count) in [("busy", used.busy), ("idle", used.idle)] {
                self.connections
                    .with_label_values(&[used.pool, state])
                    .set(i64::from(count));
            }
        }
        let now = self.cases.clock.now();
        let counts = self.cases.store.outbox_counts().await?;
        self.outbox.reset();
        let mut oldest = now;
        for count in counts {
            let state = serde_json::to_value(count.state).map_err(AppError::internal)?;
            let state = state.as_str().unwrap_or_default();
            self.outbox
                .with_label_values(&[count.upstream.as_str(), state])
                .set(i64::try_from(count.count).unwrap_or(i64::MAX));
            if count.state.is_unfinished() {
                oldest = oldest.min(count.oldest);
            }
        }
        self.oldest.set((now - oldest).as_seconds_f64());
        self.read_reconciliations().await?;
        self.silent.reset();
        for (upstream, count) in self.cases.store.silent_counts(now).await? {
            self.silent
                .with_label_values(&[upstream.as_str()])
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let proof = guard::read(&Actor::system("gauges"), Act::ReadHandoffs)?;
        let board = self
            .cases
            .store
            .count_handoffs(&proof, &HandoffFilter::default(), now)
            .await?;
        let open = || board.states.iter().filter(|count| count.state.is_open());
        self.open
            .set(i64::try_from(open().map(|count| count.count).sum::<u64>()).unwrap_or(i64::MAX));
        self.late
            .set(i64::try_from(open().map(|count| count.late).sum::<u64>()).unwrap_or(i64::MAX));
        Ok(())
    }

    async fn read_reconciliations(&self) -> Result<(), AppError> {
        for (upstream, at) in self.cases.store.last_reconciliations().await? {
            let seconds = (at - DateTime::UNIX_EPOCH).as_seconds_f64();
            self.reconciled.with_label_values(&[upstream]).set(seconds);
        }
        let open = self.cases.store.open_differences().await?;
        self.differences.reset();
        for counted in open {
            let kind = serde_json::to_value(counted.kind).map_err(AppError::internal)?;
            let kind = kind.as_str().unwrap_or_default();
            self.differences
                .with_label_values(&[counted.upstream.as_str(), kind])
                .set(i64::try_from(counted.count).unwrap_or(i64::MAX));
        }
        Ok(())
    }
}
