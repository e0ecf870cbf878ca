//! A comparison with an agency's system from the command line (对账), beside running gateways or without one.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use onedoor_domain::actor::Actor;
use onedoor_domain::page::{PageRequest, Position};
use onedoor_domain::reconciliation::{DifferenceEntry, Reconciliation, RunState};
use serde_json::{Value, json};

use super::AppFailure;
use super::gateway;
use super::upstreams::Upstreams;
use crate::clock::{SharedClock, SystemClock};
use crate::config::Config;
use crate::error::AppError;
use crate::service::live::QuestionPlaces;
use crate::service::reconcile::Reconciling;
use crate::service::reconciliations::{DIFFERENCES_BY_SEEN, DifferenceFilter};
use crate::service::reference;
use crate::telemetry::metrics::Metrics;

/// Between two looks at a run that another process has, or that waits for the system.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Differences read at once.
const PAGE: u32 = 100;

/// What a comparison came to.
#[derive(Debug, Clone)]
pub struct Reconciled {
    /// The run.
    pub run: Reconciliation,
    /// The differences that stand at the system.
    pub differences: Vec<DifferenceEntry>,
}

/// Compares all open cases with a system now. A gateway that runs may take part: one page is one process's.
///
/// # Errors
/// The system is not configured; the database cannot be used; the comparison was given up.
pub async fn reconcile_now(config: &Config, name: &str) -> Result<Reconciled, AppFailure> {
    let clock: SharedClock = Arc::new(SystemClock);
    let services = gateway::services_alone(config, Arc::clone(&clock)).await?;
    reference::refresh(&services).await?;
    let cases = Arc::new(gateway::cases_alone(config, &services)?);
    let registry = Upstreams::configured(config)?.build(config, &Metrics::default(), &clock)?;
    let registry = Arc::new(registry);
    let places = Arc::new(QuestionPlaces::of(&registry));
    let reconciling = Reconciling::new(Arc::clone(&cases), registry, places, config.reconcile);
    let Some(asked) = reconciling.plan(name, "command-line").await? else {
        return Err(AppFailure::UnknownUpstream {
            name: name.to_owned(),
        });
    };
    let run = loop {
        Box::pin(reconciling.look(name)).await?;
        let run = reconciling.run(asked.id).await?;
        if run.state.is_over() {
            break run;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    };
    let filter = DifferenceFilter {
        open: true,
        upstream: Some(name.to_owned()),
        ..DifferenceFilter::default()
    };
    let operator = Actor::system("command-line");
    let mut differences = Vec::new();
    let mut page = PageRequest::first(DIFFERENCES_BY_SEEN, PAGE);
    loop {
        let found = cases.list_differences(&operator, &filter, &page).await?;
        let last = found.edges.last().filter(|_| found.has_next);
        // a cursor of our own that cannot be read must not pass for the end of the list
        page.after = last
            .map(|edge| Position::decode(&edge.cursor, DIFFERENCES_BY_SEEN, 2))
            .transpose()
            .map_err(AppError::internal)?;
        differences.extend(found.edges.into_iter().map(|edge| edge.node));
        if page.after.is_none() {
            break;
        }
    }
    Ok(Reconciled { run, differences })
}

impl Reconciled {
    /// As a table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let run = &self.run;
        let mut text = format!(
            "{}: {} checked, {} differing, {} unanswered, {} unsettled, {} resolved\n",
            run.upstream, run.checked, run.differing, run.unanswered, run.unsettled, run.resolved
        );
        // writing to a String cannot fail
        for entry in &self.differences {
            let difference = &entry.difference;
            let (zh, en) = difference.kind.words();
            writeln!(
                text,
                "{}  {:<22} {} / {}  {}  {}\n    {zh} {en}",
                entry.tracking,
                word(difference.kind),
                word(difference.ours),
                word(difference.theirs),
                difference.number.as_deref().unwrap_or("-"),
                entry.first_seen_at.to_rfc3339(),
            )
            .ok();
        }
        text
    }

    /// As JSON for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let run = &self.run;
        let entry = |entry: &DifferenceEntry| {
            json!({
                "trackingCode": entry.tracking, "kind": entry.difference.kind, "ours": entry.difference.ours,
                "theirs": entry.difference.theirs, "number": entry.difference.number,
                "asOf": entry.as_of, "firstSeenAt": entry.first_seen_at, "lastSeenAt": entry.last_seen_at,
            })
        };
        json!({
            "run": run.id, "upstream": run.upstream, "state": run.state, "reason": run.reason,
            "checked": run.checked, "differing": run.differing, "unanswered": run.unanswered,
            "unsettled": run.unsettled, "resolved": run.resolved,
            "differences": self.differences.iter().map(entry).collect::<Vec<_>>(),
        })
    }

    /// Whether all is alike, and everything could be asked.
    ///
    /// # Errors
    /// Differences stand, or the comparison did not come to its end.
    pub fn verdict(&self) -> Result<(), AppFailure> {
        match self.run.state {
            RunState::Done if self.differences.is_empty() => Ok(()),
            RunState::Done => Err(AppFailure::CasesDiffer {
                count: self.differences.len(),
            }),
            RunState::NotAskable => Err(AppFailure::NotCompared {
                reason: "NOT_ASKABLE".to_owned(),
            }),
            RunState::Failed | RunState::Waiting | RunState::Running => Err(AppFailure::NotCompared {
                reason: self.run.reason.clone().unwrap_or_default(),
            }),
        }
    }
}

/// The name of a value of a closed list.
fn word(value: impl serde::Serialize) -> String {
    let name = serde_json::to_value(value).unwrap_or_default();
    name.as_str().unwrap_or_default().to_owned()
}
