//! The clock reconciler: finds cases whose clocks are to speak and lets each speak, once.
//!
//! Level-triggered: a pass reads which cases are to be looked at and decides from the case itself. What is said is
//! stored only if the case was not written since, so two replicas never say a thing twice. A case that fails is logged,
//! counted and put off; the others go on.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use onedoor_domain::actor::Actor;
use onedoor_domain::case::command::{By, Command};
use onedoor_domain::case::decide::{self, Outcome};
use onedoor_domain::case::event::Event;
use onedoor_domain::case::refusal::Refusal;
use onedoor_domain::clock::CaseClock;
use onedoor_domain::id::CaseId;
use onedoor_domain::sla::Span;
use prometheus::IntCounterVec;

use super::More;
use super::cases::{ATTEMPTS_MAX, Cases};
use crate::error::{AppError, ErrorCode};
use crate::store::case::Loaded;
use crate::store::names::name_of;
use crate::store::tick::ClaimedTick;
use crate::store::write_set::Commit;
use crate::telemetry;
use crate::telemetry::metrics::Metrics;

/// For how long a claimed case is left alone by other replicas; longer than a pass over a batch takes.
const LEASE: Duration = Duration::from_secs(60);
/// How many cases of a batch are looked at side by side.
const SIDE_BY_SIDE: usize = 4;
/// After how long a case that failed is tried again; doubled with each further failure.
const PUT_OFF_FIRST: chrono::Duration = chrono::Duration::minutes(1);
/// The longest time that a failing case is put off: 2^9 minutes, about eight hours.
const DOUBLINGS_MAX: u32 = 9;

/// What came of one look at a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// Its clocks said something, which is stored.
    Spoke,
    /// There was nothing to say.
    Silent,
}

/// Lets the clocks of cases speak.
pub struct Clocks {
    cases: Arc<Cases>,
    batch: u32,
    looks: IntCounterVec,
    cards: IntCounterVec,
}

impl Clocks {
    /// Registers its metrics. `batch`: how many cases one pass claims.
    ///
    /// # Errors
    /// A metric's name is taken by another kind.
    pub fn new(cases: Arc<Cases>, batch: u32, metrics: &Metrics) -> Result<Self, prometheus::Error> {
        let looks = metrics.counter(
            "onedoor_clock_looks_total",
            "Cases whose clocks were to speak, by outcome: spoke, silent or failed.",
            &["outcome"],
        )?;
        for outcome in ["spoke", "silent", "failed"] {
            looks.with_label_values(&[outcome]);
        }
        Ok(Self {
            cases,
            batch,
            looks,
            cards: metrics.counter(
                "onedoor_cards_raised_total",
                "Cards raised by clocks, by rung of the ladder.",
                &["rung"],
            )?,
        })
    }

    /// Looks at one batch of cases whose time has come, the longest waiting first.
    ///
    /// # Errors
    /// STORE_UNAVAILABLE: the claimed cases are looked at again after their lease. What is wrong with one case alone is
    /// no error here.
    pub async fn pass(&self) -> Result<More, AppError> {
        let now = self.cases.clock.now();
        let claimed = self.cases.store.claim_ticks(now, LEASE, self.batch).await?;
        let full = u32::try_from(claimed.len()).unwrap_or(u32::MAX) >= self.batch;
        let mut looks = stream::iter(claimed)
            .map(|claimed| self.look(claimed))
            .buffer_unordered(SIDE_BY_SIDE);
        let mut unavailable = None;
        while let Some(look) = looks.next().await {
            if let Err(error) = look {
                unavailable = Some(error);
            }
        }
        match unavailable {
            Some(error) => Err(error),
            None if full => Ok(More::Perhaps),
            None => Ok(More::No),
        }
    }

    /// Looks at one case; only an error that is not the case's own leaves.
    async fn look(&self, claimed: ClaimedTick) -> Result<(), AppError> {
        let heard = AssertUnwindSafe(self.hear(claimed.case)).catch_unwind().await;
        let heard = heard.unwrap_or_else(|panic| {
            // what a panic carries may quote the case
            drop(panic);
            Err(AppError::internal("letting the clocks of a case speak panicked"))
        });
        match heard {
            Ok(heard) => {
                let outcome = match heard {
                    Heard::Spoke => "spoke",
                    Heard::Silent => "silent",
                };
                self.looks.with_label_values(&[outcome]).inc();
                Ok(())
            }
            Err(error) if is_of_the_store(&error) => Err(error),
            Err(error) => {
                self.looks.with_label_values(&["failed"]).inc();
                tracing::error!(
                    case.id = %claimed.case, error = %telemetry::chain(&error),
                    "the clocks of a case could not speak; it is put off and tried again"
                );
                let later = PUT_OFF_FIRST * (1 << claimed.failures.min(DOUBLINGS_MAX));
                let until = self.cases.clock.now() + later;
                Ok(self.cases.store.put_tick_off(claimed.case, until).await?)
            }
        }
    }

    async fn hear(&self, case: CaseId) -> Result<Heard, AppError> {
        for _ in 0..ATTEMPTS_MAX {
            fail::fail_point!("clocks.hear");
            let Some(before) = self.cases.store.load_case(case).await? else {
                return Ok(Heard::Silent);
            };
            let outcome = self.cases.by_the_clock(&before, &Command::Tick).await?;
            let now = self.cases.clock.now();
            let unsaid = outcome.next_tick_at.is_some_and(|at| at <= now);
            if outcome.events.is_empty() && unsaid {
                return Err(AppError::internal(
                    "a clock has something to say that changes nothing",
                ));
            }
            if outcome.events.is_empty() {
                let next = outcome.next_tick_at;
                self.cases
                    .store
                    .note_next_tick(case, before.revision, next)
                    .await?;
                return Ok(Heard::Silent);
            }
            let raised: Vec<String> = outcome
                .events
                .iter()
                .filter_map(|new| {
                    let Event::CardRaised { card } = &new.event else {
                        return None;
                    };
                    name_of(card.rung).ok()
                })
                .collect();
            if self.cases.commit_of_the_clock(before, outcome).await? {
                for rung in raised {
                    self.cards.with_label_values(&[rung.as_str()]).inc();
                }
                return Ok(Heard::Spoke);
            }
        }
        Err(AppError::of(ErrorCode::Overloaded))
    }
}

/// Whether the store as a whole does not work, which is nothing that a case can be blamed for.
fn is_of_the_store(error: &AppError) -> bool {
    matches!(error.code, ErrorCode::StoreUnavailable | ErrorCode::Overloaded)
}

impl Cases {
    /// How much of a clock is left at an instant; `None` once it has ended.
    ///
    /// # Errors
    /// The calendar cannot be read, or does not reach so far.
    pub async fn remaining(&self, clock: &CaseClock, at: DateTime<Utc>) -> Result<Option<Span>, AppError> {
        let calendar = self.calendar().await?;
        clock
            .remaining(calendar.calendar(), at)
            .map_err(AppError::internal)
    }

    /// Decides a command of the gateway's own clock.
    pub(super) async fn by_the_clock(&self, before: &Loaded, command: &Command) -> Result<Outcome, AppError> {
        let item = self.item_of(&before.case).await?;
        let (calendar, directory) = (self.calendar().await?, self.directory());
        let by = By::from(&Actor::system("clock"));
        self.decide(by, &item, calendar.calendar(), &directory, |cx| {
            decide::decide(&before.case, command, cx)
        })
        .map_err(|refusal: Refusal| AppError::internal(refusal))
    }

    /// Stores what the clock said; `false`: the case moved on meanwhile, decide again.
    pub(super) async fn commit_of_the_clock(
        &self,
        before: Loaded,
        outcome: Outcome,
    ) -> Result<bool, AppError> {
        let item = self.item_of(&before.case).await?;
        let set = self.write_set(Some(before), outcome, &item, None).await?;
        match self.store.commit(set).await? {
            Commit::Committed(set) => {
                self.committed(&set);
                Ok(true)
            }
            Commit::Stale => Ok(false),
            Commit::Replayed { .. }
            | Commit::Mismatch
            | Commit::Overtaken
            | Commit::NumberTaken
            | Commit::DocumentTaken => Err(AppError::internal("a clock claims no key, delivery or number")),
        }
    }
}
