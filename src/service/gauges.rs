//! Work in progress as metrics: the outbox by state and age, handoffs open and late, connections of the database.

use std::sync::Arc;

use onedoor_domain::actor::Actor;
use onedoor_domain::policy::Act;
use prometheus::{Gauge, IntGauge, IntGaugeVec};

use super::board::HandoffFilter;
use super::cases::Cases;
use super::guard;
use crate::error::AppError;
use crate::telemetry::metrics::Metrics;

/// Reads the gauges.
pub struct Gauges {
    cases: Arc<Cases>,
    outbox: IntGaugeVec,
    oldest: Gauge,
    open: IntGauge,
    late: IntGauge,
    connections: IntGaugeVec,
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
}
