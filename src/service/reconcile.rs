//! 对账: compares all open cases with what an agency's system says of them, and reports what differs; nothing is changed.
//!
//! A run is walked case by case, in pages as wide as the places that questions have at the system, one replica at a time
//! under a lease. What a page found is stored with how far the run is, so a crash anywhere asks a page twice and neither
//! loses nor doubles a difference. While the system rests the run waits, and goes on where it was.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use futures_util::future::join_all;
use onedoor_domain::id::{CaseId, ReconciliationId};
use onedoor_domain::reconciliation::{Reconciliation, RunCause, RunState, night_of};
use uuid::Uuid;

use super::More;
use super::cases::Cases;
use super::live::QuestionPlaces;
use crate::config::reconcile::ReconcileConfig;
use crate::error::AppError;
use crate::store::reconciliation::Looked;
use crate::store::watch::{Duty, Watch, WatchStep};
use crate::upstream::outcome::HeldReason;
use crate::upstream::registry::{Registry, Upstream};

mod asking;

use asking::Asked;

/// Pages of one look; the loop comes back for the rest, so that a stop does not wait for a whole run.
const PAGES_MAX: u32 = 8;
/// The widest page: what is found waits no longer to be stored.
const PAGE_MAX: u32 = 16;
/// A run that is not over after this time is given up: the next night begins anew.
const RUN_MAX: TimeDelta = TimeDelta::hours(20);
/// Cases that ended so lately are asked for as well, in case the system still works on them.
const ENDED_WITHIN: TimeDelta = TimeDelta::days(7);

/// Compares open cases with upstream systems.
pub struct Reconciling {
    pub(super) cases: Arc<Cases>,
    pub(super) registry: Arc<Registry>,
    places: Arc<QuestionPlaces>,
    nightly: Option<NaiveTime>,
}

/// What came of a page, as far as it was asked for.
#[derive(Default)]
struct Page {
    looked: Vec<Looked>,
    pause: Option<Duration>,
    refused: Option<HeldReason>,
}

impl Reconciling {
    /// Joins the parts.
    #[must_use]
    pub fn new(
        cases: Arc<Cases>,
        registry: Arc<Registry>,
        places: Arc<QuestionPlaces>,
        config: ReconcileConfig,
    ) -> Self {
        Self {
            cases,
            registry,
            places,
            nightly: config.enabled.then_some(config.at.0),
        }
    }

    /// All systems that cases are handed to, by name: those that cannot be asked are reported as such.
    #[must_use]
    pub fn systems(&self) -> Vec<String> {
        let bound = self
            .registry
            .carriers()
            .filter(|upstream| upstream.config().is_bound());
        bound.map(|upstream| upstream.config().name.to_string()).collect()
    }

    /// Begins the run that is due at a system, or goes on with it, for a few pages.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE. What the system fails with is not an error here: it is counted, or waited for.
    pub async fn look(&self, name: &str) -> Result<More, AppError> {
        let found = name.parse().ok().and_then(|name| self.registry.get(&name));
        let Some(upstream) = found.cloned() else {
            return Ok(More::No);
        };
        let night = self.night_at(&upstream);
        if !self.is_wanted(name, night.as_deref()).await? {
            return Ok(More::No);
        }
        let (now, lease) = (self.cases.clock.now(), lease_of(&upstream));
        let store = &self.cases.store;
        let Some(watch) = store.claim_watch(name, Duty::Reconcile, now, lease).await? else {
            return Ok(More::No);
        };
        let Some(begun) = self.begin(&upstream, &watch, night).await? else {
            return Ok(More::Perhaps);
        };
        Box::pin(self.go_on(&upstream, watch, begun)).await
    }

    /// The night that is due at a system; `None`: it is not compared with by itself.
    fn night_at(&self, upstream: &Upstream) -> Option<String> {
        let at = self.nightly.filter(|_| upstream.config().reconcile.nightly)?;
        Some(night_of(self.cases.clock.now(), at).to_string())
    }

    /// Whether there is anything to begin or to go on with; most of the time there is not, and nothing is written.
    async fn is_wanted(&self, name: &str, night: Option<&str>) -> Result<bool, AppError> {
        if let Some(night) = night {
            let done = self.cases.store.watched(name, Duty::Reconcile).await?;
            if done.flatten().is_none_or(|done| done.as_str() < night) {
                return Ok(true);
            }
        }
        Ok(self.cases.store.unfinished_reconciliation(name).await?.is_some())
    }

    /// The run to go on with, marked as under way, and the night it leaves behind; `None`: there is none, or it was over
    /// at once.
    async fn begin(
        &self,
        upstream: &Upstream,
        watch: &Watch,
        night: Option<String>,
    ) -> Result<Option<(Reconciliation, Option<String>)>, AppError> {
        let store = &self.cases.store;
        let now = self.cases.clock.now();
        let done = watch.cursor.clone();
        let (mut run, cursor) = match (store.unfinished_reconciliation(&watch.upstream).await?, night) {
            (Some(run), _) => (run, done),
            (None, Some(night)) if done.as_ref().is_some_and(|done| *done < night) => {
                let run = planned(&watch.upstream, RunCause::Nightly, None, now);
                (run, Some(night))
            }
            (None, night) => {
                // the first look of all: nights count from now on
                let step = step_to(done.or(night), now, now);
                store.step_watch(watch, &step, &[], now).await?;
                return Ok(None);
            }
        };
        let started = *run.started_at.get_or_insert(now);
        if now - started > RUN_MAX {
            self.end(watch, run, (RunState::Failed, Some("UNANSWERED")), cursor)
                .await?;
            return Ok(None);
        }
        if !upstream.can_ask() {
            self.end(watch, run, (RunState::NotAskable, None), cursor).await?;
            return Ok(None);
        }
        if run.state == RunState::Running {
            return Ok(Some((run, cursor)));
        }
        run.state = RunState::Running;
        let step = step_to(cursor.clone(), later(now, lease_of(upstream)), now);
        let begun = store.step_reconciliation(watch, &step, run, &[], now).await?;
        Ok(begun.map(|run| (run, cursor)))
    }

    async fn go_on(
        &self,
        upstream: &Arc<Upstream>,
        watch: Watch,
        (mut run, cursor): (Reconciliation, Option<String>),
    ) -> Result<More, AppError> {
        let (store, lease) = (&self.cases.store, lease_of(upstream));
        let width = QuestionPlaces::half(upstream.config()).min(PAGE_MAX);
        let ended_since = run.started_at.unwrap_or(run.requested_at) - ENDED_WITHIN;
        for number in 1..=PAGES_MAX {
            let cases = store
                .reconcilable(&watch.upstream, run.cursor, ended_since, u64::from(width))
                .await?;
            if cases.is_empty() {
                self.end(&watch, run, (RunState::Done, None), cursor).await?;
                return Ok(More::Perhaps);
            }
            let asked = cases.into_iter().map(|case| async move {
                let came = self.ask(upstream, case).await?;
                Ok::<_, AppError>((case, came))
            });
            let asked: Result<Vec<_>, AppError> = join_all(asked).await.into_iter().collect();
            fail::fail_point!("reconcile.asked");
            let page = Page::of(asked?, &mut run);
            let now = self.cases.clock.now();
            let over = page.pause.is_some() || page.refused.is_some() || number == PAGES_MAX;
            let held_until = if over && page.refused.is_none() {
                now
            } else {
                later(now, lease)
            };
            let next_at = page.pause.map_or(now, |pause| later(now, pause));
            let step = step_to(cursor.clone(), held_until, next_at);
            let Some(stored) = store
                .step_reconciliation(&watch, &step, run, &page.looked, now)
                .await?
            else {
                return Ok(More::No);
            };
            fail::fail_point!("reconcile.stored");
            if let Some(reason) = page.refused {
                let failed = (RunState::Failed, Some(reason.as_str()));
                self.end(&watch, stored, failed, cursor).await?;
                return Ok(More::Perhaps);
            }
            if page.pause.is_some() {
                return Ok(More::No);
            }
            run = stored;
        }
        Ok(More::Perhaps)
    }

    /// Ends a run and gives the watch back.
    async fn end(
        &self,
        watch: &Watch,
        mut run: Reconciliation,
        (state, reason): (RunState, Option<&str>),
        cursor: Option<String>,
    ) -> Result<(), AppError> {
        let now = self.cases.clock.now();
        run.state = state;
        run.ended_at = Some(now);
        run.reason = reason.map(str::to_owned);
        let step = step_to(cursor, now, now);
        let store = &self.cases.store;
        if let Some(run) = store.step_reconciliation(watch, &step, run, &[], now).await? {
            tell(&run);
        }
        Ok(())
    }
}

impl Page {
    /// What was asked for before the first that could not be: the run goes on behind that.
    fn of(asked: Vec<(CaseId, Asked)>, run: &mut Reconciliation) -> Self {
        let mut page = Self::default();
        for (case, came) in asked {
            let nothing = Looked { case, found: None };
            let one_more = |count: &mut u32| *count = count.saturating_add(1);
            match came {
                Asked::Pause(pause) => {
                    page.pause = Some(pause);
                    break;
                }
                Asked::Refused(reason) => {
                    page.refused = Some(reason);
                    break;
                }
                Asked::Gone => {
                    run.cursor = Some(case);
                    continue;
                }
                Asked::Unsettled => {
                    one_more(&mut run.unsettled);
                    page.looked.push(nothing);
                }
                Asked::Unanswered => {
                    one_more(&mut run.unanswered);
                    page.looked.push(nothing);
                }
                Asked::Compared(looked) => {
                    if looked
                        .found
                        .as_ref()
                        .is_some_and(|found| !found.differences.is_empty())
                    {
                        one_more(&mut run.differing);
                    }
                    page.looked.push(looked);
                }
            }
            one_more(&mut run.checked);
            run.cursor = Some(case);
        }
        page
    }
}

/// A run that nobody has begun.
pub(super) fn planned(
    upstream: &str,
    cause: RunCause,
    requested_by: Option<String>,
    now: DateTime<Utc>,
) -> Reconciliation {
    Reconciliation {
        id: ReconciliationId::from_uuid(Uuid::now_v7()),
        upstream: upstream.to_owned(),
        cause,
        requested_by,
        state: RunState::Waiting,
        requested_at: now,
        started_at: None,
        ended_at: None,
        checked: 0,
        differing: 0,
        unanswered: 0,
        unsettled: 0,
        resolved: 0,
        reason: None,
        cursor: None,
    }
}

fn step_to(cursor: Option<String>, lease_until: DateTime<Utc>, next_at: DateTime<Utc>) -> WatchStep {
    WatchStep {
        cursor,
        lease_until,
        next_at,
        failures: 0,
    }
}

/// One page and its writing, at the system's pace; each step renews it.
fn lease_of(upstream: &Upstream) -> Duration {
    let config = upstream.config();
    let paced = config
        .rate_per_second
        .map_or(0, |rate| PAGE_MAX.div_ceil(rate.get()));
    config
        .timeout
        .saturating_mul(2)
        .saturating_add(Duration::from_secs(10 + u64::from(paced)))
}

fn later(now: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(by)
        .ok()
        .and_then(|by| now.checked_add_signed(by))
        .unwrap_or(now)
}

/// One line a run.
fn tell(run: &Reconciliation) {
    let attention = match run.state {
        RunState::NotAskable => Some("an upstream cannot be asked for cases, so nothing was compared"),
        RunState::Failed => Some("a comparison with an upstream was given up"),
        RunState::Done if run.differing > 0 => Some("cases stand otherwise at an upstream than here"),
        RunState::Done | RunState::Waiting | RunState::Running => None,
    };
    let reason = run.reason.as_deref();
    match attention {
        Some(text) => tracing::warn!(
            upstream.id = %run.upstream, reconciliation.id = %run.id, reconciliation.checked = run.checked,
            reconciliation.differing = run.differing, reconciliation.unanswered = run.unanswered,
            reconciliation.unsettled = run.unsettled, reconciliation.resolved = run.resolved, reason,
            "{text}"
        ),
        None => tracing::info!(
            upstream.id = %run.upstream, reconciliation.id = %run.id, reconciliation.checked = run.checked,
            reconciliation.unanswered = run.unanswered, reconciliation.unsettled = run.unsettled,
            reconciliation.resolved = run.resolved, reason,
            "a comparison with an upstream found nothing that differs"
        ),
    }
}
