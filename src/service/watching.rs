//! Asking upstream systems by itself: for all news where they do not report back, and for what is overdue there.
//!
//! One replica does a duty at a time, under a lease; what was heard and how far that is are stored together, so a crash
//! anywhere loses nothing and at most hears twice. News goes the way of every notice: by the inbox, as a proposal.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use onedoor_domain::id::{CaseId, HandoffId};

use super::cases::Cases;
use super::live::question_about;
use super::notice::Notices;
use crate::error::AppError;
use crate::store::inbox::NoticeKey;
use crate::store::watch::{Duty, NewNotice, Watch, WatchStep};
use crate::telemetry;
use crate::upstream::fact::{self, UpstreamFact};
use crate::upstream::outcome::Finding;
use crate::upstream::registry::{Registry, Upstream};
use crate::upstream::text::PROVISIONAL;

/// The longest pause after failures.
const PAUSE_MAX: Duration = Duration::from_secs(600);
/// Cases asked for in one go.
const OVERDUE_MAX: u64 = 50;

/// A case to ask for by one of its handoffs, and the cursor behind it.
type Question = (CaseId, HandoffId, Option<String>);

/// Asks by itself.
pub struct Watching {
    cases: Arc<Cases>,
    notices: Arc<Notices>,
    registry: Arc<Registry>,
}

impl Watching {
    /// Joins the parts.
    #[must_use]
    pub const fn new(cases: Arc<Cases>, notices: Arc<Notices>, registry: Arc<Registry>) -> Self {
        Self {
            cases,
            notices,
            registry,
        }
    }

    /// The systems that are polled.
    #[must_use]
    pub fn polled(&self) -> Vec<String> {
        let polled = self
            .registry
            .carriers()
            .filter(|upstream| upstream.config().poll.is_some());
        polled
            .map(|upstream| upstream.config().name.to_string())
            .collect()
    }

    /// The systems that can be asked for a case.
    #[must_use]
    pub fn askable(&self) -> Vec<String> {
        let askable = self.registry.carriers().filter(|upstream| upstream.can_ask());
        askable
            .map(|upstream| upstream.config().name.to_string())
            .collect()
    }

    /// Polls a system if that is due: page by page, until there is no more or enough was read.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE. What the system fails with is not an error here: it is tried again later.
    pub async fn poll(&self, name: &str) -> Result<(), AppError> {
        let Some((upstream, mut watch, lease)) = self.begin(name, Duty::Poll).await? else {
            return Ok(());
        };
        let Some(config) = upstream.config().poll else {
            return Ok(());
        };
        for page_number in 1..=config.pages_max {
            let polled = upstream.driver().poll(watch.cursor.as_deref()).await;
            let now = self.cases.clock.now();
            let Some(page) = polled.page else {
                let step = failed(&watch, config.every, polled.retry_after, now);
                self.cases.store.step_watch(&watch, &step, &[], now).await?;
                return Ok(());
            };
            fail::fail_point!("poll.fetched");
            let moved = page.next.is_some() && page.next != watch.cursor;
            let cursor = page.next.clone().or_else(|| watch.cursor.clone());
            let over = !(page.more && moved);
            let last = over || page_number == config.pages_max;
            let step = WatchStep {
                cursor: cursor.clone(),
                lease_until: if last { now } else { later(now, lease) },
                next_at: if over { later(now, config.every) } else { now },
                failures: 0,
            };
            let facts = self.of_ours(&upstream, page.facts).await?;
            let single = facts.iter().map(std::slice::from_ref);
            if !Box::pin(self.hear(&upstream, &watch, &step, single.collect())).await? || last {
                return Ok(());
            }
            watch.cursor = cursor;
            watch.failures = 0;
        }
        Ok(())
    }

    /// Asks a system for the cases whose work is overdue there and of which nothing was heard, and for those that it took
    /// over under a token and has given no number yet, if that is due.
    ///
    /// # Errors
    /// As [`Self::poll`].
    pub async fn ask_overdue(&self, name: &str) -> Result<(), AppError> {
        let Some((upstream, mut watch, lease)) = self.begin(name, Duty::AskOverdue).await? else {
            return Ok(());
        };
        let every = upstream.config().ask_overdue_every;
        let (questions, whole) = self.to_ask(&upstream, &watch).await?;
        for (case, handoff, cursor) in questions {
            // one case that cannot be written as a question stops no other
            let question = match question_about(&self.cases, &upstream, case, handoff).await {
                Ok(question) => question,
                Err(error) => {
                    tracing::error!(
                        upstream.id = name, case.id = %case, error = %telemetry::chain(&error),
                        "an upstream cannot be asked for a case that is overdue there"
                    );
                    watch.cursor = cursor;
                    continue;
                }
            };
            let inquiry = upstream.driver().find(&question).await;
            let now = self.cases.clock.now();
            let facts = match inquiry.finding {
                Finding::Found(acceptance) => acceptance.facts,
                Finding::Absent => {
                    tracing::warn!(
                        upstream.id = name, case.id = %case,
                        "an upstream does not know a case that it took over and that is overdue there"
                    );
                    Vec::new()
                }
                Finding::Unanswered { retry_after, .. } => {
                    let step = failed(&watch, every, retry_after, now);
                    self.cases.store.step_watch(&watch, &step, &[], now).await?;
                    return Ok(());
                }
                Finding::Held { .. } | Finding::Unsupported => Vec::new(),
            };
            watch.cursor = cursor;
            let step = WatchStep {
                cursor: watch.cursor.clone(),
                lease_until: later(now, lease),
                next_at: now,
                failures: 0,
            };
            let heard = if facts.is_empty() {
                vec![]
            } else {
                vec![facts.as_slice()]
            };
            if !Box::pin(self.hear(&upstream, &watch, &step, heard)).await? {
                return Ok(());
            }
        }
        let now = self.cases.clock.now();
        let step = WatchStep {
            cursor: watch.cursor.clone().filter(|_| whole),
            lease_until: now,
            next_at: if whole { now } else { later(now, every) },
            failures: 0,
        };
        self.cases.store.step_watch(&watch, &step, &[], now).await?;
        Ok(())
    }

    /// What to ask a system for, each with the cursor behind it, and whether there is more that is overdue. Numbers that
    /// are still to be given are asked for at the beginning of each walk and do not move it.
    async fn to_ask(&self, upstream: &Upstream, watch: &Watch) -> Result<(Vec<Question>, bool), AppError> {
        let store = &self.cases.store;
        let name = watch.upstream.as_str();
        let behind: Option<HandoffId> = watch.cursor.as_deref().and_then(|text| text.parse().ok());
        let overdue = store
            .overdue_at(name, behind, self.cases.clock.now(), OVERDUE_MAX)
            .await?;
        let whole = u64::try_from(overdue.len()).is_ok_and(|count| count >= OVERDUE_MAX);
        let provisional = if behind.is_none() && upstream.numbers_may_come_later() {
            store.provisional_at(name, PROVISIONAL, OVERDUE_MAX).await?
        } else {
            Vec::new()
        };
        let first = provisional
            .into_iter()
            .map(|(case, handoff)| (case, handoff, watch.cursor.clone()));
        let then = overdue
            .into_iter()
            .map(|(case, handoff)| (case, handoff, Some(handoff.to_string())));
        Ok((first.chain(then).collect(), whole))
    }

    /// News of cases that this system has from us. Where its news is of everybody's cases the others are dropped before
    /// anything is stored: they are strangers' affairs, and none of them will ever find a case here.
    async fn of_ours(
        &self,
        upstream: &Upstream,
        mut facts: Vec<UpstreamFact>,
    ) -> Result<Vec<UpstreamFact>, AppError> {
        if upstream.news_is_of_everybody() {
            let numbers = facts.iter().map(|fact| fact.external_id.as_str().to_owned());
            let ours = self
                .cases
                .store
                .known_numbers(upstream.config().name.as_str(), numbers.collect())
                .await?;
            facts.retain(|fact| ours.contains(fact.external_id.as_str()));
        }
        Ok(facts)
    }

    async fn begin(
        &self,
        name: &str,
        duty: Duty,
    ) -> Result<Option<(Arc<Upstream>, Watch, Duration)>, AppError> {
        let found = name
            .parse()
            .ok()
            .and_then(|name| self.registry.get(&name).cloned());
        let Some(upstream) = found else { return Ok(None) };
        // one exchange and its writing; each step renews it
        let lease = upstream
            .config()
            .timeout
            .saturating_mul(2)
            .saturating_add(Duration::from_secs(10));
        let now = self.cases.clock.now();
        let watch = self.cases.store.claim_watch(name, duty, now, lease).await?;
        Ok(watch.map(|watch| (upstream, watch, lease)))
    }

    /// Stores news with how far it is, and lets the cases hear it. `false`: another replica goes on by now.
    async fn hear(
        &self,
        upstream: &Upstream,
        watch: &Watch,
        step: &WatchStep,
        news: Vec<&[UpstreamFact]>,
    ) -> Result<bool, AppError> {
        let mut notices = Vec::new();
        for facts in &news {
            notices.push(NewNotice {
                key: NoticeKey {
                    upstream: watch.upstream.clone(),
                    event_id: fact::identity(facts).map_err(AppError::internal)?,
                },
                facts: serde_json::to_value(facts).map_err(AppError::internal)?,
            });
        }
        let now = self.cases.clock.now();
        let Some(new) = self.cases.store.step_watch(watch, step, &notices, now).await? else {
            return Ok(false);
        };
        fail::fail_point!("poll.stored");
        for ((notice, facts), new) in notices.iter().zip(news).zip(new) {
            if !new {
                continue;
            }
            if let Err(error) = Box::pin(self.notices.apply(upstream, &notice.key, facts)).await {
                tracing::error!(
                    upstream.id = %watch.upstream, error = %telemetry::chain(&error),
                    "a stored notice could not be applied; it is offered again"
                );
            }
        }
        Ok(true)
    }
}

/// After a failure: the pause doubles, and is never shorter than the system asks for.
fn failed(watch: &Watch, every: Duration, retry_after: Option<Duration>, now: DateTime<Utc>) -> WatchStep {
    let doublings = u32::try_from(watch.failures).unwrap_or_default().min(10);
    let pause = every.saturating_mul(1 << doublings).min(PAUSE_MAX.max(every));
    WatchStep {
        cursor: watch.cursor.clone(),
        lease_until: now,
        next_at: later(now, retry_after.map_or(pause, |asked| asked.max(pause))),
        failures: watch.failures.saturating_add(1),
    }
}

fn later(now: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(by)
        .ok()
        .and_then(|by| now.checked_add_signed(by))
        .unwrap_or(now)
}
