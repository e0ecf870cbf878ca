//! One case: the question, and its answer compared with the case as it stands by then.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use onedoor_domain::case::state::Outcome;
use onedoor_domain::id::CaseId;
use onedoor_domain::reconciliation::{self, Around, Comparison, There, Told, spoken_of};

use super::Reconciling;
use crate::error::AppError;
use crate::service::live::{LiveState, question_about};
use crate::store::reconciliation::{Found, Looked};
use crate::telemetry;
use crate::upstream::fact::{FactKind, UpstreamFact, Verdict};
use crate::upstream::outcome::{Acceptance, Finding, HeldReason, OutcomeClass};
use crate::upstream::registry::Upstream;

/// What moved on one side so lately may still be on its way to the other.
const SETTLES_WITHIN: TimeDelta = TimeDelta::minutes(5);
/// The pause when a system cannot be asked now and does not say for how long.
const PAUSE: Duration = Duration::from_secs(30);
/// The shortest pause, whatever it says.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// Waiting notices that are looked through for one case.
const NOTICES_MAX: u64 = 1_000;

/// What came of one case.
pub(super) enum Asked {
    /// It was compared.
    Compared(Looked),
    /// Something is on its way between the two sides.
    Unsettled,
    /// There was no answer, or none that can be read.
    Unanswered,
    /// It is no more at that system.
    Gone,
    /// Nothing left the house: the run waits so long, and asks again.
    Pause(Duration),
    /// The system refuses every question.
    Refused(HeldReason),
}

impl Reconciling {
    /// Asks for one case and compares.
    pub(super) async fn ask(&self, upstream: &Upstream, case: CaseId) -> Result<Asked, AppError> {
        let name = upstream.config().name.as_str();
        let loaded = self.cases.store.load_case(case).await?;
        let spoken = loaded.as_ref().and_then(|loaded| spoken_of(&loaded.case, name));
        let Some(handoff) = spoken.map(|handoff| handoff.id) else {
            return Ok(Asked::Gone);
        };
        // one case that cannot be written as a question stops no other
        let question = match question_about(&self.cases, upstream, case, handoff).await {
            Ok(question) => question,
            Err(error) => {
                tracing::error!(
                    upstream.id = name, case.id = %case, error = %telemetry::chain(&error),
                    "an upstream cannot be asked for a case that is to be compared"
                );
                return Ok(Asked::Unanswered);
            }
        };
        let places = self.places.at(&upstream.config().name);
        let place = match &places {
            Some(places) => Some(places.acquire().await.map_err(AppError::internal)?),
            None => None,
        };
        let inquiry = upstream.driver().find(&question).await;
        drop(place);
        let told = match &inquiry.finding {
            Finding::Found(acceptance) => Told::Found(there(acceptance)),
            Finding::Absent => Told::Absent,
            Finding::Unanswered { class, retry_after } => {
                return Ok(match class {
                    OutcomeClass::NotSent | OutcomeClass::Retryable => {
                        Asked::Pause(retry_after.unwrap_or(PAUSE).max(PAUSE_MIN))
                    }
                    OutcomeClass::Rejected
                    | OutcomeClass::Ambiguous
                    | OutcomeClass::Accepted
                    | OutcomeClass::Held => Asked::Unanswered,
                });
            }
            Finding::Held { reason } if reason.concerns_whole_upstream() => {
                return Ok(Asked::Refused(*reason));
            }
            Finding::Held { .. } | Finding::Unsupported => return Ok(Asked::Unanswered),
        };
        self.compare(upstream, case, &told, inquiry.started).await
    }

    /// Compares an answer with the case as it stands by now: what was heard while the question was on its way counts.
    async fn compare(
        &self,
        upstream: &Upstream,
        case: CaseId,
        told: &Told,
        as_of: DateTime<Utc>,
    ) -> Result<Asked, AppError> {
        let name = upstream.config().name.as_str();
        let Some(loaded) = self.cases.store.load_case(case).await? else {
            return Ok(Asked::Gone);
        };
        let Some(handoff) = spoken_of(&loaded.case, name) else {
            return Ok(Asked::Gone);
        };
        let every = upstream.config().poll.map_or(Duration::ZERO, |poll| poll.every);
        let polled = TimeDelta::from_std(every.saturating_mul(2)).unwrap_or(SETTLES_WITHIN);
        let mut around = Around {
            undelivered: self.cases.store.has_undelivered(case, name).await?,
            news_waits: false,
            now: self.cases.clock.now(),
            settles_within: SETTLES_WITHIN.max(polled),
        };
        let mut compared = reconciliation::compare(&loaded.case, name, told, &around);
        if matches!(compared, Comparison::Differs(_)) {
            let number = loaded.case.external_number(name);
            around.news_waits = self
                .news_waits(name, number, loaded.case.tracking.as_str())
                .await?;
            compared = reconciliation::compare(&loaded.case, name, told, &around);
        }
        let differences = match compared {
            Comparison::Alike => Vec::new(),
            Comparison::Unsettled => return Ok(Asked::Unsettled),
            Comparison::Differs(found) => found,
        };
        let found = Some(Found {
            differences,
            handoff: handoff.id,
            as_of,
        });
        Ok(Asked::Compared(Looked { case, found }))
    }

    /// Whether news about a case lies in the inbox and has not been heard.
    async fn news_waits(
        &self,
        upstream: &str,
        number: Option<&str>,
        reference: &str,
    ) -> Result<bool, AppError> {
        let waiting = self.cases.store.pending_notices_of(upstream, NOTICES_MAX).await?;
        for notice in waiting {
            let facts: Vec<UpstreamFact> =
                serde_json::from_value(notice.facts).map_err(AppError::internal)?;
            let about = |fact: &UpstreamFact| {
                number == Some(fact.external_id.as_str()) || fact.our_reference.as_deref() == Some(reference)
            };
            if facts.iter().any(about) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// An answer in the words of the comparison.
fn there(acceptance: &Acceptance) -> There {
    let state = LiveState::of(acceptance);
    let verdict = acceptance.facts.iter().rev().find_map(|fact| match fact.kind {
        FactKind::Decided { verdict, .. } => Some(verdict),
        FactKind::Received
        | FactKind::Accepted
        | FactKind::SupplementRequested { .. }
        | FactKind::SpecialBegun { .. }
        | FactKind::SpecialEnded { .. }
        | FactKind::Opinion { .. }
        | FactKind::Completed
        | FactKind::Delivered
        | FactKind::Rejected { .. }
        | FactKind::Withdrawn
        | FactKind::Note { .. } => None,
    });
    There {
        number: acceptance.external_id.as_str().to_owned(),
        word: state.state,
        outcome: verdict.map(|verdict| match verdict {
            Verdict::Granted => Outcome::Granted,
            Verdict::Denied => Outcome::Denied,
        }),
        changed_at: state.changed_at,
    }
}
